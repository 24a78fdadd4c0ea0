//! Rates as scikit-learn defines them.
use super::*;

#[test]
fn rates_are_ratios_of_sums_of_counts() {
    // scikit-learn on this confusion matrix: rows are labels.
    let counts = [[50i64, 3, 7], [4, 20, 6], [1, 2, 30]];
    let rate = |r: Rate| {
        let (mut n, mut d) = (0, 0);
        for (label, row) in counts.iter().enumerate() {
            for (p, &count) in row.iter().enumerate() {
                let (a, b) = r.coefficients(label as u32, p as u32);
                n += a * count;
                d += b * count;
            }
        }
        (n, d)
    };
    assert_eq!(rate(Rate::Accuracy), (100, 123));
    assert_eq!(rate(Rate::Recall { class: 0 }), (50, 60));
    assert_eq!(rate(Rate::Precision { class: 2 }), (30, 43));
    assert_eq!(rate(Rate::F1 { class: 1 }), (40, 30 + 25));
    assert_eq!(rate(Rate::FalsePositives { class: 0 }), (5, 63));
    assert_eq!(rate(Rate::Predicted { class: 2 }), (43, 123));
}
