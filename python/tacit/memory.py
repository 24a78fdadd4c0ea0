"""How many steps go into one proof, from how much memory it may take."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tacit.arithmetic.config import RunConfig, next_power_of_two
from tacit.arithmetic.errors import PlanError
from tacit.arithmetic.planner import Plan, PlanRequest, make_plan
from tacit.errors import UsageError
from tacit.progress import size

__all__ = ["default_limit", "memory_bytes", "plan_within", "usable_memory"]

DEFAULT_BYTES = 8 * 10**9
DEFAULT_SHARE = 0.6
USABLE_SHARE = 0.8
MAX_CHUNK_ROWS = 1 << 22
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")

_UNITS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 1 << 10,
    "MIB": 1 << 20,
    "GIB": 1 << 30,
    "TIB": 1 << 40,
}

Memory = Callable[[Plan], int]
"""Peak bytes of proving one chunk of a planned run."""


def memory_bytes(text: str | int) -> int:
    """Bytes from a number or a text like "6GB", "512 MiB"; raises `UsageError`."""
    found = re.fullmatch(r"\s*([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*([A-Za-z]*)\s*", str(text))
    if isinstance(text, bool) or found is None or found[2].upper() not in _UNITS:
        raise UsageError(f'memory = {text!r} is not an amount like "6GB" or "512MiB"')
    amount = int(float(found[1]) * _UNITS[found[2].upper()])
    if amount < 1:
        raise UsageError(f"memory = {text!r}: more than nothing is needed")
    return amount


def _machine_memory() -> int:
    """Bytes that the machine, or the container, has."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no container, or none with a limit
        total = min(total, int(CGROUP_LIMIT.read_text()))
    return total


def usable_memory() -> int:
    """What work may take that cannot be divided: 80 % of what the machine (or the container) has."""
    return int(USABLE_SHARE * _machine_memory())


def default_limit() -> int:
    """8 GB, or 60 % of what the machine (or the container) has if that is less."""
    return min(DEFAULT_BYTES, int(DEFAULT_SHARE * _machine_memory()))


def plan_within(request: PlanRequest, memory: str | int | None, needed: Memory) -> Plan:
    """A plan whose chunks have as many steps as fit `memory`, None for the default limit.

    A limit that was asked for may make chunks longer than the planner's own choice, as long as the windows of
    the arithmetic stay as they are; no limit touches `chunk_steps` that were given. Raises `PlanError` if not
    even one step fits, and if given `chunk_steps` do not.
    """
    limit = default_limit() if memory is None else memory_bytes(memory)
    plan = make_plan(request)
    if request.chunk_steps is not None:
        if memory is not None and needed(plan) > limit:
            raise PlanError(
                f"chunk_steps = {request.chunk_steps} needs about {size(needed(plan))} to prove, more than "
                f"memory = {size(limit)}: lower chunk_steps, or leave it out"
            )
        return plan
    usual = plan.config.schedule.chunk_steps
    bytes_ = needed(plan)
    while bytes_ > limit:
        steps = plan.config.schedule.chunk_steps // 2
        if steps < 1:
            raise PlanError(
                f"memory = {size(limit)} is too little: proving one step of this model and batch needs about "
                f"{size(bytes_)}; give more memory, or lower batch_size or the widths of the layers"
            )
        plan = make_plan(replace(request, chunk_steps=steps))
        bytes_ = needed(plan)
    if memory is not None and plan.config.schedule.chunk_steps == usual:
        plan, bytes_ = _longer(request, plan, bytes_, limit, needed)
    steps = plan.config.schedule.chunk_steps
    if memory is not None or steps != usual:
        print(
            f"{steps:,} steps in a proof: about {size(bytes_)} of memory, limit {size(limit)}", file=sys.stderr
        )
    return plan


def _longer(request: PlanRequest, plan: Plan, bytes_: int, limit: int, needed: Memory) -> tuple[Plan, int]:
    """Doubles the chunk while it fits and costs no precision."""
    while request.total_steps is not None:
        schedule = plan.config.schedule
        steps = 2 * schedule.chunk_steps
        most = min(next_power_of_two(request.total_steps), MAX_CHUNK_ROWS // schedule.padded_batch)
        if steps > most:
            break
        try:
            longer = make_plan(replace(request, chunk_steps=steps))
        except PlanError:
            break
        if _precision(longer.config) != _precision(plan.config) or needed(longer) > limit:
            break
        plan, bytes_ = longer, needed(longer)
    return plan, bytes_


def _precision(config: RunConfig) -> object:
    return config.scales, config.architecture
