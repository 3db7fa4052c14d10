"""``cohort.csv``: which images belong to a cohort, of whom they are and what is known of them.

A row names an image. Several rows may name one image, one for each reader. Every path is relative to the folder of the
table and stays inside it: a table that came with data must not make the program open anything else.

====== ==============================================================================================================
column what it holds
====== ==============================================================================================================
path   image file, or folder of one series
case   the patient (or examination); images of one case are counted together. Without it every image is a case
label  class by name, or by its number among the classes of the model; several of a multilabel network with ``;``
       between them; empty where it is not known
mask   file of a mask on the grid of the image, not zero where the finding is; of more than two classes the only
       one that ``label`` names
boxes  ``[{"slice", "row_min", "column_min", "row_max", "column_max", "label", "reader"}]`` as JSON (half-open pixel
       edges in the axes of the file), or the path of a file that *Load truth* reads
reader who marked and labelled
split  a word such as ``test``; ``--split`` chooses by it
series id of the series where the file or folder holds several, as ``whyslice inspect`` lists them
disputed
       a reviewer's note that the label is wrong; such an image is counted apart
other  any other column is a fact of the case that figures name, such as an outcome
====== ==============================================================================================================
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from viewer.evaluation.truth_files.layouts import LayoutReader, reader_of
from viewer.foundation.errors import Cancelled, ReadError, UsageError, WhySliceError
from viewer.foundation.progress import SILENT, Progress
from viewer.foundation.registry import nearest

TABLE = "cohort.csv"
COLUMNS = ("path", "case", "label", "mask", "boxes", "reader", "split", "series", "disputed")
_LARGEST = 1 << 28
"""Bytes of a table; a row with boxes of every slice takes some thousand."""

_FACTS, _WORDS = 12, 40
"""Columns that are taken as facts, and letters of each."""


@dataclass(frozen=True)
class Marking:
    """What one reader said of one image.

    Attributes
    ----------
    reader : empty where the table does not say.
    labels : as written; empty where the reader gave none.
    mask : file of a mask; None for none.
    boxes : JSON list of boxes; empty for none.
    file : file with boxes or masks; None for none.
    """

    reader: str = ""
    labels: tuple[str, ...] = ()
    mask: Path | None = None
    boxes: str = ""
    file: Path | None = None


@dataclass(frozen=True)
class CohortImage:
    """An image of a cohort.

    Attributes
    ----------
    path : as the table names it.
    file : where it is.
    case : who it is of.
    series : which series of the file or folder; empty where there is one.
    markings : one for each row that names the image.
    line : of the table, the first that names it.
    disputed : why a reviewer holds the label to be wrong; empty where nobody does.
    facts : (column, words) of the columns that the program does not know.
    """

    path: str
    file: Path
    case: str
    markings: tuple[Marking, ...]
    split: str = ""
    line: int = 0
    series: str = ""
    disputed: str = ""
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """Everything that it is read from."""
        own = [path for each in self.markings for path in (each.mask, each.file) if path is not None]
        return (self.file, *own)


@dataclass(frozen=True)
class SkippedImage:
    """An image that is not evaluated, and why, in a sentence."""

    path: str
    reason: str

    def to_json(self) -> dict[str, str]:
        return {"path": self.path, "reason": self.reason}


@dataclass(frozen=True)
class Cohort:
    """A table that has been read; no image has been opened.

    Attributes
    ----------
    folder : real path.
    images : in the order of the table.
    skipped : rows that cannot be used.
    """

    folder: Path
    images: tuple[CohortImage, ...]
    skipped: tuple[SkippedImage, ...] = ()

    @property
    def cases(self) -> int:
        return len({image.case for image in self.images})

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that occur, in the order of the table."""
        return tuple(dict.fromkeys(image.split for image in self.images if image.split))

    def image_of(self, file: Path) -> CohortImage | None:
        """The row of a file, or of the folder that it is in; None where the table does not name it."""
        real = Path(os.path.realpath(file))
        return next((image for image in self.images if image.file in (real, *real.parents)), None)

    def disputing(self, notes: Mapping[str, str]) -> Cohort:
        """The same table where some labels are disputed.

        Parameters
        ----------
        notes : path as the table names it -> why its label is wrong; an empty note takes a dispute back.
        """
        return replace(
            self,
            images=tuple(
                replace(image, disputed=notes[image.path].strip()) if image.path in notes else image
                for image in self.images
            ),
        )

    def of_split(self, split: str) -> Cohort:
        """Only the images of a split.

        Raises
        ------
        UsageError
            When there is none; the nearest are offered.
        """
        if split not in self.splits:
            known = list(self.splits)
            raise UsageError(
                f"The cohort has no split '{split}'{nearest(split, known)}"
                + ("." if known else ": its table has no column 'split'."),
                code="no-such-split",
            )
        return replace(self, images=tuple(image for image in self.images if image.split == split))


