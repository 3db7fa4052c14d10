"""What a network of the study is trained on: synthetic films, or one's own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viewer.api import Progress

from .film import EDITION, MARKERS
from .films import Films, synthesise
from .findings import CLASS_SETS, SYNTHETIC
from .own_films import own_films, split
from .settings import ChestSettings

TRAIN, VALIDATE, TEST = 1, 2, 3
"""Parts of a seed, so that no film is in two of them."""


@dataclass(frozen=True)
class Material:
    """Films for training, for choosing the best epoch and for the figures.

    Attributes
    ----------
    classes
        Names in the order of the network's outputs.
    training, validation
        Of different patients.
    test
        Makes the films for the card's figures when they are asked for.
    facts
        What the card says of them.
    """

    classes: tuple[str, ...]
    training: Films
    validation: Films
    test: Callable[[], Films]
    facts: dict[str, Any]


def material(settings: ChestSettings, data: Path | None, work: Path, progress: Progress) -> Material:
    """Make synthetic films, or read one's own where `data` are given.

    Raises
    ------
    WhySliceError
        When the data cannot be used.
    """
    classes = CLASS_SETS[settings.classes]
    if data is not None:
        return _own(settings, classes, data, work, progress)
    markers = next(each for each in MARKERS if each == settings.markers)

    def films(name: str, count: int, part: int) -> Films:
        # The figures on the card are of films whose markers mean nothing, so that a shortcut shows as what it is.
        kind = "neutral" if part == TEST else markers
        return synthesise(work, name, count, (settings.seed, part), classes, kind, progress)

    facts: dict[str, Any] = {
        "data": "Synthetic PA chest films only; no image of a person.",
        "generator": f"chest-xray, edition {EDITION}",
        "films": settings.films,
    }
    unknown = [name for name in classes[:-1] if name not in SYNTHETIC]
    if unknown:
        facts["not_trained"] = f"Synthetic films show nothing of: {', '.join(unknown)}."
    return Material(
        classes,
        films("training", settings.films, TRAIN),
        films("validation", settings.validation_films, VALIDATE),
        lambda: films("test", settings.test_films, TEST),
        facts,
    )


def _own(
    settings: ChestSettings, classes: tuple[str, ...], data: Path, work: Path, progress: Progress
) -> Material:
    rule = "any" if settings.published else settings.agreement
    own = own_films(data, classes, rule, work, progress)
    training, validation, test = (own.films.chosen(rows) for rows in split(own, settings.seed))
    facts: dict[str, Any] = {
        "data": "The user's own images; see the remark and whoever trained it.",
        "split": "by patient, 0.8 / 0.1 / 0.1 unless the data say otherwise",
        "labels": f"a class is there when {'one reader' if rule == 'any' else 'at least half of the readers'} said so",
        "films": len(training),
    }
    if own.left_out:
        # A card goes to others; the sentences name files and stay in the folder of the training.
        facts["left_out"] = (
            f"{len(own.left_out)} findings about the data, listed in the folder of the training"
        )
    return Material(classes, training, validation, lambda: test, facts)
