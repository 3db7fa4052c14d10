"""The fixed part of a model's card: what it is for, what it takes, what it was taught with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .preparation import PLAIN, Preparation
from .settings import StrokeSettings
from .variants import Variant
from .volumes import SIZE

_CITATION = (
    "Architecture after: Avci (2021), Explainable deep networks for MRI-based stroke analysis. "
    "Weights: trained with WhySlice."
)
_SUPERVISED = (
    "Beside the class, training used the lesion masks of the synthetic patients: 1x1 heads on the later blocks "
    "predict the lesion's share of each cell, and the Grad-CAM map of stroke is asked to lie on the lesion. Both end "
    "with training. The maps are therefore trained to point at lesions; they are not what plain training gives."
)
_MRS = (
    "The class of a slice with a lesion is the three-month outcome of its patient (the paper's rule), which a rule of "
    "the generator draws from volume, site and side. It teaches software; it is no prognosis."
)
_PLAIN = "The class alone; no lesion masks."


def describe(settings: StrokeSettings, variant: Variant, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the card as nested tables, without weights, figures and reference scales."""
    name = f"stroke-{settings.architecture}"
    # What makes it a twin of the ordinary network stands in its name: both may lie side by side on the shelf.
    different = [
        *(() if settings.supervision else (("plain", "never shown a lesion mask"),)),
        *(() if settings.flips else (("unmirrored", "never shown a mirrored picture"),)),
    ]
    words = [variant.name, *(said for _, said in different)]
    if settings.name:
        words.append(f"trained as {settings.name}")
    channels = 1 if variant.volume else 2 * settings.neighbours + 1
    preparation = PLAIN if variant.volume else Preparation(settings.normalise, settings.crop)
    return {
        "id": settings.name or "".join((name, *(f"-{short}" for short, _ in different))),
        "name": ", ".join(words),
        "task": "multiclass",
        "dims": 3 if variant.volume else 2,
        "architecture": name,
        "plugin": "stroke_dwi",
        "classes": list(variant.classes),
        "positive_class": variant.positive,
        "licence": "Apache-2.0",
        "citation": _CITATION,
        "architecture_options": {
            **({"channels": channels} if channels > 1 else {}),
            "dropout": settings.dropout,
        },
        "input": {
            "size": list(SIZE) if variant.volume else [192, 192],
            "channels": channels,
            **({"neighbours": settings.neighbours} if channels > 1 else {}),
            "fit": "stretch" if variant.volume else "square",
            "crop": preparation.crop,
            "normalise": preparation.normalisation,
        },
        "thresholds": {variant.positive: 0.5},
        "applies_to": {
            "modality": ["MR"],
            "sequence": ["DWI"],
            "plane": "axial",
            "body_part": "head",
            "spacing_mm": [0.6, 2.0],
            "b_values": [800.0, 3000.0],
        },
        "training": {
            "seed": settings.seed,
            **(
                {"begun_from": f"the weights of {Path(settings.start).name}, where a layer fits"}
                if settings.start
                else {}
            ),
            **facts,
            "learning_rate": settings.learning_rate,
            "dropout": settings.dropout,
            "share_of_positives": 0.5,
            "augmentation": _augmentation(settings),
            "supervision": _supervision(settings, variant),
            **({"outcome": _MRS} if len(variant.classes) > 2 else {}),
            **({"remark": settings.remark} if settings.remark else {}),
            "use": "Research and teaching only. Not a medical device; never for a clinical decision.",
        },
    }


def _supervision(settings: StrokeSettings, variant: Variant) -> str:
    if settings.head_only:
        start = Path(settings.start).name
        kept = f"The convolutions of {start}, whose card says how they learned, stayed as they were. "
        if variant.volume and settings.supervision:
            return f"{kept}{_SUPERVISED}"
        return f"{kept}The head alone was trained, on the class."
    return _SUPERVISED if settings.supervision else _PLAIN


def _augmentation(settings: StrokeSettings) -> str:
    """Return what training did to the pictures, in words; the mirror check reads whether they were mirrored."""
    mirrored = "half of them mirrored" if settings.flips else "without mirroring"
    if settings.augmentation == "published":
        return f"As in the study's code: shifted, turned, zoomed, sheared; {mirrored}."
    return f"All moved, rescaled, sheared, changed in contrast, some made noisier; {mirrored}."
