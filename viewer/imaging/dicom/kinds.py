"""Which map, component or localizer a DICOM frame is: what must never be mixed with the pictures it was made from."""

from __future__ import annotations

import re

_MAPS = (
    "ADC",
    "FA",
    "COLFA",
    "TENSOR",
    "TENSOR_B0",
    "EXP",
    "EADC",
    "TTP",
    "RELCBF",
    "RELCBV",
    "RELMTT",
    "LOCALIZER",
    "REF_SURVIEW",
)
_COMPONENTS = {
    "P": "PHASE",
    "PHASE": "PHASE",
    "PHASE MAP": "PHASE",
    "R": "REAL",
    "REAL": "REAL",
    "I": "IMAGINARY",
    "IMAGINARY": "IMAGINARY",
}
_NAMED_MAPS = (
    ("EADC", r"e-?adc|exponential (?:apparent|adc|diffusion)"),
    ("ADC", r"adc|apparent diffusion coefficient"),
    ("COLFA", r"colfa|colou?r fa"),
    ("FA", r"fa|fractional anisotropy"),
)


def map_kind(kind: tuple[str, ...], modality: str, description: str, colour: bool) -> str:
    """The derived map or complex component that a frame is, e.g. ``ADC`` or ``PHASE``; empty for a plain picture.

    Parameters
    ----------
    kind : image type values, upper case.
    modality, description : of its series; words decide where a derived MR image has no type that says more.
    colour : whether it is stored in colour.
    """
    for value in kind[2:]:
        if value == "FA" and colour:
            return "COLFA"
        if value in _MAPS:
            return value
        if value in _COMPONENTS and modality == "MR":
            return _COMPONENTS[value]
    if modality == "MR" and "DERIVED" in kind[:1]:
        words = description.lower().replace("_", " ")
        for name, pattern in _NAMED_MAPS:
            if re.search(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])", words):
                return name
    return ""
