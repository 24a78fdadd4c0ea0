//! Seeds whose nonce comes from outside: what they bind, and what a verifier that issued one can insist on.
use crate::common::{Owner, logistic};
use std::sync::OnceLock;
use tacit_training::config::{Decay, Loss, NormBits, Order, Schedule};
use tacit_training::record::RecordError;
use tacit_training::run::{RunProof, RunRejected, verify_run};
use tacit_training::statement::{Origin, RunStatement, Start, StatementError};
use tacit_training::verify::{Held, Rejected, check_held};
use tacit_training::words::{run_words, schedule_words};

const NONCE: [u8; 32] = [42; 32];
const VERIFIER: Origin = Origin::Verifier { nonce: NONCE };

fn shuffled(origin: &Origin, hidden: bool) -> Owner {
    let mut config = logistic();
    config.order = Order::Shuffled { seed: [0; 32] };
    let mut owner = Owner::new(config, hidden);
    owner.statement.order_origin = Some(origin.clone());
    let seed = owner.statement.seed("order", origin).unwrap();
    owner.statement.config.order = Order::Shuffled { seed };
    owner
}

/// A hidden start, committed before the verifier's nonce.
fn honest() -> &'static RunProof {
    static RUN: OnceLock<RunProof> = OnceLock::new();
    RUN.get_or_init(|| shuffled(&VERIFIER, true).prove().1)
}

fn held(nonce: Option<[u8; 32]>, declaration: Option<[u8; 32]>) -> Held<'static> {
    Held { nonce, declaration, ..Held::default() }
}

/// A change of a statement that leaves it valid by itself.
type Change = fn(&mut RunStatement);

/// Everything that a prover could choose after it has seen the nonce, were it not bound.
const CHANGES: [(&str, Change); 9] = [
    ("a rate", |s| s.config.schedule.rates[0].rate = 2),
    ("the schedule", |s| s.config.schedule.rates = Schedule::encode_rates(&[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2])),
    ("the number of steps", |s| {
        s.config.schedule.total_steps = 11;
        s.config.schedule.rates[0].steps = 11;
    }),
    ("the chunk", |s| s.config.schedule.chunk_steps = 4),
    ("a window", |s| s.config.architecture.layers[0].z_bits -= 1),
    ("a salt of the data", |s| s.data.vector.root[0] ^= 1),
    ("a start", |s| {
        let Start::Hidden { record, .. } = &mut s.start else { panic!("a hidden start") };
        record.vector.root[0] ^= 1;
    }),
    ("the start's window", |s| {
        let Start::Hidden { bits, .. } = &mut s.start else { panic!("a hidden start") };
        *bits -= 1;
    }),
    ("a public start", |s| s.start = Start::Seed { origin: Origin::Prover { nonce: 1 } }),
];

#[test]
fn a_verifiers_nonce_binds_everything_that_was_declared() {
    let run = honest();
    verify_run(run).expect("an honest run");
    let declared = run.statement.declaration().unwrap();
    for (name, change) in CHANGES {
        let mut statement = run.statement.clone();
        change(&mut statement);
        assert_ne!(statement.declaration().unwrap(), declared, "{name}");
        assert!(matches!(statement.validate(), Err(StatementError::OrderSeed)), "{name}");
        // With the seed that the change would have, the run is consistent and not the declared one.
        let seed = statement.seed("order", &VERIFIER).unwrap();
        statement.config.order = Order::Shuffled { seed };
        statement.validate().expect(name);
        assert_ne!(statement.config.order, run.statement.config.order, "{name}");
        check_held(&statement, &held(Some(NONCE), None)).expect(name);
        let error = check_held(&statement, &held(Some(NONCE), Some(declared))).expect_err(name);
        assert!(matches!(error, Rejected::OtherDeclaration { held, .. } if held == declared), "{name}: {error}");
    }
}

