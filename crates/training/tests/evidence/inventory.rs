//! The Fiat-Shamir inventory: what every transcript absorbs and draws, in order, checked in under `inventory/`; a drift
//! fails.
use crate::checked_in;
use crate::statements::{Recorded, all};
use tacit_argument::transcript::probe::{Answer, Event, Run};

/// Lines in a row that are equal, then pairs of lines in a row, with how often.
fn compressed(lines: Vec<String>) -> Vec<String> {
    fn fold(items: Vec<Vec<String>>) -> Vec<(Vec<String>, usize)> {
        let mut out: Vec<(Vec<String>, usize)> = vec![];
        for item in items {
            match out.last_mut() {
                Some((last, n)) if *last == item => *n += 1,
                _ => out.push((item, 1)),
            }
        }
        out
    }
    let times = |n: usize| if n == 1 { String::new() } else { format!(" x{n}") };
    let once: Vec<String> =
        fold(lines.into_iter().map(|l| vec![l]).collect()).into_iter().map(|(l, n)| l[0].clone() + &times(n)).collect();
    // Pairs: a sumcheck's rounds.
    let (mut out, mut k) = (vec![], 0);
    while k < once.len() {
        let repeats = once[k..].chunks_exact(2).take_while(|c| c[..] == once[k..(k + 2).min(once.len())]).count();
        if repeats > 1 {
            out.push(format!("[ {} ; {} ]{}", once[k], once[k + 1], times(repeats)));
            k += 2 * repeats;
        } else {
            out.push(once[k].clone());
            k += 1;
        }
    }
    out
}

/// One line per site: kind, label, source file; inside the library one per absorb and draw.
fn described(run: &Run) -> Vec<String> {
    let mut lines = vec![];
    let mut events = run.events.iter().peekable();
    let mut library = false;
    while let Some(event) = events.next() {
        match event {
            Event::Site { kind, label, file } => {
                let file = file.rsplit_once("/crates/").map_or(*file, |f| f.1).trim_start_matches("crates/");
                let label = if label.is_empty() { String::new() } else { format!(" {label}") };
                lines.push(format!("{kind}{label} ({file})"));
                library = *kind == "library";
                if library {
                    continue;
                }
                // A typed method absorbs or draws exactly what its kind says.
                let mut own = vec![];
                while let Some(e) = events.next_if(|e| !matches!(e, Event::Site { .. })) {
                    own.push(e);
                }
                let elements = match *kind {
                    "message" => 3,
                    "statement" | "root" => 9,
                    "protocol" | "begin" => 1 + label.trim_start().len().div_ceil(4),
                    "challenge" => 0,
                    other => panic!("a site of kind {other}"),
                };
                let absorbed = own.iter().filter(|e| matches!(e, Event::Observe(_))).count();
                let drawn = own.iter().filter(|e| matches!(e, Event::Answer(Answer::Field(_)))).count();
                assert_eq!((absorbed, drawn), (elements, if *kind == "challenge" { 3 } else { 0 }), "{kind}{label}");
                assert_eq!(absorbed + drawn, own.len(), "{kind}{label}");
            }
            _ if !library => panic!("{event:?} outside of a site"),
            Event::Observe(_) => lines.push("  absorb element".into()),
            Event::Root(_) => lines.push("  absorb root".into()),
            Event::Answer(Answer::Field(_)) => lines.push("  draw element".into()),
            Event::Answer(Answer::Index(bits, _)) => lines.push(format!("  draw index of {bits} bits")),
            Event::Answer(Answer::Nonce(bits, _)) => lines.push(format!("  work of {bits} bits")),
        }
    }
    compressed(lines)
}

fn roots_come_first(r: &Recorded) {
    let events = &r.verifier.events;
    let first = events.iter().position(|e| matches!(e, Event::Answer(_))).unwrap();
    let root = |e: &Event| matches!(e, Event::Site { kind: "root", .. });
    assert!(events[..first].iter().filter(|e| root(e)).count() >= 2, "{}", r.name);
    assert!(!events[first..].iter().any(root), "{}: a root is absorbed after the first challenge", r.name);
    // WHIR's own roots alone come later: one for each of its rounds, inside the library.
    let library = events.iter().position(|e| matches!(e, Event::Site { kind: "library", .. })).unwrap();
    assert!(!events[..library].iter().any(|e| matches!(e, Event::Root(_))), "{}", r.name);
    assert!(!events[library + 1..].iter().any(|e| matches!(e, Event::Site { .. })), "{}: after WHIR", r.name);
    let oracles = events.iter().filter(|e| matches!(e, Event::Root(_))).count();
    assert!((1..=6).contains(&oracles), "{}: {oracles} roots of WHIR", r.name);
}

/// What is absorbed and drawn, values included, without the source files.
fn heard(run: &Run) -> Vec<Event> {
    let strip = |e: &Event| match e {
        Event::Site { kind, label, .. } => Event::Site { kind, label: label.clone(), file: "" },
        other => other.clone(),
    };
    run.events.iter().map(strip).collect()
}

#[test]
fn every_absorb_and_challenge_is_in_the_inventory() {
    let mut sites = 0;
    for r in all() {
        roots_come_first(&r);
        assert!(heard(&r.prover) == heard(&r.verifier), "{}: prover and verifier hear different transcripts", r.name);
        sites += r.verifier.events.iter().filter(|e| matches!(e, Event::Site { .. })).count();
        // Every label but the library's is ours and versioned.
        for event in &r.verifier.events {
            if let Event::Site { kind: "protocol" | "begin", label, .. } = event {
                assert!(label.starts_with("tacit/") && label.ends_with("/v1"), "{label}");
            }
        }
        let file = format!("inventory/{}.txt", r.name.replace(", ", "-").replace(' ', "-"));
        checked_in(&file, &(described(&r.verifier).join("\n") + "\n"));
    }
    assert!(sites > 5_000, "{sites} sites");
}
