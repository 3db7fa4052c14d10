"""What can be chosen about the training of the study's networks."""

from dataclasses import dataclass, field
from typing import Any

from .film import MARKERS
from .findings import CLASS_SETS


def _choice(default: Any, meaning: str, **limits: Any) -> Any:
    return field(default=default, metadata={"meaning": meaning, **limits})


ARCHITECTURES = ("resnet18", "resnet50")


@dataclass(frozen=True)
class ChestSettings:
    """Settings of the recipe `chest-xray`; every field is explained in its metadata."""

    recipe: str = _choice(
        "practical",
        "published repeats the paper, whatever the settings that it fixes say: SGD 0.01 falling to 0.003 over 20 "
        "epochs, batch 32, half of the films mirrored, turned by up to 45 degrees, 224 x 224 throughout, 64 channels, "
        "no boxes",
        choices=("practical", "published"),
    )
    architecture: str = _choice("resnet18", "which network; the paper's is resnet50", choices=ARCHITECTURES)
    width: int = _choice(
        24, "channels of the first layer; ImageNet's networks have 64", minimum=16, maximum=128
    )
    classes: str = _choice(
        "7", "the paper's set of classes; 5 are four, as in the paper", choices=tuple(CLASS_SETS)
    )
    start: str = _choice(
        "", "a model, by id or folder, whose weights training begins with wherever a layer fits"
    )
    films: int = _choice(4000, "synthetic films to learn from", minimum=4)
    validation_films: int = _choice(300, "synthetic films that choose the best epoch", minimum=2)
    test_films: int = _choice(300, "synthetic films for the figures on the card", minimum=2)
    markers: str = _choice(
        "neutral", "whether the markers of synthetic films give the healthy ones away", choices=MARKERS
    )
    seed: int = _choice(1, "seed of films, weights and batches", minimum=0)
    size: int = _choice(112, "rows and columns of the input; the paper's is 224", minimum=32, maximum=224)
    epochs: int = _choice(8, "epochs", minimum=1)
    patience: int = _choice(0, "epochs without progress before stopping; 0 never stops", minimum=0)
    batch: int = _choice(32, "films a batch", minimum=2)
    learning_rate: float = _choice(3e-3, "highest learning rate", minimum=1e-6, maximum=1.0)
    flips: bool = _choice(False, "mirror left and right in half of the films")
    rotation: float = _choice(8.0, "films are turned by up to so many degrees", minimum=0.0, maximum=180.0)
    boxes: bool = _choice(True, "let the findings' boxes help during training, where there are any")
    agreement: str = _choice(
        "half",
        "of own data: a class is there when so many of its readers say so; published takes any",
        choices=("half", "any"),
    )
    remark: str = _choice("", "words for the card, for instance about an earlier part of the training")

    @property
    def published(self) -> bool:
        """Return whether the paper's settings hold."""
        return self.recipe == "published"
