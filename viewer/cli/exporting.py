"""``export``: cases as files that others read."""

from __future__ import annotations

from argparse import Namespace

from viewer.cli.answer import Answer
from viewer.cli.asking import wish_of
from viewer.cli.summarising import patient_summary
from viewer.cli.terminal import Terminal
from viewer.controllers.handout_to_file import HandoutOrder, handout_to_file
from viewer.controllers.looking import Wanted
from viewer.controllers.steadying import PASSES
from viewer.foundation.errors import UsageError

FORMATS = ("html", "pdf")


def export(options: Namespace, terminal: Terminal) -> Answer:
    """Write cases for others to read."""
    return handout(options, terminal) if options.format == "html" else patient_summary(options, terminal)


def handout(options: Namespace, terminal: Terminal) -> Answer:
    """Write a handout of cases.

    Raises
    ------
    UsageError
        For what only the summary of a patient has.
    """
    for given, words in (
        (
            options.cohort is not None,
            "--cohort is for --format pdf: name the folder as a PATH to have its cases",
        ),
        (options.show_phi, "--show-phi is for --format pdf: a handout names nobody"),
        (options.mc_samples != PASSES or options.seed, "--mc-samples and --seed are for --format pdf"),
    ):
        if given:
            raise UsageError(f"{words}.")
    order = HandoutOrder(
        options.paths,
        options.out,
        options.model,
        options.explainer,
        options.layer,
        options.target,
        options.device,
        options.series,
        Wanted(volume=options.volume, spacing_mm=options.spacing, even=options.resample),
        wish_of(options),
    )
    with terminal.stoppable():
        document = handout_to_file(order, terminal.progress)
    for each in document["skipped"]:
        terminal.warn(f"case {each['case']}: {each['reason']}")
    cases = len(document["cases"])
    return Answer(document, f"{cases} case{'' if cases == 1 else 's'} in {options.out}")
