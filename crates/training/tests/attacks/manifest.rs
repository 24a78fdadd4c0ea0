//! The tamper manifest, `manifest.txt`: one row for every field of every file and every change of it, with the exact
//! errors that reject it.
//!
//! The serialised structures are walked as trees: a field without a row fails, a row without a field fails, another
//! error fails, and so does a change that is accepted. After a wanted change of a format run with `TACIT_WRITE=1` and
//! review the difference.
use crate::common::{Owner, commit, data, logistic, perceptron, prove};
use crate::mutations::{Errors, kind, nodes, variants, walk_named};
use crate::one_chunk;
use crate::reports::{BOUNDS, FIGURES, Proven, every_rate, regression, strategy};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use tacit_training::config::{Decay, NormBits, Order};
use tacit_training::file::{Kind, decode, encode};
use tacit_training::initial::initial_weights;
use tacit_training::link::{LinkProof, Linked, RowRelation, verify_link};
use tacit_training::record::Labels;
use tacit_training::release::{
    Circumstances, Earlier, Override, ReleaseInput, prove_release, release_rules, verify_release,
};
use tacit_training::report::{
    Calendar, Compared, Figure, Input, Position, PublicTable, Rate, ReportProof, Rows as ReportRows, ScoreFigure,
    ScoreLoss, Shown, TargetError, verify_public_report,
};
use tacit_training::run::{RunProof, verify_run};
use tacit_training::statement::{Origin, Start};
use tacit_training::verify::{DataFile, schema_id, verify_data_file};

/// (file, field, change) to errors.
type Rows = BTreeMap<(String, String, String), String>;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/attacks/manifest.txt");

fn rows_of(file: &str, errors: &Errors) -> Rows {
    let mut out = Rows::new();
    for (field, changes) in errors {
        for (change, errors) in changes {
            let errors = errors.iter().cloned().collect::<Vec<_>>().join(" | ");
            out.insert((file.to_string(), field.clone(), (*change).to_string()), errors);
        }
    }
    out
}

/// Every leaf of the structure has a row of its own below `at`: a number, a string, a tag, or an empty list or option.
fn every_leaf_has_a_row<T: Serialize>(file: &str, at: &str, value: &T, rows: &Rows) {
    let tree = serde_json::to_value(value).unwrap();
    let mut all = vec![];
    nodes(&tree, &mut vec![], &mut all);
    let below = |r: &&(String, String, String)| r.0 == file;
    let named: BTreeSet<&str> = rows.keys().filter(below).filter_map(|r| r.1.strip_prefix(at)).collect();
    let mut missing = BTreeSet::new();
    for path in all {
        let leaf = path.iter().fold(&tree, |v, key| match v {
            Value::Array(a) => &a[key.parse::<usize>().unwrap()],
            v => &v[key],
        });
        let compound = match leaf {
            Value::Array(a) => !a.is_empty(),
            Value::Object(o) => !o.is_empty(),
            _ => false,
        };
        let kind = kind(&path);
        // A type's marker, which has no bytes.
        if !compound && !kind.ends_with("._phantom") && !named.contains(kind.as_str()) {
            missing.insert(format!("{kind} = {leaf}"));
        }
    }
    assert!(missing.is_empty(), "{file}: no change of these was rejected: {missing:#?}");
}

fn walked<T: Serialize + DeserializeOwned, E: Debug>(
    file: &str,
    value: &T,
    verify: impl Fn(&T) -> Result<(), E>,
) -> Rows {
    verify(value).expect("the honest file");
    let rows = rows_of(file, &walk_named(value, |v| verify(v).map_err(|e| variants(&e))));
    every_leaf_has_a_row(file, "", value, &rows);
    rows
}

/// Where the rows of the fields of every kind of file stand: in its own, or in those of the run that it becomes a part
/// of. A kind without an entry does not compile.
const fn home(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Data => ("data", ""),
        Kind::Run => ("run", ""),
        Kind::Release => ("release", ""),
        Kind::Report => ("report", ""),
        Kind::Link => ("link of data", ""),
        Kind::Model => ("run", "chunks.*.model_out."),
        Kind::Statement => ("run", "statement."),
        Kind::Chunk => ("run", "chunks.*."),
    }
}

