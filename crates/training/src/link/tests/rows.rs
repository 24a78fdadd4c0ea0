//! Relations of rows: honest ones, and every lie about them.
use super::rows_prover::RowsWitness;
use super::*;
use tacit_argument::hiding::Masker;
use tacit_argument::lookup::LookupError;
use tacit_argument::proof::Witnessed;

pub(super) const DISJOINT: RowRelation = RowRelation::Disjoint { nonce: 0 };

/// A table of these rows: two features and a class of three.
fn rows(rows: &[[i64; 3]]) -> Vec<F> {
    let log = tacit_argument::multilinear::log2_ceil(rows.len());
    let mut out = F::zero_vec(COLUMNS << log);
    for (i, &[a, b, class]) in rows.iter().enumerate() {
        out[i] = tacit_argument::field::signed(a);
        out[(1 << log) + i] = tacit_argument::field::signed(b);
        out[((2 + class as usize) << log) + i] = F::ONE;
    }
    out
}

/// Different rows, from the i-th on.
pub(super) fn many(from: i64, n: i64) -> Vec<[i64; 3]> {
    (from..from + n).map(|i| [i % 50 - 20, i / 50 - 3, i % 3]).collect()
}

pub(super) struct Table {
    payload: Vec<F>,
    side: Side<DataRecord>,
}

pub(super) fn table_of(list: &[[i64; 3]], seed: u8) -> Table {
    committed(rows(list), list.len(), seed)
}

fn committed(payload: Vec<F>, n: usize, seed: u8) -> Table {
    let stride = tacit_argument::multilinear::log2_ceil(n);
    let shape = long_lived_shape(COLUMNS << stride, stride, 2, 2).unwrap();
    let mut record = data(&table(), 2, 1).record;
    (record.rows, record.vector) = (n as u32, vector(shape));
    let tree = LongLived::commit(shape, 2, &payload, &[seed; 32]).unwrap();
    record.vector.root = tree.root();
    record.pin = tree.pin(&record.committed().unwrap().pin.point);
    Table { payload, side: Side { record, tree } }
}

fn linked(relation: RowRelation, a: &Table, b: &Table) -> Linked {
    Linked::Rows { relation, first: a.side.record.clone(), second: b.side.record.clone() }
}

pub(super) fn proven(relation: RowRelation, a: &Table, b: &Table) -> Result<LinkProof, LinkError> {
    prove_rows(linked(relation, a, b), [&a.side.tree, &b.side.tree], [&a.payload, &b.payload], &SECRET)
}

fn holds(relation: RowRelation, a: &Table, b: &Table) {
    let link = proven(relation, a, b).unwrap();
    let v = verify_link(&link).unwrap();
    assert!(tacit_argument::soundness::total(&v.soundness) <= -128.0);
}

fn differs(relation: RowRelation, a: &Table, b: &Table) -> RowsDiffer {
    match proven(relation, a, b) {
        Err(LinkError::Rows(e)) => e,
        other => panic!("{:?}", other.map(|_| ())),
    }
}

#[test]
fn the_same_rows_in_another_order() {
    let list = many(0, 70);
    let mut turned: Vec<_> = list.iter().rev().copied().collect();
    turned.swap(3, 40);
    let (a, b) = (table_of(&list, 1), table_of(&turned, 2));
    holds(RowRelation::Same, &a, &b);
    holds(RowRelation::Subset, &a, &b);
    assert_eq!(differs(DISJOINT, &a, &b), RowsDiffer::Common { first: 0, second: 69 });
    // A row twice in one, and another one twice in the other.
    let (mut first, mut second) = (list.clone(), list.clone());
    (first[1], second[0]) = (list[0], list[1]);
    let (a, b) = (table_of(&first, 1), table_of(&second, 2));
    assert_eq!(differs(RowRelation::Same, &a, &b), RowsDiffer::Missing { row: 0 });
    let twice = table_of(&first, 3);
    holds(RowRelation::Same, &a, &twice);
}

#[test]
fn a_part_of_the_rows() {
    let all = many(0, 100);
    // Longer, as long and shorter columns; rows that occur often; a single row; a zero row.
    for part in [&all[..9], &all[30..94], &[all[5]; 70], &all[99..], &[[0, 0, 0]]] {
        let mut whole = all.clone();
        whole.push([0, 0, 0]);
        let (a, b) = (table_of(part, 1), table_of(&whole, 2));
        holds(RowRelation::Subset, &a, &b);
    }
    let (a, b) = (table_of(&[all[3]; 300], 1), table_of(&all[..4], 2));
    holds(RowRelation::Subset, &a, &b);
    assert_eq!(differs(RowRelation::Subset, &b, &a), RowsDiffer::Missing { row: 0 });
}

