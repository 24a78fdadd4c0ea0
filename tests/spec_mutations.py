"""Changes of decoded files, by the types of the data classes: a field added tomorrow is changed tomorrow."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import is_dataclass, replace
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from spec.field import E, P
from spec.wire import BITS, members, options

Path = tuple[str | int, ...]


def children(kind: Any, value: Any) -> Iterator[tuple[str | int, Any, Any]]:
    """(key, type, value) of what a value is made of."""
    alternatives, origin, args = options(kind), get_origin(kind), get_args(kind)
    if value is None or origin is Annotated or kind is E:
        return
    if alternatives is not None:
        kinds = [x for x in alternatives if x is not NoneType]
        kind = type(value) if is_dataclass(value) else kinds[0]
        yield from children(kind, value)
    elif origin is list:
        yield from ((i, args[0], x) for i, x in enumerate(value))
    elif origin is tuple:
        yield from ((i, arg, x) for i, (arg, x) in enumerate(zip(args, value, strict=True)))
    elif is_dataclass(value):
        yield from ((name, member, getattr(value, name)) for name, member in members(type(value)))


def nodes(kind: Any, value: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Every node of a value."""
    yield path, kind, value
    for key, child_kind, child in children(kind, value):
        yield from nodes(child_kind, child, (*path, key))


def with_change(value: Any, path: Path, new: Any) -> Any:
    """The value with another node at a path."""
    if not path:
        return new
    key, rest = path[0], path[1:]
    if isinstance(key, str):
        return replace(value, **{key: with_change(getattr(value, key), rest, new)})
    items = list(value)
    items[key] = with_change(items[key], rest, new)
    return tuple(items) if isinstance(value, tuple) else items


def sample(kind: Any) -> Any:
    """A small value of a type."""
    alternatives, origin, args = options(kind), get_origin(kind), get_args(kind)
    if alternatives is not None:
        return sample(alternatives[0])
    if origin is Annotated:
        return bytes(32) if args[1] == "[u8; 32]" else 0
    if origin is list:
        return []
    if origin is tuple:
        return tuple(sample(arg) for arg in args)
    if kind in (bool, str):
        return kind()
    return E(0) if kind is E else kind(*(sample(member) for _, member in members(kind)))


def changes(kind: Any, value: Any) -> list[Any]:
    """Other values of a node's type."""
    alternatives, origin, args = options(kind), get_origin(kind), get_args(kind)
    out: list[Any] = []
    if alternatives is not None and value is None:
        present = [x for x in alternatives if x is not NoneType]
        return [sample(x) for x in present]
    if alternatives is not None:
        out += [None] if NoneType in alternatives else []
        out += [sample(x) for x in alternatives if is_dataclass(x) and not isinstance(value, x)]
        inner = [x for x in alternatives if x is not NoneType]
        return out + ([] if is_dataclass(value) else changes(inner[0], value))
    if origin is Annotated and args[1] == "[u8; 32]":
        return [bytes([value[0] ^ 1]) + value[1:], value[:31] + bytes([value[31] ^ 128])]
    if origin is Annotated:
        most = {"F": P - 1, "i64": 2**63 - 1, "variant": args[-1] if len(args) == 3 else 0}
        limit = most.get(args[1], 2 ** BITS.get(args[1], 0) - 1)
        limit -= args[1] == "variant"
        return [x for x in (value + 1, value ^ 32, 0) if x != value and x <= limit]
    if origin is list:
        out = [value[:-1], value + value[-1:] if value else [sample(args[0])], value[1:] + value[:1], []]
        return [x for x in out if x != value]
    if kind is bool:
        return [not value]
    if kind is str:
        return [value + "x", value[1:]] if value else ["x"]
    if kind is E:
        return [E((value.a + 1) % P, value.b, value.c), E(value.a, value.b, (value.c - 1) % P), E(0)]
    return []


def mutations(kind: Any, value: Any, per_field: int, per_node: int, seed: int) -> Iterator[tuple[str, Any]]:
    """(field, changed value): `per_field` nodes of every field, `per_node` changes of each."""
    fields: dict[str, list[tuple[Path, Any, Any]]] = defaultdict(list)
    for path, node_kind, node in nodes(kind, value):
        fields[".".join("*" if isinstance(key, int) else key for key in path)].append((path, node_kind, node))
    choose = random.Random(seed)
    for name, found in sorted(fields.items()):
        for path, node_kind, node in choose.sample(found, min(per_field, len(found))):
            possible = [new for new in changes(node_kind, node) if new != node]
            for new in choose.sample(possible, min(per_node, len(possible))):
                yield name, with_change(value, path, new)


def flipped(content: bytes, choose: random.Random) -> bytes:
    """One byte changed, cut off, or put in."""
    out, at = bytearray(content), choose.randrange(len(content))
    match choose.randrange(8):
        case 0:
            del out[at]
        case 1:
            out.insert(at, choose.randrange(256))
        case 2:
            # The head holds lengths and counts.
            out[at % 300] ^= 1 << choose.randrange(8)
        case _:
            out[at] ^= 1 << choose.randrange(8)
    return bytes(out)