def read_disputes(path: Path) -> dict[str, str]:
    """Notes of a reviewer: a table with the columns ``path`` and ``note``, such as *Save results* writes.

    Raises
    ------
    ReadError
        When it cannot be read, or has no such columns.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"'{path.name}' cannot be read as text in UTF-8.", code="bad-disputes") from error
    head = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(head))
    if not {"path", "note"} <= set(reader.fieldnames or ()):
        raise ReadError(f"'{path.name}' has no columns 'path' and 'note'.", code="bad-disputes")
    return {str(row["path"]).strip(): str(row["note"] or "").strip() for row in reader if row["path"]}


def read_cohort(folder: Path, progress: Progress = SILENT) -> Cohort:
    """Read the table of a cohort.

    Parameters
    ----------
    folder : holds `TABLE`, or is a study's own layout that a plugin reads; the table itself may be named too.

    Raises
    ------
    ReadError
        When there is no such folder or no table, or it names no image.
    """
    folder = folder.parent if folder.name == TABLE else folder
    path = folder / TABLE
    layout = None if path.is_file() else reader_of(folder, "cohort") if folder.is_dir() else None
    if layout is None and not path.is_file():
        if not folder.exists():
            raise ReadError(f"There is no file or folder '{folder.name}'.", code="missing")
        raise ReadError(
            f"'{folder.name or folder.resolve().name}' has no {TABLE}.",
            code="no-cohort",
            action=f"A cohort is a folder with a table {TABLE} of one row an image, with the columns path and label; "
            "patient, mask, boxes and others may follow. 'whyslice generate' writes an example.",
        )
    root = folder.resolve()
    images: dict[str, CohortImage] = {}
    skipped: list[SkippedImage] = []
    for line, row in _rows(path) if layout is None else _rows_of(layout, folder, progress):
        name = row["path"]
        try:
            image = _image(root, row, line)
        except ReadError as error:
            skipped.append(SkippedImage(name or f"line {line}", error.sentence))
            continue
        known = images.get(name)
        if known is None:
            images[name] = image
        elif row["case"] and known.case != image.case:
            skipped.append(
                SkippedImage(name, f"Line {line} gives the image to another case than line {known.line}.")
            )
        else:
            images[name] = replace(
                known,
                markings=(*known.markings, *image.markings),
                disputed=known.disputed or image.disputed,
            )
    if not images and not skipped:
        raise ReadError(f"The {TABLE} of '{folder.name}' names no image.", code="empty-cohort")
    return Cohort(root, tuple(images.values()), tuple(skipped))


def _rows(path: Path) -> Iterable[tuple[int, Mapping[str, str]]]:
    """Rows with the number of their line; every known column is there, empty where the table has none."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ReadError(f"The {TABLE} is larger than {_LARGEST >> 20} MB.", code="bad-cohort")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"The {TABLE} cannot be read as text in UTF-8.", code="bad-cohort") from error
    head = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(head))
    columns = [str(name).strip().lower() for name in reader.fieldnames or ()]
    if "path" not in columns:
        raise ReadError(
            f"The {TABLE} has no column 'path'.",
            code="bad-cohort",
            action="It has a row for each image, with the columns path (from the table's folder) and label.",
        )
    reader.fieldnames = columns
    try:
        # A box list may hold any text; a field is never larger than its file.
        csv.field_size_limit(_LARGEST)
        for row in reader:
            values = {name: str(row.get(name) or "").strip() for name in dict.fromkeys((*COLUMNS, *columns))}
            if any(values.values()):
                yield reader.line_num, values
    except csv.Error as error:
        raise ReadError(
            f"Line {reader.line_num} of the {TABLE} cannot be read.", code="bad-cohort"
        ) from error


def _rows_of(
    layout: LayoutReader, folder: Path, progress: Progress
) -> Iterable[tuple[int, Mapping[str, str]]]:
    """Rows of a study's own layout, as its plugin reads them."""
    assert layout.cohort is not None
    try:
        for number, row in enumerate(layout.cohort(folder, progress), start=1):
            yield number, {name: str(row.get(name) or "").strip() for name in dict.fromkeys((*COLUMNS, *row))}
    except (WhySliceError, Cancelled):
        raise
    except Exception as error:  # a plugin may raise anything
        raise ReadError(
            f"The reader '{layout.id}' failed with {type(error).__name__} on '{folder.name}'.",
            code="cohort-reader",
        ) from error


def _delimiter(head: str) -> str:
    """Comma, or what a spreadsheet of another language writes in its place."""
    return max(",;\t", key=head.count)


def _image(root: Path, row: Mapping[str, str], line: int) -> CohortImage:
    if not row["path"]:
        raise ReadError(f"Line {line} names no image.", code="no-path")
    file = _inside(root, row["path"], "image")
    boxes, other = row["boxes"], None
    if boxes and not boxes.startswith("["):
        boxes, other = "", _inside(root, boxes, "file with boxes")
    mask = _inside(root, row["mask"], "mask") if row["mask"] else None
    labels = tuple(word.strip() for word in row["label"].split(";") if word.strip())
    marking = Marking(row["reader"], labels, mask, boxes, other)
    facts = tuple(
        (name, words[:_WORDS]) for name, words in row.items() if name and name not in COLUMNS and words
    )
    return CohortImage(
        *(row["path"], file, row["case"] or row["path"], (marking,), row["split"], line),
        series=row["series"],
        disputed=row["disputed"],
        facts=facts[:_FACTS],
    )


def _inside(root: Path, name: str, what: str) -> Path:
    """The real path of something in the folder of the cohort.

    Raises
    ------
    ReadError
        When it leads outside, also through a link, or is not there.
    """
    try:
        path = Path(os.path.realpath(root / name))
        outside = not path.is_relative_to(root) or path == root
        there = path.exists()
    except (OSError, ValueError):  # a name that no file can have
        outside, there = False, False
    if outside:
        raise ReadError(f"The {what} does not lie inside the folder of the cohort.", code="outside")
    if not there:
        raise ReadError(f"The {what} does not exist.", code="not-there")
    return path
