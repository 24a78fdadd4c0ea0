//! The closed list of clear values over whole files: the statement with its records, and per argument what the list
//! has.
use crate::statements::{files, linked, released, reported};
use crate::walk::list::PROOF;
use crate::walk::{classify, leaves};
use std::collections::BTreeSet;
use tacit_training::link::LinkProof;
use tacit_training::report::ReportProof;
use tacit_training::verify::DataFile;

/// Public parts of the files beside the arguments: fields of the statements and records, one level deep.
const PUBLIC: &[(&str, &str)] = &[
    ("chunks.len", "form"),
    ("chunks.*.model_out.version", "record"),
    ("chunks.*.model_out.layers", "record"),
    ("chunks.*.model_out.fw", "record"),
    ("chunks.*.model_out.velocity", "record"),
    ("chunks.*.model_out.vector", "record"),
    ("chunks.*.model_out.pin", "record"),
    ("statement.version", "statement"),
    ("statement.security_bits", "statement"),
    ("statement.log_inv_rate", "statement"),
    ("statement.config.architecture", "statement"),
    ("statement.config.scales", "statement"),
    ("statement.config.schedule", "statement"),
    ("statement.config.order", "statement"),
    ("statement.config.data_bits", "statement"),
    ("statement.config.target_bits", "statement"),
    ("statement.config.norms", "statement"),
    ("statement.config.carry_bits", "statement"),
    ("statement.order_origin", "statement"),
    ("statement.released", "statement"),
    ("statement.start.variant", "statement"),
    ("statement.start.Hidden.bits", "statement"),
    ("statement.start.Hidden.record.version", "record"),
    ("statement.start.Hidden.record.layers", "record"),
    ("statement.start.Hidden.record.fw", "record"),
    ("statement.start.Hidden.record.velocity", "record"),
    ("statement.start.Hidden.record.vector", "record"),
    ("statement.start.Hidden.record.pin", "record"),
    ("statement.data.version", "record"),
    ("statement.data.rows", "record"),
    ("statement.data.features", "record"),
    ("statement.data.labels", "record"),
    ("statement.data.fa", "record"),
    ("statement.data.data_bits", "record"),
    ("statement.data.schema", "record"),
    ("statement.data.names", "record"),
    ("statement.data.released", "record"),
    ("statement.data.vector", "record"),
    ("statement.data.pin", "record"),
];

const DATA: &[(&str, &str)] = &[
    ("schema", "schema"),
    ("record.version", "record"),
    ("record.rows", "record"),
    ("record.features", "record"),
    ("record.labels", "record"),
    ("record.fa", "record"),
    ("record.data_bits", "record"),
    ("record.schema", "record"),
    ("record.names", "record"),
    ("record.released", "record"),
    ("record.vector", "record"),
    ("record.pin", "record"),
];

const RELEASE: &[(&str, &str)] = &[
    ("statement.version", "statement"),
    ("statement.run_digest", "statement"),
    ("statement.model_digest", "statement"),
    ("statement.bits", "statement"),
    ("statement.weights", "released weights"),
    ("statement.names", "statement"),
    ("statement.exemption", "statement"),
];

