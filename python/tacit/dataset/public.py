"""What a commitment says about the data in the clear, and the digest that binds it: the schema id.

The public schema lists the scale of every feature by position and the kind of the labels. Column, category and
class names are in it only if the owner opts in. The schema id is the SHA-256 of exactly this public document,
so it confirms nothing that the document does not say already. What was derived from the data is no part of it
but of the commitment beside it: data sets that are treated alike have one schema id, whoever of them the
scales are from.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tacit.dataset.fixed_point import Scale
from tacit.dataset.quantised import QuantisedData

__all__ = ["canonical", "public_schema", "schema_id"]

FORMAT = "tacit-schema/2"


def canonical(document: Any) -> bytes:
    """The one encoding of a JSON document: sorted keys, no spaces, no NaN."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode()


def _scale(scale: Scale) -> dict[str, Any]:
    clip = {} if scale.clip is None else {"clip": list(scale.clip)}
    return {"offset": scale.offset, "divisor": scale.divisor, **clip}


def public_schema(data: QuantisedData, *, names: bool = False) -> dict[str, Any]:
    """The document that is published beside the commitment."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "fa": data.fa,
        "data_bits": data.data_bits,
        "rule": "floor(2^fa (v - offset) / divisor + 1/2), clipped to the window",
        "features": _runs([_scale(scale) for scale in data.scales]),
        "labels": data.label_kind,
    }
    if data.label_kind == "class":
        document["classes"] = data.classes
    if data.target_scale is not None:
        document["target"] = _scale(data.target_scale)
    if names:
        classes = data.schema.target.classes
        document["names"] = {
            "features": list(data.feature_names),
            "target": data.schema.target.name,
            "classes": None if classes is None else [str(c) for c in classes],
        }
    return document


def _runs(scales: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Equal neighbours once, with their number: an image has hundreds of equal features."""
    runs: list[dict[str, Any]] = []
    for scale in scales:
        if runs and {k: v for k, v in runs[-1].items() if k != "count"} == scale:
            runs[-1]["count"] += 1
        else:
            runs.append({"count": 1, **scale})
    return runs


def schema_id(document: dict[str, Any]) -> bytes:
    """32 bytes that name the public document."""
    return hashlib.sha256(b"tacit/schema/v1\0" + canonical(document)).digest()
