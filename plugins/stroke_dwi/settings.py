"""What can be chosen about the training of the study's networks."""

from dataclasses import dataclass, field
from typing import Any

from .cohort import ARTEFACTS
from .preparation import CROPS, NORMALISATIONS


def _choice(default: Any, meaning: str, **limits: Any) -> Any:
    return field(default=default, metadata={"meaning": meaning, **limits})


ARCHITECTURES = ("gap", "shallow", "flat", "dense", "baseline", "mrs", "3d")


@dataclass(frozen=True)
class StrokeSettings:
    """Settings of the recipe `stroke-dwi`; every field is explained in its metadata."""

    architecture: str = _choice("gap", "which network", choices=ARCHITECTURES)
    name: str = _choice(
        "",
        "id of the model: lower-case letters, digits, '-', '.' and '_'; empty to follow from the other settings",
        pattern=r"([a-z0-9][a-z0-9._-]{0,63})?",
    )
    start: str = _choice(
        "", "a model, by id or folder, whose weights training begins with wherever a layer fits"
    )
    head_only: bool = _choice(
        False,
        "keep the convolutions that training begins with as they are, and train what comes after them alone",
    )
    patients: int = _choice(1000, "synthetic patients to learn from", minimum=1)
    validation_patients: int = _choice(40, "synthetic patients that choose the best epoch", minimum=1)
    test_patients: int = _choice(60, "synthetic patients for the figures on the card", minimum=1)
    leave_out: str = _choice(
        "",
        "family of artefacts that synthetic patients to learn from do not have, and those of the figures do",
        choices=("", *ARTEFACTS),
    )
    seed: int = _choice(1, "seed of patients, weights and batches", minimum=0)
    slices_per_epoch: int = _choice(10000, "slices an epoch, half of them with a lesion", minimum=2)
    volumes_per_epoch: int = _choice(600, "volumes an epoch, of a network of volumes", minimum=2)
    small_epochs: int = _choice(12, "first epochs on 96 x 96 pictures (networks of pictures)", minimum=0)
    epochs: int = _choice(8, "last epochs on 192 x 192 pictures, or all epochs on volumes", minimum=1)
    patience: int = _choice(0, "epochs without progress before stopping; 0 never stops", minimum=0)
    batch: int = _choice(64, "slices a batch; volumes are taken eight at a time", minimum=2)
    learning_rate: float = _choice(3e-3, "highest learning rate", minimum=1e-6, maximum=1.0)
    neighbours: int = _choice(
        0,
        "slices above and below that are shown with each one, as the paper's file has 1",
        minimum=0,
        maximum=3,
    )
    dropout: float = _choice(0.1, "dropout probability", minimum=0.0, maximum=0.9)
    supervision: bool = _choice(True, "use the lesion masks during training")
    augmentation: str = _choice(
        "mild", "how pictures are moved; published repeats the study's code", choices=("mild", "published")
    )
    flips: bool = _choice(True, "mirror left and right during training")
    normalise: str = _choice(
        "tissue-median",
        "how grey values become network values; the paper's text says zscore, its code range",
        choices=tuple(NORMALISATIONS),
    )
    crop: str = _choice("none", "how pictures are cropped; the paper's rule is percentile", choices=CROPS)
    split: str = _choice(
        "patient",
        "how own data are divided; slice repeats the paper, whose test slices are of patients it trained on",
        choices=("patient", "slice"),
    )
    remark: str = _choice("", "words for the card, for instance about an earlier part of the training")

    def cautions(self, own_data: bool) -> tuple[str, ...]:
        """Return what a person should know before the training begins."""
        if own_data and self.split == "slice":
            both = "Split by slice, as in the paper: slices of one patient are on both sides"
            return (
                f"{both}, so the figures on the card will be too good; --set split=patient gives true ones.",
            )
        return ()