/// What comes after the declaration is no part of it.
#[test]
fn a_declaration_is_known_before_nonce_and_seed() {
    let mut statement = honest().statement.clone();
    let declared = statement.declaration().unwrap();
    statement.config.order = Order::Shuffled { seed: [9; 32] };
    statement.order_origin = Some(Origin::Verifier { nonce: [1; 32] });
    assert_eq!(statement.declaration().unwrap(), declared);
    let origins = [
        Origin::Prover { nonce: 0 },
        Origin::Prover { nonce: 1 },
        Origin::Beacon { name: "a".into(), round: 1, output: [0; 32] },
        Origin::Beacon { name: "a".into(), round: 2, output: [0; 32] },
        Origin::Beacon { name: "b".into(), round: 1, output: [0; 32] },
    ];
    let mut digests = vec![declared];
    for origin in origins {
        statement.order_origin = Some(origin);
        digests.push(statement.declaration().unwrap());
    }
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 6, "who gives the nonce, and which round, is declared");
    statement.order_origin = Some(Origin::Beacon { name: "a".into(), round: 1, output: [7; 32] });
    assert!(digests.contains(&statement.declaration().unwrap()), "its output is not");
}

/// A prover's nonce can be tried at will: it binds what is known before the first step.
#[test]
fn a_provers_nonce_binds_data_and_architecture() {
    let origin = Origin::Prover { nonce: 7 };
    let owner = shuffled(&origin, true);
    for (name, change) in CHANGES {
        let mut statement = owner.statement.clone();
        change(&mut statement);
        let seed = statement.seed("order", &origin).unwrap();
        let same = Order::Shuffled { seed } == owner.statement.config.order;
        assert_eq!(same, !["a window", "a salt of the data"].contains(&name), "{name}");
    }
}

#[test]
fn a_run_under_another_nonce_is_rejected() {
    let run = honest();
    let stated = match check_held(&run.statement, &held(Some([43; 32]), None)).expect_err("another nonce") {
        Rejected::OtherNonce { stated, issued } if issued == [43; 32] => stated,
        error => panic!("{error}"),
    };
    assert_eq!(stated, NONCE);
    for origin in [Origin::Prover { nonce: 3 }, Origin::Beacon { name: "drand".into(), round: 3, output: NONCE }] {
        let owner = shuffled(&origin, true);
        let error = check_held(&owner.statement, &held(Some(NONCE), None)).expect_err("no nonce at all");
        assert!(matches!(error, Rejected::NoNonce), "{error}");
    }
    // A second nonce, for the start, has to be the issued one as well.
    let mut statement = run.statement.clone();
    statement.start = Start::Seed { origin: Origin::Verifier { nonce: [1; 32] } };
    let error = check_held(&statement, &held(Some(NONCE), None)).expect_err("two nonces");
    assert!(matches!(error, Rejected::OtherNonce { stated, .. } if stated == [1; 32]), "{error}");
    // An origin beside rows in order gives no seed.
    statement = run.statement.clone();
    statement.config.order = Order::Contiguous;
    assert!(matches!(check_held(&statement, &held(Some(NONCE), None)), Err(Rejected::NoNonce)));
}

/// A start and an order from one nonce: two seeds, and weights that nobody chose.
#[test]
fn start_and_order_from_one_nonce() {
    let mut owner = shuffled(&VERIFIER, false);
    owner.statement.start = Start::Seed { origin: VERIFIER };
    let seed = owner.statement.seed("order", &VERIFIER).unwrap();
    let initial = owner.statement.seed("initial", &VERIFIER).unwrap();
    assert_ne!(seed, initial);
    owner.statement.config.order = Order::Shuffled { seed };
    owner.state.weights = tacit_training::initial::initial_weights(&owner.statement.config, &initial);
    let (_, run) = owner.prove();
    let verdict = verify_run(&run).expect("an honest run");
    let declared = run.statement.declaration().unwrap();
    check_held(&run.statement, &held(Some(NONCE), Some(declared))).expect("as declared");
    let words = run_words(&run.statement, &verdict, &held(Some(NONCE), Some(declared)));
    assert!(words.not_shown.iter().all(|w| !w.contains("nonce") && !w.contains("chosen")), "{words:?}");
    assert!(words.shown.iter().any(|w| w.contains("which you held")), "{words:?}");
    // Weights of another seed are another start.
    let mut other = run.clone();
    other.statement.start = Start::Seed { origin: Origin::Prover { nonce: 1 } };
    assert!(matches!(verify_run(&other), Err(RunRejected::Statement(StatementError::OrderSeed))));
}