/// A file of one kind: every leaf of its body has a row, and so has every byte of its frame.
fn framed<T: Serialize + DeserializeOwned>(kind: Kind, body: &T, rows: &mut Rows) {
    let (file, at) = home(kind);
    every_leaf_has_a_row(file, at, body, rows);
    let bytes = encode(kind, body).unwrap();
    decode::<T>(kind, &bytes).unwrap();
    let error = |bytes: &[u8]| variants(&decode::<T>(kind, bytes).err().expect("a changed frame"));
    let mut frame = |field: &str, change: &str, bytes: &[u8]| {
        let row = (format!("frame of kind {}", kind as u8), field.to_string(), change.to_string());
        let found = error(bytes);
        assert_eq!(rows.insert(row, found.clone()).unwrap_or_else(|| found.clone()), found);
    };
    for (field, range) in [("magic", 0..6), ("format version", 6..8), ("kind", 8..9)] {
        for i in range.clone() {
            let mut changed = bytes.clone();
            changed[i] ^= 1 << (i % 8);
            frame(field, "bit", &changed);
        }
        frame(field, "shorter", &bytes[..range.end - 1]);
    }
    frame("body", "longer", &[bytes.as_slice(), &[0]].concat());
    frame("body", "shorter", &bytes[..bytes.len() - 1]);
    frame("body", "absent", &bytes[..9]);
}

fn text(rows: &Rows) -> String {
    let mut out = String::from("# file ; field ; change ; errors\n");
    for ((file, field, change), errors) in rows {
        out.push_str(&format!("{file} ; {field} ; {change} ; {errors}\n"));
    }
    out
}

fn parsed(text: &str) -> Rows {
    let lines = text.lines().filter(|l| !l.starts_with('#'));
    lines
        .map(|l| {
            let parts: Vec<&str> = l.split(" ; ").collect();
            assert_eq!(parts.len(), 4, "{l}");
            ((parts[0].into(), parts[1].into(), parts[2].into()), parts[3].into())
        })
        .collect()
}

/// A change that precedes a proof of work passes it by chance, about once in 2^16: such a row may differ once.
fn compare(found: &Rows, expected: &Rows) {
    let mut lucky = 0;
    for (row, errors) in found {
        match expected.get(row) {
            None => panic!("no row for {row:?}: {errors}"),
            Some(e) if e == errors => {}
            Some(e) if e.contains("Opening::Work") => lucky += 1,
            Some(e) => panic!("{row:?}: {errors}, the manifest has {e}"),
        }
    }
    assert!(lucky < 2, "proofs of work");
    let idle: Vec<_> = expected.keys().filter(|row| !found.contains_key(*row)).collect();
    assert!(idle.is_empty(), "rows without a field: {idle:?}");
}

/// Squared error, momentum, decay, a start from a beacon, an order from a verifier's nonce.
fn every_option() -> RunProof {
    let mut config = one_chunk(regression());
    config.scales.kappa = 4;
    config.schedule.filter = vec![16, 14, 13];
    config.schedule.decay = Some(Decay { bits: 4, numerators: vec![15] });
    config.order = Order::Shuffled { seed: [0; 32] };
    let mut owner = Owner::new(config, true);
    let beacon = Origin::Beacon { name: "noise".into(), round: 3, output: [6; 32] };
    let verifier = Origin::Verifier { nonce: [42; 32] };
    owner.first = None;
    owner.statement.start = Start::Seed { origin: beacon.clone() };
    owner.statement.order_origin = Some(verifier.clone());
    let seed = owner.statement.seed("order", &verifier).unwrap();
    owner.statement.config.order = Order::Shuffled { seed };
    let seed = owner.statement.seed("initial", &beacon).unwrap();
    owner.state.weights = initial_weights(&owner.statement.config, &seed);
    owner.prove().1
}

fn run_rows() -> Rows {
    let mut config = one_chunk(perceptron());
    config.norms = Some(NormBits { z: 34, q: 32 });
    config.carry_bits = Some(33);
    config.schedule.average = Some(2);
    let (_, hidden) = prove(config, true);
    let mut rows = walked("run", &hidden, |r| verify_run(r).map(|_| ()));
    framed(Kind::Run, &hidden, &mut rows);
    framed(Kind::Statement, &hidden.statement, &mut rows);
    framed(Kind::Chunk, &hidden.chunks[0], &mut rows);
    framed(Kind::Model, &hidden.chunks[0].model_out, &mut rows);
    // The other kinds of start, order, labels and schedule: their statements.
    let (_, public) = prove(one_chunk(logistic()), false);
    for (file, run) in [("run from a seed, statement", public), ("run with every option, statement", every_option())] {
        rows.extend(walked(file, &run.statement, |s| {
            let mut changed = run.clone();
            changed.statement = s.clone();
            verify_run(&changed).map(|_| ())
        }));
    }
    rows
}

