"""Boxes in the layout of COCO: images, categories and annotations."""

from __future__ import annotations

import math
from typing import Any

from viewer.evaluation.truth_files.document import NAMELESS, ImageEntry, TruthDocument
from viewer.evaluation.truth_files.tables import corners
from viewer.foundation.errors import ReadError


def is_coco(document: Any) -> bool:
    """Whether a JSON document has this layout."""
    return (
        isinstance(document, dict) and isinstance(document.get("images"), list) and "annotations" in document
    )


def read_coco(document: dict[str, Any]) -> TruthDocument:
    """Read ``{"images", "categories", "annotations": [{"image_id", "category_id", "bbox": [x, y, width, height]}]}``.

    Boxes count from 0 at the left upper corner of the picture. An annotation with an outline and no box has the box
    around its outline. Who marked is taken from ``reader``, ``rad_id`` or ``annotator`` where an annotation has one.

    Raises
    ------
    ReadError
        When lists are missing or are not lists.
    """
    annotations, categories = document.get("annotations"), document.get("categories", [])
    if not isinstance(annotations, list) or not isinstance(categories, list):
        raise ReadError("The COCO document has no list of annotations.", code="bad-truth")
    labels = {each.get("id"): str(each.get("name", "")) for each in categories if isinstance(each, dict)}
    images: dict[str, ImageEntry] = {}
    by_id: dict[Any, ImageEntry] = {}
    found = TruthDocument("COCO", images)
    for each in document["images"]:
        if not isinstance(each, dict) or not isinstance(each.get("file_name"), str):
            found.left_out["an image without a name was left out"] += 1
            continue
        entry = images.setdefault(each["file_name"], ImageEntry(each["file_name"], _size(each)))
        entry.looked(NAMELESS)
        by_id[_hashable(each.get("id"))] = entry
    for each in annotations:
        entry_of = by_id.get(_hashable(each.get("image_id"))) if isinstance(each, dict) else None
        if entry_of is None:
            found.left_out["an annotation of an image that is not listed was left out"] += 1
            continue
        _take(entry_of, each, labels)
    for entry in images.values():  # where names are given, nobody else is meant
        if any(box.reader != NAMELESS for box in entry.boxes) and NAMELESS in entry.without_boxes:
            entry.readers.remove(NAMELESS)
    return found


def _take(entry: ImageEntry, annotation: dict[str, Any], labels: dict[Any, str]) -> None:
    number = _hashable(annotation.get("category_id"))
    label = labels.get(number, "")
    if not label:
        entry.left_out["a box has a category that the file does not name"] += 1
        label = f"category {number}"
    who = next(
        (annotation[key] for key in ("reader", "rad_id", "annotator") if annotation.get(key)), NAMELESS
    )
    box = annotation.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        box = _around(annotation.get("segmentation"))
    entry.add(corners(*box), label, str(who))


def _around(outline: Any) -> tuple[Any, Any, Any, Any]:
    """The box around polygons [[x, y, x, y, ...], ...]; nothing of what is none."""
    try:
        points = [float(number) for polygon in outline for number in polygon]
    except (TypeError, ValueError):
        points = []
    if len(points) < 4 or not all(map(math.isfinite, points)):
        return "", "", "", ""
    x, y = points[0::2], points[1::2]
    return min(x), min(y), max(x) - min(x), max(y) - min(y)


def _size(image: dict[str, Any]) -> tuple[float, float] | None:
    rows, columns = image.get("height"), image.get("width")
    if all(isinstance(side, int | float) and 0 < side < 1e6 for side in (rows, columns)):
        return float(rows), float(columns)  # type: ignore[arg-type]
    return None


def _hashable(identity: Any) -> Any:
    return identity if isinstance(identity, int | str | float) else None
