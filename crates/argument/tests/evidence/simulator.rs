//! The simulator's proofs verify under the oracle that it programmed, and under no other.
use crate::toy::{DIGEST, LABEL, Others, RATE, Toy, fresh, shape};
use p3_field::PrimeCharacteristicRing;
use tacit_argument::field::E;
use tacit_argument::opening::OpeningError;
use tacit_argument::proof::{ArgumentError, check, simulate, simulate_commitment};
use tacit_argument::transcript::probe::{Mode, Program, with};

fn commitments() -> Others {
    let commit = || simulate_commitment(shape(), RATE, &mut fresh()).unwrap();
    Others::pinned([commit(), commit()])
}

fn verdict(program: &Program, relation: &Toy, others: &Others, proof: &tacit_argument::proof::RelationProof) -> bool {
    let run = || check(LABEL, &DIGEST, relation, RATE, &others.committed(), proof).map(|_| ());
    let (verdict, _) = with(Mode::Programmed(program.clone()), run);
    match verdict {
        Ok(()) => true,
        Err(ArgumentError::Opening(OpeningError::SourceClaim)) => false,
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn a_simulated_proof_verifies_under_the_programmed_oracle() {
    let others = commitments();
    // Several proofs over the same commitments, one answer of the oracle each.
    let simulated: Vec<_> =
        (0..3).map(|_| simulate(LABEL, &DIGEST, &Toy::default(), RATE, &others.refs(), fresh()).unwrap()).collect();
    let all: Program = simulated.iter().flat_map(|s| s.program.clone()).collect();
    assert_eq!(all.len(), 3);
    for s in &simulated {
        assert_eq!(s.program.len(), 1, "gamma alone is programmed");
        assert!(verdict(&all, &Toy::default(), &others, &s.proof));
        assert!(!verdict(&Program::new(), &Toy::default(), &others, &s.proof), "the real oracle rejects it");
        // Another answer at the same point does not do.
        let other = s.program.iter().map(|(&point, &gamma)| (point, gamma + E::ONE)).collect();
        assert!(!verdict(&other, &Toy::default(), &others, &s.proof));
    }
}

/// It has no witness: a statement that is false for every witness is simulated as well.
#[test]
fn a_false_statement_is_simulated_as_well() {
    let (others, relation) = (commitments(), Toy { wrong: E::ONE, ..Toy::default() });
    let s = simulate(LABEL, &DIGEST, &relation, RATE, &others.refs(), fresh()).unwrap();
    assert!(verdict(&s.program, &relation, &others, &s.proof));
    assert!(!verdict(&Program::new(), &relation, &others, &s.proof));
}

/// No code of the simulator names a type that holds a witness.
#[test]
fn the_simulator_names_no_witness() {
    let sources = [include_str!("../../src/proof/simulator.rs"), include_str!("../../src/opening/simulator.rs")];
    for source in sources {
        let code: String = source.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
        for name in ["Witness", "Masker", "Secrets", "prove(", "bilinear", "lookup", "logup"] {
            assert!(!code.contains(name), "{name}");
        }
    }
}
