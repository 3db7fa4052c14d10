"""What the tables of predictions of a cohort count: patients, slices, or images that are no slices of anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def units_of(document: Mapping[str, Any]) -> dict[str, str]:
    """The tables of predictions that are worth showing, and the word for one of what each counts.

    Parameters
    ----------
    document : of ``whyslice evaluate``.

    Returns
    -------
    dict of str to str
        ``per_patient`` before ``per_slice``. Images of one slice are called images; where every patient has one of
        them, both tables hold the same and the one of the images is enough.
    """
    tables = {name: document["predictions"][name] for name in ("per_patient", "per_slice")}
    slices = tables["per_slice"]
    words = {"per_patient": "patient", "per_slice": "slice"}
    if slices and slices["n"] + slices["truth_unknown"] == document["images"]:
        words["per_slice"] = "image"
        if document["patients"] == document["images"]:
            del words["per_patient"]
    return {name: word for name, word in words.items() if tables[name] and tables[name]["n"]}
