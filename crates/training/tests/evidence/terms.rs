//! The error terms of every relation, derived a second time from protocol.md, sections 8 to 10, without a function of the
//! relations: what is random, what it batches, how many rounds, leaves and claims there are. No term may be below what is
//! derived here; where the protocol fixes one number, it is equal.
use crate::common::{ORIGIN, START_BITS, config, data_record, layer, logistic, perceptron};
use crate::reports::{FIGURES, Proven, regression, trader};
use crate::statements::{bounded, linked, momentum, one_chunk, released, reported, tables, targets};
use std::collections::{BTreeMap, BTreeSet};
use tacit_argument::field::E;
use tacit_argument::hiding::{MaskedMessages, Reduction};
use tacit_argument::proof::{Relation, plan};
use tacit_argument::transcript::Transcript;
use tacit_training::config::{Activation, Layer, Loss, RunConfig};
use tacit_training::file::{Kind, decode};
use tacit_training::link::{LinkProof, LinkRelation, Linked, RowRelation};
use tacit_training::record::{DataRecord, Labels};
use tacit_training::relation::{ChunkRelation, StartWeights};
use tacit_training::release::ReleaseRelation;
use tacit_training::report::{
    self, Compared, Figure, Input, Position, REPORT_VERSION, Rate, ReportProof, ReportStatement, Rows, ScoreFigure,
    Shown, TargetError,
};
use tacit_training::run::RunProof;
use tacit_training::statement::{PROTOCOL_VERSION, RunStatement, SECURITY_BITS, Start};
use tacit_training::validity::ValidityRelation;

/// Numerators over |E|, by the term's name, and the number of linear claims.
#[derive(Debug, Default)]
struct Derived {
    terms: BTreeMap<&'static str, usize>,
    claims: usize,
}

const LOOKUPS: &str = "lookups: fingerprints, zero denominators, GKR";
const POINTS: &str = "random points and batching powers";

fn lg(n: usize) -> usize {
    n.max(1).next_power_of_two().ilog2() as usize
}

/// Widths of the limbs of so many bits: section 1.
fn limbs(bits: usize) -> Vec<usize> {
    let n = bits.div_ceil(18);
    (0..n).map(|i| bits / n + usize::from(i < bits % n)).collect()
}

/// Section 9: a LogUp-GKR over 2^k leaves. Layer i has i rounds of degree 2 and a lambda; the root a lambda; then c.
fn gkr(k: usize) -> usize {
    if k == 0 { 0 } else { (1..k).map(|i| 2 * i + 1).sum::<usize>() + 2 }
}

/// Its claims: the root, one a layer, and the two at the leaves.
const fn gkr_claims(k: usize) -> usize {
    1 + k + 2
}

/// Tables by name, with their bits and arity, and the number of lookups.
#[derive(Default)]
struct Lookups {
    tables: BTreeMap<String, (usize, usize)>,
    count: usize,
}

impl Lookups {
    fn add(&mut self, n: usize, name: &str, bits: usize, arity: usize) {
        if n > 0 {
            self.tables.insert(format!("{name} {bits}"), (bits, arity));
            self.count += n;
        }
    }
    fn range(&mut self, n: usize, bits: usize) {
        self.add(n, "range", bits, 1);
    }
    /// n values of these limbs.
    fn limbs(&mut self, n: usize, widths: &[usize]) {
        widths.iter().for_each(|&w| self.range(n, w));
    }
    /// A tuple that is looked up and is in no table: its fingerprint, of degree `arity` in beta, equals one of 2^k others; then
    /// the sum has a pole, and alpha is a zero or a pole. The GKR.
    fn add_to(&self, rows: usize, out: &mut Derived) {
        if self.count == 0 {
            return;
        }
        let leaves: usize = self.tables.values().map(|t| 1 << t.0).sum::<usize>() + (self.count << rows);
        let arity = self.tables.values().map(|t| t.1).max().unwrap();
        let k = lg(leaves);
        out.terms.insert(LOOKUPS, (1 << k) * (arity + 2) + gkr(k));
        out.claims += gkr_claims(k);
    }
}

/// Z with its activation, and the limbs of its remainder: 10.3.
fn forward(config: &RunConfig, derivative: bool, f: usize, out: &mut Lookups) {
    let last = config.architecture.layers.len() - 1;
    for (l, layer) in config.architecture.layers.iter().enumerate() {
        let (n, bits) = (layer.outputs as usize, layer.z_bits as usize);
        let smooth = 2 + usize::from(derivative);
        match layer.activation {
            _ if l == last && derivative && config.architecture.loss == Loss::BceWithLogits => {
                out.add(n, "loss", bits, 2);
            }
            Activation::Relu => out.add(n, "step", bits, 2),
            Activation::Sigmoid => out.add(n, "sigmoid", bits, smooth),
            Activation::Tanh => out.add(n, "tanh", bits, smooth),
            Activation::Identity => out.range(n, bits),
        }
        out.limbs(n, &limbs(f));
    }
}

