//! The bilinear sumcheck from columns to a claim on pads and triples, honest and attacked.
#![allow(clippy::unwrap_used)]
mod clear;
use clear::{Run, Values, claim, mle, prove, sacrifice_challenge, schedule};
use p3_field::PrimeCharacteristicRing;
use std::borrow::Cow;
use tacit_argument::bilinear::{Column, Pair, bilinear_check, bilinear_proof, error_numerator};
use tacit_argument::field::{E, F};
use tacit_argument::hiding::{Affine, HidingError, Reduction};
use tacit_argument::multilinear::log2_ceil;

/// One unit: its columns, the flags "is of F", and its coefficients in the row weights.
struct Unit {
    a: Vec<E>,
    b: Vec<E>,
    base: [bool; 2],
    weights: Vec<(usize, E)>,
}

struct Instance {
    log_rows: usize,
    rows: Vec<Vec<E>>,
    units: Vec<Unit>,
}

impl Instance {
    fn random(log_rows: usize, units: usize, row_weights: usize, values: &mut Values) -> Self {
        let n = 1 << log_rows;
        let rows = (0..row_weights).map(|_| values.exts(n)).collect();
        let mut column = |base: bool| -> Vec<E> {
            if base { values.bases(n).into_iter().map(E::from).collect() } else { values.exts(n) }
        };
        let mut shapes = vec![];
        for v in 0..units {
            let base = [v % 2 == 0, v % 4 < 2];
            shapes.push((column(base[0]), column(base[1]), base));
        }
        let units = shapes
            .into_iter()
            .enumerate()
            .map(|(v, (a, b, base))| {
                // Unit v lies under some of the row weights, the first one under all, one in five under none.
                let under = (0..row_weights).filter(|q| v == 0 || (v % 5 != 4 && (v + q) % 2 == 0));
                Unit { a, b, base, weights: under.map(|q| (q, values.ext())).collect() }
            })
            .collect();
        Self { log_rows, rows, units }
    }
    fn log_units(&self) -> usize {
        log2_ceil(self.units.len())
    }
    /// By definition.
    fn sum(&self) -> E {
        let mut sum = E::ZERO;
        for unit in &self.units {
            for &(q, u) in &unit.weights {
                for x in 0..1 << self.log_rows {
                    sum += self.rows[q][x] * u * unit.a[x] * unit.b[x];
                }
            }
        }
        sum
    }
    fn pairs(&self) -> Vec<Pair<'_>> {
        let column = |values: &[E], base: bool| -> Column<'_> {
            if base {
                Column::Base(Cow::Owned(
                    values.iter().map(|&v| tacit_argument::field::coordinates(v)[0]).collect::<Vec<F>>(),
                ))
            } else {
                Column::Ext(values.to_vec())
            }
        };
        self.units
            .iter()
            .map(|u| Pair { a: column(&u.a, u.base[0]), b: column(&u.b, u.base[1]), weights: u.weights.clone() })
            .collect()
    }
    /// w(x*, v*), and a or b by `side`.
    fn weight(&self, rows: &[E], units: &[E]) -> E {
        let at: Vec<E> = self.rows.iter().map(|t| mle(t.iter().copied(), rows)).collect();
        mle(self.units.iter().map(|u| u.weights.iter().map(|&(q, c)| at[q] * c).sum()), units)
    }
    fn column(&self, side: impl Fn(&Unit) -> &[E], rows: &[E], units: &[E]) -> E {
        mle(self.units.iter().map(|u| mle(side(u).iter().copied(), rows)), units)
    }
    fn check(&self, reduction: &mut Reduction<'_>, sum: E) -> Result<(), HidingError> {
        let owed = bilinear_check(reduction, Affine::constant(sum), self.log_rows, self.log_units())?;
        assert_eq!((owed.rows.len(), owed.units.len()), (self.log_rows, self.log_units()));
        let (rows, units) = (owed.rows.clone(), owed.units.clone());
        let (a, b) = owed.close(reduction, self.weight(&rows, &units));
        for (message, value) in [(a, self.column(|u| &u.a, &rows, &units)), (b, self.column(|u| &u.b, &rows, &units))] {
            let mut e = message.affine();
            e.add_constant(-value);
            reduction.assert_zero(e);
        }
        Ok(())
    }
    fn run(&self) -> Run {
        let schedule = schedule(|r| self.check(r, E::ZERO));
        assert_eq!(schedule.messages, 3 * (self.log_rows + self.log_units()) + 2);
        assert_eq!(schedule.products, [(schedule.messages - 2, schedule.messages - 1)]);
        let (run, (rows, units)) = prove(schedule, |m| bilinear_proof(m, self.rows.clone(), self.pairs()));
        assert_eq!((rows.len(), units.len()), (self.log_rows, self.log_units()));
        run
    }
    fn accepts(&self, run: &Run, sum: E) -> bool {
        run.pays(&claim(&run.messages, 1, |r| self.check(r, sum)).expect("the shape is right"))
    }
}

