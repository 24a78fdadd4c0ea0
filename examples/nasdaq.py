"""The strategy of `examples.backtest` on the NASDAQ Composite, trained until 2009, traded from 2010 on.

    python -m examples.nasdaq

Its days are wilder than those of the S&P 500, and the same scale holds them.
"""

from __future__ import annotations

from collections.abc import Sequence

from demos.data import nasdaq

from examples.backtest import trade


def main(given: Sequence[str] | None = None, *, epochs: int = 3) -> None:
    """Run the example."""
    trade("nasdaq", nasdaq(), given, epochs=epochs)


if __name__ == "__main__":
    main()
