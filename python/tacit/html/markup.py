"""HTML by construction: what is not `Markup` is escaped, so that no name can become an element.

Names of columns, classes, tensors and files are chosen by whoever made the proof. They pass `visible` and the
escaping of `tag` and never reach the page in another way.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from html import escape
from typing import TypeAlias

__all__ = ["Child", "Markup", "join", "svg", "tag", "visible"]

MAX_TEXT = 4000
"""Longest text of a single element, so that a name of megabytes does not make the page."""
VOID = frozenset({"br", "col", "hr", "meta", "rect", "line", "path", "circle"})
HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Categories of characters that steer the display or are not seen."""


class Markup(str):
    """Text that is HTML already. Only this module makes it, and `page` for the style sheet."""

    __slots__ = ()


Child: TypeAlias = "str | int | Iterable[Child] | None"
"""What an element may contain; None is nothing."""


def visible(text: str) -> str:
    """The text, cut when it is long, with characters that a reader would not see as they are written out."""
    cut = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + f"... ({len(text):,} characters)"
    return "".join(c if unicodedata.category(c) not in HIDDEN else f"\\u{{{ord(c):x}}}" for c in cut)


def join(children: Child) -> Markup:
    """Children as markup, everything that is not markup escaped."""
    if children is None:
        return Markup("")
    if isinstance(children, Markup):
        return children
    if isinstance(children, str):
        return Markup(escape(visible(children)))
    if isinstance(children, int):
        return Markup(str(children))
    return Markup("".join(join(child) for child in children))


def tag(name: str, /, *children: Child, **attributes: str | int | float | None) -> Markup:
    """One element. Attributes are escaped too: `class_` is class, `text_anchor` text-anchor, None none."""
    parts = [
        f' {key.rstrip("_").replace("_", "-")}="{escape(visible(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    ]
    opening = f"<{name}{''.join(parts)}"
    # Closed with a slash: elements of SVG need it, and those of HTML may have it.
    return Markup(f"{opening}/>" if name in VOID else f"{opening}>{join(children)}</{name}>")


def svg(title: str, description: str, width: int, height: int, body: Child) -> Markup:
    """A picture that can also stand alone in a file: named by `title`, told in words by `description`."""
    inner = (tag("title", title), tag("desc", description), body)
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(visible(title + ". " + description))}" '
        f'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">{join(inner)}</svg>'
    )
