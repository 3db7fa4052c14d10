"""What a DICOM stack is called, and what kind of picture it is."""

from __future__ import annotations

from viewer.imaging.dicom.stacks import Stack
from viewer.imaging.mr_sequence import MAPS, named_sequence

_WORDS = {
    "EADC": "exponential ADC",
    "EXP": "exponential ADC",
    "COLFA": "colour FA",
    "TENSOR_B0": "b 0 of the tensor",
    "TENSOR": "tensor",
    "PHASE": "phase",
    "REAL": "real part",
    "IMAGINARY": "imaginary part",
    "RELCBF": "relative blood flow",
    "RELCBV": "relative blood volume",
    "RELMTT": "relative transit time",
    "TTP": "time to peak",
    "LOCALIZER": "localizer",
    "REF_SURVIEW": "localizer",
}
_NAMED_SEGMENTS = 3


def description_of(stack: Stack) -> str:
    """The series' own words, and in brackets what they leave out: which map it is, or that it is a trace."""
    file = stack.file
    words = file.description
    if not words and file.segments:
        labels = [label for _, label in file.segments if label]
        words = ", ".join(labels[:_NAMED_SEGMENTS]) + (" ..." if len(labels) > _NAMED_SEGMENTS else "")
    lowered = words.lower()
    kind = _WORDS.get(stack.kind, stack.kind) or ("trace" if stack.trace else "")
    if not kind or kind.lower() in lowered or (stack.kind and stack.kind.lower() in lowered):
        return words
    return f"{words} ({kind})" if words else kind


def sequence_of(stack: Stack, volume: int) -> str:
    """What is known of an MR sequence, empty otherwise: the image type first, then diffusion weighting, then names."""
    if stack.file.modality != "MR":
        return ""
    if stack.kind in MAPS:
        return stack.kind
    return named_sequence(stack.file.words, stack.volumes[volume].b_value)


def unit_of(stack: Stack) -> str:
    """The unit of the voxels, empty when unknown."""
    if stack.file.samples > 1:
        return ""
    return stack.file.unit or ("10^-6 mm2/s" if stack.kind == "ADC" else "")
