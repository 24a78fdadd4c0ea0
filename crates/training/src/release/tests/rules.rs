//! Every safety rule refuses, by name, and an exemption is recorded.
use super::*;

fn refusal(statement: &RunStatement, bits: u32, c: &Circumstances<'_>) -> ReleaseRefused {
    let refused = release_rules(statement, bits, c).unwrap_err();
    // What a rule refuses is released where the data is public, and the permit says so.
    let exempt = Circumstances { exemption: Some(Override::PublicData), ..*c };
    assert_eq!(release_rules(statement, bits, &exempt).unwrap().exemption, Some(Override::PublicData));
    refused
}

fn changed(change: impl FnOnce(&mut RunConfig)) -> RunStatement {
    let mut config = logistic();
    change(&mut config);
    run_statement(config)
}

#[test]
fn an_ordinary_run_is_permitted_without_an_exemption() {
    for config in [logistic(), perceptron()] {
        assert_eq!(release_rules(&run_statement(config), 12, &private()).unwrap().exemption, None);
    }
}

#[test]
fn few_rows() {
    let at = |outputs| {
        run_statement(config(
            vec![layer(5, outputs, Activation::Relu), layer(outputs, 2, Activation::Identity)],
            Loss::CrossEntropy,
        ))
    };
    let refused = refusal(&at(24), 12, &private());
    assert!(matches!(refused, ReleaseRefused::FewRows { rows: 96, outputs: 24 }), "{refused}");
    assert!(release_rules(&at(23), 12, &private()).is_ok());
}

#[test]
fn single_row_batches() {
    let refused = refusal(&changed(|c| c.schedule.batch = 1), 12, &private());
    assert!(matches!(refused, ReleaseRefused::SingleRowBatches), "{refused}");
}

#[test]
fn few_steps() {
    let steps = |n: usize| {
        changed(|c| {
            c.schedule.total_steps = n as u32;
            c.schedule.rates = Schedule::encode_rates(&vec![1; n]);
        })
    };
    let refused = refusal(&steps(99), 12, &private());
    assert!(matches!(refused, ReleaseRefused::FewSteps { steps: 99 }), "{refused}");
    assert!(release_rules(&steps(100), 12, &private()).is_ok());
    // Steps with learning rate 0 are none.
    let idle = changed(|c| {
        let mut rates = vec![0; 112];
        rates[..7].fill(1);
        c.schedule.rates = Schedule::encode_rates(&rates);
    });
    let refused = refusal(&idle, 12, &private());
    assert!(matches!(refused, ReleaseRefused::FewSteps { steps: 7 }), "{refused}");
}

#[test]
fn fewer_bits_of_data_than_bits_released() {
    let statement = run_statement(logistic());
    // 6 weights of 13 bits against the labels alone, 96 bits; and of 16 bits, as many as the labels hold.
    let labels_only = Circumstances { known: &[0, 1, 2, 3, 4], ..private() };
    assert!(release_rules(&statement, 15, &labels_only).is_ok());
    let refused = refusal(&statement, 16, &labels_only);
    assert!(matches!(refused, ReleaseRefused::DataBits { data: 96, released: 102 }), "{refused}");
    // Known labels and four known features leave one feature, counted at the schema's width.
    let one_feature = Circumstances { known: &[0, 1, 2, 3, 5], ..private() };
    assert!(release_rules(&statement, 16, &one_feature).is_ok());
    let refused = refusal(&statement, 16, &Circumstances { feature_bits: Some(&[1; 5]), ..one_feature });
    assert!(matches!(refused, ReleaseRefused::DataBits { data: 96, released: 102 }), "{refused}");
    let refused = refusal(&statement, 12, &Circumstances { known: &[0, 1, 2, 3, 4, 5], ..private() });
    assert!(matches!(refused, ReleaseRefused::DataBits { data: 0, released: 78 }), "{refused}");
}

#[test]
fn labels_count_by_their_classes() {
    // 66 weights of 13 bits against n log2 3, at an eighth of a bit: 96 * 12 / 8.
    let statement = run_statement(perceptron());
    let refused = refusal(&statement, 12, &Circumstances { known: &[0, 1, 2, 3, 4], ..private() });
    assert!(matches!(refused, ReleaseRefused::DataBits { data: 144, released: 858 }), "{refused}");
    // One class known row by row counts as all of them.
    let refused = refusal(&statement, 12, &Circumstances { known: &[0, 1, 2, 3, 4, 6], ..private() });
    assert!(matches!(refused, ReleaseRefused::DataBits { data: 0, .. }), "{refused}");
}

#[test]
fn real_targets_count_by_their_width() {
    let statement = run_statement(config(vec![layer(5, 2, Activation::Identity)], Loss::Mse));
    let refused = refusal(&statement, 26, &Circumstances { known: &[0, 1, 2, 3, 4, 5, 6], ..private() });
    assert!(matches!(refused, ReleaseRefused::DataBits { data: 0, .. }), "{refused}");
    assert!(release_rules(&statement, 12, &Circumstances { known: &[0, 1, 2, 3, 4, 5], ..private() }).is_ok());
}

#[test]
fn earlier_releases() {
    let statement = run_statement(logistic());
    for earlier in [Earlier::SameData, Earlier::NeighbouringData] {
        let refused = refusal(&statement, 12, &Circumstances { earlier, ..private() });
        assert!(matches!(refused, ReleaseRefused::EarlierRelease { earlier: got } if got == earlier), "{refused}");
    }
}

#[test]
fn exact_weights() {
    let refused = refusal(&run_statement(logistic()), FW, &private());
    assert!(matches!(refused, ReleaseRefused::ExactWeights { fw: FW }), "{refused}");
}

#[test]
fn no_exemption_covers_wrong_arguments() {
    let statement = run_statement(logistic());
    for got in [0, MIN_BITS - 1, FW + 1, u32::MAX] {
        let refused = release_rules(&statement, got, &public()).unwrap_err();
        assert!(matches!(refused, ReleaseRefused::Bits { got: g, fw: FW } if g == got), "{refused}");
    }
    let refused = release_rules(&statement, 12, &Circumstances { known: &[6], ..public() }).unwrap_err();
    assert!(matches!(refused, ReleaseRefused::UnknownColumn { got: 6, columns: 6 }), "{refused}");
    let refused =
        release_rules(&statement, 12, &Circumstances { feature_bits: Some(&[1; 4]), ..public() }).unwrap_err();
    assert!(matches!(refused, ReleaseRefused::FeatureBits { expected: 5, got: 4 }), "{refused}");
    let mut invalid = statement;
    invalid.version += 1;
    let refused = release_rules(&invalid, 12, &public()).unwrap_err();
    assert!(matches!(refused, ReleaseRefused::Statement(StatementError::Version { .. })), "{refused}");
}
