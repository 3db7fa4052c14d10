"""Boxes in the layout of Pascal VOC: one XML document for each picture."""

from __future__ import annotations

from typing import Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from viewer.evaluation.truth_files.document import ImageEntry, TruthDocument
from viewer.foundation.errors import ReadError


def read_voc(text: str) -> TruthDocument:
    """Read ``<annotation>`` with ``<filename>``, ``<size>`` and ``<object>``s.

    Pixels count from 1 and both corners belong to the box, so its half-open edges are ``min - 1`` and ``max``. A file
    in which a corner is 0 counts from 0: its numbers are taken as edges.

    Raises
    ------
    ReadError
        When it is no such document, or one that tries to make its reader open or expand something.
    """
    try:
        root = ElementTree.fromstring(text.encode("utf-8"))
    except DefusedXmlException as error:
        raise ReadError(
            "The XML document defines entities, which are not expanded.", code="bad-truth"
        ) from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ReadError("The XML document cannot be read.", code="bad-truth") from error
    name = (root.findtext("filename") or "").strip()
    if root.tag != "annotation" or not name:
        raise ReadError("The XML document is no annotation of Pascal VOC.", code="bad-truth")
    entry = ImageEntry(name, _size(root))
    entry.looked("reader")
    boxes = [_numbers(each) for each in root.iter("object")]
    from_zero = any(_is_zero(edge) for box in boxes for edge in box[:2])
    for each, (top, left, bottom, right) in zip(root.iter("object"), boxes, strict=True):
        label = (each.findtext("name") or "").strip()
        edges = (top, left, bottom, right) if from_zero else (_less_one(top), _less_one(left), bottom, right)
        entry.add(edges, label or "object")
    return TruthDocument("Pascal VOC", {name: entry})


def _numbers(found: Any) -> tuple[str, str, str, str]:
    top, left, bottom, right = (
        (found.findtext(f"bndbox/{side}") or "").strip() for side in ("ymin", "xmin", "ymax", "xmax")
    )
    return top, left, bottom, right


def _is_zero(number: str) -> bool:
    try:
        return float(number) == 0
    except ValueError:
        return False


def _less_one(number: str) -> object:
    try:
        return float(number) - 1
    except ValueError:
        return number


def _size(root: Any) -> tuple[float, float] | None:
    try:
        rows, columns = (float(root.findtext(f"size/{side}") or "") for side in ("height", "width"))
    except ValueError:
        return None
    return (rows, columns) if 0 < rows < 1e6 and 0 < columns < 1e6 else None
