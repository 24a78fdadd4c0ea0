"""How messages name an argument: as Python spells it, or as the option of the command line.

One message serves both: whoever calls a function reads `by=...`, whoever types a command reads `--by`.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tacit.errors import UsageError

__all__ = [
    "arguments_of",
    "check_names",
    "check_options",
    "given",
    "name_of",
    "named",
    "options_named",
]

_options: ContextVar[bool] = ContextVar("tacit_options", default=False)


@contextmanager
def options_named() -> Iterator[None]:
    """Messages name options of the command line inside."""
    token = _options.set(True)
    try:
        yield
    finally:
        _options.reset(token)


def name_of(argument: str) -> str:
    """`argument`, or on the command line `--argument`."""
    return "--" + argument.replace("_", "-") if _options.get() else argument


def named(argument: str, value: str = "...", *, option: str | None = None) -> str:
    """`argument=value`, or on the command line its option: `option`, or the same name with dashes."""
    if _options.get():
        return option or name_of(argument)
    return f"{argument}={value}"


def given(argument: str, value: Any) -> str:
    """An argument with what was given for it: `data='run.tacit'`, or `--data run.tacit`."""
    return f"{name_of(argument)} {value}" if _options.get() else f"{argument}={str(value)!r}"


def arguments_of(function: Callable[..., Any]) -> set[str]:
    """The arguments of a function that can be given by name."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}


def check_names(call: str, given: Iterable[str], known: Collection[str]) -> None:
    """Refuse an argument that is not known. Raises `UsageError` with the nearest one."""
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(sorted(known))}"
            raise UsageError(f"{call} has no argument {name!r}; {hint}")


def check_options(
    call: str, given: Iterable[str], function: Callable[..., Any], hidden: Collection[str] = ()
) -> None:
    """Refuse an argument of `call` that `function` does not take, or that is `hidden`. Raises `UsageError`."""
    check_names(call, given, arguments_of(function) - set(hidden))
