"""The page's fixed words: rates by name, terms explained, and what each kind of file is about."""

from __future__ import annotations

from tacit.html.names import Names
from tacit.rates import top_of

__all__ = ["INTRODUCTIONS", "TERMS", "TITLES", "metric_words"]

_METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "recall": "recall",
    "precision": "precision",
    "f1": "F1 score",
    "false_positive_rate": "false positive rate",
    "positive_rate": "rate of predictions",
    "demographic_parity": "demographic parity",
    "equal_opportunity": "equal opportunity",
    "equalised_odds": "equalised odds",
}

TITLES = {
    "data": "Committed data set",
    "run": "Training of a model",
    "release": "Release of a model",
    "report": "Report on a model",
    "public": "Report on a public model",
    "link": "Link of two commitments",
    "rows": "Rows of two data sets",
}

INTRODUCTIONS = {
    "data": (
        "The owner of a table has fixed its content without showing it. From then on nobody, the owner "
        "included, can change a value without a new commitment. The proof in the file shows that the hidden "
        "table is well formed."
    ),
    "run": (
        "The owner of a model and of its training data shows that the model is the exact result of a stated "
        "training procedure on that data. Model and data stay hidden; both are fixed by commitments."
    ),
    "release": (
        "Weights of a model are published, and shown to be the rounded result of a stated training procedure "
        "on committed data, which stays hidden."
    ),
    "report": (
        "The owner of a model shows what the model does on certain rows. The model stays hidden, and so do "
        "rows that were committed; both are fixed by commitments, so that the figures below are about one "
        "model and one set of rows."
    ),
    "public": (
        "What a model does on certain rows. The model is public: its weights are in a file that everybody can "
        "have. Rows that were committed stay hidden; the figures below are about that one file and one set of "
        "rows."
    ),
    "link": (
        "A commitment can take part in so many proofs, then the owner makes a new one. This shows that the two "
        "hold the same, without showing what: what was shown of one is true of the other."
    ),
    "rows": (
        "Two data sets were committed. This shows how their rows are related, without showing any of them: a "
        "model is tested honestly on rows that it was not trained on."
    ),
}

TERMS = {
    "commitment": (
        "A short fingerprint of a table or a model that is published while the content stays hidden. Content "
        "and fingerprint belong together: another content would have another fingerprint."
    ),
    "proof": (
        "A file that convinces whoever checks it that a statement is true, without showing the hidden data on "
        "which the statement rests. Checking takes a fraction of a second and needs no trust in the owner."
    ),
    "soundness error": (
        "The chance that a false statement passes the check all the same. 2^-128 is one in 340 "
        "million million million million million million."
    ),
    "accuracy": "Rows that the model predicts as they are labelled, out of all rows.",
    "balanced accuracy": (
        "The mean of the recalls of all classes: a model that always gives the most frequent of two classes "
        "has 50 %."
    ),
    "recall": "Of the rows labelled as a class, how many the model predicts as that class.",
    "precision": "Of the rows that the model predicts as a class, how many are labelled so.",
    "F1 score": "The harmonic mean of precision and recall.",
    "false positive rate": "Of the rows labelled otherwise, how many the model predicts as the class.",
    "rate of predictions": "How many of all rows the model predicts as the class, right or wrong.",
    "demographic parity": "How far groups differ in the rate of predictions of a class. 0 %: no difference.",
    "equal opportunity": "How far groups differ in recall. 0 %: rows labelled as the class get it as often.",
    "equalised odds": "How far groups differ in recall or in the false positive rate, whichever differs more.",
    "Sharpe ratio": (
        "The mean profit of a day over the deviation of the days' profits, times the square root of the days "
        "of a year. It says how steady profits were, not that they go on."
    ),
    "Sortino ratio": "The same with the root of the mean square of the losses in place of the deviation.",
    "maximum drawdown": "The largest fall of the sum of profits below the largest value that it had before.",
    "area under the ROC curve": (
        "How often a row of class 1 has a higher score than one of class 0, over all such pairs; a tie "
        "counts half."
    ),
    "log-loss": "The mean of -ln of the probability that the model gives to the label of a row. 0 is best.",
    "Brier score": "The mean squared distance of the predicted probability from the label, 0 or 1. 0 is best.",
    "R²": "1 for a model without error, 0 for one that always gives the mean of the targets.",
    "score of the class": (
        "The model's output turned into shares that sum to 100 % (softmax), or into one share (sigmoid). A "
        "larger one means that the model leans to the class more; how often it is right then is not shown."
    ),
}
"""Terms that a page may use, explained. Those that it does use stand at its end."""


def metric_words(metric: str, names: Names) -> str:
    """`recall:1` as `recall of class 1: good`."""
    name, _, of = metric.partition(":")
    top = top_of(metric)
    if top is not None:
        return f"top-{top} accuracy"
    words = _METRICS.get(name, name)
    if not of:
        return words
    label = names.of_class(int(of))
    return f"{words} of {label if label.startswith('class ') else f'class {label}'}"
