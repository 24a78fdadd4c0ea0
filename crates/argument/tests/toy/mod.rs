//! A small relation over three committed vectors that uses every part of the argument: "the model is the product of the
//! data with a hidden column, row by row, and all entries are bytes".
#![allow(dead_code)]
use p3_field::PrimeCharacteristicRing;
use p3_whir::pcs::proof::QueryOpenings;
use std::borrow::Cow;
use tacit_argument::bilinear::{Column, Pair, bilinear_check, bilinear_proof, error_numerator};
use tacit_argument::entropy::Entropy;
use tacit_argument::field::{E, F};
use tacit_argument::form::{Columns, Form};
use tacit_argument::functional::Low;
use tacit_argument::hiding::{Affine, Cell, HidingError, Masker, Reduction};
use tacit_argument::lookup::{
    Lookup, LookupError, LookupSystem, Table, fill_multiplicities, lookup_check, lookup_proof,
};
use tacit_argument::multilinear::{eq_eval, eq_table};
use tacit_argument::opening::{
    LongLived, OpeningProof, OraclePaths, Pin, TreePaths, VectorShape, long_lived_shape, pin_point,
};
use tacit_argument::proof::{ArgumentError, Committed, Plan, Relation, RelationProof, Witnessed, check, plan, prove};
use tacit_argument::soundness::{ErrorTerm, LOGUP, SUMCHECK, algebraic};
use tacit_argument::transcript::probe::{Answer, Event, Run};

pub const LABEL: &[u8] = b"toy/v1";
pub const DIGEST: [u8; 32] = [3; 32];
pub const RATE: usize = 2;
/// log2 of the rows of a column.
pub const LOG_ROWS: usize = 6;
const BITS: usize = 8;

/// The relation. Trace slots: a (the data), b, c = a b, then multiplicities; data: a; model: c.
pub struct Toy {
    /// Its `log_rows` are those of a column.
    pub lookups: LookupSystem,
    /// Added to a claim: a statement that is false for every witness, if it is not zero.
    pub wrong: E,
}

impl Default for Toy {
    fn default() -> Self {
        Self::of(LOG_ROWS)
    }
}

impl Toy {
    /// Of columns of 2^log_rows rows.
    pub fn of(log_rows: usize) -> Self {
        let bytes = |slot| Lookup { table: 0, values: vec![Form::column(0, slot)] };
        let tables = vec![Table::Range { bits: BITS }];
        let lookups = LookupSystem { log_rows, tables, multiplicities: vec![3], lookups: vec![bytes(0), bytes(1)] };
        Self { lookups, wrong: E::ZERO }
    }
    fn log_rows(&self) -> usize {
        self.lookups.log_rows
    }
}

impl Relation for Toy {
    fn max_stride(&self) -> usize {
        self.log_rows()
    }
    fn column_cells(&self) -> usize {
        (3 + (1 << (BITS - self.log_rows()))) << self.log_rows()
    }
    fn log_proofs(&self) -> usize {
        0
    }
    fn check(&self, r: &mut Reduction<'_>) -> Result<(), HidingError> {
        r.begin(LABEL);
        let u = r.point(self.log_rows());
        let low = r.low(Low::Eq(u.clone()));
        let product = Affine::cell(Cell { vector: 0, low, slot: 2 }, E::ONE);
        let owed = bilinear_check(r, product, self.log_rows(), 0)?;
        let (rows, weight) = (owed.rows.clone(), eq_eval(&u, &owed.rows));
        let (a, b) = owed.close(r, weight);
        let low = r.low(Low::Eq(rows));
        for (message, slot) in [(a, 0), (b, 1)] {
            let mut e = message.affine();
            e.add_cell(Cell { vector: 0, low, slot }, -E::ONE);
            r.assert_zero(e);
        }
        let v = r.point(self.log_rows());
        let low = r.low(Low::Eq(v));
        for (vector, slot) in [(1, 0), (2, 2)] {
            let mut e = Affine::constant(self.wrong);
            e.add_cell(Cell { vector, low, slot: 0 }, E::ONE);
            e.add_cell(Cell { vector: 0, low, slot }, -E::ONE);
            r.assert_zero(e);
        }
        lookup_check(r, &self.lookups)
    }
    fn soundness(&self, list_bits: f64) -> Vec<ErrorTerm> {
        vec![
            algebraic(
                "product",
                error_numerator(self.log_rows(), 0) as usize + 2 * self.log_rows(),
                list_bits,
                SUMCHECK,
            ),
            algebraic("lookups", self.lookups.error_numerator() as usize, list_bits, LOGUP),
        ]
    }
}

/// A witness.
pub struct Known {
    pub relation: Toy,
    pub a: Vec<F>,
    pub b: Vec<F>,
}

