"""A prediction with its proof: a clinic's certified model, and what it says of six new patients.

    python -m examples.breast_cancer

The model stays hidden; the patients' values are public here, and stand in the report. That the outputs are
those of the model of the proven run is what the report shows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

import tacit
from examples.steps import arguments, done, publish, step, train_and_prove

PATIENTS = 6


def main(given: Sequence[str] | None = None, *, epochs: int = 20) -> None:
    """Run the example."""
    started = time.perf_counter()
    folder = arguments("breast_cancer", given)
    found = load_breast_cancer(as_frame=True)
    x, y = found.data, pd.Series(found.target_names[found.target], name="diagnosis")
    x, new, y, _ = train_test_split(x, y, test_size=PATIENTS, random_state=4, stratify=y)
    with step(f"the clinic commits {len(x)} patients"):
        data = tacit.commit(x.assign(diagnosis=y), "diagnosis", quiet=True, **folder.options)
        print(f"   {data.quantised.width} features; owner.commitment is public")
    run = train_and_prove(folder, data, hidden=[16], epochs=epochs, batch_size=64, lr=0.125)
    with step(f"predict {PATIENTS} new patients, with a proof"):
        report = tacit.predict(run, new, quiet=True)
        for number, predicted in enumerate(report.classes()):
            print(f"   patient {number}: {data.schema.target.classes[predicted]}")
    publish(folder, "prediction", "breast-cancer", report, run="run.tacit", training="owner.commitment")
    done(time.perf_counter() - started)


if __name__ == "__main__":
    main()
