//! At least 128 bits for every set of parameters: each error term of every configuration, derived a second time in
//! integers from the theorems of `docs/soundness.md`, and what is below the target refused by prover and verifier.
use crate::toy::{DIGEST, Known, LABEL, Others, RATE, Toy, fresh};
use crate::upper::Up;
use std::collections::BTreeSet;
use tacit_argument::hiding::{HidingError, Masker, Reduction};
use tacit_argument::lookup::LookupError;
use tacit_argument::multilinear::log2_ceil;
use tacit_argument::opening::{
    CONJUGATE_BLOCK, LOG_INV_RATES, MAX_SOURCES, OpeningConfig, OpeningError, PIN_BLOCK, TRACE_LOG_HEIGHTS,
    VectorShape, choose_among, long_lived_shape, queries_among,
};
use tacit_argument::proof::{ArgumentError, ProveError, Relation, Witnessed, check, prove};
use tacit_argument::share::{LOG_ABOUT_MODEL, LOG_LINK, LOG_RUN, LOG_VALIDITY};
use tacit_argument::soundness::{ErrorTerm, TARGET_BITS, total};

/// 1 / |E|, rounded up to a power of two.
const ONE: i32 = -191;
/// Most that the binary logarithm of a term may differ from the one derived here.
const TOLERANCE: f64 = 1e-9;

/// L = 1 / (2 eta sqrt(rho)), eta = sqrt(rho) / 20: the Johnson bound's list.
fn list(rate: usize) -> u128 {
    10 << rate
}

/// 8 n (m + 1/2)^3 / (3 rho_-) / |E| with n = 2^(v + r), m = 10, rho_- = (2^v - 1) / n: 3087 n^2 / (2^v - 1).
fn line(variables: usize, rate: usize) -> Up {
    Up::new(3087, ONE + 2 * (variables + rate) as i32).over((1 << variables) - 1)
}

/// ((21/20) sqrt(rho))^t: t queries miss a word outside the radius.
fn missed(queries: usize, rate: usize) -> Up {
    // Two queries are a rational, 441/400 rho. One more: sqrt(rho) is at most 2^-(rate / 2) times sqrt(2) < 665857/470832.
    let mut out = Up::new(1, 0);
    for _ in 0..queries / 2 {
        out = out.times(441).over(400).shift(-(rate as i32));
    }
    if queries % 2 == 1 {
        out = out.times(21).over(20).shift(-(rate.div_ceil(2) as i32));
        if rate % 2 == 1 {
            out = out.times(665_857).over(470_832);
        }
    }
    out
}

/// WHIR from the integers that the transcript absorbs.
fn whir(p: &[u64], shapes: usize) -> Up {
    let at = |i: usize| p[i] as usize;
    let (mut rate, h, columns) = (at(0), at(1), log2_ceil(at(4)));
    let (samples, first_work, last_work) = (at(6), at(7) as i32, at(8) as i32);
    let rounds = (p.len() - 13 - 3 * shapes) / 6;
    let mut variables = h + columns;
    // Two words of the list that agree at all samples: L^2 / 2 (2^v / |E|)^s.
    let sampled =
        |variables: usize, rate: usize, s: usize| Up::new(list(rate).pow(2), -1 + s as i32 * (variables as i32 + ONE));
    // The library's reserve on the line is a factor 2; a folding sumcheck has 2 L.
    let folds = |variables: usize, rate: usize, count: usize, work: i32| {
        line(variables, rate).shift(1).plus(Up::new(2 * list(rate), ONE)).shift(-work).times(count as u128)
    };
    let first_fold = at(9);
    let mut sum = Up::new(list(rate), ONE).times(samples as u128);
    sum = sum.plus(sampled(variables, rate, samples)).plus(folds(variables, rate, first_fold, first_work));
    let mut folded = 0;
    for i in 0..rounds {
        let r = 9 + 6 * i;
        let (fold, next, queries, work) = (at(r), at(r + 1), at(r + 2), at(r + 3) as i32);
        let (fold_work, samples) = (at(r + 4) as i32, at(r + 5));
        variables -= fold;
        folded += fold;
        // The last fold stands behind the rounds, the others in the next one.
        let next_fold = at(r + 6);
        sum = sum
            .plus(sampled(variables, next, samples))
            .plus(missed(queries, rate).shift(-work))
            .plus(Up::new(2 * list(next), ONE - work).times((samples + queries) as u128))
            .plus(folds(variables, next, next_fold, fold_work));
        rate = next;
    }
    let end = 9 + 6 * rounds;
    let (fold, queries, work, left) = (at(end), at(end + 1), at(end + 2) as i32, at(end + 3));
    assert_eq!(folded + fold + left, h + columns, "every variable is folded");
    sum.plus(missed(queries, rate).shift(-work)).plus(Up::new(2, ONE - last_work).times(left as u128))
}

/// Columns over E: every vector's columns, three and three.
fn groups(shapes: &[VectorShape]) -> usize {
    shapes.iter().map(|s| s.columns.div_ceil(3)).sum()
}

