//! What is changed, and who verifies it: every file of every family beside the honest files that it needs.
use crate::checks::name;
use crate::honest::Family;
use crate::inflate;
use crate::random::Random;
use crate::spans::{HEAD, Spans};
use std::collections::HashSet;
use std::sync::Arc;
use tacit_training::file::{Kind, decode, encode};
use tacit_training::link::LinkProof;
use tacit_training::record::ModelRecord;
use tacit_training::release::verify_release;
use tacit_training::report::{verify_public_report, verify_report};
use tacit_training::run::{RunProof, RunVerdict};
use tacit_training::statement::RunStatement;
use tacit_training::verify::{DataFile, Held, verify_data_file, verify_link_file, verify_run_file};

/// The verified run that releases and reports belong to.
pub struct Run {
    statement: RunStatement,
    verdict: RunVerdict,
    model: ModelRecord,
}

/// How a file is verified.
#[derive(Clone)]
pub enum Verifier {
    /// A data commitment.
    Data,
    /// A run.
    Run,
    /// A data commitment beside a run, which is honest.
    Held(Arc<Vec<u8>>),
    /// A release of a verified run.
    Release(Arc<Run>),
    /// A report on the model of a verified run.
    Report(Arc<Run>),
    /// A report on the model with these weights.
    Public(Arc<Vec<i64>>),
    /// A link of two commitments.
    Link,
}

/// How a file is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Anywhere, see [`crate::mutate`].
    Anywhere,
    /// Sizes in the statement, all that depend on them in step, see [`crate::inflate`].
    Sizes,
}

/// One file that is changed and verified.
pub struct Target {
    /// Family and kind.
    pub name: String,
    /// The file.
    pub file: Spans,
    /// The file, taken apart, of other families and proofs.
    pub donors: Vec<Arc<Spans>>,
    /// Who verifies it.
    pub verifier: Verifier,
    /// How it is changed.
    pub change: Change,
    /// Honest files and chunks, which are accepted.
    known: HashSet<Vec<u8>>,
}

impl Verifier {
    /// The verdict on a file.
    ///
    /// # Errors
    /// The name of the check that rejects it.
    pub fn verify(&self, bytes: &[u8]) -> Result<(), String> {
        match self {
            Self::Data => verify_data_file(bytes).map(|_| ()).map_err(|e| name(&e)),
            Self::Run => verify_run_file(bytes, &Held::default()).map(|_| ()).map_err(|e| name(&e)),
            Self::Held(run) => {
                let held = Held { data: Some(bytes), ..Held::default() };
                verify_run_file(run, &held).map(|_| ()).map_err(|e| name(&e))
            }
            Self::Release(run) => {
                let release = decode(Kind::Release, bytes).map_err(|e| name(&e))?;
                verify_release(&release, &run.verdict, &run.statement, &run.model).map(|_| ()).map_err(|e| name(&e))
            }
            Self::Report(run) => {
                let report = decode(Kind::Report, bytes).map_err(|e| name(&e))?;
                verify_report(&report, &run.verdict, &run.statement, &run.model).map(|_| ()).map_err(|e| name(&e))
            }
            Self::Public(weights) => {
                let report = decode(Kind::Report, bytes).map_err(|e| name(&e))?;
                verify_public_report(&report, weights).map(|_| ()).map_err(|e| name(&e))
            }
            Self::Link => verify_link_file(bytes, None, None, &Held::default()).map(|_| ()).map_err(|e| name(&e)),
        }
    }
}

/// (a run's statement, chunk, its record and proof), as one key.
fn chunk_key(run: &RunProof, chunk: usize) -> Option<Vec<u8>> {
    postcard::to_allocvec(&(&run.statement, chunk, run.chunks.get(chunk)?)).ok()
}

impl Target {
    /// Whether an accepted file is made of honest proofs of one statement: then there is nothing wrong with it.
    #[must_use]
    pub fn honest(&self, bytes: &[u8]) -> bool {
        if self.known.contains(bytes) {
            return true;
        }
        let Ok(run) = decode::<RunProof>(Kind::Run, bytes) else { return false };
        (0..run.chunks.len()).all(|i| chunk_key(&run, i).is_some_and(|key| self.known.contains(&key)))
    }

    /// A changed file.
    #[must_use]
    pub fn changed(&self, r: &mut Random) -> Vec<u8> {
        let donors: Vec<&Spans> = self.donors.iter().map(AsRef::as_ref).collect();
        match (self.change, &self.verifier) {
            (Change::Anywhere, _) => crate::mutate::mutate(r, &self.file, &donors),
            (Change::Sizes, Verifier::Data) => inflate::data(r, &self.file.bytes),
            (Change::Sizes, Verifier::Report(_) | Verifier::Public(_)) => inflate::report(r, &self.file.bytes),
            (Change::Sizes, Verifier::Link) => inflate::link(r, &self.file.bytes),
            (Change::Sizes, _) => inflate::run(r, &self.file.bytes),
        }
    }
}