#[test]
fn a_verdict_says_what_nobody_has_compared() {
    let run = honest();
    let verdict = verify_run(run).unwrap();
    let said = |held: &Held<'_>| run_words(&run.statement, &verdict, held).not_shown.join("\n");
    let nothing = said(&held(None, None));
    assert!(nothing.contains("nonce of the order: it is as declared and unchecked"), "{nothing}");
    assert!(nothing.contains("was fixed before the nonces were known"), "{nothing}");
    let nonce = said(&held(Some(NONCE), None));
    assert!(!nonce.contains("unchecked") && nonce.contains("was fixed before the nonces were known"), "{nonce}");
    let both = said(&held(Some(NONCE), Some(run.statement.declaration().unwrap())));
    assert!(!both.contains("nonce"), "{both}");
}

#[test]
fn the_name_of_a_beacon_is_a_text_to_show() {
    for name in ["", "drand\n", "\u{202e}", &"x".repeat(257)] {
        let mut statement = honest().statement.clone();
        statement.order_origin = Some(Origin::Beacon { name: name.into(), round: 1, output: [0; 32] });
        let error = statement.validate().expect_err("no name");
        let StatementError::Record { which: "run", error } = error else { panic!("{error}") };
        assert_eq!(error, RecordError::Text { field: "beacon" });
    }
}