const TANH: Position = Position::Tanh { shift: 6, bits: 2, long: false, most: 3 };

fn report_rows() -> Rows {
    let classes = Proven::new(one_chunk(perceptron()));
    let report = classes.by_group();
    let mut rows = walked("report", &report, |r| classes.verify(r).map(|_| ()));
    framed(Kind::Report, &report, &mut rows);
    let targets = Proven::new(one_chunk(regression()));
    let fitted = Proven::fitted(one_chunk(regression()));
    let binary = Proven::new(one_chunk(logistic()));
    let traded = Proven::traded();
    let pairs = [true, false].map(|more| Proven::pair(one_chunk(logistic()), more));
    let others: [(&str, &Proven, ReportProof); 15] = [
        ("report of rates, statement", &classes, classes.rates()),
        ("report on public rows, statement", &classes, classes.public()),
        ("report on public labels, statement", &classes, classes.labelled()),
        ("backtest of public rows, statement", &traded, traded.public_backtest()),
        ("predictions, statement", &classes, classes.predictions()),
        ("report of sums, statement", &targets, targets.sums()),
        ("backtest, statement", &traded, traded.backtest(Position::Long, &FIGURES)),
        ("backtest of tanh, statement", &traded, traded.backtest(TANH, &FIGURES[..1])),
        ("backtest of bounds, statement", &traded, traded.bounded_backtest()),
        ("report of scores, statement", &binary, binary.scores()),
        ("report of ranks, statement", &classes, classes.ranks()),
        ("report of bounds at a threshold, statement", &binary, binary.at_threshold()),
        ("report of bounded errors, statement", &fitted, fitted.bounded_errors()),
        ("comparison, statement", &pairs[0], pairs[0].compared()),
        ("comparison the other way, statement", &pairs[1], pairs[1].compared()),
    ];
    for (file, proven, report) in others {
        rows.extend(walked(file, &report.statement, |s| {
            let changed = ReportProof { statement: s.clone(), proof: report.proof.clone() };
            proven.verify(&changed).map(|_| ())
        }));
    }
    let (report, weights) = classes.of_public_model();
    rows.extend(walked("report on a public model, statement", &report.statement, |s| {
        let changed = ReportProof { statement: s.clone(), proof: report.proof.clone() };
        verify_public_report(&changed, &weights).map(|_| ())
    }));
    rows
}

fn data_rows() -> Rows {
    let config = perceptron();
    let schema = "{\"columns\": 5}".to_string();
    let mut c = crate::common::data_record(&config);
    c.schema = schema_id(&schema);
    c.names = Some(vec!["age".to_string(); 5]);
    c.released = vec!["scale".to_string()];
    let payload = tacit_training::validity::data_payload(&c, &data(&config));
    let entropy = tacit_argument::entropy::Entropy::fresh(&[1; 32], &[2; 32]).unwrap();
    let c = tacit_training::validity::commit_data(c, &payload, &[3; 32], entropy).unwrap();
    let file = DataFile { record: c.record, schema, proof: c.proof };
    let verify = |f: &DataFile| verify_data_file(&encode(Kind::Data, f).unwrap()).map(|_| ());
    let mut rows = walked("data", &file, verify);
    framed(Kind::Data, &file, &mut rows);
    // Without names and released parameters, of which there may be none.
    let c = commit(&config, &data(&config));
    let verify = |record: &_| tacit_training::validity::verify_data(record, &c.proof);
    rows.extend(walked("data without names, record", &c.record, verify));
    rows
}

fn release_rows() -> Rows {
    let proven = Proven::new(one_chunk(logistic()));
    let (statement, record) = (proven.statement(), &proven.model.record);
    let exemption = Some(Override::PublicData);
    let public = Circumstances { known: &[], feature_bits: None, earlier: Earlier::Nothing, exemption };
    let permit = release_rules(statement, 12, &public).unwrap();
    let names = vec![("0.weight".to_string(), Some("0.bias".to_string()))];
    let input = ReleaseInput { statement, model: &proven.model, weights: &proven.weights, names: &names };
    let release = prove_release(&input, permit, &[1; 32]).unwrap();
    let mut rows = walked("release", &release, |r| verify_release(r, &proven.verdict, statement, record).map(|_| ()));
    framed(Kind::Release, &release, &mut rows);
    rows
}

