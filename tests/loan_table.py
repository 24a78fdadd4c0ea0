"""A table of loans with groups, for tests of reports and of their pages."""

from __future__ import annotations

import numpy as np
import pandas as pd


def loans(seed: int, rows: int) -> pd.DataFrame:
    """Three numbers, two texts, and whether the loan was good."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.normal(size=(rows, 3)), columns=["income", "debt", "age"])
    frame["sex"] = random.choice(["f", "m"], size=rows)
    frame["region"] = random.choice(["north", "east", "west"], size=rows)
    score = frame["income"] - frame["debt"] + 0.5 * (frame["sex"] == "m") + random.normal(size=rows)
    frame["good"] = np.where(score > 0, "yes", "no")
    return frame