const fn is_smooth(a: Activation) -> bool {
    matches!(a, Activation::Sigmoid | Activation::Tanh)
}

/// 10.2 to 10.5 and 10.7.
fn of_chunk(config: &RunConfig, chunk: u32, start_bits: Option<usize>) -> Derived {
    let (mut out, mut lookups) = (Derived::default(), Lookups::default());
    let (s, layers) = (&config.scales, &config.architecture.layers);
    let (l, hidden) = (layers.len(), &layers[..layers.len() - 1]);
    let (f, steps) = ((s.fw + s.kappa) as usize, lg(config.schedule.chunk_steps as usize));
    let rows = steps + lg(config.schedule.batch as usize);
    let momentum = config.schedule.filter.len() > 1;
    let widths: Vec<(usize, usize)> =
        layers.iter().map(|x| (x.inputs as usize + usize::from(x.bias), x.outputs as usize)).collect();

    forward(config, true, f, &mut lookups);
    for layer in hidden {
        let (n, bits) = (layer.outputs as usize, layer.q_bits as usize);
        lookups.limbs(n, &limbs(f));
        lookups.range(n, bits);
        if is_smooth(layer.activation) {
            lookups.limbs(n, &limbs(12));
            lookups.range(n, bits);
        }
    }
    let classes = layers[l - 1].outputs as usize;
    let cross = config.architecture.loss == Loss::CrossEntropy;
    if cross {
        lookups.add(classes, "exp", 16, 2);
        lookups.range(classes, s.fg as usize + 1);
        lookups.range(2 * classes, 16);
    }
    // A cell a weight: one slot a limb, as these models fit one.
    assert!(widths.iter().map(|&(k, n)| k << lg(n)).sum::<usize>() <= 1 << rows);
    let mut windows = 0;
    if let Some(bits) = start_bits {
        lookups.limbs(1, &limbs(bits));
        windows += 1;
    }
    let (average, last) = (config.schedule.average.unwrap_or(1), chunk + 1 == config.chunks());
    let decay = config.schedule.decay.as_ref().map_or(0, |d| d.bits);
    let shift = (s.kappa + decay + if last { average.ilog2() } else { 0 }) as usize;
    let carried = config.carry_bits.map(|c| (c as usize).min(63 - shift));
    if shift > 0 || carried.is_some() {
        lookups.limbs(1, &limbs(shift));
        lookups.limbs(1, &limbs(carried.unwrap_or(48.min(63 - shift))));
        windows += 1;
    }
    if momentum && s.kappa > 0 {
        lookups.limbs(1, &limbs(s.kappa as usize));
        lookups.limbs(1, &limbs(48.min(63 - s.kappa as usize)));
        windows += 1;
    }
    let mut norms = vec![];
    if let Some(bits) = config.norms {
        for layer in hidden {
            let slots = (layer.outputs as usize).div_ceil(1 << rows);
            let n = layer.outputs as usize;
            if !is_smooth(layer.activation) {
                lookups.limbs(slots, &limbs(bits.z as usize));
                norms.push(n);
            }
            lookups.limbs(slots, &limbs(bits.q as usize));
            norms.push(n);
        }
    }
    lookups.add_to(rows, &mut out);

    let forward: usize = widths.iter().map(|w| w.0).sum();
    let backward: usize = widths.iter().skip(1).map(|w| w.1).sum();
    out.terms.insert("matrix products", 3 * (steps + lg(forward + backward)));
    out.terms.insert("implicit weights", 3 * (rows + lg(2 * l - 1 + l)));
    let relus: usize = hidden.iter().filter(|x| x.activation == Activation::Relu).map(|x| 2 * x.outputs as usize).sum();
    let smooth: Vec<usize> = hidden.iter().filter(|x| is_smooth(x.activation)).map(|x| x.outputs as usize).collect();
    let pairs =
        relus + smooth.iter().sum::<usize>() + if cross { 3 * classes } else { 0 } + norms.iter().sum::<usize>();
    out.terms.insert("gates", 3 * (rows + lg(pairs)));

    // rho; the points of the products, and lambda; those of W_T, and mu.
    let mut points = rows + widths.iter().map(|w| lg(w.1)).sum::<usize>();
    points += layers.iter().skip(1).map(|x| lg(x.inputs as usize)).sum::<usize>() + (2 * l - 1 - 1);
    let weights: usize = widths.iter().map(|&(k, n)| lg(k) + lg(n)).sum();
    points += weights + l * if momentum { 2 } else { 1 };
    // The equations' points, and nu: three equations are left by the sumchecks.
    points += smooth.iter().map(|&n| lg(n)).sum::<usize>() + if cross { 2 * lg(classes) } else { 0 };
    points += norms.iter().map(|&n| lg(n)).sum::<usize>();
    points += 3 + smooth.len() + if cross { 5 } else { 0 } + norms.len() - 1;
    points += if windows > 0 { weights } else { 0 };
    out.terms.insert(POINTS, points);
    out.claims += 2 + if pairs > 0 { 3 } else { 1 } + windows * l;
    out
}