/// What the data commitment and the run tell about the data stands once, whichever of them says it.
#[test]
fn a_verdict_lists_everything_that_was_released() {
    let run = honest();
    let verdict = verify_run(run).unwrap();
    let mut statement = run.statement.clone();
    statement.data.released = vec!["the number of rows".into(), "scales".into()];
    statement.released = vec!["scales".into(), "the window".into()];
    let words = run_words(&statement, &verdict, &held(None, None)).shown.join("\n");
    assert!(words.contains(r#""the number of rows", "scales", "the window"."#), "{words}");
}

/// A verdict shows what multiplies weights and gradients: a factor that erases what was learned has to be seen.
#[test]
fn a_verdict_gives_the_range_of_factors_and_the_sum_of_the_filter() {
    let run = honest();
    let verdict = verify_run(run).unwrap();
    let mut statement = run.statement.clone();
    let said = |s: &RunStatement| run_words(s, &verdict, &held(None, None)).shown.join("\n");
    assert!(!said(&statement).contains("momentum") && !said(&statement).contains("multiplied"));
    statement.config.scales.kappa = 4;
    statement.config.schedule.filter = vec![16, 8, 4];
    statement.config.schedule.decay = Some(Decay { bits: 16, numerators: vec![65_000, 1, 65_535] });
    let words = said(&statement);
    assert!(words.contains("; momentum by a public filter of 3 entries that sum to 28, in units of 2^-4"), "{words}");
    assert!(words.contains("multiplied by public factors from 1 to 65535, in units of 2^-16"), "{words}");
    statement.config.schedule.nesterov = true;
    assert!(said(&statement).contains("; Nesterov momentum by a public filter"));
}

/// A rate is said as PyTorch has it: the decimal, and the fraction that the integer stands for.
#[test]
fn a_verdict_gives_rates_as_numbers() {
    let run = honest();
    let verdict = verify_run(run).unwrap();
    let mut statement = run.statement.clone();
    let said = |s: &RunStatement| run_words(s, &verdict, &held(None, None)).shown.join("\n");
    statement.config.schedule.batch = 4;
    (statement.config.scales.fa, statement.config.scales.fg, statement.config.scales.omega) = (8, 12, 0);
    statement.config.architecture.loss = Loss::CrossEntropy;
    for (fw, rates, expected) in [
        (25, vec![1], "learning rates 0.125 (1/8) for 1 step;"),
        (24, vec![1, 1, 3], "learning rates 0.25 (1/4) for 2 steps, 0.75 (3/4) for 1 step;"),
        (32, vec![105, 0], "learning rates 0.102539 (105/1024) for 1 step, 0 for 1 step;"),
        (22, vec![3], "learning rates 3 for 1 step;"),
        (20, vec![3], "learning rates 12 for 1 step;"),
    ] {
        statement.config.scales.fw = fw;
        statement.config.schedule.rates = Schedule::encode_rates(&rates);
        let words = said(&statement).replace("steps.", "steps;").replace("step.", "step;");
        assert!(words.contains(expected), "{expected}: {words}");
    }
    // Means over outputs: 1/N for the sigmoid's loss, 2/N for squares.
    let outputs = i64::from(statement.config.architecture.layers.last().unwrap().outputs);
    (statement.config.scales.fw, statement.config.schedule.rates) = (25, Schedule::encode_rates(&[8]));
    for (loss, times) in [(Loss::BceWithLogits, 2 * outputs), (Loss::Mse, outputs)] {
        statement.config.architecture.loss = loss;
        let whole = if times % 2 == 0 { format!("{}", times / 2) } else { format!("{}.5 ({times}/2)", times / 2) };
        let words = said(&statement);
        assert!(words.contains(&format!("learning rates {whole} for 1 step")), "{loss:?} {whole}: {words}");
    }
    // One step is a step; the mean comes before the last factor.
    statement.config.schedule.total_steps = 1;
    assert!(said(&statement).contains("exactly what 1 step of SGD"));
    statement.config.schedule.average = Some(2);
    assert!(said(&statement).contains("the last 2 steps."));
    statement.config.schedule.decay = Some(Decay { bits: 16, numerators: vec![65_000] });
    assert!(said(&statement).contains("the last 2 steps; the last factor of the weight decay multiplies that mean."));
    statement.data.names = Some(vec!["age".into(), "sex".into()]);
    assert!(said(&statement).contains(r#"The features are called, by the owner's word: "age", "sex"."#));
}

#[test]
fn an_inspection_lists_rates_filter_and_factors() {
    let mut config = honest().statement.config.clone();
    let unit = i64::from(config.scales.fa + config.scales.fg + config.scales.omega) - i64::from(config.scales.fw);
    let first = format!("Integer learning rates, in units of 2^{unit} per unit of summed gradient: 1 for 12 steps.");
    assert_eq!(schedule_words(&config), [first]);
    config.schedule.rates = Schedule::encode_rates(&[3, 3, 2, 1]);
    (config.schedule.filter, config.scales.kappa) = (vec![16, 8, 4], 4);
    config.schedule.decay = Some(Decay { bits: 16, numerators: vec![65_000, 65_535] });
    config.norms = Some(NormBits { z: 30, q: 31 });
    config.carry_bits = Some(31);
    let words = schedule_words(&config).join("\n");
    for part in
        ["3 for 2 steps, 2 for 1 step, 1 for 1 step", "2^-4: 16, 8, 4", "2^-16: 65000, 65535", "2^14", "2^7", "2^3"]
    {
        assert!(words.contains(part), "{part}: {words}");
    }
    config.schedule.rates = Schedule::encode_rates(&(0..1500).map(|r| r % 2).collect::<Vec<_>>());
    assert!(schedule_words(&config)[0].ends_with(" and 500 more."));
}
