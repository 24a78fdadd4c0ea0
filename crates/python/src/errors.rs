//! From errors of the core to the one exception of this module; `tacit.session` maps its category to a Python class.
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use tacit_argument::proof::ArgumentError;
use tacit_training::file::FileError;
use tacit_training::link::{LinkError, LinkRejected};
use tacit_training::release::{ReleaseError, ReleaseRefused, ReleaseRejected};
use tacit_training::report::{PublicInvalid, ReportError, ReportInvalid, ReportRejected};
use tacit_training::run::{RunError, RunRejected};
use tacit_training::statement::StatementError;
use tacit_training::trainer::TrainError;
use tacit_training::validity::ValidityError;
use tacit_training::verify::Rejected;

create_exception!(_native, Failure, PyException, "category, check, subject and message of a failure of the core.");

/// What a failure is about, before it becomes a Python exception.
#[derive(Debug)]
pub struct Failed {
    /// "rejected", "unreadable", "release", "report" or "usage".
    pub category: &'static str,
    /// The check's name: the error's variant.
    pub check: String,
    /// For a rejected proof: "data", "model", "configuration" or "proof".
    pub subject: &'static str,
    /// For people.
    pub message: String,
}

impl Failed {
    /// Wrong usage.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { category: "usage", check: "usage".into(), subject: "", message: message.into() }
    }
    /// A file is not what it should be.
    pub fn unreadable(check: &str, message: impl Into<String>) -> Self {
        Self { category: "unreadable", check: check.into(), subject: "", message: message.into() }
    }
    /// The same failure, its message opening with the file that it is about.
    pub fn in_file(self, which: &str) -> Self {
        Self { message: format!("{which}: {}", self.message), ..self }
    }
    /// A check of a proof failed.
    pub fn rejected(subject: &'static str, check: &str, message: impl Into<String>) -> Self {
        Self { category: "rejected", check: check.into(), subject, message: message.into() }
    }
}

impl From<Failed> for PyErr {
    fn from(f: Failed) -> Self {
        Python::attach(|py| {
            let e = Failure::new_err(f.message.clone());
            let value = e.value(py);
            let fields =
                [("category", f.category), ("check", &f.check), ("subject", f.subject), ("message", &f.message)];
            for (name, text) in fields {
                if let Err(error) = value.setattr(name, text) {
                    return error;
                }
            }
            e
        })
    }
}

/// The name of an error's variant.
fn variant(e: &impl core::fmt::Debug) -> String {
    format!("{e:?}").chars().take_while(|c| c.is_alphanumeric()).collect()
}

impl From<FileError> for Failed {
    fn from(e: FileError) -> Self {
        let check = match e {
            FileError::Damaged => "truncated",
            FileError::TrailingBytes { .. } => "trailing",
            FileError::Version { .. } => "version",
            _ => "format",
        };
        Self::unreadable(check, e.to_string())
    }
}

fn argument(prefix: String, e: &ArgumentError) -> Failed {
    let check = match e {
        ArgumentError::Hiding(e) => variant(e),
        ArgumentError::Opening(e) => variant(e),
        ArgumentError::Order(e) => variant(e),
        ArgumentError::Soundness { .. } => variant(e),
    };
    Failed::rejected("proof", &check, format!("{prefix}{e}"))
}

impl From<ValidityError> for Failed {
    fn from(e: ValidityError) -> Self {
        match &e {
            ValidityError::Record(r) => Self::rejected("data", &variant(r), e.to_string()),
            ValidityError::Argument(a) => {
                let inner = argument(String::new(), a);
                Self::rejected("data", &inner.check, e.to_string())
            }
        }
    }
}

impl From<StatementError> for Failed {
    fn from(e: StatementError) -> Self {
        let subject = match e {
            StatementError::DataMismatch { .. } | StatementError::LabelMismatch => "data",
            StatementError::Record { which: "data", .. } => "data",
            StatementError::Record { .. } => "model",
            _ => "configuration",
        };
        Self::rejected(subject, &variant(&e), e.to_string())
    }
}

impl From<RunRejected> for Failed {
    fn from(e: RunRejected) -> Self {
        match e {
            RunRejected::Statement(s) => s.into(),
            RunRejected::Record { .. } => Self::rejected("model", &variant(&e), e.to_string()),
            RunRejected::Chunk { chunk, error } => argument(format!("chunk {chunk}: "), &error),
            RunRejected::ChunkCount { .. } => Self::rejected("proof", &variant(&e), e.to_string()),
        }
    }
}

impl From<Rejected> for Failed {
    fn from(e: Rejected) -> Self {
        match e {
            Rejected::File(e) => e.into(),
            Rejected::Validity(e) => e.into(),
            Rejected::Run(e) => e.into(),
            Rejected::SchemaId | Rejected::Record(_) => Self::rejected("data", &variant(&e), e.to_string()),
            Rejected::Report(e) => e.into(),
            Rejected::OfLink(e) => e.into(),
            Rejected::Link { index, error } => Self::from(error).in_file(&format!("link {}", index + 1)),
            Rejected::IdleLink { .. }
            | Rejected::NotLinked { .. }
            | Rejected::LinkKind { .. }
            | Rejected::TooManyLinks { .. } => Self::rejected("proof", &variant(&e), e.to_string()),
            Rejected::Compared(e) => Self::from(*e).in_file("the model compared with"),
            Rejected::NoData | Rejected::TrainingData => Self::rejected("data", &variant(&e), e.to_string()),
            Rejected::OtherData { .. } => Self::rejected("data", "DataCommitment", e.to_string()),
            Rejected::NoNonce | Rejected::OtherNonce { .. } | Rejected::OtherDeclaration { .. } => {
                Self::rejected("configuration", &variant(&e), e.to_string())
            }
        }
    }
}