/// 10.1.
fn of_data(record: &DataRecord) -> Derived {
    let (mut out, mut lookups) = (Derived::default(), Lookups::default());
    let (features, rows) = (record.features as usize, lg(record.rows as usize));
    lookups.range(features, record.data_bits as usize);
    let (columns, class) = match record.labels {
        Labels::Class { classes } => (classes as usize, true),
        Labels::Binary { outputs } | Labels::Real { outputs, .. } => (outputs as usize, false),
    };
    lookups.range(columns, if let Labels::Real { bits, .. } = record.labels { bits as usize } else { 1 });
    lookups.add_to(rows, &mut out);
    out.terms.insert("random row and batching of columns", rows + features + columns - 1);
    out.claims += 1 + usize::from(class);
    out
}

/// 10.6: limbs of the remainders have a cell a weight, in slots of 2^m cells.
fn of_release(config: &RunConfig, bits: usize) -> Derived {
    let (mut out, mut lookups) = (Derived::default(), Lookups::default());
    let widths: Vec<(usize, usize)> = config
        .architecture
        .layers
        .iter()
        .map(|x| (x.inputs as usize + usize::from(x.bias), x.outputs as usize))
        .collect();
    let (mut cells, mut widest) = (0usize, 0);
    for &(k, n) in &widths {
        cells = cells.next_multiple_of(1 << lg(n)) + (k << lg(n));
        widest = widest.max(lg(n));
    }
    let shift = limbs(config.scales.fw as usize - bits);
    let limb = shift.iter().copied().max().unwrap_or(0);
    let m = widest.max(12.min(lg(cells).max(limb).saturating_sub(6)));
    lookups.limbs(cells.div_ceil(1 << m), &shift);
    lookups.add_to(m, &mut out);
    out.terms.insert("random weights and batching of layers", widths.iter().map(|&(k, n)| lg(k) + lg(n)).sum());
    out.claims += widths.len();
    out
}

/// 10.9 and 10.10.
fn of_link(linked: &Linked) -> Derived {
    let mut out = Derived::default();
    let columns = |r: &DataRecord| match r.labels {
        Labels::Class { classes: n } | Labels::Binary { outputs: n } | Labels::Real { outputs: n, .. } => {
            (r.features + n) as usize
        }
    };
    match linked {
        Linked::Data { first, .. } => {
            out.terms.insert("random row and batching of columns", lg(first.rows as usize) + columns(first) - 1);
            out.claims = 1;
        }
        Linked::Model { first, .. } => {
            let points = first.layers.iter().map(|&(k, n)| lg(k as usize) + lg(n as usize)).sum();
            out.terms.insert("random weights and batching of layers", points);
            out.claims = first.layers.len() * if first.velocity { 2 } else { 1 };
        }
        Linked::Rows { relation, first, second } => {
            let logs = [first, second].map(|r| lg(r.rows as usize));
            let cells: usize = logs.iter().map(|k| 1 << k).sum();
            if let RowRelation::Disjoint { .. } = relation {
                // U P_1 + V P_2 - 1 has a degree below both sizes together; powers of alpha are -1 for as many.
                let numerator = (cells - 1) + (cells - 2) + gkr(logs[0]) + gkr(logs[1]);
                out.terms.insert("rows: common roots, products by GKR", numerator);
                out.claims = gkr_claims(logs[0]) + gkr_claims(logs[1]) + 3;
            } else {
                // Fingerprints [row is one] beta + ... have degree d + 1; zeros and poles in alpha.
                let k = lg(cells);
                out.terms
                    .insert("rows: fingerprints, zero denominators, GKR", (1 << k) * (columns(first) + 1 + 2) + gkr(k));
                out.claims = gkr_claims(k);
            }
        }
    }
    out
}

/// How many claims on counts there are, and how many of them have a slack: 10.8.
fn count_claims(shown: &Shown, groups: usize, classes: usize) -> (usize, usize) {
    match shown {
        Shown::Counts { .. } => (groups * classes * classes, 0),
        Shown::Exactly { .. } => (2, 0),
        Shown::AtLeast { rate: Rate::Accuracy | Rate::Predicted { .. } | Rate::TopK { .. }, group: None, .. } => (1, 1),
        Shown::AtLeast { .. } => (2, 2),
        Shown::GapAtMost { .. } => (groups + groups * (groups - 1), groups * (groups - 1)),
        _ => (0, 0),
    }
}

/// What claims on pairs sum over: a group, and the threshold between scores.
type Over = (Option<u32>, Option<i32>);

