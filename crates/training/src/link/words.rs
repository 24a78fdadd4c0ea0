//! A verified link in words.
use super::{LinkStatement, Linked, RowRelation};
use crate::words::{Words, counted, hex};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a link shows. `known` says of the first and of the second commitment whether it was checked: a data commitment
/// to be valid, a model to be the one that a verified run ends with.
#[must_use]
pub fn link_words(link: &LinkStatement, known: [bool; 2]) -> Words {
    let mut shown = joined_words(link);
    let mut not_shown = Vec::new();
    match &link.linked {
        Linked::Data { .. } => {
            shown.push("One is valid if the other is: what was proven on one of them holds of both.".to_string());
            if known == [false, false] {
                not_shown.push("that either commitment is valid: no commitment file was given".to_string());
            }
            not_shown.push("who collected the data, and whether it is true".to_string());
        }
        Linked::Rows { .. } => {
            if known != [true, true] {
                not_shown.push("that both commitments are valid: not both commitment files were given".to_string());
            }
            not_shown.push("who or what the rows are about: rows that differ in one number are different".to_string());
        }
        Linked::Model { .. } => {
            shown.push("What was proven of one of them holds of both.".to_string());
            if known == [false, false] {
                not_shown.push("where the model comes from: no run was given".to_string());
            }
            not_shown.push("how good the model is".to_string());
        }
    }
    Words { shown, not_shown }
}

/// The one sentence of a link that another verdict rests on.
#[must_use]
pub fn joined_words(link: &LinkStatement) -> Vec<String> {
    let [first, second] = link.linked.digests().map_or_else(|_| Default::default(), |d| d.map(|d| hex(&d)));
    alloc::vec![match &link.linked {
        Linked::Data { first: record, .. } => format!(
            "Commitments {first} and {second} are to the same table of {} and {}: every feature and label of every row \
             is equal.",
            counted(record.rows, "row"),
            counted(record.features, "feature")
        ),
        Linked::Rows { relation: RowRelation::Same, first: record, .. } => format!(
            "Commitments {first} and {second} are to the same {}, each as often, in whatever order.",
            counted(record.rows, "row")
        ),
        Linked::Rows { relation: RowRelation::Subset, first: a, second: b } => format!(
            "Every row of commitment {first} ({}) is a row of commitment {second} ({}): all features and the label are \
             equal.",
            counted(a.rows, "row"),
            counted(b.rows, "row")
        ),
        Linked::Rows { relation: RowRelation::Disjoint { .. }, first: a, second: b } => format!(
            "No row of commitment {first} ({}) is a row of commitment {second} ({}): a feature or the label differs.",
            counted(a.rows, "row"),
            counted(b.rows, "row")
        ),
        Linked::Model { first: record, .. } => format!(
            "Commitments {first} and {second} are to the same model of {}: every weight{} is equal.",
            counted(record.layers.len() as u64, "layer"),
            if record.velocity { " and every entry of the velocity" } else { "" }
        ),
    }]
}