impl Known {
    pub fn new(a: Vec<F>, b: Vec<F>) -> Self {
        Self { relation: Toy::of(a.len().ilog2() as usize), a, b }
    }
    /// Bytes from the operating system.
    pub fn random() -> Self {
        Self::of(LOG_ROWS)
    }
    /// The same in columns of 2^log_rows rows.
    pub fn of(log_rows: usize) -> Self {
        let mut bytes = random("witness", 2 << log_rows);
        bytes.iter_mut().for_each(|x| *x = F::from_u64(p3_field::PrimeField64::as_canonical_u64(x) & 255));
        let b = bytes.split_off(1 << log_rows);
        Self::new(bytes, b)
    }
    pub fn product(&self) -> Vec<F> {
        self.a.iter().zip(&self.b).map(|(&a, &b)| a * b).collect()
    }
    /// The trace's payload without pads.
    pub fn columns(&self) -> Vec<F> {
        let mut out = [self.a.clone(), self.b.clone(), self.product()].concat();
        out.resize(self.relation.column_cells(), F::ZERO);
        fill_multiplicities(&self.relation.lookups, &mut out, &[]).expect("bytes");
        out
    }
    /// The payloads of data and model.
    pub fn payloads(&self) -> [Vec<F>; 2] {
        [self.a.clone(), self.product()]
    }
    pub fn prove(&self, others: &Others, entropy: Entropy) -> RelationProof {
        prove(LABEL, &DIGEST, self, RATE, self.columns(), &others.refs(), entropy).expect("a true statement")
    }
}

impl Witnessed for Known {
    type Relation = Toy;
    fn relation(&self) -> &Toy {
        &self.relation
    }
    fn send(&self, m: &mut Masker<'_>, trace: &[F]) -> Result<(), LookupError> {
        m.begin(LABEL);
        let log_rows = self.relation.log_rows();
        let u = m.point(log_rows);
        let columns = Columns { log_rows, vectors: vec![trace] };
        let column = |slot| Column::Base(Cow::Borrowed(columns.slot(0, slot)));
        let pair = Pair { a: column(0), b: column(1), weights: vec![(0, E::ONE)] };
        bilinear_proof(m, vec![eq_table(&u, E::ONE)], vec![pair]);
        m.point(log_rows);
        lookup_proof(m, &self.relation.lookups, &columns)
    }
}

/// The long-lived vectors of a proof.
pub struct Others {
    pub vectors: [LongLived; 2],
    pub pins: [Pin; 2],
}

/// Shapes of data and model: for four proofs each.
pub fn shape() -> VectorShape {
    shape_of(LOG_ROWS)
}

/// The same for columns of 2^log_rows rows.
pub fn shape_of(log_rows: usize) -> VectorShape {
    long_lived_shape(1 << log_rows, log_rows, 4, RATE).expect("a small vector")
}

impl Others {
    /// Pins at the points that the roots lead to.
    pub fn pinned(vectors: [LongLived; 2]) -> Self {
        let pin = |v: &LongLived| {
            let point = pin_point(&v.root(), &v.shape());
            Pin { value: v.pin(&point), point }
        };
        let pins = [pin(&vectors[0]), pin(&vectors[1])];
        Self { vectors, pins }
    }
    pub fn commit(known: &Known, seed: u8) -> Self {
        let payloads = known.payloads();
        let commit = |k: usize| {
            LongLived::commit(shape_of(known.relation.log_rows()), RATE, &payloads[k], &[seed + k as u8; 32])
                .expect("room")
        };
        Self::pinned([commit(0), commit(1)])
    }
    pub fn committed(&self) -> [Committed; 2] {
        [0, 1].map(|k| Committed {
            shape: self.vectors[k].shape(),
            root: self.vectors[k].root(),
            pin: self.pins[k].clone(),
        })
    }
    pub fn refs(&self) -> Vec<(&LongLived, Committed)> {
        self.vectors.iter().zip(self.committed()).collect()
    }
    pub fn check(&self, proof: &RelationProof) -> Result<(), ArgumentError> {
        self.check_of(&Toy::default(), proof)
    }
    pub fn check_of(&self, relation: &Toy, proof: &RelationProof) -> Result<(), ArgumentError> {
        check(LABEL, &DIGEST, relation, RATE, &self.committed(), proof).map(|_| ())
    }
}

pub fn toy_plan() -> Plan {
    plan_of(LOG_ROWS)
}

/// The same for columns of 2^log_rows rows.
pub fn plan_of(log_rows: usize) -> Plan {
    plan(&Toy::of(log_rows), RATE, &[shape_of(log_rows); 2]).expect("a small statement")
}

pub fn fresh() -> Entropy {
    Entropy::fresh(&[1; 32], &[2; 32]).expect("random bytes")
}

pub fn random(label: &str, n: usize) -> Vec<F> {
    fresh().uniform(label, n)
}

/// Every challenge of E of a run, with the label last begun.
pub fn challenges(run: &Run) -> Vec<(String, E)> {
    let (mut label, mut out) = (String::new(), vec![]);
    for (k, event) in run.events.iter().enumerate() {
        match event {
            Event::Site { kind: "begin", label: l, .. } => label.clone_from(l),
            Event::Site { kind: "challenge", .. } => {
                let c: Vec<F> = run.events[k + 1..k + 4]
                    .iter()
                    .map(|e| match e {
                        Event::Answer(Answer::Field(x)) => *x,
                        other => panic!("{other:?} follows a challenge"),
                    })
                    .collect();
                out.push((label.clone(), E::new([c[0], c[1], c[2]])));
            }
            _ => {}
        }
    }
    out
}

/// The rows of f, and salts and paths of the trees, that an opening shows.
pub fn opened(opening: &mut OpeningProof) -> (&mut Vec<Vec<F>>, &mut Vec<TreePaths>) {
    match &mut opening.whir.whir.rounds[0].openings {
        QueryOpenings::Base(o) => match &mut o.proof {
            OraclePaths::First { rows, trees } => (rows, trees),
            OraclePaths::Plain(_) => panic!("the first oracle is virtual"),
        },
        QueryOpenings::Extension(_) => panic!("round 0 is over F"),
    }
}
