"""Where a case can be read again: a path and a name in it, without pixels or patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LONGEST = 4096


@dataclass(frozen=True)
class Reference:
    """A series that was open.

    Attributes
    ----------
    path : file or folder as it was opened. It may be called like the patient, so it is neither logged nor shown while
        patient data is hidden.
    series : its id in there.
    title : what kind of image it is, in words without a patient.
    size : slices, rows and columns as they are read.
    when : day and time of opening, for the reader of a list.
    """

    path: Path
    series: str
    title: str
    size: tuple[int, int, int]
    when: str = ""

    def words(self, *, hidden: bool) -> str:
        """A line of a list."""
        slices, rows, columns = self.size
        size = f"{slices} × {rows} × {columns}" if slices > 1 else f"{rows} × {columns}"
        parts = [self.title, size, self.when] if hidden else [self.path.name, self.title, self.when]
        return " · ".join(part for part in parts if part)

    def same_place(self, other: Reference) -> bool:
        return (self.path, self.series) == (other.path, other.series)

    def document(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {
            "path": str(self.path),
            "series": self.series,
            "title": self.title,
            "size": list(self.size),
            "when": self.when,
        }

    @classmethod
    def of(cls, document: Any) -> Reference:
        """From JSON.

        Raises
        ------
        ValueError
            When it is none.
        """
        if not isinstance(document, Mapping):
            raise ValueError("no reference")
        texts = [document.get(name) for name in ("path", "series", "title", "when")]
        size = document.get("size")
        if not all(isinstance(text, str) and len(text) <= _LONGEST for text in texts) or not texts[0]:
            raise ValueError("no reference")
        if not isinstance(size, list) or len(size) != 3 or not all(type(n) is int and n > 0 for n in size):
            raise ValueError("no size")
        path, series, title, when = (str(text) for text in texts)
        return cls(Path(path), series, title, (size[0], size[1], size[2]), when)