const REPORT: &[(&str, &str)] = &[
    ("statement.version", "statement"),
    ("statement.run_digest", "statement"),
    ("statement.model_digest", "statement"),
    ("statement.input.variant", "statement"),
    ("statement.input.Committed.rows", "statement"),
    ("statement.input.Committed.data.version", "record"),
    ("statement.input.Committed.data.rows", "record"),
    ("statement.input.Committed.data.features", "record"),
    ("statement.input.Committed.data.labels", "record"),
    ("statement.input.Committed.data.fa", "record"),
    ("statement.input.Committed.data.data_bits", "record"),
    ("statement.input.Committed.data.schema", "record"),
    ("statement.input.Committed.data.names", "record"),
    ("statement.input.Committed.data.released", "record"),
    ("statement.input.Committed.data.vector", "record"),
    ("statement.input.Committed.data.pin", "record"),
    ("statement.input.Public.features", "public rows"),
    ("statement.input.Table.table.fa", "public rows"),
    ("statement.input.Table.table.data_bits", "public rows"),
    ("statement.input.Table.table.features", "public rows"),
    ("statement.input.Table.table.labels", "public rows"),
    ("statement.input.Table.table.values", "public rows"),
    ("statement.input.Table.table.earlier", "public rows"),
    ("statement.groups", "statement"),
    ("statement.shown.len", "statement"),
    ("statement.shown.*.variant", "statement"),
    ("statement.shown.*.Outputs.values", "shown"),
    ("statement.shown.*.Classes.classes", "shown"),
    ("statement.shown.*.Margins.plus", "statement"),
    ("statement.shown.*.Margins.minus", "statement"),
    ("statement.shown.*.Margins.bounds", "statement"),
    ("statement.shown.*.Committed.outputs.version", "record"),
    ("statement.shown.*.Committed.outputs.rows", "record"),
    ("statement.shown.*.Committed.outputs.features", "record"),
    ("statement.shown.*.Committed.outputs.labels", "record"),
    ("statement.shown.*.Committed.outputs.fa", "record"),
    ("statement.shown.*.Committed.outputs.data_bits", "record"),
    ("statement.shown.*.Committed.outputs.schema", "record"),
    ("statement.shown.*.Committed.outputs.names", "record"),
    ("statement.shown.*.Committed.outputs.released", "record"),
    ("statement.shown.*.Committed.outputs.vector", "record"),
    ("statement.shown.*.Committed.outputs.pin", "record"),
    ("statement.shown.*.SquaredError.sum", "shown"),
    ("statement.shown.*.AbsoluteError.sum", "shown"),
    ("statement.shown.*.TargetMoments.sums", "shown"),
    ("statement.shown.*.TargetMoments.squares", "shown"),
    ("statement.shown.*.Counts.counts", "shown"),
    ("statement.shown.*.Exactly.rate", "statement"),
    ("statement.shown.*.Exactly.group", "statement"),
    ("statement.shown.*.Exactly.numerator", "shown"),
    ("statement.shown.*.Exactly.denominator", "shown"),
    ("statement.shown.*.AtLeast.rate", "statement"),
    ("statement.shown.*.AtLeast.group", "statement"),
    ("statement.shown.*.AtLeast.bound", "statement"),
    ("statement.shown.*.GapAtMost.rate", "statement"),
    ("statement.shown.*.GapAtMost.denominators", "shown"),
    ("statement.shown.*.GapAtMost.bound", "statement"),
    ("statement.shown.*.Backtest.strategy", "statement"),
    ("statement.shown.*.Backtest.figures", "shown"),
    ("statement.shown.*.Scores.group", "statement"),
    ("statement.shown.*.Scores.figure", "shown"),
    ("statement.shown.*.MeanErrorAtMost.error", "statement"),
    ("statement.shown.*.MeanErrorAtMost.group", "statement"),
    ("statement.shown.*.MeanErrorAtMost.bound", "statement"),
    ("statement.shown.*.ExplainedAtLeast.bound", "statement"),
    ("statement.shown.*.BetterBy.metric", "statement"),
    ("statement.shown.*.BetterBy.group", "statement"),
    ("statement.shown.*.BetterBy.bound", "statement"),
    ("statement.shown.*.Calendar.calendar", "statement"),
    ("statement.against", "statement"),
    ("statement.public", "statement"),
];

