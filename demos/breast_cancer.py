"""scikit-learn's breast cancer data, 30-16-2, 20 epochs: `make demo`."""

from __future__ import annotations

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from torch import nn

from demos.job import Job, run


def main() -> None:
    """Run the demonstration."""
    x, y = load_breast_cancer(return_X_y=True)
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, random_state=1, stratify=y)

    def model(features: int) -> nn.Module:
        return nn.Sequential(nn.Linear(features, 16), nn.ReLU(), nn.Linear(16, 2))

    run(Job("breast-cancer", x, y, x_test, y_test, model, epochs=20))


if __name__ == "__main__":
    main()
