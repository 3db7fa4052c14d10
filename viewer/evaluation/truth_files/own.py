"""Boxes in the program's own layout: one JSON document for one image, its slices named."""

from __future__ import annotations

from typing import Any

from viewer.evaluation.truth_files.document import ImageEntry, TruthDocument
from viewer.foundation.errors import ReadError


def read_own(document: Any) -> TruthDocument:
    """Read ``{"positive_class", "reader", "boxes": [{"slice", "row_min", "column_min", "row_max", "column_max"}]}``.

    Half-open pixel edges in the axes (slice, row, column) of the image's file, counted from 0. A box may have a
    ``label`` and a ``reader`` of its own.

    Raises
    ------
    ReadError
        When there is no list of boxes.
    """
    boxes = document.get("boxes") if isinstance(document, dict) else None
    if not isinstance(boxes, list):
        raise ReadError("The JSON document has no list of boxes.", code="bad-truth")
    reader = str(document.get("reader", "reader"))
    entry = ImageEntry("")
    entry.looked(reader)
    for each in boxes:
        if not isinstance(each, dict):
            entry.left_out["a box that is no record was left out"] += 1
            continue
        place = each.get("slice", 0)
        if not isinstance(place, int) or isinstance(place, bool) or place < 0:
            entry.left_out["a box on a slice that is no number was left out"] += 1
            continue
        edges = [each.get(side, "") for side in ("row_min", "column_min", "row_max", "column_max")]
        entry.add(edges, str(each.get("label", "truth")), str(each.get("reader", reader)), place)
    if boxes and not entry.boxes:
        raise ReadError("The JSON document has no box that can be used.", code="bad-truth")
    return TruthDocument(
        "boxes of one image",
        {"": entry},
        str(document.get("positive_class", "")),
        single_pictures=False,
    )
