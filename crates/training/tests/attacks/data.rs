//! Data that no honest owner has: solved mod p, out of its window, with labels that are none; the chunk's relation alone
//! cannot tell, the validity proof does.
use crate::common::{data, data_record, start};
use crate::forge::Forgery;
use crate::rules::broken;
use crate::tiny;
use p3_field::{Field, PrimeCharacteristicRing};
use std::collections::BTreeSet;
use tacit_argument::entropy::Entropy;
use tacit_argument::field::{E, F, signed, to_signed};
use tacit_argument::form::Columns;
use tacit_argument::hiding::{Masker, PadLayout, Reduction, Schedule, Secrets};
use tacit_argument::lookup::{LookupError, lookup_proof, multiplicities};
use tacit_argument::opening::{LongLived, OpeningError};
use tacit_argument::proof::{ArgumentError, Relation, Witnessed, prove};
use tacit_argument::transcript::Transcript;
use tacit_training::config::{Activation, Loss, RunConfig};
use tacit_training::record::DataRecord;
use tacit_training::relation::layout::ModelLayout;
use tacit_training::validity::{LABEL, ValidityError, ValidityRelation, data_payload, verify_data};

/// A dishonest owner of a data set: proves validity of whatever the payload holds.
struct Owner<'a> {
    relation: ValidityRelation<'a>,
    record: &'a DataRecord,
    payload: Vec<F>,
    columns: Vec<F>,
}

impl<'a> Owner<'a> {
    fn new(record: &'a DataRecord, payload: Vec<F>) -> Self {
        let relation = ValidityRelation::new(record);
        let mut columns = F::zero_vec(relation.column_cells());
        let system = relation.lookups();
        let read = Columns { log_rows: record.stride(), vectors: vec![&[], &payload] };
        if let Ok(counts) = multiplicities(system, &read) {
            for (&slot, count) in system.multiplicities.iter().zip(counts) {
                let first = slot << record.stride();
                columns[first..first + count.len()].copy_from_slice(&count);
            }
        }
        Self { relation, record, payload, columns }
    }

    /// Which claims fail, over real messages: those of the lookups, the label sums, the rows beyond n.
    fn rejected_by(&self) -> BTreeSet<&'static str> {
        let schedule: Schedule = {
            let mut t = Transcript::new(b"tacit/test/dry", &[0; 32]);
            let mut dry = Reduction::dry(&mut t);
            self.relation.check(&mut dry).expect("a dry run reads nothing");
            dry.schedule()
        };
        let mut entropy = Entropy::fresh(&[1; 32], &[2; 32]).expect("random bytes");
        let secrets = Secrets::draw(&schedule, &mut entropy);
        let mut cells = self.columns.clone();
        cells.extend(secrets.cells());
        let mut transcript = Transcript::new(b"tacit/test/clear", &[7; 32]);
        let mut masker = Masker::new(&mut transcript, secrets);
        self.send(&mut masker, &cells).expect("no denominator is zero");
        let messages = masker.finish();
        let mut transcript = Transcript::new(b"tacit/test/clear", &[7; 32]);
        let mut reduction = Reduction::new(&mut transcript, &messages);
        self.relation.check(&mut reduction).expect("every message is there");
        let values = reduction.claims_in_clear(PadLayout { first: self.columns.len() }, &[&cells, &self.payload]);
        let one_hot = matches!(self.record.labels, tacit_training::record::Labels::Class { .. });
        let mut names = vec!["lookups"; values.len()];
        *names.last_mut().expect("a claim") = "rows beyond n";
        if one_hot {
            names[values.len() - 2] = "sum of labels";
        }
        names.into_iter().zip(values).filter(|(_, v)| *v != E::ZERO).map(|(name, _)| name).collect()
    }
}

impl<'a> Witnessed for Owner<'a> {
    type Relation = ValidityRelation<'a>;
    fn relation(&self) -> &ValidityRelation<'a> {
        &self.relation
    }
    fn send(&self, masker: &mut Masker<'_>, trace: &[F]) -> Result<(), LookupError> {
        masker.go_on_dishonestly();
        masker.begin(LABEL);
        let columns = Columns { log_rows: self.record.stride(), vectors: vec![trace, &self.payload] };
        lookup_proof(masker, self.relation.lookups(), &columns)?;
        let _row = masker.point(self.record.stride());
        let _batch = masker.challenge();
        Ok(())
    }
}

/// A full validity proof of a payload that is not valid.
fn forged(mut record: DataRecord, payload: Vec<F>) -> Result<(), ValidityError> {
    let vector = LongLived::commit(record.vector.shape, 2, &payload, &[3; 32]).expect("the shape holds it");
    record.vector.root = vector.root();
    record.pin = vector.pin(&record.committed().expect("an encoding").pin.point);
    let owner = Owner::new(&record, payload);
    let committed = record.committed().expect("an encoding");
    let digest = record.digest().expect("an encoding");
    let entropy = Entropy::fresh(&[1; 32], &[2; 32]).expect("random bytes");
    let proof =
        prove(LABEL, &digest, &owner, 2, owner.columns.clone(), &[(&vector, committed)], entropy).expect("a proof");
    verify_data(&record, &proof)
}