impl From<RunError> for Failed {
    fn from(e: RunError) -> Self {
        Self::usage(e.to_string())
    }
}

impl From<TrainError> for Failed {
    fn from(e: TrainError) -> Self {
        Self::usage(e.to_string())
    }
}

impl From<ReleaseRefused> for Failed {
    fn from(e: ReleaseRefused) -> Self {
        match e {
            ReleaseRefused::Statement(_)
            | ReleaseRefused::Bits { .. }
            | ReleaseRefused::UnknownColumn { .. }
            | ReleaseRefused::FeatureBits { .. } => Self::usage(e.to_string()),
            ReleaseRefused::ExactWeights { .. }
            | ReleaseRefused::FewRows { .. }
            | ReleaseRefused::SingleRowBatches
            | ReleaseRefused::FewSteps { .. }
            | ReleaseRefused::DataBits { .. }
            | ReleaseRefused::EarlierRelease { .. } => {
                Self { category: "release", check: variant(&e), subject: "", message: e.to_string() }
            }
        }
    }
}

impl From<ReleaseRejected> for Failed {
    fn from(e: ReleaseRejected) -> Self {
        let (subject, check) = match &e {
            ReleaseRejected::Argument(a) => return argument("the release proof: ".into(), a),
            ReleaseRejected::Names(n) => ("proof", format!("Name{}", variant(n))),
            ReleaseRejected::NotFinalModel | ReleaseRejected::OtherRecord | ReleaseRejected::Record(_) => {
                ("model", variant(&e))
            }
            ReleaseRejected::Statement(s) => ("configuration", variant(s)),
            ReleaseRejected::Version { .. }
            | ReleaseRejected::OtherStatement
            | ReleaseRejected::OtherRun
            | ReleaseRejected::Bits { .. }
            | ReleaseRejected::WeightCount { .. }
            | ReleaseRejected::NoWrap { .. }
            | ReleaseRejected::WeightRange { .. } => ("proof", variant(&e)),
        };
        Self::rejected(subject, &check, e.to_string())
    }
}

impl From<ReleaseError> for Failed {
    fn from(e: ReleaseError) -> Self {
        Self::usage(e.to_string())
    }
}

/// The rule of a report's statement that is broken; of a backtest, its own.
fn invalid(i: &ReportInvalid) -> String {
    match i {
        ReportInvalid::Backtest(b) => variant(b),
        i => variant(i),
    }
}

/// What a public model breaks: of its layers and names, their own rules.
fn public(p: &PublicInvalid) -> String {
    match p {
        PublicInvalid::Config(c) => variant(c),
        PublicInvalid::Names(n) => format!("Name{}", variant(n)),
        p => variant(p),
    }
}

impl From<ReportRejected> for Failed {
    fn from(e: ReportRejected) -> Self {
        if let ReportRejected::Compared(e) = e {
            return Self::from(*e).in_file("the model compared with");
        }
        let (subject, check) = match &e {
            ReportRejected::Argument(a) => return argument("the report's proof: ".into(), a),
            ReportRejected::NotFinalModel | ReportRejected::OtherRecord | ReportRejected::Record(_) => {
                ("model", variant(&e))
            }
            ReportRejected::Public(p) => ("model", public(p)),
            ReportRejected::Statement(s) => ("configuration", variant(s)),
            ReportRejected::Invalid(i) => {
                let data =
                    matches!(i, ReportInvalid::Record(_) | ReportInvalid::Mismatch { .. } | ReportInvalid::Labels);
                return Self::rejected(if data { "data" } else { "proof" }, &invalid(i), e.to_string());
            }
            ReportRejected::Compared(_)
            | ReportRejected::OtherModel { .. }
            | ReportRejected::PublicModel { .. }
            | ReportRejected::Version { .. }
            | ReportRejected::OtherStatement
            | ReportRejected::OtherRun => ("proof", variant(&e)),
        };
        Self::rejected(subject, &check, e.to_string())
    }
}

impl From<ReportError> for Failed {
    fn from(e: ReportError) -> Self {
        let check = match &e {
            ReportError::Rejected(ReportRejected::Invalid(i)) => invalid(i),
            ReportError::Rejected(ReportRejected::Public(p)) => public(p),
            ReportError::Rejected(r) => variant(r),
            ReportError::Prove(_) | ReportError::Entropy(_) => return Self::usage(e.to_string()),
            e => variant(e),
        };
        Self { category: "report", check, subject: "", message: e.to_string() }
    }
}

impl From<LinkRejected> for Failed {
    fn from(e: LinkRejected) -> Self {
        let check = match &e {
            LinkRejected::Argument(a) => return argument("the link's proof: ".into(), a),
            LinkRejected::Invalid(i) => variant(i),
            LinkRejected::Record(r) => variant(r),
            LinkRejected::Version { .. } => variant(&e),
        };
        Self::rejected("proof", &check, e.to_string())
    }
}

impl From<LinkError> for Failed {
    fn from(e: LinkError) -> Self {
        if let LinkError::Rows(rows) = &e {
            return Self { category: "report", check: variant(rows), subject: "", message: e.to_string() };
        }
        Self::usage(e.to_string())
    }
}
