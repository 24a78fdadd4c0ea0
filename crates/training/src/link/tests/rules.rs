//! One refusal per rule, for verifier and prover alike.
use super::*;

fn refused(linked: Linked) -> LinkInvalid {
    let e = plan_link(&linked).unwrap_err();
    let LinkError::Rejected(LinkRejected::Invalid(planned)) = e else { panic!("{e}") };
    let e = stated(&LinkStatement { version: LINK_VERSION, linked }).unwrap_err();
    let LinkRejected::Invalid(found) = e else { panic!("{e}") };
    assert_eq!(found, planned);
    found
}

fn changed_data(change: impl FnOnce(&mut DataRecord)) -> LinkInvalid {
    let (a, b) = (data(&table(), 2, 1), data(&table(), 2, 2));
    let mut second = b.record;
    change(&mut second);
    refused(Linked::Data { first: a.record, second })
}

fn changed_model(change: impl FnOnce(&mut ModelRecord)) -> LinkInvalid {
    let (a, b) = (model(&weights(true), true, 2, 1), model(&weights(true), true, 2, 2));
    let mut second = b.record;
    change(&mut second);
    refused(Linked::Model { first: a.record, second })
}

#[test]
fn another_version() {
    let (a, b) = (data(&table(), 2, 1), data(&table(), 2, 2));
    let mut link = prove_link(same_data(&a, &b), [&a.tree, &b.tree], &SECRET).unwrap();
    link.statement.version = 2;
    assert!(matches!(verify_link(&link), Err(LinkRejected::Version { got: 2 })));
}

#[test]
fn records_of_different_tables() {
    let differs = |field, first, second| LinkInvalid::Differs { field, first, second };
    assert_eq!(changed_data(|r| r.rows = 89), differs("rows", 90, 89));
    assert_eq!(changed_data(|r| r.features = 1), differs("features", 2, 1));
    assert_eq!(changed_data(|r| r.fa = 7), differs("fa", 8, 7));
    assert_eq!(changed_data(|r| r.data_bits = 13), differs("data_bits", 12, 13));
    assert_eq!(changed_data(|r| r.labels = Labels::Binary { outputs: 3 }), LinkInvalid::Labels);
    assert_eq!(changed_data(|r| r.labels = Labels::Class { classes: 2 }), LinkInvalid::Labels);
    assert_eq!(changed_data(|r| r.schema = [8; 32]), LinkInvalid::Schema);
    assert_eq!(changed_data(|r| r.vector.log_inv_rate = 1), LinkInvalid::Rates { first: 2, second: 1 });
}

#[test]
fn records_of_different_models() {
    let differs = |field, first, second| LinkInvalid::Differs { field, first, second };
    assert_eq!(changed_model(|r| r.layers[1] = (2, 2)), LinkInvalid::Layers);
    assert_eq!(changed_model(|r| r.layers.truncate(1)), LinkInvalid::Layers);
    assert_eq!(changed_model(|r| r.fw = 21), differs("fw", 20, 21));
    assert_eq!(changed_model(|r| r.velocity = false), differs("velocity", 1, 0));
    assert_eq!(changed_model(|r| r.vector.log_inv_rate = 1), LinkInvalid::Rates { first: 2, second: 1 });
}

#[test]
fn one_commitment_twice() {
    let a = data(&table(), 2, 1);
    assert_eq!(refused(same_data(&a, &a)), LinkInvalid::SameCommitment);
    let b = model(&weights(false), false, 2, 1);
    assert_eq!(refused(same_model(&b, &b)), LinkInvalid::SameCommitment);
}

#[test]
fn records_that_are_invalid_by_themselves() {
    let record = |e: LinkInvalid| match e {
        LinkInvalid::Record { which: "second", error } => error,
        e => panic!("{e}"),
    };
    assert_eq!(record(changed_data(|r| r.version = 2)), RecordError::Version { got: 2 });
    assert!(matches!(record(changed_data(|r| r.vector.row_budget = 1 << 40)), RecordError::Budget { .. }));
    assert!(matches!(record(changed_data(|r| r.vector.shape.block = 1000)), RecordError::Stride { .. }));
    assert_eq!(record(changed_model(|r| r.version = 2)), RecordError::Version { got: 2 });
    let limit = |field, got, min, max| RecordError::Limit { field, got, min, max };
    assert_eq!(record(changed_model(|r| r.layers.clear())), limit("layers", 0, 1, 64));
    assert_eq!(record(changed_model(|r| r.layers = vec![(1, 1); 65])), limit("layers", 65, 1, 64));
    assert_eq!(record(changed_model(|r| r.layers[0].0 = 0)), limit("layer inputs", 0, 1, 65_537));
    assert_eq!(record(changed_model(|r| r.layers[0].0 = 65_538)), limit("layer inputs", 65_538, 1, 65_537));
    assert_eq!(record(changed_model(|r| r.layers[1].1 = 65_537)), limit("layer outputs", 65_537, 1, 65_536));
    let most = 1 << 28;
    let wide = record(changed_model(|r| r.layers[0] = (65_536, 65_536)));
    assert_eq!(wide, limit("weights", (1 << 32) + 6, 1, most));
    assert!(matches!(record(changed_model(|r| r.layers[0] = (5000, 3))), RecordError::Capacity { .. }));
    assert!(matches!(record(changed_model(|r| r.layers[0] = (5, 4000))), RecordError::Stride { .. }));
    assert_eq!(record(changed_model(|r| r.vector.suite = 2)), RecordError::Suite { got: 2 });
    // The first side as well.
    let (mut a, b) = (data(&table(), 2, 1), data(&table(), 2, 2));
    a.record.version = 3;
    let error = RecordError::Version { got: 3 };
    assert_eq!(refused(same_data(&a, &b)), LinkInvalid::Record { which: "first", error });
}