/// Linear claims on scores and their slacks, claims on pairs and theirs, and what the latter sum over.
fn score_claims(shown: &[Shown], groups: u32) -> ([usize; 4], Vec<Over>) {
    let (mut out, mut sets) = ([0; 4], vec![]);
    let mut add = |n: [usize; 4]| out.iter_mut().zip(n).for_each(|(a, b)| *a += b);
    let g = groups as usize;
    for shown in shown {
        let Shown::Scores { group, figure } = shown else { continue };
        match figure {
            ScoreFigure::Auc { .. } => add([2, 0, 1, 0]),
            ScoreFigure::AucAtLeast { .. } => add([2, 2, 1, 1]),
            ScoreFigure::AucGapAtMost { .. } => add([2 * g, 0, g * (g - 1), g * (g - 1)]),
            ScoreFigure::Loss { .. } => add([2, 0, 0, 0]),
            ScoreFigure::LossAtMost { .. } => add([2, 2, 0, 0]),
            ScoreFigure::Calibration { bins, .. } => add([3 * bins.len(), 0, 0, 0]),
            ScoreFigure::Thresholds { bins, .. } => add([2 * bins.len(), 0, 0, 0]),
            // The denominator of these rates is the number of rows, which is not 0.
            ScoreFigure::RateAtLeast { rate: Rate::Accuracy | Rate::Predicted { .. }, .. }
            | ScoreFigure::RateAtMost { rate: Rate::Accuracy | Rate::Predicted { .. }, .. }
                if group.is_none() =>
            {
                add([1, 1, 0, 0]);
            }
            ScoreFigure::RateAtLeast { .. } | ScoreFigure::RateAtMost { .. } => add([2, 2, 0, 0]),
            ScoreFigure::BalancedAtLeast { .. } => add([2, 2, 1, 1]),
        }
        let own: Vec<Over> = match figure {
            ScoreFigure::Auc { .. } | ScoreFigure::AucAtLeast { .. } => vec![(*group, None)],
            ScoreFigure::AucGapAtMost { .. } => (0..groups).map(|g| (Some(g), None)).collect(),
            ScoreFigure::BalancedAtLeast { edge, .. } => vec![(*group, Some(*edge))],
            _ => vec![],
        };
        own.into_iter().for_each(|s| {
            if !sets.contains(&s) {
                sets.push(s);
            }
        });
    }
    (out, sets)
}

/// 10.11, as far as it adds: pairs, equations of rows, sums of products, claims, coefficients of mu, and lookups.
struct Traded {
    pairs: usize,
    equations: usize,
    sums: usize,
    claims: usize,
    batched: usize,
}

fn of_backtest(statement: &ReportStatement, z_bits: usize, lookups: &mut Lookups) -> Option<Traded> {
    let (strategy, figures) = statement.shown.iter().find_map(|s| match s {
        Shown::Backtest { strategy, figures } => Some((strategy, figures)),
        _ => None,
    })?;
    let n = |f: fn(&Figure) -> bool| figures.iter().filter(|x| f(x)).count();
    let signs = n(|f| {
        matches!(
            f,
            Figure::Downside { .. } | Figure::Hits { .. } | Figure::HitsAtLeast { .. } | Figure::SortinoAtLeast { .. }
        )
    }) > 0;
    let drawdown = n(|f| matches!(f, Figure::Drawdown { .. }));
    let falls = drawdown + n(|f| matches!(f, Figure::DrawdownAtMost { .. })) > 0;
    let ratios = n(|f| matches!(f, Figure::SharpeAtLeast { .. } | Figure::SortinoAtLeast { .. }));
    let hits = n(|f| matches!(f, Figure::HitsAtLeast { .. }));
    let simple = n(|f| matches!(f, Figure::ProfitAtLeast { .. } | Figure::TurnoverAtMost { .. }));
    let squares = n(|f| matches!(f, Figure::SquaresAtMost { .. }));
    match strategy.position {
        Position::Sign | Position::Long => lookups.add(1, "step", z_bits, 2),
        Position::Linear { .. } | Position::Tanh { .. } => lookups.add(1, "position", z_bits, 3),
    }
    let scalars = simple + squares + 2 * hits + if ratios > 0 { 2 + 3 * ratios } else { 0 };
    lookups.range(1 + if signs { 4 } else { 0 } + if falls { 8 } else { 0 } + usize::from(scalars > 0), 15);
    let exact = n(|f| matches!(f, Figure::Squares { .. } | Figure::Downside { .. }));
    let linear = n(|f| matches!(f, Figure::Profit { .. } | Figure::Turnover { .. }))
        + 2 * n(|f| matches!(f, Figure::Hits { .. }))
        + drawdown
        + simple
        + 2 * hits
        + usize::from(ratios > 0);
    // Those of public rows are compared, and have no power.
    let lags = if matches!(statement.input, Input::Table { .. }) { 0 } else { strategy.lags.len() };
    Some(Traded {
        pairs: 3 + if signs { 3 } else { 0 } + if falls { 1 + drawdown } else { 0 },
        equations: 2 + if signs { 4 } else { 0 } + if falls { 2 + drawdown } else { 0 },
        sums: exact + squares + drawdown + ratios,
        claims: 1 + linear + if ratios > 0 { 1 + ratios } else { 0 },
        batched: 1 + usize::from(falls) + lags,
    })
}

