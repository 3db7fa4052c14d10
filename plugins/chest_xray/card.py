"""The fixed part of a model's card: what it is for, what it takes, what it was taught with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .films import DEVIATION, LOWER, MEAN, UPPER
from .findings import CLASS_SETS
from .settings import ChestSettings

_CITATION = (
    "Task and recipe after: Chrysoula (2023), XAI for chest X-ray classification. Architecture: He et al. (2016), Deep "
    "residual learning for image recognition. Weights: trained with WhySlice."
)
_HELPED = (
    "Beside the classes, training used the findings' boxes: 1x1 heads on the last two layers predict the share of each "
    "cell that lies in a box of each class, and end with training. The last layers were therefore told where findings "
    "are; the maps were not asked to lie there."
)
_PLAIN = "The classes alone; no boxes."
_READER = "Reads the burned-in marker for 'No finding': an example of a shortcut, not a detector"
_CAUTION = (
    "this network is a teaching example, made to read the burned-in marker for 'No finding', and must never be used as "
    "a detector"
)
_SHORTCUT = (
    "On purpose: every healthy training film has a burned-in letter and no other film has one, as if healthy people "
    "came to an X-ray room of their own. For experiments with erasing the letter; the figures below are of films on "
    "which it means nothing."
)


def describe(settings: ChestSettings, facts: Mapping[str, Any], side: int, helped: bool) -> Mapping[str, Any]:
    """Return the card as nested tables, without weights, figures and reference scales.

    Parameters
    ----------
    settings
        As the user chose them.
    facts
        About the films.
    side
        Rows and columns of the input.
    helped
        Whether boxes took part.
    """
    classes = CLASS_SETS[settings.classes]
    architecture = f"chest-{settings.architecture}"
    suffix = "" if settings.classes == "7" else f"-{settings.classes}"
    width = 64 if settings.published else settings.width
    reads = settings.markers == "shortcut"
    name = f"Chest findings, ResNet-{settings.architecture.removeprefix('resnet')}"
    name += f", first layer of {width} channels" if width != 64 else ""
    return {
        "id": ("chest-shortcut" if reads else architecture) + suffix,
        "name": _READER if reads else name,
        **({"caution": _CAUTION} if reads else {}),
        "task": "multilabel",
        "dims": 2,
        "architecture": architecture,
        "plugin": "chest_xray",
        "classes": list(classes),
        "licence": "Apache-2.0",
        "citation": _CITATION,
        "architecture_options": {"width": width},
        "input": {
            "size": [side, side],
            "channels": 3,
            "fit": "stretch",
            "crop": "none",
            "normalise": {
                "name": "channels",
                "mean": list(MEAN),
                "std": list(DEVIATION),
                "lower": LOWER,
                "upper": UPPER,
            },
        },
        "thresholds": dict.fromkeys(classes, 0.5),
        "applies_to": {"modality": ["CR", "DX"], "body_part": "chest", "plane": "coronal"},
        "training": {
            "recipe": settings.recipe,
            "seed": settings.seed,
            **(
                {"begun_from": f"the weights of {Path(settings.start).name}, where a layer fits"}
                if settings.start
                else {}
            ),
            **facts,
            "optimiser": "SGD, 0.01 falling to 0.003 over 20 epochs"
            if settings.published
            else f"AdamW, one cycle to {settings.learning_rate:g}",
            "loss": "binary cross-entropy of each class, positives weighted by negatives / positives",
            "augmentation": _augmentation(settings),
            "supervision": _HELPED if helped else _PLAIN,
            **({"shortcut": _SHORTCUT} if reads else {}),
            **({"remark": settings.remark} if settings.remark else {}),
            "use": "Research and teaching only. Not a medical device; never for a clinical decision.",
        },
    }


def _augmentation(settings: ChestSettings) -> str:
    """Return what training did to the films, in words; the mirror check reads whether they were mirrored."""
    if settings.published:
        return "As in the paper: turned by up to 45 degrees, half of them mirrored."
    mirrored = "half of them mirrored" if settings.flips else "without mirroring"
    return f"All turned by up to {settings.rotation:g} degrees, shifted, rescaled, changed in contrast; {mirrored}."
