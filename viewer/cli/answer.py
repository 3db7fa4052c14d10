"""What a command answers, and how it is printed: one JSON document, or words for a person."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """The answer of a command.

    Attributes
    ----------
    document : what ``--json`` prints; JSON-able.
    text : the same for a person.
    complaint : a sentence for stderr that makes the command fail although there is a document; empty otherwise.
    """

    document: Any
    text: str
    complaint: str = ""


_CONTROL = dict.fromkeys([*range(32), *range(127, 160), 0x2028, 0x2029], "\ufffd")


def printable(words: str) -> str:
    """Words on one line of a terminal: names of files and descriptions may hold marks that move its cursor."""
    return words.translate(_CONTROL)


def as_json(document: Any) -> str:
    """The document as JSON of plain ASCII, which no terminal or pipe can spoil."""
    return json.dumps(document, indent=2, allow_nan=False)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns of equal width, numbers as they come; without rows a single word says so."""
    if not rows:
        return "none"
    cells = [[printable(str(cell)) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
