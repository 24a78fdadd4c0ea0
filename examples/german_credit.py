"""How accurate and how fair is a bank's credit model? 1,000 German loans, of which the regulator sees none.

    python -m examples.german_credit

Two reports on the same hidden model and 300 hidden test loans: the counts by sex, from which every rate and
every measure of fairness follows; and by age group that bounds hold, and nothing more.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
from demos.data import german_credit
from sklearn.model_selection import train_test_split

import tacit
from examples.steps import arguments, done, publish, step, train_and_prove

TARGET = "creditability"
SCORES = ("auc", "log_loss", "calibration:2")
"""Two bins: in the tenths of ten there would be too few loans of each sex to show."""


def loans() -> pd.DataFrame:
    """The table with `sex` and `age_group` as columns of their own."""
    frame = german_credit()
    status = frame.pop("personal_status_and_sex")
    frame["sex"] = np.where(status.str.startswith("female"), "female", "male")
    frame["age_group"] = np.where(frame["age_in_years"] <= 25, "up to 25", "over 25")
    return frame


def main(given: Sequence[str] | None = None, *, rows: int | None = None, epochs: int = 20) -> None:
    """Run the example, on the first `rows` loans only if that is given."""
    started = time.perf_counter()
    folder = arguments("german_credit", given)
    frame = loans().iloc[:rows]
    train, test = train_test_split(frame, test_size=0.3, random_state=3, stratify=frame[TARGET])
    text = tuple(train.select_dtypes(exclude="number").columns.drop(TARGET))
    with step(f"the bank commits {len(train)} training loans and {len(test)} test loans"):
        data = tacit.commit(train, TARGET, name="train", categorical=text, quiet=True, **folder.options)
        held_out = tacit.commit(
            test, TARGET, name="test", schema=data.schema, max_clipped=1.0, quiet=True, **folder.options
        )
        print(f"   {data.quantised.width} features; train.commitment and test.commitment are public")
    run = train_and_prove(folder, data, hidden=[16], epochs=epochs, batch_size=64, lr=0.125)
    held = {"run": "run.tacit", "data": "test.commitment", "training": "train.commitment"}
    with step("report 1: counts by sex"):
        by_sex = tacit.evaluate(run, held_out, metrics=[*SCORES, "confusion"], by="sex", quiet=True)
        for name in ("demographic_parity:1", "equal_opportunity:1", "equalised_odds:1"):
            print(f"   {name}: {100 * float(by_sex.gaps()[name]):.2f} %")
        scores = by_sex.scores()
        print(f"   area {float(scores['auc']):.4f}, log loss {float(scores['log_loss']):.4f}")
    publish(folder, "by-sex", "german-credit-by-sex", by_sex, **held)
    with step("report 2: bounds by age group"):
        by_age = tacit.evaluate(
            run,
            held_out,
            by="age_group",
            at_least={"accuracy": "0.7"},
            at_least_each={"accuracy": "0.6", "recall": "0.5"},
            gap_at_most={"equalised_odds": "0.3"},
            quiet=True,
        )
    publish(folder, "by-age", "german-credit-by-age", by_age, **held)
    done(time.perf_counter() - started)


if __name__ == "__main__":
    main()
