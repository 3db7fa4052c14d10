"""From the name of an experiment to what it shows. Runs on the compute lane."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from viewer.controllers.experiments.asked import Asked
from viewer.controllers.experiments.classes import classes
from viewer.controllers.experiments.declaration import EXPERIMENTS
from viewer.controllers.experiments.inputs import cropping, mirroring
from viewer.controllers.experiments.layers import layers
from viewer.controllers.experiments.models import models, outcome, reproducibility
from viewer.controllers.experiments.order import Experiment, ExperimentOrder
from viewer.controllers.experiments.series import slices
from viewer.foundation.progress import SILENT, Progress

_FUNCTIONS: Mapping[str, Callable[[ExperimentOrder, Progress], Experiment]] = {
    "mirroring": mirroring,
    "cropping": cropping,
    "layers": layers,
    "models": models,
    "classes": classes,
    "outcome": outcome,
    "reproducibility": reproducibility,
    "slices": slices,
}


def placed(order: ExperimentOrder, progress: Progress = SILENT) -> ExperimentOrder:
    """The same order with its slice decided, so that several experiments stand on the same one."""
    return order if order.slice is not None else replace(order, slice=Asked(order, progress).slice)


def run_experiment(name: str, order: ExperimentOrder, progress: Progress = SILENT) -> Experiment:
    """Make one experiment.

    Raises
    ------
    UsageError
        When there is none of that name, or it has no meaning here (code ``no-experiment``); the sentence says why.
    ModelError, ExplainError
        The sentence says what failed.
    Cancelled
        When the progress says so; nothing is left behind.
    """
    EXPERIMENTS.find(name)
    return _FUNCTIONS[name](order, progress)