/// 10.14, of ranks: pairs and equations.
fn of_ranks(
    statement: &ReportStatement,
    groups: usize,
    n: usize,
    z_bits: usize,
    lookups: &mut Lookups,
) -> (usize, usize) {
    let tops: BTreeSet<u32> = statement
        .shown
        .iter()
        .filter_map(|s| match s {
            Shown::Exactly { rate: Rate::TopK { k }, .. }
            | Shown::AtLeast { rate: Rate::TopK { k }, .. }
            | Shown::GapAtMost { rate: Rate::TopK { k }, .. } => Some(*k),
            _ => None,
        })
        .collect();
    if tops.is_empty() {
        return (0, 0);
    }
    lookups.add(n, "step", z_bits + 1, 2);
    lookups.add(1, "ranks", lg(n + 1), 1 + tops.len());
    (n + tops.len() * groups, 1 + n)
}

/// 10.14, of bounds of errors, whether squared and absolute ones are read, hidden numbers, sums, their pairs, claims.
struct Bounded {
    squared: usize,
    absolute: usize,
    numbers: usize,
    sums: usize,
    pairs: usize,
    claims: usize,
}

fn of_errors(statement: &ReportStatement, n: usize) -> Bounded {
    let mut out = Bounded { squared: 0, absolute: 0, numbers: 0, sums: 0, pairs: 0, claims: 0 };
    for shown in &statement.shown {
        match shown {
            Shown::MeanErrorAtMost { error, group, .. } => {
                let k = 1 + usize::from(group.is_some());
                (out.numbers, out.sums, out.pairs) = (out.numbers + k, out.sums + k, out.pairs + k);
                match error {
                    TargetError::Squared => out.squared = 1,
                    TargetError::Absolute => out.absolute = 1,
                }
            }
            // The errors, and the squares of every target; a claim for every target's sum, and the ratio.
            Shown::ExplainedAtLeast { .. } => {
                out.squared = 1;
                (out.numbers, out.sums, out.pairs) = (out.numbers + 5, out.sums + 2, out.pairs + 1 + n);
                out.claims += n + 1;
            }
            _ => {}
        }
    }
    out
}

/// 10.8.
fn of_report(statement: &ReportStatement, config: &RunConfig, read: usize) -> Derived {
    let mut lookups = Lookups::default();
    let mut out = of_model(statement, config, read, ("counted", 0), &mut lookups);
    lookups.add_to(lg(read).max(8), &mut out);
    out
}

/// Section 10.12: both models by themselves, with a bound each for every comparison, which is a slack more and a claim.
fn of_comparison(statement: &ReportStatement, configs: [&RunConfig; 2], read: usize) -> Derived {
    let bounds = |s: &ReportStatement| s.shown.iter().filter(|s| matches!(s, Shown::BetterBy { .. })).count();
    let side = |second: bool| {
        let mut out = statement.clone();
        out.shown.retain(|s| !second || matches!(s, Shown::BetterBy { .. }));
        for shown in &mut out.shown {
            if let Shown::BetterBy { metric, group, .. } = *shown {
                let bound = (0, 1);
                *shown = match metric {
                    Compared::Rate { rate } => Shown::AtLeast { rate, group, bound },
                    Compared::Auc => Shown::Scores { group, figure: ScoreFigure::AucAtLeast { bound } },
                    Compared::Loss { loss } => Shown::Scores { group, figure: ScoreFigure::LossAtMost { loss, bound } },
                };
            }
        }
        out
    };
    let (mut lookups, ties) = (Lookups::default(), bounds(statement));
    let mut out = of_model(&side(false), configs[0], read, ("counted", ties), &mut lookups);
    let second = of_model(&side(true), configs[1], read, ("counted of the second", 0), &mut lookups);
    second.terms.into_iter().for_each(|(name, n)| *out.terms.entry(name).or_default() += n);
    out.claims += second.claims + ties;
    lookups.add_to(lg(read).max(8), &mut out);
    out
}