#[test]
fn no_row_in_common() {
    let all = many(0, 200);
    for (n, m) in [(1, 1), (1, 9), (40, 1), (70, 64), (64, 129), (130, 70)] {
        let (a, b) = (table_of(&all[..n], 1), table_of(&all[200 - m..], 2));
        if n + m <= 200 {
            holds(DISJOINT, &a, &b);
            holds(RowRelation::Disjoint { nonce: u64::MAX }, &b, &a);
        }
    }
    // Rows that occur several times, and rows that differ in the label alone.
    let (a, b) = (table_of(&[[1, 2, 0]; 5], 1), table_of(&[[1, 2, 1]; 3], 2));
    holds(DISJOINT, &a, &b);
    let (a, b) = (table_of(&all[..50], 1), table_of(&all[49..90], 2));
    assert_eq!(differs(DISJOINT, &a, &b), RowsDiffer::Common { first: 49, second: 0 });
}

/// A prover that shows the sums one pair of tables, and commits another.
struct Lie<'a> {
    honest: RowsWitness<'a>,
    shown: Vec<F>,
}

impl<'a> Witnessed for Lie<'a> {
    type Relation = LinkRelation<'a>;
    fn relation(&self) -> &LinkRelation<'a> {
        self.honest.relation()
    }
    fn send(&self, m: &mut Masker<'_>, _: &[F]) -> Result<(), LookupError> {
        self.honest.send(m, &self.shown)
    }
}

/// Everything honest for the tables `shown`, over the trees and records of `a` and `b`; `change` of the trace's columns
/// after it was shown.
pub(super) fn lie(
    relation: RowRelation,
    [a, b]: [&Table; 2],
    shown: [&Table; 2],
    change: impl FnOnce(&mut [F]),
) -> LinkProof {
    let statement = LinkStatement { version: LINK_VERSION, linked: linked(relation, a, b) };
    let payloads = shown.map(|t| t.payload.as_slice());
    let of = LinkRelation::new(&statement.linked).unwrap();
    let columns = of.rows().unwrap().columns(payloads).unwrap();
    let mut committed = columns.clone();
    change(&mut committed);
    let witness = Lie { honest: RowsWitness { relation: of, payloads }, shown: columns };
    let proof = argue(&statement, &witness, committed, [&a.side.tree, &b.side.tree], &SECRET).unwrap();
    drop(witness);
    LinkProof { statement, proof }
}

#[test]
fn the_liar_without_a_lie_is_believed() {
    let all = many(0, 90);
    let (a, b) = (table_of(&all[..40], 1), table_of(&all[40..], 2));
    verify_link(&lie(DISJOINT, [&a, &b], [&a, &b], |_| {})).unwrap();
    let whole = table_of(&all, 3);
    verify_link(&lie(RowRelation::Subset, [&b, &whole], [&b, &whole], |_| {})).unwrap();
}

#[test]
fn one_row_that_is_not_as_claimed() {
    let all = many(0, 90);
    let (whole, part) = (table_of(&all, 1), table_of(&all[..40], 2));
    let mut other = all[..40].to_vec();
    other[7] = [45, 9, 2];
    let stranger = table_of(&other, 3);
    assert_claim_fails(&lie(RowRelation::Subset, [&stranger, &whole], [&part, &whole], |_| {}));
    // One row once more in place of another.
    let mut turned = all.clone();
    turned[3] = turned[4];
    let uneven = table_of(&turned, 4);
    assert_claim_fails(&lie(RowRelation::Same, [&whole, &uneven], [&whole, &whole], |_| {}));
    // A shared row.
    let rest = table_of(&all[40..], 5);
    let mut shared = all[40..].to_vec();
    shared[49] = all[0];
    let overlap = table_of(&shared, 6);
    assert_claim_fails(&lie(DISJOINT, [&part, &overlap], [&part, &rest], |_| {}));
    assert_claim_fails(&lie(DISJOINT, [&overlap, &part], [&rest, &part], |_| {}));
}

/// A row beyond the last of the second table is 0 and no row: a row of zeros is not in it.
#[test]
fn rows_beyond_the_last_are_no_rows() {
    let zero = [[0i64, 0, 0]];
    let mut payload = rows(&zero);
    // A row of nothing but zeros, which no valid table of classes has: binary labels would.
    payload.iter_mut().for_each(|v| *v = F::ZERO);
    let (nothing, whole) = (committed(payload, 1, 1), table_of(&many(0, 90), 2));
    assert_eq!(differs(RowRelation::Subset, &nothing, &whole), RowsDiffer::Missing { row: 0 });
    let statement = LinkStatement { version: LINK_VERSION, linked: linked(RowRelation::Subset, &nothing, &whole) };
    let relation = LinkRelation::new(&statement.linked).unwrap();
    let mut columns = F::zero_vec(128);
    columns[90] = F::ONE;
    let payloads = [nothing.payload.as_slice(), whole.payload.as_slice()];
    let witness = RowsWitness { relation, payloads };
    let trees = [&nothing.side.tree, &whole.side.tree];
    let e = argue(&statement, &witness, columns, trees, &SECRET).err().unwrap();
    assert!(matches!(e, LinkError::Prove(_)), "the sum of an honest prover does not vanish: {e}");
}

