//! Runs, releases and reports on commitments that were made again: files with links, and every way to put them together
//! wrongly.
use crate::common::{ORIGIN, Owner, data_record, logistic};
use crate::one_chunk;
use p3_field::PrimeCharacteristicRing;
use std::sync::OnceLock;
use tacit_argument::entropy::Entropy;
use tacit_argument::field::F;
use tacit_argument::opening::{OpeningError, PIN_BLOCK, long_lived_shape};
use tacit_argument::proof::ArgumentError;
use tacit_training::file::{Kind, encode};
use tacit_training::initial::initial_weights;
use tacit_training::link::{LinkProof, LinkRejected, LinkStatement, Linked, RowRelation, prove_link, prove_rows};
use tacit_training::record::DataRecord;
use tacit_training::report::{Asked, Input, Rate, ReportInput, ReportRejected, ReportTrees, Rows, prove_report};
use tacit_training::run::{ModelCommitment, RunVerdict, commit_model, verify_run};
use tacit_training::validity::{DataCommitment, commit_data, data_payload};
use tacit_training::verify::{
    DataFile, Held, Rejected, schema_id, verify_link_file, verify_model_of_run, verify_report_file, verify_run_file,
};

const SCHEMA: &str = "{}";
const SECRET: [u8; 32] = [1; 32];

/// An owner who committed everything twice, and the files of it.
struct World {
    owner: Owner,
    weights: Vec<i64>,
    run: Vec<u8>,
    verdict: RunVerdict,
    /// The commitments of the data and their files: the one trained on, the same twice again, another.
    data: Vec<(DataCommitment, Vec<u8>)>,
    /// The last model of the run, and the same twice again.
    models: Vec<ModelCommitment>,
    /// From each of the first three to the next.
    data_links: [Vec<u8>; 2],
    model_links: [Vec<u8>; 2],
    /// The rows of the first data commitment are those of the second, a part of them, and none of the fifth.
    rows: [Vec<u8>; 3],
}

fn data_record_for(proofs: usize) -> DataRecord {
    let mut record = data_record(&logistic());
    let shape = long_lived_shape(6 << 7, 7, proofs, 2).unwrap();
    record.schema = schema_id(SCHEMA);
    (record.vector.shape, record.vector.row_budget) = (shape, (shape.block - PIN_BLOCK) as u64);
    record
}

fn commit(payload: &[F], proofs: usize, seed: u8) -> (DataCommitment, Vec<u8>) {
    let entropy = Entropy::fresh(&SECRET, &[2; 32]).unwrap();
    let made = commit_data(data_record_for(proofs), payload, &[seed; 32], entropy).unwrap();
    let file = DataFile { record: made.record.clone(), schema: SCHEMA.into(), proof: made.proof.clone() };
    (made, encode(Kind::Data, &file).unwrap())
}

fn file(link: &LinkProof) -> Vec<u8> {
    encode(Kind::Link, link).unwrap()
}

fn link_data(a: &DataCommitment, b: &DataCommitment) -> Vec<u8> {
    let linked = Linked::Data { first: a.record.clone(), second: b.record.clone() };
    file(&prove_link(linked, [&a.vector, &b.vector], &SECRET).unwrap())
}

fn link_model(a: &ModelCommitment, b: &ModelCommitment) -> Vec<u8> {
    let linked = Linked::Model { first: a.record.clone(), second: b.record.clone() };
    file(&prove_link(linked, [&a.vector, &b.vector], &SECRET).unwrap())
}

fn made() -> World {
    let mut owner = Owner::new(one_chunk(logistic()), false);
    let payload = data_payload(&owner.data.record, &owner.rows);
    let mut other = payload.clone();
    other[0] = F::default();
    let data = vec![commit(&payload, 8, 3), commit(&payload, 40, 4), commit(&payload, 9, 5), commit(&other, 8, 6)];
    let first = &data[0].0;
    owner.data = DataCommitment {
        vector: tacit_argument::opening::LongLived::commit(first.record.vector.shape, 2, &payload, &[3; 32]).unwrap(),
        record: first.record.clone(),
        proof: first.proof.clone(),
    };
    owner.statement.data = owner.data.record.clone();
    owner.state.weights = initial_weights(&owner.statement.config, &owner.statement.seed("initial", &ORIGIN).unwrap());
    let (run, end, model) = owner.proven(8);
    let verdict = verify_run(&run).unwrap();
    let again = |seed| commit_model(&owner.statement.config, &end.weights, 2, 30 + seed as usize, &[seed; 32]).unwrap();
    let models = vec![model, again(7), again(8)];
    // No value of the table is at the end of its window.
    let mut apart = payload.clone();
    apart[..96].iter_mut().for_each(|v| *v = F::from_u64(2047));
    let mut data = data;
    data.push(commit(&apart, 8, 10));
    let related = |relation, i: usize, second: &[F]| {
        let (a, b) = (&data[0].0, &data[i].0);
        let linked = Linked::Rows { relation, first: a.record.clone(), second: b.record.clone() };
        file(&prove_rows(linked, [&a.vector, &b.vector], [&payload, second], &SECRET).unwrap())
    };
    World {
        rows: [
            related(RowRelation::Same, 1, &payload),
            related(RowRelation::Subset, 1, &payload),
            related(RowRelation::Disjoint { nonce: 5 }, 4, &apart),
        ],
        data_links: [link_data(&data[0].0, &data[1].0), link_data(&data[1].0, &data[2].0)],
        model_links: [link_model(&models[0], &models[1]), link_model(&models[1], &models[2])],
        run: encode(Kind::Run, &run).unwrap(),
        weights: end.weights,
        owner,
        verdict,
        data,
        models,
    }
}