fn link_rows() -> Rows {
    let [data, model, same, subset, disjoint] = crate::links::every_link();
    let verify = |l: &LinkProof| verify_link(l).map(|_| ()).map_err(|e| variants(&e));
    let mut rows = rows_of("link of data", &walk_named(&data, verify));
    // A list that is empty in every honest file of this kind: the walk does not know what to put into it.
    let mut longer = data.clone();
    longer.proof.masked.sacrifices.push(Default::default());
    let row = ["link of data", "proof.masked.sacrifices", "longer"].map(String::from);
    rows.insert(row.into(), verify(&longer).unwrap_err());
    every_leaf_has_a_row("link of data", "", &data, &rows);
    framed(Kind::Link, &data, &mut rows);
    rows.extend(walked("link of disjoint rows", &disjoint, |l| verify_link(l).map(|_| ())));
    let statements = [
        ("link of models, statement", model),
        ("link of equal rows, statement", same),
        ("link of some rows, statement", subset),
    ];
    for (file, link) in statements {
        rows.extend(walked(file, &link.statement, |s| {
            verify_link(&LinkProof { statement: s.clone(), proof: link.proof.clone() }).map(|_| ())
        }));
    }
    rows
}

/// The fields by which the variants of the enums of all statements are known. A new variant does not compile, one that
/// no file has fails.
fn every_variant_has_a_row(rows: &Rows) {
    let origins = [
        Origin::Prover { nonce: 0 },
        Origin::Verifier { nonce: [0; 32] },
        Origin::Beacon { name: String::new(), round: 0, output: [0; 32] },
    ];
    let origin = |o: &Origin| match o {
        Origin::Prover { nonce: _ } => vec!["Prover.nonce"],
        Origin::Verifier { nonce: _ } => vec!["Verifier.nonce"],
        Origin::Beacon { name: _, round: _, output: _ } => vec!["Beacon.name", "Beacon.round", "Beacon.output"],
    };
    let labels = [Labels::Class { classes: 1 }, Labels::Binary { outputs: 1 }, Labels::Real { outputs: 1, bits: 1 }];
    let label = |l: &Labels| match l {
        Labels::Class { classes: _ } => vec!["Class.classes"],
        Labels::Binary { outputs: _ } => vec!["Binary.outputs"],
        Labels::Real { outputs: _, bits: _ } => vec!["Real.outputs", "Real.bits"],
    };
    let order = |o: &Order| match o {
        Order::Contiguous => "config.order",
        Order::Shuffled { seed: _ } => "Shuffled.seed",
    };
    let start = |s: &Start| match s {
        Start::Hidden { record: _, bits: _ } => vec!["Hidden.bits", "Hidden.record.version"],
        Start::Seed { origin: _ } => vec!["Seed.origin"],
    };
    let read = |r: &ReportRows| match r {
        ReportRows::All => vec!["Committed.rows"],
        ReportRows::Range { first: _, count: _ } => vec!["Range.first", "Range.count"],
        ReportRows::Listed(_) => vec!["Listed"],
        ReportRows::Hidden { count: _ } => vec!["rows.Hidden.count"],
    };
    let input = |i: &Input| match i {
        Input::Committed { data: _, rows } => [vec!["Committed.data.version"], read(rows)].concat(),
        Input::Public { features: _ } => vec!["Public.features"],
        Input::Table { table: _ } => vec![
            "Table.table.fa",
            "Table.table.data_bits",
            "Table.table.features",
            "Table.table.labels",
            "Table.table.values",
            "Table.table.earlier",
        ],
    };
    let rate = |r: &Rate| match r {
        Rate::Accuracy => "AtLeast.rate",
        Rate::Recall { class: _ } => "rate.Recall.class",
        Rate::Precision { class: _ } => "rate.Precision.class",
        Rate::F1 { class: _ } => "rate.F1.class",
        Rate::FalsePositives { class: _ } => "rate.FalsePositives.class",
        Rate::Predicted { class: _ } => "rate.Predicted.class",
        Rate::TopK { k: _ } => "rate.TopK.k",
    };
    let shown = |s: &Shown| match s {
        Shown::Outputs { values: _ } => vec!["Outputs.values"],
        Shown::Classes { classes: _ } => vec!["Classes.classes"],
        Shown::Margins { plus: _, minus: _, bounds: _ } => vec!["Margins.plus", "Margins.minus", "Margins.bounds"],
        Shown::Committed { outputs: _ } => vec!["Committed.outputs.version", "Committed.outputs.vector"],
        Shown::SquaredError { sum: _ } => vec!["SquaredError.sum"],
        Shown::AbsoluteError { sum: _ } => vec!["AbsoluteError.sum"],
        Shown::TargetMoments { sums: _, squares: _ } => vec!["TargetMoments.sums", "TargetMoments.squares"],
        Shown::Counts { counts: _ } => vec!["Counts.counts"],
        Shown::Exactly { rate: _, group: _, numerator: _, denominator: _ } => {
            vec!["Exactly.rate", "Exactly.group", "Exactly.numerator", "Exactly.denominator"]
        }
        Shown::AtLeast { rate: _, group: _, bound: _ } => vec!["AtLeast.rate", "AtLeast.group", "AtLeast.bound"],
        Shown::GapAtMost { rate: _, denominators: _, bound: _ } => {
            vec!["GapAtMost.rate", "GapAtMost.denominators", "GapAtMost.bound"]
        }
        Shown::Backtest { strategy: _, figures: _ } => vec![
            "strategy.position",
            "strategy.cost",
            "strategy.unit",
            "strategy.periods",
            "lags.*.column",
            "lags.*.back",
            "Backtest.figures",
        ],
        Shown::Scores { group: _, figure: _ } => vec!["Scores.group", "Scores.figure"],
        Shown::MeanErrorAtMost { error: _, group: _, bound: _ } => {
            vec!["MeanErrorAtMost.error", "MeanErrorAtMost.group", "MeanErrorAtMost.bound"]
        }
        Shown::ExplainedAtLeast { bound: _ } => vec!["ExplainedAtLeast.bound"],
        Shown::BetterBy { metric: _, group: _, bound: _ } => {
            vec!["BetterBy.metric", "BetterBy.group", "BetterBy.bound", "against.model_digest", "against.run_digest"]
        }
        Shown::Calendar { calendar: Calendar::Days { days: _ } } => vec!["Calendar.calendar.Days.days"],
        Shown::Calendar { calendar: Calendar::Numbers { numbers: _ } } => vec!["Calendar.calendar.Numbers.numbers"],
    };
    let compared = |c: &Compared| match c {
        Compared::Rate { rate: _ } => vec!["metric.Rate.rate"],
        Compared::Auc => vec!["BetterBy.metric"],
        Compared::Loss { loss: _ } => vec!["metric.Loss.loss"],
    };
    let position = |p: &Position| match p {
        Position::Sign | Position::Long => vec!["strategy.position"],
        Position::Linear { limit: _, bits: _, long: _, most: _ } => {
            vec!["Linear.limit", "Linear.bits", "Linear.long", "Linear.most"]
        }
        Position::Tanh { shift: _, bits: _, long: _, most: _ } => {
            vec!["Tanh.shift", "Tanh.bits", "Tanh.long", "Tanh.most"]
        }
    };
    let figure = |f: &Figure| match f {
        Figure::Profit { sum: _ } => vec!["figures.*.Profit.sum"],
        Figure::Squares { sum: _ } => vec!["figures.*.Squares.sum"],
        Figure::Downside { sum: _ } => vec!["figures.*.Downside.sum"],
        Figure::Turnover { sum: _ } => vec!["figures.*.Turnover.sum"],
        Figure::Hits { profitable: _, invested: _ } => vec!["Hits.profitable", "Hits.invested"],
        Figure::Drawdown { value: _ } => vec!["Drawdown.value"],
        Figure::ProfitAtLeast { bound: _ } => vec!["ProfitAtLeast.bound"],
        Figure::SquaresAtMost { bound: _ } => vec!["SquaresAtMost.bound"],
        Figure::TurnoverAtMost { bound: _ } => vec!["TurnoverAtMost.bound"],
        Figure::HitsAtLeast { bound: _ } => vec!["HitsAtLeast.bound"],
        Figure::DrawdownAtMost { bound: _ } => vec!["DrawdownAtMost.bound"],
        Figure::SharpeAtLeast { bound: _ } => vec!["SharpeAtLeast.bound"],
        Figure::SortinoAtLeast { bound: _ } => vec!["SortinoAtLeast.bound"],
    };
    let linear = Position::Linear { limit: 1, bits: 1, long: false, most: 2 };
    let linked = |l: &Linked| match l {
        Linked::Data { first: _, second: _ } => vec!["Data.first.version", "Data.second.version"],
        Linked::Model { first: _, second: _ } => vec!["Model.first.version", "Model.second.version"],
        Linked::Rows { relation, first: _, second: _ } => {
            let field = match relation {
                RowRelation::Same | RowRelation::Subset => "Rows.relation",
                RowRelation::Disjoint { nonce: _ } => "Rows.relation.Disjoint.nonce",
            };
            vec![field, "Rows.first.version", "Rows.second.version"]
        }
    };
    let links = crate::links::every_link().map(|l| l.statement.linked);
    let score = |f: &ScoreFigure| match f {
        ScoreFigure::Auc { twice: _, positives: _, negatives: _ } => {
            vec!["figure.Auc.twice", "figure.Auc.positives", "figure.Auc.negatives"]
        }
        ScoreFigure::AucAtLeast { bound: _ } => vec!["figure.AucAtLeast.bound"],
        ScoreFigure::AucGapAtMost { positives: _, negatives: _, bound: _ } => {
            vec!["figure.AucGapAtMost.positives", "figure.AucGapAtMost.negatives", "figure.AucGapAtMost.bound"]
        }
        ScoreFigure::Loss { loss: _, sum: _, rows: _ } => {
            vec!["figure.Loss.loss", "figure.Loss.sum", "figure.Loss.rows"]
        }
        ScoreFigure::LossAtMost { loss: _, bound: _ } => vec!["figure.LossAtMost.loss", "figure.LossAtMost.bound"],
        ScoreFigure::Calibration { edges: _, bins: _ } => {
            vec!["figure.Calibration.edges", "figure.Calibration.bins", "bins.*.probability", "bins.*.rows"]
        }
        ScoreFigure::Thresholds { edges: _, bins: _ } => vec!["figure.Thresholds.edges", "figure.Thresholds.bins"],
        ScoreFigure::RateAtLeast { rate: _, edge: _, bound: _ } => {
            vec!["figure.RateAtLeast.rate", "figure.RateAtLeast.edge", "figure.RateAtLeast.bound"]
        }
        ScoreFigure::RateAtMost { rate: _, edge: _, bound: _ } => {
            vec!["figure.RateAtMost.rate", "figure.RateAtMost.edge", "figure.RateAtMost.bound"]
        }
        ScoreFigure::BalancedAtLeast { edge: _, bound: _ } => {
            vec!["figure.BalancedAtLeast.edge", "figure.BalancedAtLeast.bound"]
        }
    };
    let bound = (0, 1);
    let all_figures = [
        ScoreFigure::Auc { twice: 0, positives: 0, negatives: 0 },
        ScoreFigure::AucAtLeast { bound },
        ScoreFigure::AucGapAtMost { positives: vec![], negatives: vec![], bound },
        ScoreFigure::Loss { loss: ScoreLoss::Log, sum: 0, rows: 0 },
        ScoreFigure::LossAtMost { loss: ScoreLoss::Log, bound },
        ScoreFigure::Calibration { edges: vec![], bins: vec![] },
        ScoreFigure::Thresholds { edges: vec![], bins: vec![] },
        ScoreFigure::RateAtLeast { rate: Rate::Accuracy, edge: 0, bound },
        ScoreFigure::RateAtMost { rate: Rate::Accuracy, edge: 0, bound },
        ScoreFigure::BalancedAtLeast { edge: 0, bound },
    ];
    let mut rates = every_rate(0).to_vec();
    rates.push(Rate::TopK { k: 1 });
    let group = None;
    let record = crate::common::data_record(&perceptron());
    let all_shown = [
        Shown::Outputs { values: vec![] },
        Shown::Classes { classes: vec![] },
        Shown::Margins { plus: None, minus: None, bounds: vec![] },
        Shown::Committed { outputs: Box::new(record.clone()) },
        Shown::SquaredError { sum: 0 },
        Shown::AbsoluteError { sum: 0 },
        Shown::TargetMoments { sums: vec![], squares: 0 },
        Shown::Counts { counts: vec![] },
        Shown::Exactly { rate: rates[0], group, numerator: 0, denominator: 1 },
        Shown::AtLeast { rate: rates[0], group, bound },
        Shown::GapAtMost { rate: rates[0], denominators: vec![], bound },
        Shown::Backtest { strategy: strategy(Position::Sign), figures: vec![] },
        Shown::Scores { group, figure: all_figures[1].clone() },
        Shown::BetterBy { metric: Compared::Auc, group, bound },
        Shown::Calendar { calendar: Calendar::Days { days: vec![] } },
        Shown::Calendar { calendar: Calendar::Numbers { numbers: vec![] } },
        Shown::MeanErrorAtMost { error: TargetError::Squared, group, bound },
        Shown::ExplainedAtLeast { bound },
    ];
    let metrics = [Compared::Rate { rate: rates[0] }, Compared::Auc, Compared::Loss { loss: ScoreLoss::Log }];
    let model = Proven::new(one_chunk(logistic())).model.record;
    let inputs = [
        ReportRows::All,
        ReportRows::Range { first: 0, count: 1 },
        ReportRows::Listed(vec![]),
        ReportRows::Hidden { count: 1 },
    ]
    .map(|rows| Input::Committed { data: record.clone(), rows });
    let table =
        PublicTable { fa: 1, data_bits: 2, features: vec![], labels: labels[0], values: vec![], earlier: vec![] };
    let table = Input::Table { table };
    let wanted: Vec<&str> = [
        origins.iter().flat_map(origin).collect(),
        labels.iter().flat_map(label).collect(),
        [Order::Contiguous, Order::Shuffled { seed: [0; 32] }].iter().map(order).collect(),
        [Start::Hidden { record: model, bits: 2 }, Start::Seed { origin: origins[0].clone() }]
            .iter()
            .flat_map(start)
            .collect(),
        inputs.iter().chain([&Input::Public { features: vec![] }, &table]).flat_map(input).collect(),
        rates.iter().map(rate).collect(),
        all_shown.iter().flat_map(shown).collect::<Vec<_>>(),
        [Position::Sign, Position::Long, linear, TANH].iter().flat_map(position).collect(),
        FIGURES.iter().chain(&BOUNDS).flat_map(figure).collect(),
        links.iter().flat_map(linked).collect(),
        all_figures.iter().flat_map(score).collect::<Vec<_>>(),
        metrics.iter().flat_map(compared).collect::<Vec<_>>(),
    ]
    .concat();
    for field in wanted {
        assert!(rows.keys().any(|r| format!("{}.", r.1).contains(&format!("{field}."))), "no file has {field}");
    }
}

