"""Rates and measures of fairness from counts are what scikit-learn gives on the same integers."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
)

from tacit.rates import (
    FAIRNESS,
    RATES,
    Confusion,
    differences,
    rate_name,
    shown_counts,
    shown_errors,
    shown_rates,
)


def drawn(seed: int, classes: int, rows: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, predictions that are right more often than not, and groups."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, size=rows)
    predicted = np.where(random.random(rows) < 0.6, labels, random.integers(0, classes, size=rows))
    return labels, predicted, random.integers(0, 3, size=rows)


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> Confusion:
    counts = confusion_matrix(labels, predicted, labels=range(classes))
    return Confusion(tuple(tuple(int(n) for n in line) for line in counts))


@pytest.mark.parametrize(("seed", "classes"), [(1, 2), (2, 3), (3, 10)])
def test_every_rate_is_scikit_learns(seed: int, classes: int) -> None:
    labels, predicted, _ = drawn(seed, classes)
    table = confusion(labels, predicted, classes)
    assert table.rate("accuracy") == Fraction(int((labels == predicted).sum()), len(labels))
    assert float(table.rates()["accuracy"]) == accuracy_score(labels, predicted)
    assert float(table.rates()["balanced_accuracy"]) == pytest.approx(
        balanced_accuracy_score(labels, predicted)
    )
    for metric, function in (("recall", recall_score), ("precision", precision_score), ("f1", f1_score)):
        expected = function(labels, predicted, labels=range(classes), average=None)
        found = [table.rate(metric, c) for c in range(classes)]
        assert [float(rate) for rate in found if rate is not None] == pytest.approx(list(expected))
    for c in range(classes):
        others = labels != c
        # The false positive rate is 1 - recall of "not c".
        expected = 1 - recall_score(others, predicted != c)
        assert float(table.rates()[f"false_positive_rate:{c}"]) == pytest.approx(expected)
        assert table.rates()[f"positive_rate:{c}"] == Fraction(int((predicted == c).sum()), len(labels))


def test_a_rate_without_rows_has_no_value() -> None:
    table = Confusion(((5, 0), (0, 0)))
    assert table.rate("recall", 1) is None
    assert table.rate("precision", 1) is None
    assert table.rate("f1", 1) is None
    assert table.rate("false_positive_rate", 0) is None
    assert table.rate("false_positive_rate", 1) == 0
    assert "recall:1" not in table.rates()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert float(table.rates()["balanced_accuracy"]) == balanced_accuracy_score([0] * 5, [0] * 5)
    empty = Confusion(((0, 0), (0, 0)))
    assert empty.rates() == {}
    assert empty.balanced_accuracy() is None


@pytest.mark.parametrize(("seed", "classes"), [(4, 2), (5, 4)])
def test_fairness_is_the_largest_difference_between_groups(seed: int, classes: int) -> None:
    labels, predicted, groups = drawn(seed, classes)
    tables = [confusion(labels[groups == g], predicted[groups == g], classes) for g in range(3)]
    counts = [n for table in tables for line in table.counts for n in line]
    shown = [{"Counts": {"counts": counts}}]
    assert shown_counts(shown, 3) == tables
    rates = shown_rates(shown, 3, classes)
    assert rates["accuracy", None] == Fraction(int((labels == predicted).sum()), len(labels))
    gaps = differences(rates, 3)
    for c in range(classes):

        def per_group(positive: bool, c: int = c) -> list[float]:
            """Recall of c, or its false positive rate, in every group, by scikit-learn."""
            found = []
            for g in range(3):
                of = groups == g
                recall = recall_score((labels == c)[of], (predicted == c)[of], pos_label=positive)
                found.append(recall if positive else 1 - recall)
            return found

        recalls, false = per_group(True), per_group(False)
        share = [float((predicted[groups == g] == c).mean()) for g in range(3)]
        assert float(gaps[f"demographic_parity:{c}"]) == pytest.approx(max(share) - min(share))
        assert float(gaps[f"equal_opportunity:{c}"]) == pytest.approx(max(recalls) - min(recalls))
        odds = max(max(recalls) - min(recalls), max(false) - min(false))
        assert float(gaps[f"equalised_odds:{c}"]) == pytest.approx(odds)
    assert differences(rates, 0) == {}
    assert differences(rates, 1) == {}


def test_a_rate_that_one_group_lacks_has_no_difference() -> None:
    shown = [{"Counts": {"counts": [1, 2, 3, 4, 5, 6, 0, 0]}}]
    gaps = differences(shown_rates(shown, 2, 2), 2)
    assert "recall:1" not in gaps
    assert "equalised_odds:1" not in gaps
    assert gaps["recall:0"] == abs(Fraction(1, 3) - Fraction(5, 11))


def test_rates_shown_one_by_one_count_too() -> None:
    def told(rate: object, group: int | None, n: int, d: int) -> dict[str, object]:
        return {"Exactly": {"rate": rate, "group": group, "numerator": n, "denominator": d}}

    shown = [told({"Recall": {"class": c}}, g, 3 + c, 8 + (g or 0)) for c in range(2) for g in (None, 0, 1)] + [
        told({"FalsePositives": {"class": 1}}, g, 1 + g, 4) for g in range(2)
    ]
    rates = shown_rates(shown, 2, 2)
    assert rates["balanced_accuracy", None] == Fraction(7, 16)
    assert rates["balanced_accuracy", 1] == Fraction(7, 18)
    assert ("balanced_accuracy", None) not in shown_rates(shown, 2, 3)
    gaps = differences(rates, 2)
    assert gaps["equal_opportunity:1"] == Fraction(4, 8) - Fraction(4, 9)
    assert gaps["equalised_odds:1"] == Fraction(1, 4)
    assert "demographic_parity:1" not in gaps


def test_names_go_both_ways() -> None:
    for name, variant in RATES.items():
        rate: object = variant if name == "accuracy" else {variant: {"class": 3}}
        assert rate_name(rate) == (name if name == "accuracy" else f"{name}:3")
    assert set().union(*FAIRNESS.values()) <= set(RATES)


def test_errors_have_no_r2_without_spread() -> None:
    shown = [{"SquaredError": {"sum": 64}}, {"AbsoluteError": {"sum": 8}}]
    assert shown_errors(shown, 2, 2, 2) == {"mse": 1, "mae": Fraction(1, 2)}
    flat = [*shown, {"TargetMoments": {"sums": [4, 0], "squares": 8}}]
    assert "r2" not in shown_errors(flat, 2, 2, 2)