/// A link of every kind, for every field of which there is a row in the manifest: of data, of models, and of rows that are
/// the same, some of the others, or none of them.
pub fn every_link() -> [LinkProof; 5] {
    let w = world();
    [&w.data_links[0], &w.model_links[0], &w.rows[0], &w.rows[1], &w.rows[2]]
        .map(|l| tacit_training::file::decode(Kind::Link, l).unwrap())
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(made)
}

impl World {
    /// A report on the rows of data commitment `data` by model commitment `model`.
    fn report(&self, data: usize, model: usize) -> Vec<u8> {
        let (data, model) = (&self.data[data].0, &self.models[model]);
        let input = Input::Committed { data: data.record.clone(), rows: Rows::All };
        let about = ReportInput {
            run: &self.owner.statement,
            model: &model.record,
            weights: &self.weights,
            input: &input,
            data: Some(&self.owner.rows),
            groups: None,
            hidden: &[],
        };
        let trees = ReportTrees { model: &model.vector, data: Some(&data.vector), outputs: None };
        let asked = [Asked::Exactly { rate: Rate::Accuracy, group: None }];
        encode(Kind::Report, &prove_report(&about, trees, &asked, &SECRET).unwrap()).unwrap()
    }

    /// A report on the rows of the fifth commitment.
    fn report_on_others(&self) -> Vec<u8> {
        let (data, model) = (&self.data[4].0, &self.models[0]);
        let mut rows = self.owner.rows.clone();
        rows.features.iter_mut().step_by(5).for_each(|v| *v = 2047);
        let input = Input::Committed { data: data.record.clone(), rows: Rows::All };
        let about = ReportInput {
            run: &self.owner.statement,
            model: &model.record,
            weights: &self.weights,
            input: &input,
            data: Some(&rows),
            groups: None,
            hidden: &[],
        };
        let trees = ReportTrees { model: &model.vector, data: Some(&data.vector), outputs: None };
        let asked = [Asked::Exactly { rate: Rate::Accuracy, group: None }];
        encode(Kind::Report, &prove_report(&about, trees, &asked, &SECRET).unwrap()).unwrap()
    }

    fn check(
        &self,
        report: &[u8],
        data: Option<usize>,
        training: Option<usize>,
        links: &[&[u8]],
    ) -> Result<bool, Rejected> {
        let file = |i: usize| self.data[i].1.as_slice();
        let held = Held { data: data.map(file), training: training.map(file), links, ..Held::default() };
        verify_report_file(report, &self.run, &held).map(|v| v.same_data)
    }

    fn digest(&self, data: usize) -> [u8; 32] {
        self.data[data].0.record.digest().unwrap()
    }
}

#[test]
fn a_run_is_about_every_commitment_that_links_lead_to() {
    let w = world();
    let check = |data: usize, links: &[&[u8]]| {
        let held = Held { data: Some(&w.data[data].1), links, ..Held::default() };
        verify_run_file(&w.run, &held).map(|(_, v)| v.data_digest)
    };
    let [first, second] = [&*w.data_links[0], &*w.data_links[1]];
    assert_eq!(check(0, &[]).unwrap(), w.digest(0));
    assert_eq!(check(1, &[first]).unwrap(), w.digest(0));
    assert_eq!(check(2, &[second, first]).unwrap(), w.digest(0));
    for (data, links) in [(1, &[][..]), (2, &[first]), (2, &[second]), (3, &[first, second]), (3, &[])] {
        let e = check(data, links).unwrap_err();
        assert!(
            matches!(e, Rejected::OtherData { stated, given } if stated == w.digest(0) && given == w.digest(data)),
            "{e}"
        );
    }
    assert!(matches!(check(0, &[first]), Err(Rejected::IdleLink { index: 0 })));
    assert!(matches!(check(1, &[first, second]), Err(Rejected::IdleLink { index: 1 })));
    assert!(matches!(check(1, &[&w.model_links[0], first]), Err(Rejected::IdleLink { index: 0 })));
}