fn apart<T: serde::Serialize + serde::de::DeserializeOwned>(kind: Kind, bytes: &[u8]) -> Arc<Spans> {
    let spans = Spans::new(&bytes[..HEAD], &decode::<T>(kind, bytes).expect("an honest file"));
    assert!(spans.bytes == bytes, "the walk is the wire format");
    Arc::new(spans)
}

fn verified(run: &[u8]) -> Run {
    let (run, verdict) = verify_run_file(run, &Held::default()).expect("an honest run");
    let model = run.chunks.last().expect("a chunk").model_out.clone();
    Run { statement: run.statement, verdict, model }
}

struct Corpus {
    targets: Vec<Target>,
    data: Vec<Arc<Spans>>,
    runs: Vec<Arc<Spans>>,
    releases: Vec<Arc<Spans>>,
    reports: Vec<Arc<Spans>>,
    links: Vec<Arc<Spans>>,
    known: HashSet<Vec<u8>>,
}

impl Corpus {
    fn new(families: &[Family]) -> Self {
        let all = |files: fn(&Family) -> &[Vec<u8>]| families.iter().flat_map(files);
        let mut known: HashSet<Vec<u8>> = families.iter().map(|f| f.data.clone()).collect();
        known.extend(families.iter().map(|f| f.public.0.clone()));
        known.extend(all(|f| &f.releases).chain(all(|f| &f.reports)).chain(all(|f| &f.links)).cloned());
        for run in all(|f| &f.runs) {
            let run: RunProof = decode(Kind::Run, run).expect("an honest run");
            known.extend((0..run.chunks.len()).filter_map(|i| chunk_key(&run, i)));
        }
        Self {
            targets: vec![],
            data: families.iter().map(|f| apart::<DataFile>(Kind::Data, &f.data)).collect(),
            runs: all(|f| &f.runs).map(|b| apart::<RunProof>(Kind::Run, b)).collect(),
            releases: all(|f| &f.releases)
                .map(|b| apart::<tacit_training::release::ReleaseProof>(Kind::Release, b))
                .collect(),
            reports: all(|f| &f.reports)
                .chain(families.iter().map(|f| &f.public.0))
                .map(|b| apart::<tacit_training::report::ReportProof>(Kind::Report, b))
                .collect(),
            links: all(|f| &f.links).map(|b| apart::<LinkProof>(Kind::Link, b)).collect(),
            known,
        }
    }

    fn add(&mut self, name: String, bytes: &[u8], verifier: Verifier, change: Change) {
        let donors = match verifier {
            Verifier::Data | Verifier::Held(_) => &self.data,
            Verifier::Run => &self.runs,
            Verifier::Release(_) => &self.releases,
            Verifier::Report(_) | Verifier::Public(_) => &self.reports,
            Verifier::Link => &self.links,
        };
        let file = donors.iter().find(|s| s.bytes == bytes).expect("a file of the corpus");
        let (file, donors, known) = (Spans::clone(file), donors.clone(), self.known.clone());
        verifier.verify(bytes).expect("an honest file");
        self.targets.push(Target { name, file, donors, verifier, change, known });
    }
}

/// The targets of some families; the honest file of each is verified.
///
/// # Panics
/// If a family's files are not honest.
#[must_use]
pub fn targets(families: &[Family]) -> Vec<Target> {
    let mut c = Corpus::new(families);
    for f in families {
        let run = Arc::new(verified(&f.runs[0]));
        let named = |kind: &str| format!("{kind} of {}", f.name);
        c.add(named("data"), &f.data, Verifier::Data, Change::Anywhere);
        c.add(named("run"), &f.runs[0], Verifier::Run, Change::Anywhere);
        c.add(named("data beside run"), &f.data, Verifier::Held(Arc::new(f.runs[0].clone())), Change::Anywhere);
        c.add(named("release"), &f.releases[0], Verifier::Release(run.clone()), Change::Anywhere);
        for (i, report) in f.reports.iter().enumerate() {
            c.add(named(&format!("report {i}")), report, Verifier::Report(run.clone()), Change::Anywhere);
        }
        let weights = Arc::new(f.public.1.clone());
        c.add(named("report on a public model"), &f.public.0, Verifier::Public(weights.clone()), Change::Anywhere);
        c.add(named("sizes, report on a public model"), &f.public.0, Verifier::Public(weights), Change::Sizes);
        for (link, what) in f.links.iter().zip(["data", "models", "some rows", "the same rows", "other rows"]) {
            c.add(named(&format!("link of {what}")), link, Verifier::Link, Change::Anywhere);
            c.add(named(&format!("sizes, link of {what}")), link, Verifier::Link, Change::Sizes);
        }
        c.add(named("sizes, data"), &f.data, Verifier::Data, Change::Sizes);
        c.add(named("sizes, run"), &f.runs[0], Verifier::Run, Change::Sizes);
        if let Some(report) = f.reports.last() {
            c.add(named("sizes, report"), report, Verifier::Report(run), Change::Sizes);
        }
    }
    c.targets
}

/// Encodes a changed body; an unencodable one becomes no file at all.
pub(crate) fn file<T: serde::Serialize>(kind: Kind, body: &T) -> Vec<u8> {
    encode(kind, body).unwrap_or_default()
}
