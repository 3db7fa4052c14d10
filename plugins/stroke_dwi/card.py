"""The fixed part of a model's card: what it is for, what it takes, what it was taught with."""

from collections.abc import Mapping
from typing import Any

from .cohort import EDITION
from .settings import StrokeSettings
from .slices import NORMALISATION, Slices

NAMES = {"gap": "Stroke, five blocks, pooled", "shallow": "Stroke, three blocks, pooled"}
_CITATION = (
    "Architecture after: Avci (2021), Explainable deep networks for MRI-based stroke analysis. "
    "Weights: WhySlice, trained on synthetic images."
)
_SUPERVISED = (
    "Beside the class, training used the lesion masks of the synthetic patients: 1x1 heads on the later blocks "
    "predict the lesion's share of each cell, and the Grad-CAM map of stroke is asked to lie on the lesion. Both end "
    "with training. The maps are therefore trained to point at lesions; they are not what plain training gives."
)
_PLAIN = "The class alone; no lesion masks."


def describe(settings: StrokeSettings, slices: Slices) -> Mapping[str, Any]:
    """Return the card as nested tables, without weights, figures and reference scales."""
    name = f"stroke-{settings.architecture}"
    return {
        "id": name if settings.supervision else f"{name}-plain",
        "name": NAMES[settings.architecture],
        "task": "multiclass",
        "dims": 2,
        "architecture": name,
        "plugin": "stroke_dwi",
        "classes": ["no stroke", "stroke"],
        "positive_class": "stroke",
        "licence": "Apache-2.0",
        "citation": _CITATION,
        "architecture_options": {"dropout": settings.dropout},
        "input": {
            "size": [192, 192],
            "channels": 1,
            "fit": "square",
            "crop": "none",
            "normalise": dict(NORMALISATION),
        },
        "thresholds": {"stroke": 0.5},
        "applies_to": {
            "modality": ["MR"],
            "sequence": ["DWI"],
            "plane": "axial",
            "body_part": "head",
            "spacing_mm": [0.6, 2.0],
            "b_values": [800.0, 3000.0],
        },
        "training": {
            "data": "Synthetic axial head DWI only; no image of a person.",
            "generator": f"stroke-dwi, edition {EDITION}",
            "seed": settings.seed,
            "patients": settings.patients,
            "slices": len(slices.areas),
            "positive_slices": int(slices.labels.sum()),
            "epochs": settings.small_epochs + settings.epochs,
            "epochs_at_half_size": settings.small_epochs,
            "slices_per_epoch": settings.slices_per_epoch,
            "batch": settings.batch,
            "learning_rate": settings.learning_rate,
            "dropout": settings.dropout,
            "share_of_positives": 0.5,
            "augmentation": "Half of the slices mirrored; all moved, rescaled, sheared, changed in contrast.",
            "supervision": _SUPERVISED if settings.supervision else _PLAIN,
            **({"remark": settings.remark} if settings.remark else {}),
            "use": "Research and teaching only. Not a medical device; never for a clinical decision.",
        },
    }
