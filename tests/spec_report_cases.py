"""Small reports of every kind, for the tests of the second verifier."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

import tacit
from spec_cases import LOSSES, SMALL, labels
from tacit.performance import SHOWN


@dataclass(frozen=True)
class World:
    """A model, the data that it was trained on, other data of the same schema."""

    layers: tuple[type[nn.Module] | int, ...]
    """Widths of the linear layers and what stands between them."""
    loss: str = "class"
    momentum: float = 0.0
    train_rows: int = 40
    test_rows: int = 90
    market: bool = False
    """Whether the rows are days, and the features earlier targets."""
    line: bool = False
    """Whether the targets are a linear function of the features."""

    @property
    def outputs(self) -> int:
        """Of the last layer."""
        last = self.layers[-1]
        assert isinstance(last, int)
        return last

    def network(self) -> nn.Sequential:
        """The layers; every second linear layer has no bias."""
        modules: list[nn.Module] = []
        width, count = 4, 0
        for layer in self.layers:
            if isinstance(layer, int):
                modules.append(nn.Linear(width, layer, bias=count % 2 == 0))
                width, count = layer, count + 1
            else:
                modules.append(layer())
        return nn.Sequential(*modules)


WORLDS = {
    "classes": World((3, nn.ReLU, 3)),
    # The columns of the data are as long as the trace's; their last rows are empty.
    "flags": World((1,), loss="binary", test_rows=200),
    "several": World((2,), loss="binary"),
    "pair": World((3, nn.ReLU, 2)),
    "real": World((3, nn.Tanh, 2), loss="real", test_rows=300),
    "market": World((1,), loss="real", market=True),
    # Targets that a linear model explains.
    "line": World((1,), loss="real", line=True),
    "deep": World((3, nn.ReLU, 2, nn.Sigmoid, 3, nn.Tanh, 2, 2), momentum=0.5),
}


@dataclass(frozen=True)
class Case:
    """One report."""

    world: str
    asked: dict[str, Any] = field(default_factory=dict)
    train: bool = False
    """Of the training data itself."""
    public: int = 0
    """Rows that the report holds in the clear."""
    labelled: int = 0
    """The same, with their labels."""
    predict: bool = False
    backtest: bool = False


DATES = np.arange("2020-01-01", "2020-03-15", dtype="datetime64[D]")

CASES = {
    "usual": Case("classes"),
    "everything": Case(
        "classes",
        {
            "metrics": [
                "confusion",
                "accuracy",
                "recall",
                "precision:0",
                "f1:0",
                "false_positive_rate",
                "positive_rate",
            ],
            "by": "sex",
            "at_least": {"accuracy": 0, "recall:0": "1/100"},
            "at_least_each": {"accuracy": 0},
            "gap_at_most": {"accuracy": 1, "false_positive_rate:2": 1},
        },
    ),
    "bound": Case("classes", {"at_least": {"accuracy": "0.01"}}),
    "two columns": Case("classes", {"metrics": ["accuracy"], "by": ["sex", "region"], "rows": range(3, 80)}),
    "listed": Case(
        "classes", {"metrics": ["confusion"], "rows": [0, 2, 3, 40, 41, 42, 60, 61, 70, 80, 88, 89]}
    ),
    "own data": Case("classes", train=True),
    "predictions": Case("classes", predict=True, asked={"rows": range(10, 40)}),
    "public": Case("classes", public=5),
    # Selectors shorter and longer than a column of the trace.
    "hidden": Case("classes", predict=True, asked={"rows": [17, 3, 17], "hide_rows": True}),
    "told": Case(
        "classes",
        predict=True,
        asked={
            "rows": range(5, 41),
            "show": ["classes", "outputs"],
            "at_least": {"output:0": -100, "margin:1:2": -200},
            "at_most": {"output:2": 100},
            "commit_outputs": "told",
        },
    ),
    "told of public": Case(
        "pair", public=3, asked={"show": "classes", "at_least": {"probability": "0.000001"}}
    ),
    "told of hidden": Case(
        "flags",
        predict=True,
        asked={
            "rows": [7],
            "hide_rows": True,
            "show": "classes",
            "at_most": {"probability": "0.999999"},
            "commit_outputs": "outputs",
        },
    ),
    "hidden of many": Case("real", predict=True, asked={"rows": [299], "hide_rows": True}),
    "flag": Case("flags", {"metrics": ["confusion", "f1"], "by": "sex"}),
    "flag rates": Case(
        "flags", {"at_least": {"accuracy": 0}, "gap_at_most": {"positive_rate": 1}, "by": "sex"}
    ),
    # More slacks than a column has cells.
    "zones": Case("flags", {"gap_at_most": {"positive_rate": 1}, "by": "zone"}),
    "flag public": Case("flags", public=3),
    "outputs": Case("several", predict=True),
    "errors": Case("real", {"metrics": ["mse", "mae", "r2"]}),
    "absolute": Case("real", {"metrics": ["mae"], "rows": range(20, 60)}),
    "real public": Case("real", public=4),
    "backtest": Case("market", {"cost_bps": 3, "show": list(SHOWN)}, backtest=True),
    "backtest of bounds": Case(
        "market",
        {
            "long_only": True,
            "at_least": {"sharpe": "1/10", "sortino": "1/8", "total_return": "0.001", "hit_rate": "1/10"},
            "at_most": {"max_drawdown": 0.5, "volatility": 1, "turnover": 50},
        },
        backtest=True,
    ),
    "backtest of parts": Case(
        "market",
        {
            "position": "linear",
            "limit": 0.002,
            "max_position": 0.8,
            "rows": range(6, 80),
            "show": ["sortino"],
            "dates": DATES,
        }
        | {"at_most": {"max_drawdown": 1}},
        backtest=True,
    ),
    "backtest of tanh": Case(
        "market",
        {"position": "tanh", "limit": 0.01, "cost_bps": 1, "long_only": True, "max_position": "0.9"},
        backtest=True,
    ),
    # Scores of one output and of the difference of two; with more groups than a power of two.
    "scores": Case(
        "flags",
        {
            "metrics": ["auc", "log_loss", "brier", "calibration:3", "threshold:0.4"],
            "at_least": {"auc": 0},
            "at_most": {"log_loss": 1000, "brier": "0.999"},
        },
    ),
    "scores by group": Case(
        "pair",
        {
            "metrics": ["auc", "threshold:0.5"],
            "by": ["sex", "region"],
            "gap_at_most": {"auc": 1},
            "rows": range(3, 80),
        },
    ),
    "labelled": Case("classes", {"metrics": ["confusion", "accuracy"], "by": "sex"}, labelled=30),
    "labelled flags": Case("flags", {"metrics": ["auc"], "at_least": {"accuracy": 0}}, labelled=30),
    "labelled reals": Case("real", {"metrics": ["mae", "r2"]}, labelled=12),
    "public backtest": Case(
        "market",
        {"cost_bps": 3, "at_least": {"sharpe": "1/100"}, "show": ["turnover"]}
        | {"dates": [x * x for x in range(60)]},
        labelled=60,
        backtest=True,
    ),
    "ranks": Case(
        "classes",
        {"metrics": ["top_2"], "by": "sex", "at_least": {"top_1": 0}, "gap_at_most": {"top_2": 1}},
    ),
    "bounds at a threshold": Case(
        "flags",
        {
            "by": "sex",
            "metrics": ["auc"],
            "at_least": {"recall@0.45": 0, "balanced_accuracy": 0},
            "at_least_each": {"balanced_accuracy@0.4": 0},
            "at_most": {"false_positive_rate@0.6": 1},
        },
    ),
    "bounds of pairs": Case("pair", {"at_least": {"accuracy@0.4": 0, "balanced_accuracy@0.6": 0}}),
    "bounded errors": Case(
        "real", {"by": "sex", "at_most": {"mse": 1000, "mae": 1000}, "at_most_each": {"mse": 1000, "mae": 1000}}
    ),
    "explained": Case("line", {"at_least": {"r2": 0}, "metrics": ["mse"], "rows": range(5, 80)}),
    "deep": Case("deep", {"metrics": ["confusion"], "by": "sex"}),
    "deep outputs": Case("deep", predict=True),
}


def table(rows: int, seed: int) -> pd.DataFrame:
    """Features; sex and region are 0 or 1, and not both 1, a zone is one of nine."""
    random = np.random.default_rng(seed)
    x = np.clip(random.normal(size=(rows, 4)), -2, 2)
    x[:, 1] = np.arange(rows) % 9 / 4 - 1
    x[:, 2], x[:, 3] = np.arange(rows) // 3 % 3 == 1, np.arange(rows) // 3 % 3 == 2
    return pd.DataFrame(x, columns=["income", "zone", "sex", "region"])


def market(rows: int, seed: int) -> tacit.Market:
    """Days on which the market rises more often than it falls."""
    returns = np.random.default_rng(seed).normal(0.003, 0.003, size=rows + 4)
    return tacit.market(returns=returns, lags=4)


class Worlds:
    """Models and data, made when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds the files."""
        self.folder = folder
        self._made: dict[str, tuple[tacit.Run, tacit.CommittedData, tacit.CommittedData]] = {}

    def world(self, name: str) -> tuple[tacit.Run, tacit.CommittedData, tacit.CommittedData]:
        """The run, its training data, other data; the files are run.tacit and *.commitment."""
        if name in self._made:
            return self._made[name]
        world, folder = WORLDS[name], self.folder / name
        folder.mkdir(parents=True)
        data = []
        for seed, (part, rows) in enumerate((("train", world.train_rows), ("test", world.test_rows))):
            x: Any = table(rows, seed + 1)
            y: Any = labels(world.loss, world.outputs, rows, np.random.default_rng(seed))
            scaled = {"schema": data[0].schema} if data else {"label_kind": world.loss}
            if world.line:
                y = x.to_numpy() @ [1.0, -1.0, 0.5, 0.25]
            if world.market:
                days = market(rows, seed)
                x, y, scaled = days.x, days.y, {"schema": days.schema}
            data.append(
                tacit.commit(x, y, vault=folder / "v.vault", name=part, quiet=True, proofs=30, **scaled)
            )
            data[-1].save(folder / f"{part}.commitment")
        torch.manual_seed(0)
        network = world.network()
        if world.market:
            # Of returns: what rose goes on rising.
            assert isinstance(network[0], nn.Linear)
            nn.init.constant_(network[0].weight, 0.25)
            nn.init.constant_(network[0].bias, -0.05)
        model, optimizer, loader, loss_fn = tacit.make_provable(
            network,
            torch.optim.SGD(network.parameters(), lr=0.125, momentum=world.momentum),
            data[0],
            LOSSES[world.loss](),
            batch_size=16,
            max_steps=2,
            learning_rates=[0.125],
            **SMALL,
        )
        for _, (x, y) in zip(range(2), loader, strict=False):
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()
        tacit.prove(model, quiet=True).save(folder / "run.tacit")
        self._made[name] = tacit.run_of(model), data[0], data[1]
        return self._made[name]

    def __call__(self, name: str) -> dict[str, Path]:
        """The files of a report: itself, its run, the training data and, unless public, the data evaluated."""
        case = CASES[name]
        run, train, test = self.world(case.world)
        folder = self.folder / case.world
        path = folder / f"{name}.report"
        files = {"report": path, "run": folder / "run.tacit", "training": folder / "train.commitment"}
        if not (case.public or case.labelled):
            files["data"] = folder / f"{'train' if case.train else 'test'}.commitment"
        if not path.exists():
            on = train if case.train else test
            if case.public:
                report = tacit.predict(run, table(case.public, 3), quiet=True, **case.asked)
            elif case.labelled and case.backtest:
                report = tacit.backtest(run, market(case.labelled, 3), quiet=True, **case.asked)
            elif case.labelled:
                world = WORLDS[case.world]
                y = labels(world.loss, world.outputs, case.labelled, np.random.default_rng(3))
                report = tacit.evaluate(run, table(case.labelled, 3), y, quiet=True, **case.asked)
            elif case.backtest:
                report = tacit.backtest(run, on, quiet=True, **case.asked)
            elif case.predict:
                report = tacit.predict(run, data=on, quiet=True, **case.asked)
            else:
                report = tacit.evaluate(run, on, min_group=1, quiet=True, **case.asked)
            report.save(path)
        return files
