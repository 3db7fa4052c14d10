"""The experiments of ``check``: which were asked for, and their answers in words."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from viewer.cli.terminal import Terminal
from viewer.controllers.experiments.declaration import EXPERIMENTS
from viewer.controllers.experiments.order import EXPLAINERS_SHOWN, ExperimentOrder
from viewer.controllers.explain_order import ALL, ExplainOrder
from viewer.controllers.headless import InputWish
from viewer.controllers.looking import is_demo
from viewer.evaluation.cohort_table import read_cohort
from viewer.foundation.errors import UsageError
from viewer.imaging.image import MedicalImage
from viewer.models.card import Crop

NONE = "none"


def wanted_experiments(options: Namespace, names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Names of experiments, empty for all; None where none are asked for.

    Raises
    ------
    UsageError
        When there is none of that name; the nearest are offered.
    """
    for name in names:
        EXPERIMENTS.find(name)
    return names if names or options.figures is not None else None


def experiment_order(
    options: Namespace, order: ExplainOrder, image: MedicalImage, terminal: Terminal
) -> ExperimentOrder:
    """The options of ``check`` as an order of experiments.

    Raises
    ------
    UsageError
        When several layers or slices are asked for: an experiment shows one.
    ReadError
        When the cohort cannot be read.
    """
    if ALL in order.layers or len(order.layers) > 1 or order.slices == ALL:
        raise UsageError("An experiment shows one layer and one slice: name one of each, or none.")
    assert order.slices is None or isinstance(order.slices, int)
    return ExperimentOrder(
        order.model,
        image,
        order.slices,
        order.targets[0] if order.targets else "",
        order.explainers or EXPLAINERS_SHOWN,
        order.layers[0] if order.layers else "",
        order.score,
        order.wish.mirror,
        crop_of(order.wish, order.model, order.device),
        order.device,
        tuple(name for word in options.beside for name in word.split(",") if name),
        facts_of(options.cohort, image, terminal),
        is_demo(image),
    )


def crop_of(wish: InputWish, model: str, device: str) -> Crop | None:
    """The rule that a wish means for a model; None for what its card says."""
    if wish.crop != "on":
        return wish.crop
    from viewer.controllers import engine

    return wish.crop_rule(engine.load(model, device).card)


def facts_of(cohort: Path | None, image: MedicalImage, terminal: Terminal) -> tuple[tuple[str, str], ...]:
    """What the table of a cohort knows of the image."""
    if cohort is None:
        return ()
    row = read_cohort(cohort, terminal.progress).image_of(image.source.path)
    if row is None:
        terminal.warn("The table of the cohort does not name this image.")
        return ()
    return row.facts


def described(entries: list[dict[str, Any]]) -> list[str]:
    """Lines for a person; none without experiments."""
    lines = ["experiments"] if entries else []
    for each in entries:
        value = "" if each["value"] is None else f"{each['value']:.3g}"
        lines.append(f"  {each['name']:<21}{value:>9}  {each['sentence'] or each['reason']}")
        if each["figure"]:
            lines.append(f"  {'':<21}{'':>9}  {each['figure']}")
    return lines
