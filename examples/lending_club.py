"""Is an accuracy of 90 % good? 9,857 loans of Lending Club, 5 % of them bad, by how the income was verified.

    python -m examples.lending_club

A model that calls every loan good is right for 95 % of them. The report shows the counts of every group, hence
recalls and balanced accuracy beside the accuracy. Bad loans stand eight times in the training data, so that the
model looks for them at all.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import pandas as pd
from demos.data import LENDING_TEXT, lending_club
from sklearn.model_selection import train_test_split

import tacit
from examples.steps import arguments, done, publish, step, train_and_prove

TARGET = "Class"
TIMES = 8
"""How often a bad loan stands in the training data."""


def main(given: Sequence[str] | None = None) -> None:
    """Run the example."""
    started = time.perf_counter()
    folder = arguments("lending_club", given)
    # States would make fifty features, and some have a loan or two only.
    frame = lending_club().drop(columns=["addr_state"])
    train, test = train_test_split(frame, test_size=0.3, random_state=1, stratify=frame[TARGET])
    bad = train[train[TARGET] == "bad"]
    train = pd.concat([train] + [bad] * (TIMES - 1)).sample(frac=1.0, random_state=1)
    text = tuple(name for name in LENDING_TEXT if name in train)
    with step(f"the lender commits {len(train):,} training rows and {len(test):,} test loans"):
        data = tacit.commit(train, TARGET, name="train", categorical=text, quiet=True, **folder.options)
        held_out = tacit.commit(
            test, TARGET, name="test", schema=data.schema, max_clipped=1.0, quiet=True, **folder.options
        )
        print(f"   {data.quantised.width} features; train.commitment and test.commitment are public")
    run = train_and_prove(folder, data, hidden=[16], epochs=2, batch_size=64, lr=0.125)
    with step("report: counts by verification of income"):
        report = tacit.evaluate(
            run,
            held_out,
            metrics=["confusion", "auc", "log_loss", "calibration:2"],
            by="verification_status",
            quiet=True,
        )
        rates = report.derived()
        print(f"   accuracy {float(rates['accuracy']):.4f}, balanced {float(rates['balanced_accuracy']):.4f}")
        scores = report.scores()
        print(f"   area {float(scores['auc']):.4f}, log loss {float(scores['log_loss']):.4f}")
    held = {"run": "run.tacit", "data": "test.commitment", "training": "train.commitment"}
    publish(folder, "report", "lending-club", report, **held)
    done(time.perf_counter() - started)


if __name__ == "__main__":
    main()