#[test]
fn reports_on_commitments_that_were_made_again() {
    let w = world();
    let [d1, d2, m1, m2] =
        [&w.data_links[0], &w.data_links[1], &w.model_links[0], &w.model_links[1]].map(Vec::as_slice);
    // The same rows, fresh: its own commitment is the training data's by the link.
    let fresh = w.report(1, 0);
    assert!(w.check(&fresh, Some(1), None, &[d1]).unwrap());
    assert!(w.check(&fresh, Some(0), None, &[d1]).unwrap());
    assert!(w.check(&fresh, None, Some(0), &[d1]).unwrap());
    assert!(w.check(&fresh, Some(1), Some(0), &[d1]).unwrap());
    // Without the link they are two data sets: of the evaluated one nothing bounds the weights.
    assert!(!w.check(&fresh, Some(1), Some(0), &[]).unwrap());
    assert!(matches!(w.check(&fresh, Some(1), None, &[]), Err(Rejected::TrainingData)));
    assert!(matches!(w.check(&fresh, Some(0), None, &[]), Err(Rejected::OtherData { .. })));
    assert!(matches!(w.check(&fresh, None, None, &[d1]), Err(Rejected::TrainingData)));
    // Both, over two links each.
    let both = w.report(2, 2);
    assert!(w.check(&both, Some(2), None, &[d1, d2, m1, m2]).unwrap());
    assert!(w.check(&both, Some(2), None, &[m2, m1, d2, d1]).unwrap());
    for links in [&[d1, d2, m1][..], &[d1, d2, m2], &[d1, d2]] {
        let e = w.check(&both, Some(2), None, links).unwrap_err();
        assert!(matches!(e, Rejected::Report(ReportRejected::NotFinalModel)), "{e}");
    }
    assert!(matches!(w.check(&both, Some(2), None, &[d2, m1, m2]), Err(Rejected::TrainingData)));
    let idle = w.check(&w.report(0, 1), Some(0), None, &[d1, m1]);
    assert!(matches!(idle, Err(Rejected::IdleLink { index: 0 })));
    assert!(w.check(&w.report(0, 1), Some(0), None, &[m1]).unwrap());
}

/// A link that is false does not lend a model another one's origin.
#[test]
fn a_forged_link_is_rejected_before_anything_rests_on_it() {
    let w = world();
    let mut weights = w.weights.clone();
    weights[0] += 1 << 20;
    // As long as the honest one: lengths are compared first.
    let better = commit_model(&w.owner.statement.config, &weights, 2, 37, &[9; 32]).unwrap();
    let linked = Linked::Model { first: w.models[0].record.clone(), second: better.record.clone() };
    let e = prove_link(linked.clone(), [&w.models[0].vector, &better.vector], &SECRET).err().unwrap();
    let sum = |e: &ArgumentError| matches!(e, ArgumentError::Opening(OpeningError::SourceClaim));
    assert!(matches!(&e, tacit_training::link::LinkError::OtherContent(e) if sum(e)), "{e}");
    // An honest proof under the statement that is wanted.
    let honest: LinkProof = tacit_training::file::decode(Kind::Link, &w.model_links[0]).unwrap();
    let statement = LinkStatement { version: 1, linked };
    let forged = file(&LinkProof { statement, proof: honest.proof });
    let e = w.check(&w.report(0, 1), Some(0), None, &[&forged]).unwrap_err();
    assert!(matches!(&e, Rejected::Link { index: 0, error: LinkRejected::Argument(e) } if sum(e)), "{e}");
}

#[test]
fn a_release_of_a_model_that_was_committed_again() {
    let w = world();
    let named = w.models[1].record.digest().unwrap();
    let links = [&*w.model_links[0]];
    let held = Held { links: &links, ..Held::default() };
    let (_, of_run, (of_model, record)) = verify_model_of_run(&w.run, &named, &held).unwrap();
    assert_eq!((of_run.model_digest, of_model.model_digest), (w.verdict.model_digest, named));
    assert_eq!((of_model.w_out, of_model.run_digest), (of_run.w_out, of_run.run_digest));
    assert_eq!(record, w.models[1].record);
    // Without links the verdict stays the run's, which a release of another model is then compared with.
    let (.., (of_model, record)) = verify_model_of_run(&w.run, &named, &Held::default()).unwrap();
    assert_eq!((of_model.model_digest, record), (of_run.model_digest, w.models[0].record.clone()));
    let idle = verify_model_of_run(&w.run, &of_run.model_digest, &held).err().unwrap();
    assert!(matches!(idle, Rejected::IdleLink { index: 0 }), "{idle}");
}