#[test]
fn every_field_of_every_file_has_its_row() {
    let mut found = run_rows();
    found.extend(data_rows());
    found.extend(release_rows());
    found.extend(report_rows());
    found.extend(link_rows());
    every_variant_has_a_row(&found);
    if std::env::var_os("TACIT_WRITE").is_some() {
        std::fs::write(FILE, text(&found)).unwrap();
    }
    compare(&found, &parsed(&std::fs::read_to_string(FILE).unwrap()));
    let fields: BTreeSet<_> = found.keys().map(|r| (&r.0, &r.1)).collect();
    println!("{} fields, {} rows", fields.len(), found.len());
    assert!(fields.len() > 500 && found.len() > 1_800, "{} fields, {} rows", fields.len(), found.len());
}

/// The comparison itself: a missing row, an idle row and another error fail.
#[test]
fn a_field_without_a_row_fails() {
    let row = |field: &str| ("run".to_string(), field.to_string(), "+1".to_string());
    let good = Rows::from([(row("a"), "X".to_string()), (row("b"), "Y".to_string())]);
    assert_eq!(parsed(&text(&good)), good);
    compare(&good, &good);
    let fails = |found: &Rows, expected: &Rows| {
        assert!(std::panic::catch_unwind(|| compare(found, expected)).is_err());
    };
    let fewer = Rows::from([(row("a"), "X".to_string())]);
    fails(&good, &fewer);
    fails(&fewer, &good);
    fails(&good, &Rows::from([(row("a"), "X".to_string()), (row("b"), "Z".to_string())]));
    #[derive(serde::Serialize)]
    struct File {
        a: u32,
        new: u32,
    }
    let file = File { a: 1, new: 2 };
    assert!(std::panic::catch_unwind(|| every_leaf_has_a_row("run", "", &file, &good)).is_err());
}
