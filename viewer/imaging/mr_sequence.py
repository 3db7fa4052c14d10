"""What kind of MR sequence some words and a diffusion weighting speak of."""

from __future__ import annotations

import re

_SEQUENCES = (
    ("ADC", r"adc|apparent diffusion"),
    ("DWI", r"dwi|diff|diffusion|trace|tracew|ep b\d+t?|dti"),
    ("FLAIR", r"flair|dark[ _]fluid|tirm"),
    ("SWI", r"swi|swan|susceptibility"),
    ("T1", r"t1|mprage|t1w|spgr"),
    ("T2", r"t2|t2w"),
)
MAPS = ("ADC", "FA", "COLFA", "EXP", "EADC")
"""Values of DICOM's image type that name a map computed from diffusion-weighted images."""
_TRACE = re.compile(r"(?<![a-z])(?:tracew?|isotropic)(?![a-z])")


def names_trace(words: str) -> bool:
    """Whether words about a diffusion-weighted image call it a trace image, the mean of several directions."""
    return _TRACE.search(words.lower()) is not None


def named_sequence(words: str, b_value: float | None = None) -> str:
    """The sequence that descriptions and protocol names speak of, e.g. ``FLAIR``; empty when they do not.

    Parameters
    ----------
    words : descriptions of a series in any order.
    b_value : s/mm2; a weighted image is DWI whatever else its protocol is called, unless it is a map.
    """
    lowered = words.lower()
    for name, pattern in _SEQUENCES:
        if re.search(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])", lowered.replace("_", " ")):
            if name == "T1" and "t2" in lowered and "flair" not in lowered:
                continue
            return "DWI" if name not in ("ADC", "DWI") and b_value else name
    return "DWI" if b_value is not None else ""
