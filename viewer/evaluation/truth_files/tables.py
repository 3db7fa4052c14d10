"""Boxes in tables: the layout of VinDr-CXR, and the list of the NIH chest X-rays."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

from viewer.evaluation.truth_files.document import NAMELESS, ImageEntry, TruthDocument
from viewer.foundation.errors import ReadError

_VINDR = {"image_id", "class_name", "x_min", "y_min", "x_max", "y_max"}
_NIH = ("image index", "finding label")
_SIZES = (("height", "width"), ("dim0", "dim1"), ("image_height", "image_width"))
_NIH_SIDE = 1024
"""Rows and columns of every picture of the NIH data set; its table does not repeat them."""
_NO_FINDING = "no finding"
_EMPTY = ("", "nan", "none", "null")


def is_table(head: str) -> bool:
    """Whether a text begins with the headings of one of these tables."""
    columns = _columns(head.partition("\n")[0])
    return set(columns) >= _VINDR or tuple(columns[:2]) == _NIH


def _columns(line: str) -> list[str]:
    try:
        found = next(csv.reader([line.strip("\ufeff\r\n")], delimiter=_delimiter(line)), [])
    except csv.Error:
        return []
    return [name.strip().casefold() for name in found]


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def read_table(text: str) -> TruthDocument:
    """Read one of the tables.

    VinDr: ``image_id, class_name, class_id, rad_id, x_min, y_min, x_max, y_max``, edges in pixels; a row of the class
    *No finding* says that its reader looked. Where there are columns ``height, width`` (or ``dim0, dim1``) they are
    the size of the picture that was marked. NIH: ``Image Index, Finding Label, Bbox [x,y,w,h]`` on pictures of
    1024 x 1024.

    Raises
    ------
    ReadError
        When it is no table, or has none of these headings.
    """
    first = text.partition("\n")[0]
    columns = _columns(first)
    if set(columns) >= _VINDR:
        return _vindr(_rows(text, columns, _delimiter(first)), columns)
    if tuple(columns[:2]) == _NIH:
        return _nih(text)
    raise ReadError("The table has none of the headings that are known.", code="bad-truth")


def _rows(text: str, columns: list[str], delimiter: str) -> Iterator[Mapping[str, str]]:
    lines = csv.DictReader(io.StringIO(text, newline=""), fieldnames=columns, delimiter=delimiter)
    try:
        next(lines, None)
        for row in lines:
            values = {name: str(row.get(name) or "").strip() for name in columns}
            if any(values.values()):
                yield values
    except csv.Error as error:
        raise ReadError(f"Line {lines.line_num} of the table cannot be read.", code="bad-truth") from error


def _vindr(rows: Iterator[Mapping[str, str]], columns: list[str]) -> TruthDocument:
    images: dict[str, ImageEntry] = {}
    document = TruthDocument("VinDr table", images)
    sides = next((pair for pair in _SIZES if set(pair) <= set(columns)), None)
    for row in rows:
        name = row["image_id"]
        if not name:
            document.left_out["a row without an image was left out"] += 1
            continue
        entry = images.setdefault(name, ImageEntry(name))
        if sides is not None:
            _take_size(entry, row[sides[0]], row[sides[1]])
        reader = row.get("rad_id", "") or NAMELESS
        label = row["class_name"]
        edges = [row[side] for side in ("y_min", "x_min", "y_max", "x_max")]
        if label.casefold() == _NO_FINDING and all(edge.casefold() in _EMPTY for edge in edges):
            entry.looked(reader)
            continue
        entry.add(edges, label or f"class {row.get('class_id', '')}".strip(), reader)
    return document


def _take_size(entry: ImageEntry, rows: str, columns: str) -> None:
    try:
        size = (float(rows), float(columns))
    except ValueError:
        return
    if not (0 < size[0] < 1e6 and 0 < size[1] < 1e6):
        entry.left_out["a size of the picture that is no size was not used"] += 1
    elif entry.size is None:
        entry.size = size
    elif entry.size != size:
        entry.left_out["the file gives the picture two sizes; the first was used"] += 1


def _nih(text: str) -> TruthDocument:
    images: dict[str, ImageEntry] = {}
    document = TruthDocument("NIH BBox_List", images)
    lines = csv.reader(io.StringIO(text, newline=""))
    try:
        next(lines, None)
        for row in lines:
            if not any(cell.strip() for cell in row):
                continue
            name, label, *numbers = (cell.strip() for cell in (*row[:6], *[""] * (6 - len(row))))
            entry = images.setdefault(name, ImageEntry(name, (_NIH_SIDE, _NIH_SIDE)))
            entry.add(corners(*numbers), label)
    except csv.Error as error:
        raise ReadError(f"Line {lines.line_num} of the table cannot be read.", code="bad-truth") from error
    return document


def corners(
    left: object, top: object, width: object, height: object
) -> tuple[object, object, object, object]:
    """(row_min, column_min, row_max, column_max) of a corner and a size; what is no number stays none."""
    try:
        x, y, w, h = (float(str(each)) for each in (left, top, width, height))
    except ValueError:
        return top, left, "", ""
    return y, x, y + h, x + w
