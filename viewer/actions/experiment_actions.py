"""Experiments on the open case, each with its picture and its number; the patient as a patient."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from viewer.actions.action import Action
from viewer.controllers.experimenting import why_no_experiment, why_no_misclassified, why_no_other
from viewer.controllers.experiments.declaration import EXPERIMENTS
from viewer.controllers.experiments.fitting import asks_the_same, grades, same_network
from viewer.state.disputed import why_no_dispute
from viewer.state.session import Session

_PARTNERS: Mapping[str, Callable[[Session], str]] = {
    "models": lambda s: why_no_other(s, asks_the_same, "No other model on this machine knows the class."),
    "outcome": lambda s: why_no_other(s, grades, "No model on this machine has three classes or more."),
    "reproducibility": lambda s: why_no_other(
        s, same_network, "No second training of this network is on this machine."
    ),
}


def _why_nothing_shown(session: Session) -> str:
    shown = session.experiment
    return "" if shown is not None and shown.stage != "running" else "No experiment has been made."


def _experiments() -> tuple[Action, ...]:
    """A row for each experiment."""
    return tuple(
        Action(
            f"experiment.{name}",
            info.title,
            "Experiments",
            f"{info.question} Opens {info.workspace.capitalize()} and makes the picture.",
            lambda bench, name=name: bench.experiments.run(name),  # type: ignore[misc]
            why_not=_PARTNERS.get(name, why_no_experiment),
        )
        for name, info in EXPERIMENTS.items()
    )


EXPERIMENT_ACTIONS: tuple[Action, ...] = (
    Action(
        "experiment.patient-summary",
        "Patient summary",
        "Experiments",
        "Which slices are called, how sure that is, where their maps lie, and which others are worth a second look.",
        lambda bench: bench.experiments.summarise(),
        why_not=why_no_experiment,
        also="report pdf",
    ),
    *_experiments(),
    Action(
        "experiment.misclassified",
        "Misclassified cases",
        "Experiments",
        "The cases of the cohort that the model gets wrong: those that it misses, then false alarms.",
        lambda bench: bench.experiments.misclassified(),
        why_not=why_no_misclassified,
    ),
    Action(
        "experiment.dispute",
        "Dispute the label\u2026",
        "Experiments",
        "Say why the label of the open case is wrong; in a cohort such cases are counted apart. Can be undone.",
        dialog="dispute",
        why_not=why_no_dispute,
        also="wrong error",
    ),
    Action(
        "experiment.save",
        "Save the picture\u2026",
        "Experiments",
        "Save what the last experiment has shown, as PDF or PNG.",
        dialog="save-experiment",
        why_not=lambda s: (
            "" if s.experiment is not None and s.experiment.pages else "No experiment has been made."
        ),
        also="export pdf png",
    ),
    Action(
        "experiment.close",
        "Close the picture",
        "Experiments",
        "Show the last experiment no more.",
        lambda bench: bench.experiments.close(),
        why_not=_why_nothing_shown,
    ),
)
