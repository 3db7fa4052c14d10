"""The study's networks as the recipe trains them: which classes, and where the lesion masks help."""

from collections.abc import Callable
from dataclasses import dataclass

from . import networks
from .outcome import CLASSES as OUTCOMES

STROKE = ("no stroke", "stroke")


@dataclass(frozen=True)
class Variant:
    """One architecture in training.

    Attributes
    ----------
    name
        Words for the card.
    factory
        Makes the network.
    masks
        Layers with a mask head.
    maps
        Layers whose Grad-CAM map is asked to lie on the lesion.
    classes
        Names in the order of the outputs; the first is *no stroke*.
    positive
        The class that is the finding.
    volume
        Whether it takes a whole volume.
    fixed_size
        Whether its head takes one size of picture only.
    """

    name: str
    factory: Callable[..., networks.StrokeNet]
    masks: tuple[str, ...]
    maps: tuple[str, ...]
    classes: tuple[str, ...] = STROKE
    positive: str = STROKE[1]
    volume: bool = False
    fixed_size: bool = False


VARIANTS = {
    "gap": Variant(
        "Stroke, five blocks, pooled",
        networks.stroke_gap,
        ("relu3", "relu4", "relu5"),
        ("relu4", "relu5"),
    ),
    "shallow": Variant(
        "Stroke, three blocks, pooled", networks.stroke_shallow, ("relu2", "relu3"), ("relu3",)
    ),
    "flat": Variant(
        "Stroke, five blocks, flattened",
        networks.stroke_flat,
        ("relu3", "relu4", "relu5"),
        ("relu4", "relu5"),
        fixed_size=True,
    ),
    "dense": Variant(
        "Stroke, five blocks, two dense layers",
        networks.stroke_dense,
        ("relu3", "relu4", "relu5"),
        ("relu4", "relu5"),
        fixed_size=True,
    ),
    "baseline": Variant(
        "Stroke, sixteen convolutions, two dense layers",
        networks.stroke_baseline,
        ("relu4_3", "relu5_3"),
        ("relu5_3",),
        fixed_size=True,
    ),
    "mrs": Variant(
        "Outcome after a stroke (mRS), five blocks, pooled",
        networks.stroke_mrs,
        ("relu3", "relu4", "relu5"),
        ("relu4", "relu5"),
        classes=OUTCOMES,
        positive=OUTCOMES[2],
    ),
    "3d": Variant(
        "Stroke, the whole volume, six blocks, pooled slice by slice",
        networks.stroke_3d,
        ("relu5", "relu6"),
        ("relu6",),
        volume=True,
    ),
}