fn assert_forgery_rejected(record: &DataRecord, payload: Vec<F>) {
    let error = forged(record.clone(), payload).expect_err("invalid data");
    assert!(matches!(error, ValidityError::Argument(ArgumentError::Opening(OpeningError::SourceClaim))), "{error}");
}

fn config(loss: Loss) -> RunConfig {
    tiny(&[(3, Activation::Identity)], 2, loss)
}

#[test]
fn honest_data_is_valid() {
    for loss in [Loss::CrossEntropy, Loss::BceWithLogits, Loss::Mse] {
        let (config, record) = (config(loss), data_record(&config(loss)));
        let owner = Owner::new(&record, data_payload(&record, &data(&config)));
        assert_eq!(owner.rejected_by(), BTreeSet::new());
    }
    let config = config(Loss::CrossEntropy);
    let record = data_record(&config);
    let payload = data_payload(&record, &data(&config));
    forged(record, payload).expect("an honest payload is proven by the same prover");
}

/// Every cell of the committed columns, out of its window or not a label.
#[test]
fn every_cell_of_the_data_is_checked() {
    for loss in [Loss::CrossEntropy, Loss::BceWithLogits, Loss::Mse] {
        let config = config(loss);
        let record = data_record(&config);
        let payload = data_payload(&record, &data(&config));
        let (n, stride) = (record.rows as usize, 1usize << record.stride());
        for i in 0..record.columns() as usize * stride {
            let (column, row) = (i / stride, i % stride);
            let bits = if column < 2 || loss == Loss::Mse { 7 } else { 1 };
            let wrong = match (loss, column) {
                (Loss::Mse, _) | (_, 0 | 1) => F::from_u64(1 << (bits - 1)),
                _ => F::from_u64(2),
            };
            let mut owner = Owner::new(&record, payload.clone());
            owner.payload[i] = wrong;
            let owner = Owner::new(&record, owner.payload);
            let groups = owner.rejected_by();
            assert!(groups.contains("lookups"), "{loss:?}, column {column}, row {row}: {groups:?}");
            if row >= n {
                // Inside its window, but beyond the last row.
                let mut padded = payload.clone();
                padded[i] = F::ONE;
                let groups = Owner::new(&record, padded).rejected_by();
                assert!(groups.contains("rows beyond n"), "{loss:?}, column {column}, row {row}: {groups:?}");
                assert!(!groups.contains("lookups"), "{groups:?}");
            }
        }
    }
}

#[test]
fn labels_that_are_no_class() {
    let config = config(Loss::CrossEntropy);
    let record = data_record(&config);
    let payload = data_payload(&record, &data(&config));
    let label = |row: usize, j: usize| ((2 + j) << record.stride()) + row;
    let class = (0..3).find(|&j| payload[label(4, j)] == F::ONE).expect("one-hot");
    let other = (class + 1) % 3;
    let third = (class + 2) % 3;
    let half = F::from_u64(2).inverse();
    let cases: [(&str, [F; 3], &str); 6] = [
        ("no class", [F::ZERO, F::ZERO, F::ZERO], "sum of labels"),
        ("two classes", [F::ONE, F::ONE, F::ZERO], "sum of labels"),
        ("three classes", [F::ONE, F::ONE, F::ONE], "sum of labels"),
        ("label 5", [F::from_u64(5), F::ZERO, F::ZERO], "lookups"),
        ("5, -4, 0 sum to 1", [F::from_u64(5), -F::from_u64(4), F::ZERO], "lookups"),
        ("halves sum to 1", [half, half, F::ZERO], "lookups"),
    ];
    for (name, values, check) in cases {
        let mut wrong = payload.clone();
        for (j, v) in [class, other, third].into_iter().zip(values) {
            wrong[label(4, j)] = v;
        }
        let groups = Owner::new(&record, wrong.clone()).rejected_by();
        assert!(groups.contains(check), "{name}: {groups:?}");
        assert_forgery_rejected(&record, wrong);
    }
}

#[test]
fn binary_labels_and_targets_out_of_range() {
    for (loss, wrong) in [
        (Loss::BceWithLogits, F::from_u64(5)),
        (Loss::BceWithLogits, F::from_u64(3).inverse()),
        (Loss::BceWithLogits, -F::ONE),
        (Loss::Mse, F::from_u64(1 << 6)),
        (Loss::Mse, -F::from_u64((1 << 6) + 1)),
    ] {
        let config = config(loss);
        let record = data_record(&config);
        let mut payload = data_payload(&record, &data(&config));
        payload[2 << record.stride()] = wrong;
        assert_forgery_rejected(&record, payload);
    }
}