/// One model's part of a report; its histogram's table, and how many slacks it has beside those of its own bounds.
fn of_model(
    statement: &ReportStatement,
    config: &RunConfig,
    read: usize,
    (histogram, more): (&str, usize),
    lookups: &mut Lookups,
) -> Derived {
    let mut out = Derived::default();
    let layers = &config.architecture.layers;
    let (l, n) = (layers.len(), layers[layers.len() - 1].outputs as usize);
    let z_bits = layers[l - 1].z_bits as usize;
    let groups = statement.groups.as_ref().map_or(1, |g| g.values.len());
    let group_columns = statement.groups.as_ref().map_or(0, |g| g.columns.len());
    let rows = lg(read).max(8);
    let counted = statement.shown.iter().any(|s| {
        matches!(s, Shown::Counts { .. } | Shown::Exactly { .. } | Shown::AtLeast { .. })
            || matches!(s, Shown::GapAtMost { .. } | Shown::Scores { .. })
    });
    let told = statement.shown.iter().any(|s| matches!(s, Shown::Classes { .. }));
    let predicted = counted || told;
    let classes = match (predicted, n) {
        (false, _) => 0,
        (true, 1) => 2,
        (true, n) => n,
    };
    let several = predicted && n > 1;
    forward(config, false, config.scales.fw as usize, lookups);
    if predicted && n == 1 {
        lookups.add(1, "step", z_bits, 2);
    }
    if several {
        lookups.add(1, "one-hot", lg(n), n);
        lookups.range(n, z_bits);
    }
    if groups > 1 {
        lookups.add(1, "one-hot of groups", lg(groups), groups);
    }
    let has = |f: fn(&Shown) -> bool| usize::from(statement.shown.iter().any(f));
    let absolute = has(|s| matches!(s, Shown::AbsoluteError { .. }));
    let squared = has(|s| matches!(s, Shown::SquaredError { .. }));
    let moments = has(|s| matches!(s, Shown::TargetMoments { .. }));
    let bounded = of_errors(statement, n);
    let magnitudes = absolute.max(bounded.absolute);
    lookups.range(magnitudes * n, 17);
    let (rank_pairs, rank_equations) = of_ranks(statement, groups, n, z_bits, lookups);
    let margins = statement.shown.iter().filter(|s| matches!(s, Shown::Margins { .. })).count();
    lookups.range(2 * margins, 9);
    let traded = of_backtest(statement, z_bits, lookups);
    let ([linear, linear_slacks, on_pairs, pair_slacks], sets) = score_claims(&statement.shown, groups as u32);
    let score_bits = z_bits + usize::from(n > 1);
    if linear > 0 {
        lookups.add(1, histogram, score_bits + 1 + lg(groups), 1);
    }
    let counts: Vec<(usize, usize)> = statement.shown.iter().map(|s| count_claims(s, groups, classes)).collect();
    let (count, slacks) = counts.iter().fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    lookups.range((4 * (slacks + linear_slacks + pair_slacks + more + bounded.numbers)).div_ceil(1 << rows), 15);

    let inputs: usize = layers.iter().map(|x| x.inputs as usize + usize::from(x.bias)).sum();
    out.terms.insert("matrix products", 3 * lg(inputs));
    let relus: usize = layers.iter().filter(|x| x.activation == Activation::Relu).map(|x| x.outputs as usize).sum();
    let joint = if counted { (groups - 1) * (classes - 1) } else { 0 };
    let mut pairs = relus + if several { n - 1 } else { 0 } + joint + n * (2 * magnitudes + squared + moments);
    pairs += rank_pairs + n * bounded.squared + bounded.pairs;
    let mut equations = 1 + usize::from(several) + joint + group_columns + usize::from(linear > 0);
    equations += n * magnitudes + squared + moments + count;
    equations += rank_equations + bounded.squared + bounded.sums;
    out.claims += 2 + statement.shown.iter().filter(|s| told_of_rows(s)).count();
    out.claims += absolute + n * moments + bounded.claims;
    let mut points = rows + layers.iter().map(|x| lg(x.outputs as usize)).sum::<usize>() + (l - 1);
    let reads = |s: &Shown| matches!(s, Shown::Outputs { .. } | Shown::Committed { .. });
    points += if statement.shown.iter().any(reads) { lg(n) } else { 0 };
    if let Some(t) = &traded {
        pairs += t.pairs + t.sums;
        equations += t.equations + t.sums;
        points += t.batched - 1;
        out.claims += t.claims;
    }
    out.terms.insert(POINTS, points + equations - 1);
    // Classes that are told of every row, and not counted, pair no label.
    let units = pairs + if counted { classes } else { 0 };
    out.terms.insert("gates and counts", 3 * (rows + lg(units)));
    out.claims += if units > 0 { 3 } else { 1 };
    if linear + on_pairs > 0 {
        out.terms.insert("powers that batch figures of scores", linear + on_pairs - 1);
        out.claims += 1;
    }
    if on_pairs > 0 {
        out.terms.insert("pairs of scores", 3 * (score_bits + lg(sets.len())));
        out.claims += 3;
    }
    if let Input::Committed { data, rows: Rows::Hidden { count } } = &statement.input {
        let (s, m) = (lg(data.rows as usize), *count as usize);
        out.terms.insert("selectors", 3 * (s + lg(1 + m)));
        // tau, and mu to the m-th power.
        out.terms.insert("point and powers of selectors", s + m);
        out.claims += 3 + m;
    }
    out
}

/// One claim at rho each.
const fn told_of_rows(shown: &Shown) -> bool {
    matches!(shown, Shown::Outputs { .. } | Shown::Classes { .. } | Shown::Margins { .. } | Shown::Committed { .. })
}

/// Terms that the protocol fixes to the number; the others are bounds that its text rounds up.
const EXACT: [&str; 5] = [LOOKUPS, "gates", "gates and counts", "pairs of scores", "selectors"];

