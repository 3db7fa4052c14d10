"""A session as it is kept over a restart: references and parameters, never pixels or what a file says of its patient.

Every field is looked at on its own when it is read back, so a damaged one costs itself and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from viewer.evaluation.regions import Region
from viewer.foundation.errors import WhySliceError
from viewer.imaging.erasure import FILLS, Erasure
from viewer.state.kept_lesson import KeptLesson
from viewer.state.reference import Reference
from viewer.state.rulers import Ruler

VERSION = 1
_MOST = 1000
"""Boxes, lines and names that are read back."""
_EDGES = ("row_min", "column_min", "row_max", "column_max")
_LONGEST = 100_000
"""Letters of a text that are read back."""


@dataclass(frozen=True)
class KeptSession:
    """What brings a session back.

    Attributes
    ----------
    case : where the image is.
    truth : path of the file that its truth is from, empty for none.
    volume : of a series of several, None for the only one.
    spacing_mm : as it was stated by hand, (slice, row, column), None for the file's own.
    even : whether the case was resampled to an even grid.
    model : id of the model.
    choice : explainer, layer, target, score, mirror, crop, whether all findings are shown together.
    erased : what was taken out of the network's input.
    disputed : why the label of the case is held to be wrong.
    parameters : explainer -> its parameters that were set by hand.
    view : slice, window (centre, width), convention, inverted.
    overlay : visible, opacity, threshold, colour map, scale, true grid.
    lesson : that the case is one of; None for none.
    """

    case: Reference
    truth: str = ""
    volume: int | None = None
    spacing_mm: tuple[float, float, float] | None = None
    even: bool = False
    model: str = ""
    choice: Mapping[str, str | bool] = field(default_factory=dict)
    view: Mapping[str, Any] = field(default_factory=dict)
    overlay: Mapping[str, str | bool | float] = field(default_factory=dict)
    boxes: Mapping[int, Region] = field(default_factory=dict)
    lines: Mapping[int, Ruler] = field(default_factory=dict)
    notes: str = ""
    workspace: str = "reading"
    erased: tuple[Erasure, ...] = ()
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lesson: KeptLesson | None = None
    disputed: str = ""

    def words(self, *, hidden: bool) -> str:
        """What it was, in a line: ``MR · 30 × 192 × 192 · 2 boxes, notes``."""
        parts = [f"{len(self.boxes)} box{'es' if len(self.boxes) > 1 else ''}"] if self.boxes else []
        parts += [f"{len(self.lines)} line{'s' if len(self.lines) > 1 else ''}"] if self.lines else []
        parts += ["notes"] if self.notes else []
        parts += [self.lesson.words()] if self.lesson is not None else []
        return " · ".join(word for word in (self.case.words(hidden=hidden), ", ".join(parts)) if word)

    def document(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {
            "version": VERSION,
            "case": self.case.document(),
            "truth": self.truth,
            "volume": self.volume,
            "spacing_mm": list(self.spacing_mm) if self.spacing_mm else None,
            "even": self.even,
            "model": self.model,
            "choice": dict(self.choice),
            "view": dict(self.view),
            "overlay": dict(self.overlay),
            "boxes": {str(identity): _box(region) for identity, region in self.boxes.items()},
            "lines": {str(identity): asdict(line) for identity, line in self.lines.items()},
            "notes": self.notes,
            "workspace": self.workspace,
            "erased": [each.to_json() for each in self.erased],
            "parameters": {name: dict(values) for name, values in self.parameters.items()},
            "lesson": None if self.lesson is None else self.lesson.document(),
            "disputed": self.disputed,
        }

    @classmethod
    def of(cls, document: Any) -> KeptSession:
        """From JSON.

        Raises
        ------
        ValueError
            When there is no case in it; anything else that is bad is left out.
        """
        if not isinstance(document, Mapping):
            raise ValueError("no session")
        spacing = document.get("spacing_mm")
        volume = document.get("volume")
        return cls(
            case=Reference.of(document.get("case")),
            truth=_text(document.get("truth")),
            volume=volume if type(volume) is int and volume >= 0 else None,
            spacing_mm=_triple(spacing),
            even=document.get("even") is True,
            model=_text(document.get("model")),
            choice=_plain(document.get("choice")),
            view=_plain(document.get("view")),
            overlay=_plain(document.get("overlay")),
            boxes=_numbered(document.get("boxes"), _region),
            lines=_numbered(document.get("lines"), _ruler),
            notes=_text(document.get("notes")),
            workspace=_text(document.get("workspace")) or "reading",
            erased=_erasures(document.get("erased")),
            parameters=_parameters(document.get("parameters")),
            lesson=KeptLesson.of(document.get("lesson")),
            disputed=_text(document.get("disputed")),
        )


def _box(region: Region) -> dict[str, Any]:
    return {
        "edges": [region.row_min, region.column_min, region.row_max, region.column_max],
        "label": region.label,
        "reader": region.reader,
        "slice": region.slice,
    }


def _text(found: Any) -> str:
    return found if isinstance(found, str) and len(found) <= _LONGEST else ""


def _plain(found: Any) -> dict[str, Any]:
    """Names with text, truth values and finite numbers."""
    if not isinstance(found, Mapping):
        return {}
    return {
        name: value
        for name, value in list(found.items())[:_MOST]
        if isinstance(value, (str, bool)) or (isinstance(value, (int, float)) and math.isfinite(value))
    }


def _parameters(found: Any) -> dict[str, dict[str, Any]]:
    """Parameters by explainer."""
    several = list(found.items())[:_MOST] if isinstance(found, Mapping) else ()
    return {name: kept for name, values in several if isinstance(name, str) and (kept := _plain(values))}


def _numbers(found: Any, count: int) -> tuple[float, ...]:
    if not isinstance(found, (list, tuple)) or len(found) != count:
        raise ValueError("not so many numbers")
    if not all(type(n) in (int, float) and math.isfinite(n) for n in found):
        raise ValueError("no numbers")
    return tuple(float(n) for n in found)


def _triple(found: Any) -> tuple[float, float, float] | None:
    try:
        a, b, c = _numbers(found, 3)
    except ValueError:
        return None
    return (a, b, c) if min(a, b, c) > 0 else None


def _numbered(found: Any, read: Callable[[Any], Any]) -> dict[int, Any]:
    good: dict[int, Any] = {}
    for name, value in list(found.items())[:_MOST] if isinstance(found, Mapping) else ():
        try:
            good[int(name)] = read(value)
        except (ValueError, TypeError, KeyError, AttributeError, WhySliceError):
            continue
    return good


def _erasures(found: Any) -> tuple[Erasure, ...]:
    good = []
    for each in found[:_MOST] if isinstance(found, list) else ():
        try:
            top, left, bottom, right = _numbers([each[name] for name in _EDGES], 4)
            index, fill = each["slice"], each["fill"]
            if fill in FILLS and (index is None or (type(index) is int and index >= 0)):
                good.append(Erasure(top, left, bottom, right, index, fill))
        except (ValueError, TypeError, KeyError):
            continue
    return tuple(good)


def _region(found: Any) -> Region:
    index = found["slice"]
    if type(index) is not int or index < 0:
        raise ValueError("no slice")
    top, left, bottom, right = _numbers(found["edges"], 4)
    label, reader = _text(found["label"]), _text(found["reader"])
    return Region(top, left, bottom, right, label, reader, index)


def _ruler(found: Any) -> Ruler:
    start, end = _numbers(found["start"], 3), _numbers(found["end"], 3)
    return Ruler((start[0], start[1], start[2]), (end[0], end[1], end[2]))