/// Every term of an opening, in the order of its report.
fn derived(rate: usize, shapes: &[VectorShape], parameters: &[u64]) -> Vec<Up> {
    let (h, groups) = (shapes[0].log_height, groups(shapes));
    let (l, others) = (list(rate), &shapes[1..]);
    let variables = others.iter().map(|s| log2_ceil(s.columns) + s.log_height).max().unwrap_or(0);
    let heights = TRACE_LOG_HEIGHTS.count() as u128;
    let of_pins = [
        Up::new(l, ONE).times(others.len() as u128),
        Up::new((heights * l).pow(2), ONE - 1).times((variables * others.len()) as u128),
    ];
    // Over the trace alone nothing is pinned.
    let of_pins = of_pins.into_iter().filter(|_| !others.is_empty());
    let rest = [
        // kappa, and delta to the second power.
        Up::new(l, ONE).times(1 + 2),
        line(h, rate),
        Up::new(l, ONE),
        Up::new(2 * l, ONE).times((h + log2_ceil(groups)) as u128),
        Up::new(2 * l, ONE).times(log2_ceil(3 * groups) as u128),
        whir(parameters, shapes.len()),
    ];
    of_pins.chain(rest).collect()
}

fn compare(rate: usize, config: &OpeningConfig, level: usize) {
    let found = config.soundness();
    let derived = derived(rate, config.shapes(), &config.parameters());
    assert_eq!(found.len(), derived.len());
    let context = || format!("rate {rate}, {:?}, 2^{level} proofs", config.shapes());
    for (term, bound) in found.iter().zip(&derived) {
        let mine = bound.log2();
        let same = (mine - term.bits).abs() < TOLERANCE || (mine.is_infinite() && term.bits.is_infinite());
        assert!(same, "{}: {} reported, {mine} derived; {}", term.name, term.bits, context());
    }
    let sum = derived.iter().fold(Up::ZERO, |a, b| a.plus(*b));
    assert!(sum.at_most(-(TARGET_BITS as i32) - level as i32), "{} bits; {}", sum.log2(), context());
}

/// One number of source columns for every triple of lg S, lg 3 S (S their groups) and the rate's first step, which is all
/// that the parameters depend on.
fn source_counts(others: usize) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let mut class = |s: usize| {
        let Some(shapes) = shapes(TRACE_LOG_HEIGHTS.count(), s, others, 1) else { return false };
        let (groups, all) = (groups(&shapes), s + 3 * groups(&shapes));
        seen.insert((log2_ceil(groups), log2_ceil(3 * groups), usize::from(all > 47) + usize::from(all > 95)))
    };
    (1..=MAX_SOURCES).filter(|&s| class(s)).collect()
}

/// The shapes of `others` long-lived vectors beside a trace, the first of them with as many columns as there are left.
fn shapes(h: usize, sources: usize, others: usize, rows: usize) -> Option<Vec<VectorShape>> {
    let block = rows + CONJUGATE_BLOCK.max(PIN_BLOCK);
    let rest = sources.checked_sub(1 + others.saturating_sub(1)).filter(|&r| others == 0 || r > 0)?;
    let shape = |columns| VectorShape { log_height: h, columns, block };
    let mut out = vec![shape(if others == 0 { sources } else { 1 })];
    out.extend((0..others).map(|k| shape(if k == 0 { rest } else { 1 })));
    Some(out)
}

/// Every rate, height, class of source columns, 0 to 3 long-lived vectors, shares of 2^-0 to 2^-22.
#[test]
fn every_parameter_set_has_its_bits() {
    let (mut accepted, mut refused) = (0, BTreeSet::new());
    let classes: Vec<(usize, usize)> =
        [0, 1, 3].into_iter().flat_map(|others| source_counts(others).into_iter().map(move |s| (others, s))).collect();
    for rate in LOG_INV_RATES {
        for level in 0..=22 {
            let mut rows = BTreeSet::new();
            for h in TRACE_LOG_HEIGHTS {
                for (others, sources) in &classes {
                    let queries = queries_among(rate, h, *sources, level);
                    let Ok(queries) = queries else {
                        assert!(matches!(queries, Err(OpeningError::Parameters(_))), "{queries:?}");
                        refused.insert((rate, level, h));
                        continue;
                    };
                    rows.insert(queries);
                    let Some(shapes) = shapes(h, *sources, *others, queries) else { continue };
                    match OpeningConfig::among(rate, shapes.clone(), level) {
                        Ok(config) => {
                            compare(rate, &config, level);
                            accepted += 1;
                        }
                        Err(OpeningError::Soundness { bits, target }) => {
                            assert!(bits < target && target == TARGET_BITS + level as u32);
                            refused.insert((rate, level, h));
                        }
                        Err(e) => panic!("rate {rate}, h {h}, {sources} columns, 2^{level}: {e}"),
                    }
                }
            }
            assert!(rows.len() <= 1, "a row budget must not depend on the trace it meets");
        }
    }
    println!("{accepted} parameter sets, refused at (rate, log proofs, h): {refused:?}");
    assert!(accepted > 29_000, "{accepted}");
    // Every share has parameters but for the tallest columns: a run of one chunk, what is about its model, data, links.
    for &(_, level, h) in &refused {
        for (share, tallest) in [(LOG_RUN, 26), (LOG_ABOUT_MODEL, 25), (LOG_VALIDITY, 24), (LOG_LINK, 22)] {
            assert!(level > share || h >= tallest, "2^-{level} of the error, columns of 2^{h}");
        }
    }
}