/// A report on rows of which a link says that none was trained on, and what it takes to believe it.
#[test]
fn rows_that_are_not_in_the_training_data() {
    let w = world();
    let (report, apart) = (w.report_on_others(), w.rows[2].as_slice());
    let check = |data: Option<usize>, training: Option<usize>, links: &[&[u8]]| {
        let file = |i: usize| w.data[i].1.as_slice();
        let held = Held { data: data.map(file), training: training.map(file), links, ..Held::default() };
        verify_report_file(&report, &w.run, &held).map(|v| (v.same_data, v.apart))
    };
    assert_eq!(check(Some(4), Some(0), &[]).unwrap(), (false, false));
    assert_eq!(check(Some(4), Some(0), &[apart]).unwrap(), (false, true));
    // Both have to be valid, and both have to be the ones that the relation is about.
    assert!(matches!(check(None, Some(0), &[apart]), Err(Rejected::IdleLink { index: 0 })));
    assert!(matches!(check(Some(4), None, &[apart]), Err(Rejected::TrainingData)));
    assert!(matches!(check(Some(4), Some(0), &[&w.rows[0]]), Err(Rejected::IdleLink { index: 0 })));
    let e = w.check(&w.report(1, 0), Some(1), Some(0), &[apart]).unwrap_err();
    assert!(matches!(e, Rejected::IdleLink { index: 0 }), "{e}");
    // The same rows are not the same commitment's content: order may differ.
    assert!(matches!(w.check(&w.report(1, 0), Some(1), None, &[&w.rows[0]]), Err(Rejected::TrainingData)));
    let by_itself = |data, to| {
        let held = Held { data: Some(w.data[data as usize].1.as_slice()), ..Held::default() };
        verify_link_file(apart, Some(&w.data[to as usize].1), None, &held).map(|v| v.known)
    };
    assert_eq!(by_itself(0, 4).unwrap(), [true; 2]);
    assert!(matches!(by_itself(4, 0), Err(Rejected::NotLinked { which: "first", .. })));
}

#[test]
fn links_by_themselves() {
    let w = world();
    let [d1, m1, m2] = [&w.data_links[0], &w.model_links[0], &w.model_links[1]].map(Vec::as_slice);
    let file = |i: usize| Some(w.data[i].1.as_slice());
    let data = |i: Option<usize>| Held { data: i.and_then(file), ..Held::default() };
    assert_eq!(verify_link_file(d1, None, None, &data(None)).unwrap().known, [false; 2]);
    assert_eq!(verify_link_file(d1, None, None, &data(Some(0))).unwrap().known, [true, false]);
    assert_eq!(verify_link_file(d1, file(1), None, &data(Some(0))).unwrap().known, [true; 2]);
    let found = |e: Result<_, Rejected>| match e.map(|_: tacit_training::verify::VerifiedLink| ()) {
        Err(Rejected::NotLinked { which, .. }) => which,
        other => panic!("{other:?}"),
    };
    assert_eq!(found(verify_link_file(d1, None, None, &data(Some(1)))), "first");
    assert_eq!(found(verify_link_file(d1, file(0), None, &data(Some(0)))), "second");
    assert_eq!(found(verify_link_file(d1, file(3), None, &data(None))), "second");
    // Models: beside the run whose last model is the first, or one that links lead to.
    assert_eq!(verify_link_file(m1, None, Some(&w.run), &data(None)).unwrap().known, [true, false]);
    assert_eq!(found(verify_link_file(m2, None, Some(&w.run), &data(None))), "first");
    let links = [m1];
    let held = Held { links: &links, ..Held::default() };
    assert_eq!(verify_link_file(m2, None, Some(&w.run), &held).unwrap().known, [true, false]);
    assert!(matches!(verify_link_file(m2, None, None, &held), Err(Rejected::IdleLink { index: 0 })));
    let kind = |e: Result<_, Rejected>| match e.map(|_: tacit_training::verify::VerifiedLink| ()) {
        Err(Rejected::LinkKind { what, models }) => (what, models),
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(verify_link_file(m1, None, None, &data(Some(0)))), ("a data commitment", true));
    assert_eq!(kind(verify_link_file(m1, file(1), None, &data(None))), ("a data commitment", true));
    assert_eq!(kind(verify_link_file(d1, None, Some(&w.run), &data(None))), ("a run", false));
    assert!(matches!(verify_link_file(&w.run, None, None, &data(None)), Err(Rejected::File(_))));
}