/// Compares the terms, and the number of claims in the dry run, in a run over messages, and here.
fn compare(name: &str, relation: &impl Relation, derived: &Derived) {
    let terms = relation.soundness(0.0);
    // By name: two models that are compared have each its own.
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for term in terms {
        assert!(!term.theorem.is_empty());
        // 1 / |E| counts as 2^-191.
        *found.entry(term.name).or_default() += (term.bits + 191.0).exp2().round() as usize;
    }
    assert_eq!(found.len(), derived.terms.len(), "{name}: {found:?}, {derived:?}");
    for (term, numerator) in found {
        let mine = *derived.terms.get(term).unwrap_or_else(|| panic!("{name}: {term} is not derived"));
        assert!(numerator >= mine, "{name}, {term}: {numerator} is counted, {mine} can fail");
        let most = if EXACT.contains(&term) { mine } else { 3 * mine + 80 };
        assert!(numerator <= most, "{name}, {term}: {numerator} for {mine}");
    }
    let mut transcript = Transcript::new(b"terms", &[0; 32]);
    let mut dry = Reduction::dry(&mut transcript);
    relation.check(&mut dry).unwrap();
    let schedule = dry.schedule();
    assert_eq!(schedule.claims, derived.claims, "{name}: claims");
    // The dry run, by which claims are counted, makes as many as the run over a proof's messages.
    let messages = MaskedMessages { messages: vec![E::default(); schedule.messages], sacrifices: vec![] };
    let mut transcript = Transcript::new(b"terms", &[0; 32]);
    let mut live = Reduction::new(&mut transcript, &messages);
    relation.check(&mut live).unwrap();
    assert_eq!(live.schedule(), schedule, "{name}");
}

/// Every chunk of a run from a hidden start, or from a seed.
fn compare_chunks(name: &str, config: &RunConfig, start_bits: Option<u32>) {
    for chunk in 0..config.chunks() {
        let start = match (start_bits, chunk) {
            (None, 0) => StartWeights::Public(vec![0; config.weight_count()]),
            (bits, 0) => StartWeights::Committed(bits),
            _ => StartWeights::Committed(None),
        };
        let bits = start_bits.filter(|_| chunk == 0).map(|b| b as usize);
        let relation = ChunkRelation::new(config, chunk, start).unwrap();
        compare(&format!("{name}, chunk {chunk}"), &relation, &of_chunk(config, chunk, bits));
    }
}