/// Any solution of a linear system mod p, free variables zero.
fn solve(mut m: Vec<Vec<F>>) -> Vec<F> {
    let unknowns = m[0].len() - 1;
    let (mut pivots, mut row) = (vec![], 0);
    for column in 0..unknowns {
        let Some(found) = (row..m.len()).find(|&i| m[i][column] != F::ZERO) else { continue };
        m.swap(row, found);
        let inverse = m[row][column].inverse();
        m[row].iter_mut().for_each(|v| *v *= inverse);
        let pivot = m[row].clone();
        for (i, other) in m.iter_mut().enumerate() {
            let factor = other[column];
            if i != row && factor != F::ZERO {
                other.iter_mut().zip(&pivot).for_each(|(v, &p)| *v -= factor * p);
            }
        }
        pivots.push(column);
        row += 1;
    }
    assert!(m[row..].iter().all(|r| r[unknowns] == F::ZERO), "the system is solvable");
    let mut out = F::zero_vec(unknowns);
    pivots.into_iter().zip(&m).for_each(|(column, r)| out[column] = r[unknowns]);
    out
}

/// Review of soundness, finding 1: from a small public start and honest-looking targets, one squared-error step on
/// features solved mod p reaches an arbitrary model in all but N rows of W. Every relation of the chunk holds.
#[test]
fn data_solved_mod_p_trains_to_any_model() {
    let (examples, inputs, outputs) = (4usize, 8usize, 2usize);
    let mut config = tiny(&[(outputs as u32, Activation::Identity)], inputs as u32, Loss::Mse);
    config.architecture.layers[0].bias = false;
    config.schedule.rows = 4;
    config.schedule.batch = 4;
    config.schedule.total_steps = 1;
    config.schedule.chunk_steps = 1;
    config.schedule.rates = tacit_training::config::Schedule::encode_rates(&[1]);
    let (state, rows) = (start(&config), data(&config));
    let mut f = Forgery::honest(&config, &state, &rows);

    // Keep Z, R, D and the targets of the honest run; choose the first K - N rows of W_1 freely.
    let target = |k: usize, j: usize| signed((k * 31 + j * 7) as i64 * 1_000_003 - 100_000_000);
    let (r, bits) = (f.rows(), config.weight_bits());
    let c = f.layout.layers[0].clone();
    let mut system = vec![];
    for (b, j) in (0..examples).flat_map(|b| (0..outputs).map(move |j| (b, j))) {
        let mut equation = F::zero_vec(examples * inputs + 1);
        (0..inputs).for_each(|k| equation[b * inputs + k] = signed(state.weights[k * outputs + j]));
        let rem: F = c.z_rem.weighted().map(|(w, slot)| F::from_u64(w) * f.column(slot + j)[b]).sum();
        equation[examples * inputs] =
            F::from_u64(1 << bits) * f.column(c.z + j)[b] + rem - F::from_u64(1 << (bits - 1));
        system.push(equation);
    }
    for (k, j) in (0..inputs - outputs).flat_map(|k| (0..outputs).map(move |j| (k, j))) {
        let mut equation = F::zero_vec(examples * inputs + 1);
        (0..examples).for_each(|b| equation[b * inputs + k] = f.gradients[0][j * r + b]);
        equation[examples * inputs] = signed(state.weights[k * outputs + j]) - target(k, j);
        system.push(equation);
    }
    let x = solve(system);
    let stride = data_record(&config).stride();
    (0..inputs).for_each(|k| (0..examples).for_each(|b| f.data[(k << stride) + b] = x[b * inputs + k]));
    f.derive();
    f.derive_model_out();

    let layout = ModelLayout::new(&config, 0);
    for (k, j) in (0..inputs - outputs).flat_map(|k| (0..outputs).map(move |j| (k, j))) {
        assert_eq!(f.model_out[layout.cell(0, k, j)], target(k, j), "W_1({k}, {j}) is the prover's choice");
    }
    let largest = f.data.iter().filter_map(|&v| to_signed(v)).map(i64::unsigned_abs).max();
    assert!(largest > Some(1 << 60), "features are residues, not measurements");
    assert_eq!(broken(&f), BTreeSet::new());
    assert_eq!(f.rejected_by(), BTreeSet::new(), "the chunk alone cannot tell");

    let record = data_record(&config);
    assert_eq!(Owner::new(&record, f.data.clone()).rejected_by(), BTreeSet::from(["lookups"]));
    assert_forgery_rejected(&record, f.data);
}

/// A record names its rows, widths and windows; the proof of another record is none of this one's.
#[test]
fn a_validity_proof_of_another_record() {
    let config = config(Loss::CrossEntropy);
    let committed = crate::common::commit(&config, &data(&config));
    verify_data(&committed.record, &committed.proof).expect("an honest commitment");
    let mut wider = committed.record.clone();
    wider.data_bits += 1;
    let error = verify_data(&wider, &committed.proof).expect_err("another window");
    assert!(matches!(error, ValidityError::Argument(_)), "{error}");
    let mut fewer = committed.record.clone();
    fewer.rows -= 1;
    let error = verify_data(&fewer, &committed.proof).expect_err("another n");
    assert!(matches!(error, ValidityError::Argument(_)), "{error}");
}