const LINK: &[(&str, &str)] = &[
    ("statement.version", "statement"),
    ("statement.linked.variant", "statement"),
    ("statement.linked.Rows.relation", "statement"),
    ("statement.linked.Data.first.version", "record"),
    ("statement.linked.Data.first.rows", "record"),
    ("statement.linked.Data.first.features", "record"),
    ("statement.linked.Data.first.labels", "record"),
    ("statement.linked.Data.first.fa", "record"),
    ("statement.linked.Data.first.data_bits", "record"),
    ("statement.linked.Data.first.schema", "record"),
    ("statement.linked.Data.first.names", "record"),
    ("statement.linked.Data.first.released", "record"),
    ("statement.linked.Data.first.vector", "record"),
    ("statement.linked.Data.first.pin", "record"),
    ("statement.linked.Data.second.version", "record"),
    ("statement.linked.Data.second.rows", "record"),
    ("statement.linked.Data.second.features", "record"),
    ("statement.linked.Data.second.labels", "record"),
    ("statement.linked.Data.second.fa", "record"),
    ("statement.linked.Data.second.data_bits", "record"),
    ("statement.linked.Data.second.schema", "record"),
    ("statement.linked.Data.second.names", "record"),
    ("statement.linked.Data.second.released", "record"),
    ("statement.linked.Data.second.vector", "record"),
    ("statement.linked.Data.second.pin", "record"),
    ("statement.linked.Rows.first.version", "record"),
    ("statement.linked.Rows.first.rows", "record"),
    ("statement.linked.Rows.first.features", "record"),
    ("statement.linked.Rows.first.labels", "record"),
    ("statement.linked.Rows.first.fa", "record"),
    ("statement.linked.Rows.first.data_bits", "record"),
    ("statement.linked.Rows.first.schema", "record"),
    ("statement.linked.Rows.first.names", "record"),
    ("statement.linked.Rows.first.released", "record"),
    ("statement.linked.Rows.first.vector", "record"),
    ("statement.linked.Rows.first.pin", "record"),
    ("statement.linked.Rows.second.version", "record"),
    ("statement.linked.Rows.second.rows", "record"),
    ("statement.linked.Rows.second.features", "record"),
    ("statement.linked.Rows.second.labels", "record"),
    ("statement.linked.Rows.second.fa", "record"),
    ("statement.linked.Rows.second.data_bits", "record"),
    ("statement.linked.Rows.second.schema", "record"),
    ("statement.linked.Rows.second.names", "record"),
    ("statement.linked.Rows.second.released", "record"),
    ("statement.linked.Rows.second.vector", "record"),
    ("statement.linked.Rows.second.pin", "record"),
    ("statement.linked.Model.first.version", "record"),
    ("statement.linked.Model.first.layers", "record"),
    ("statement.linked.Model.first.fw", "record"),
    ("statement.linked.Model.first.velocity", "record"),
    ("statement.linked.Model.first.vector", "record"),
    ("statement.linked.Model.first.pin", "record"),
    ("statement.linked.Model.second.version", "record"),
    ("statement.linked.Model.second.layers", "record"),
    ("statement.linked.Model.second.fw", "record"),
    ("statement.linked.Model.second.velocity", "record"),
    ("statement.linked.Model.second.vector", "record"),
    ("statement.linked.Model.second.pin", "record"),
];

/// Every byte of a file: of the public part, or on the closed list of the argument below `at`.
fn closed<T: serde::Serialize>(file: &T, at: &str, public: &[(&'static str, &'static str)]) {
    closed_together(std::slice::from_ref(file), at, public);
}

/// The same over several files that need all rows of a table only together.
fn closed_together<T: serde::Serialize>(files: &[T], at: &str, public: &[(&'static str, &'static str)]) {
    let (mut rest, mut argument, mut length) = (vec![], vec![], 0);
    for file in files {
        for (path, bytes) in leaves(file) {
            match path.strip_prefix(at) {
                Some(inner) => argument.push((inner.to_string(), bytes)),
                None => rest.push((path, bytes)),
            }
        }
        length += postcard::to_allocvec(file).unwrap().len();
    }
    let listed = classify(&argument, PROOF).unwrap();
    assert_eq!(listed.len(), 13);
    length -= listed.values().map(Vec::len).sum::<usize>();
    let stated = classify(&rest, public).unwrap();
    assert_eq!(stated.values().map(Vec::len).sum::<usize>(), length);
    assert!(!stated.is_empty());
}

#[test]
fn every_byte_of_every_file_is_on_the_closed_list() {
    let (data, run) = files();
    closed(&run, "chunks.*.proof.", PUBLIC);
    closed(&DataFile { record: data.record, schema: "{}".into(), proof: data.proof }, "proof.", DATA);
    let (.., release) = released();
    closed(&release, "proof.", RELEASE);
    let mut reports: Vec<ReportProof> = reported().iter().map(|(_, proven, make)| make(proven)).collect();
    reports.extend(reported().first().map(|(_, proven, _)| proven.of_public_model().0));
    closed_together(&reports, "proof.", REPORT);
    let links: Vec<LinkProof> = linked().into_iter().map(|(_, link)| link).collect();
    closed_together(&links, "proof.", LINK);
}

/// The tables have no row twice.
#[test]
fn no_field_is_listed_twice() {
    for table in [PUBLIC, DATA, RELEASE, REPORT, LINK] {
        assert_eq!(table.iter().map(|r| r.0).collect::<BTreeSet<_>>().len(), table.len());
    }
    assert_eq!(PROOF.iter().map(|r| r.0).collect::<BTreeSet<_>>().len(), PROOF.len());
}