fn fixture<T: serde::de::DeserializeOwned + serde::Serialize>(kind: Kind, name: &str) -> T {
    let path = format!("{}/../../tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    decode(kind, &std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn terms_of_chunks() {
    let mut deep = one_chunk(tables());
    deep.architecture.layers[1].activation = Activation::Relu;
    deep.norms = Some(tacit_training::config::NormBits { z: 34, q: 36 });
    let cases = [
        ("perceptron", perceptron()),
        ("one chunk", one_chunk(perceptron())),
        ("logistic", logistic()),
        ("sigmoid and tanh", tables()),
        ("sigmoid and ReLU with norms", deep),
        ("squared error", targets()),
        ("momentum", momentum()),
        ("norms, carried weights, average", bounded()),
        ("regression", regression()),
        ("trader", trader()),
    ];
    for (name, config) in &cases {
        compare_chunks(name, config, None);
        compare_chunks(name, config, Some(START_BITS));
    }
    for name in ["seeded.tacit", "forged-norm.tacit", "forged-rounding.tacit"] {
        let run: RunProof = fixture(Kind::Run, name);
        compare_chunks(name, &run.statement.config, None);
    }
}

#[test]
fn terms_of_data() {
    for config in [perceptron(), logistic(), regression(), targets()] {
        let mut record = data_record(&config);
        for rows in [1, 2, 96, 129, 1 << 20] {
            record.rows = rows;
            compare("data", &ValidityRelation::new(&record), &of_data(&record));
        }
    }
    let run: RunProof = fixture(Kind::Run, "seeded.tacit");
    compare("data of files", &ValidityRelation::new(&run.statement.data), &of_data(&run.statement.data));
}

#[test]
fn terms_of_releases() {
    let (owner, .., release) = released();
    for config in [owner.statement.config.clone(), perceptron(), tables(), targets()] {
        for bits in [4, 12, config.scales.fw as usize] {
            let shift = config.scales.fw - bits as u32;
            let weights = vec![1; config.weight_count()];
            compare("release", &ReleaseRelation::new(&config, shift, &weights), &of_release(&config, bits));
        }
    }
    assert_eq!(release.statement.bits, 12);
}

#[test]
fn terms_of_reports() {
    let compare_report = |name: &str, report: &ReportProof, run: &RunProof| {
        let (statement, of_run) = (&report.statement, &run.statement);
        let w = of_run.validate().unwrap().last().unwrap().w;
        let relation = report::relation(statement, of_run, w).unwrap();
        let read = match &statement.input {
            Input::Committed { data, rows: Rows::All } => data.rows as usize,
            Input::Committed { rows: Rows::Range { count, .. }, .. } => *count as usize,
            Input::Committed { rows: Rows::Listed(list), .. } => list.len(),
            Input::Committed { rows: Rows::Hidden { count }, .. } => *count as usize,
            Input::Public { features } => features.len() / of_run.config.architecture.layers[0].inputs as usize,
            Input::Table { table } => table.features.len() / of_run.config.architecture.layers[0].inputs as usize,
        };
        compare(name, &relation, &of_report(statement, &of_run.config, read));
    };
    for (name, proven, make) in reported() {
        let report = make(&proven);
        match &proven.other {
            None => compare_report(name, &report, &proven.run),
            Some(other) => {
                let (run, of_other) = (&proven.run.statement, &other.run.statement);
                let [w, w_other] = [run, of_other].map(|s| s.validate().unwrap().last().unwrap().w);
                let relation = report::relation_beside(&report.statement, run, w, Some((of_other, w_other))).unwrap();
                let Input::Committed { data, .. } = &report.statement.input else { panic!("committed rows") };
                let derived = of_comparison(&report.statement, [&run.config, &of_other.config], data.rows as usize);
                compare(name, &relation, &derived);
            }
        }
    }
    // Of a public model there is no other vector, and not one term more or less.
    let (_, proven, _) = &reported()[0];
    let (report, weights) = proven.of_public_model();
    let (relation, _) = report::public_relation(&report.statement, &weights).unwrap();
    compare("a public model", &relation, &of_report(&report.statement, &proven.run.statement.config, 70));
    let proven = Proven::traded();
    for position in [Position::Sign, Position::Long, Position::Tanh { shift: 8, bits: 5, long: true, most: 32 }] {
        compare_report("a backtest of all figures", &proven.backtest(position, &FIGURES), &proven.run);
    }
    let run: RunProof = fixture(Kind::Run, "seeded.tacit");
    for name in ["report-seeded", "report-scores", "forged-report-count", "forged-report-area"] {
        compare_report(name, &fixture(Kind::Report, &format!("{name}.tacit")), &run);
    }
}

#[test]
fn terms_of_links() {
    let compare_link = |name: &str, linked: &Linked| {
        let mut linked = linked.clone();
        compare(name, &LinkRelation::new(&linked).unwrap(), &of_link(&linked));
        // Other numbers of rows on both sides; equal relations are of as many.
        if let Linked::Rows { first, second, .. } = &mut linked {
            for (a, b) in [(1, 1), (1, 2), (700, 3), (64, 65)] {
                (first.rows, second.rows) = (a, b);
                let linked =
                    Linked::Rows { relation: RowRelation::Subset, first: first.clone(), second: second.clone() };
                compare(name, &LinkRelation::new(&linked).unwrap(), &of_link(&linked));
                let linked = Linked::Rows {
                    relation: RowRelation::Disjoint { nonce: 0 },
                    first: first.clone(),
                    second: second.clone(),
                };
                compare(name, &LinkRelation::new(&linked).unwrap(), &of_link(&linked));
            }
        }
    };
    for (name, link) in linked() {
        compare_link(name, &link.statement.linked);
    }
    for name in ["link-data", "link-model", "link-same", "link-subset", "link-disjoint", "forged-link-shape"] {
        let link: LinkProof = fixture(Kind::Link, &format!("{name}.tacit"));
        compare_link(name, &link.statement.linked);
    }
}

/// A report with more claims than messages: the sum of the targets of every one of many outputs. The batch is over claims.
#[test]
fn terms_of_a_report_with_more_claims_than_messages() {
    let wide = Layer { z_bits: 16, ..layer(5, 700, Activation::Identity) };
    let run = RunStatement {
        version: PROTOCOL_VERSION,
        security_bits: SECURITY_BITS,
        log_inv_rate: 2,
        config: config(vec![wide.clone()], Loss::Mse),
        order_origin: None,
        data: data_record(&config(vec![wide], Loss::Mse)),
        start: Start::Seed { origin: ORIGIN },
        released: vec![],
    };
    let statement = ReportStatement {
        version: REPORT_VERSION,
        run_digest: [0; 32],
        model_digest: [0; 32],
        input: Input::Committed { data: run.data.clone(), rows: Rows::All },
        groups: None,
        shown: vec![Shown::TargetMoments { sums: vec![0; 700], squares: 0 }],
        against: None,
        public: None,
    };
    let w = run.validate().unwrap().last().unwrap().w;
    let relation = report::relation(&statement, &run, w).unwrap();
    let derived = of_report(&statement, &run.config, 96);
    compare("moments of 700 targets", &relation, &derived);
    let plan = plan(&relation, 2, &[run.data.vector.shape; 2]).unwrap();
    let messages = plan.schedule.messages + 3 * plan.schedule.products.len();
    let claims = plan.schedule.claims + 3 * plan.schedule.products.len();
    assert!(claims > messages, "{claims} and {messages}");
    let batch = plan.soundness(&relation).into_iter().find(|t| t.name == "batching of the linear claims").unwrap();
    let list = tacit_argument::soundness::list_bits(plan.opening.h(), 2);
    assert!(batch.bits - list + 191.0 >= ((claims - 1) as f64).log2(), "{}", batch.bits);
}