#[test]
fn a_trace_that_was_changed() {
    let all = many(0, 90);
    let (a, b, whole) = (table_of(&all[..40], 1), table_of(&all[40..], 2), table_of(&all, 3));
    for cell in [0, 5, 63, 64, 100] {
        assert_claim_fails(&lie(DISJOINT, [&a, &b], [&a, &b], |c| c[cell] += F::ONE));
        assert_claim_fails(&lie(RowRelation::Subset, [&a, &whole], [&a, &whole], |c| c[cell] += F::ONE));
    }
    // U = V = 0.
    assert_claim_fails(&lie(DISJOINT, [&a, &b], [&a, &b], |c| c.fill(F::ZERO)));
}

/// One proof, another relation or nonce.
#[test]
fn a_statement_that_was_changed() {
    let all = many(0, 64);
    let (a, b) = (table_of(&all, 1), table_of(&many(100, 64), 2));
    let turned: Vec<_> = all.iter().rev().copied().collect();
    let c = table_of(&turned, 3);
    let disjoint = proven(DISJOINT, &a, &b).unwrap();
    let mut other = disjoint.clone();
    other.statement.linked = linked(RowRelation::Disjoint { nonce: 1 }, &a, &b);
    assert_claim_fails(&other);
    other.statement.linked = linked(DISJOINT, &a, &c);
    assert_claim_fails(&other);
    other.statement.linked = linked(RowRelation::Same, &a, &b);
    assert!(verify_link(&other).is_err());
    let same = proven(RowRelation::Same, &a, &c).unwrap();
    let mut other = same.clone();
    other.statement.linked = linked(RowRelation::Same, &c, &a);
    assert_claim_fails(&other);
    other.statement.linked = linked(RowRelation::Same, &a, &b);
    assert_claim_fails(&other);
}

#[test]
fn records_that_cannot_be_related() {
    let (a, b) = (table_of(&many(0, 64), 1), table_of(&many(100, 70), 2));
    let refused =
        |linked: Linked| match prove_rows(linked, [&a.side.tree, &b.side.tree], [&a.payload, &b.payload], &SECRET) {
            Err(LinkError::Rejected(LinkRejected::Invalid(e))) => e,
            other => panic!("{:?}", other.map(|_| ())),
        };
    let rows = LinkInvalid::Differs { field: "rows", first: 64, second: 70 };
    assert_eq!(refused(linked(RowRelation::Same, &a, &b)), rows);
    for relation in [RowRelation::Same, RowRelation::Subset, DISJOINT] {
        assert_eq!(refused(linked(relation, &a, &a)), LinkInvalid::SameCommitment);
    }
    let (first, mut second) = (a.side.record.clone(), b.side.record.clone());
    second.schema = [9; 32];
    assert_eq!(refused(Linked::Rows { relation: DISJOINT, first, second }), LinkInvalid::Schema);
    let link = Linked::Data { first: a.side.record.clone(), second: a.side.record.clone() };
    let e = prove_link(linked(DISJOINT, &a, &b), [&a.side.tree, &b.side.tree], &SECRET).err().unwrap();
    assert!(matches!(e, LinkError::NoPayload), "{e}");
    assert_eq!(refused(link), LinkInvalid::SameCommitment);
}

#[test]
fn words_say_which_relation() {
    let (a, b) = (table_of(&many(0, 64), 1), table_of(&many(100, 64), 2));
    let said = |relation| link_words(&LinkStatement { version: 1, linked: linked(relation, &a, &b) }, [true, false]);
    assert!(said(RowRelation::Same).shown[0].ends_with("are to the same 64 rows, each as often, in whatever order."));
    assert!(said(RowRelation::Subset).shown[0].starts_with("Every row of commitment "));
    let disjoint = said(DISJOINT);
    assert!(disjoint.shown[0].starts_with("No row of commitment "));
    assert!(disjoint.not_shown[0].starts_with("that both commitments are valid"));
}

/// Relations of rows are no equality.
#[test]
fn rows_join_nothing() {
    let (a, b) = (table_of(&many(0, 64), 1), table_of(&many(100, 64), 2));
    let turned: Vec<_> = many(0, 64).into_iter().rev().collect();
    let c = table_of(&turned, 3);
    let digest = |t: &Table| t.side.record.digest().unwrap();
    let files = [proven(RowRelation::Same, &a, &c).unwrap(), proven(DISJOINT, &b, &a).unwrap()];
    let files: Vec<Vec<u8>> = files.iter().map(|l| encode(Kind::Link, l).unwrap()).collect();
    let mut links = Links::verify(&[&files[0], &files[1]], 0).unwrap();
    assert!(!links.join(&digest(&a), &digest(&c)) && !links.join(&digest(&a), &digest(&b)));
    assert!(!links.apart(&digest(&b), &digest(&c)));
    assert!(links.apart(&digest(&a), &digest(&b)) && links.apart(&digest(&b), &digest(&a)));
    assert!(matches!(links.all_used(), Err(Rejected::IdleLink { index: 0 })));
}