/// What the choosers return, for payloads, strides, budgets and numbers of proofs drawn at random.
#[test]
fn every_choice_has_its_bits() {
    let mut state = 0x5eed_0003u64;
    let mut below = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let mut chosen = 0;
    for _ in 0..2_000 {
        let rate = 1 + below(2);
        let level = below(22);
        let size = |bits: usize, x: usize| (1usize << bits) + (x & ((1 << bits) - 1));
        let others: Vec<VectorShape> = (0..below(4))
            .filter_map(|_| {
                let (bits, budget) = (below(24), below(9));
                let (cells, stride) = (size(bits, below(1 << 30)), below(12));
                long_lived_shape(cells, stride, 1 << budget, rate).ok()
            })
            .collect();
        let (bits, stride) = (below(29), below(17));
        let cells = size(bits, below(1 << 30));
        match choose_among(rate, cells, stride, &others, level) {
            Ok(config) => {
                assert!(config.trace().capacity() >= cells && config.shapes()[1..] == others);
                compare(rate, &config, level);
                chosen += 1;
            }
            Err(
                OpeningError::BlockTooShort { .. }
                | OpeningError::Capacity { .. }
                | OpeningError::Soundness { .. }
                | OpeningError::Parameters(_),
            ) => {}
            Err(e) => panic!("{e}"),
        }
    }
    assert!(chosen > 500, "{chosen}");
}

/// The toy relation with a term of its own.
struct Weak {
    known: Known,
    bits: f64,
    log_proofs: usize,
}

impl Relation for Weak {
    fn max_stride(&self) -> usize {
        self.known.relation.max_stride()
    }
    fn column_cells(&self) -> usize {
        self.known.relation.column_cells()
    }
    fn check(&self, r: &mut Reduction<'_>) -> Result<(), HidingError> {
        self.known.relation.check(r)
    }
    fn log_proofs(&self) -> usize {
        self.log_proofs
    }
    fn soundness(&self, list_bits: f64) -> Vec<ErrorTerm> {
        let mut terms = self.known.relation.soundness(list_bits);
        terms.push(ErrorTerm { name: "weak", bits: self.bits, theorem: "none" });
        terms
    }
}

impl Witnessed for Weak {
    type Relation = Self;
    fn relation(&self) -> &Self {
        self
    }
    fn send(&self, m: &mut Masker<'_>, trace: &[tacit_argument::field::F]) -> Result<(), LookupError> {
        self.known.send(m, trace)
    }
}

/// The sum of all terms decides, on both sides, with the same error; a term that is no number is refused too.
#[test]
fn parameters_below_the_target_are_refused_by_prover_and_verifier() {
    let known = Known::random();
    let others = Others::commit(&known, 1);
    let honest = known.prove(&others, fresh());
    let (a, b) = (known.a, known.b);
    let both = |bits: f64, log_proofs: usize| {
        let weak = Weak { known: Known::new(a.clone(), b.clone()), bits, log_proofs };
        let proved = prove(LABEL, &DIGEST, &weak, RATE, weak.known.columns(), &others.refs(), fresh());
        let proof = proved.as_ref().ok().unwrap_or(&honest);
        let checked = check(LABEL, &DIGEST, &weak, RATE, &others.committed(), proof);
        (proved.map(|_| ()), checked.map(|p| total(&p.soundness(&weak))))
    };
    // The opening alone has 2^-129.5 and leaves room for 2^-129, not for 2^-128.
    let (proved, checked) = both(-129.0, 0);
    proved.unwrap();
    assert!(checked.unwrap() <= -128.0);
    for (bits, log_proofs) in [(-128.0, 0), (0.0, 0), (f64::INFINITY, 0), (f64::NAN, 0), (-131.0, 3), (-140.0, 20)] {
        match both(bits, log_proofs) {
            (
                Err(ProveError::Argument(ArgumentError::Soundness { log2: p })),
                Err(ArgumentError::Soundness { log2: v }),
            ) => {
                let above = p > -128.0 - log_proofs as f64 || p.is_nan();
                assert!(above && (p == v || v.is_nan()), "{bits}: {p} and {v}");
            }
            other => panic!("{bits}, 2^{log_proofs}: {other:?}"),
        }
    }
    // More proofs than share an error have no parameters at all.
    let refused = |e: &ArgumentError| matches!(e, ArgumentError::Opening(OpeningError::Parameters(_)));
    match both(-200.0, 23) {
        (Err(ProveError::Argument(p)), Err(v)) => assert!(refused(&p) && refused(&v), "{p} and {v}"),
        other => panic!("{other:?}"),
    }
    assert!(Toy::default().log_proofs() == 0);
}