/// (log rows, units, row weights): no rows, one unit, units that are no power of two, several weights.
const SHAPES: [(usize, usize, usize); 10] =
    [(0, 1, 1), (0, 5, 2), (1, 1, 1), (3, 1, 3), (1, 2, 1), (2, 3, 2), (4, 7, 3), (5, 8, 1), (3, 13, 4), (8, 20, 2)];

fn instances() -> impl Iterator<Item = Instance> {
    SHAPES.into_iter().enumerate().map(|(i, (n, units, q))| Instance::random(n, units, q, &mut Values::new(i as u8)))
}

#[test]
fn honest_proofs_pay_for_every_shape() {
    for (instance, shape) in instances().zip(SHAPES) {
        assert!(instance.accepts(&instance.run(), instance.sum()), "{shape:?}");
        let (n, m) = (instance.log_rows, instance.log_units());
        assert_eq!(error_numerator(n, m), 3 * (n + m) as u64);
    }
}

#[test]
fn another_sum_fails() {
    for (instance, shape) in instances().zip(SHAPES) {
        assert!(!instance.accepts(&instance.run(), instance.sum() + E::ONE), "{shape:?}");
    }
}

#[test]
fn every_changed_message_fails() {
    for (instance, shape) in instances().zip(SHAPES) {
        let (mut run, sum) = (instance.run(), instance.sum());
        for i in 0..run.messages.messages.len() {
            run.messages.messages[i] += E::ONE;
            assert!(!instance.accepts(&run, sum), "{shape:?}, message {i}");
            run.messages.messages[i] -= E::ONE;
        }
        for side in 0..2 {
            run.messages.sacrifices[0][side] += E::ONE;
            assert!(!instance.accepts(&run, sum), "{shape:?}, sacrifice side {side}");
            run.messages.sacrifices[0][side] -= E::ONE;
        }
        assert!(instance.accepts(&run, sum));
    }
}

#[test]
fn every_other_hidden_value_fails_under_the_same_challenges() {
    for (instance, shape) in instances().zip(SHAPES) {
        let (run, sum) = (instance.run(), instance.sum());
        let z = sacrifice_challenge(&run.messages, |r| instance.check(r, sum).expect("the shape is right"));
        assert!(instance.accepts(&run.meant_otherwise(0, E::ZERO, z), sum), "the attack itself is sound");
        for i in 0..run.schedule.messages {
            assert!(!instance.accepts(&run.meant_otherwise(i, E::ONE, z), sum), "{shape:?}, message {i}");
        }
    }
}

#[test]
fn every_changed_column_and_weight_fails() {
    let mut instance = Instance::random(2, 3, 2, &mut Values::new(50));
    let (run, sum) = (instance.run(), instance.sum());
    for v in 0..3 {
        for x in 0..4 {
            instance.units[v].a[x] += E::ONE;
            assert!(!instance.accepts(&run, sum), "a({x}, {v})");
            instance.units[v].a[x] -= E::ONE;
            instance.units[v].b[x] += E::ONE;
            assert!(!instance.accepts(&run, sum), "b({x}, {v})");
            instance.units[v].b[x] -= E::ONE;
        }
    }
    instance.rows[1][3] += E::ONE;
    assert!(!instance.accepts(&run, sum), "a row weight");
    instance.rows[1][3] -= E::ONE;
    instance.units[0].weights[0].1 += E::ONE;
    assert!(!instance.accepts(&run, sum), "a unit weight");
    instance.units[0].weights[0].1 -= E::ONE;
    assert!(instance.accepts(&run, sum));
}

/// A claim that is hidden itself: the sum is a message, not a constant.
#[test]
fn the_claim_may_be_hidden() {
    let instance = Instance::random(3, 2, 1, &mut Values::new(51));
    let check = |reduction: &mut Reduction<'_>| {
        let sum = reduction.receive()?;
        let owed = bilinear_check(reduction, sum.affine(), 3, 1)?;
        let weight = instance.weight(&owed.rows, &owed.units);
        let (rows, units) = (owed.rows.clone(), owed.units.clone());
        let (a, _) = owed.close(reduction, weight);
        let mut e = a.affine();
        e.add_constant(-instance.column(|u| &u.a, &rows, &units));
        reduction.assert_zero(e);
        Ok(())
    };
    for (sum, paid) in [(instance.sum(), true), (instance.sum() + E::ONE, false)] {
        let (run, _) = prove(schedule(check), |m| {
            m.send(sum);
            bilinear_proof(m, instance.rows.clone(), instance.pairs())
        });
        assert_eq!(run.pays(&claim(&run.messages, 1, check).expect("the shape is right")), paid);
    }
}

#[test]
fn a_truncated_proof_is_refused_by_name() {
    let instance = Instance::random(2, 3, 2, &mut Values::new(52));
    let run = instance.run();
    for got in 0..run.messages.messages.len() {
        let mut cut = run.messages.clone();
        cut.messages.truncate(got);
        let error = claim(&cut, 1, |r| instance.check(r, E::ZERO)).expect_err("too short");
        assert_eq!(error, HidingError::MessageMissing { index: got, got });
    }
}
