"""``export``: cases as files that others read."""

from __future__ import annotations

from argparse import Namespace

from viewer.cli.answer import Answer
from viewer.cli.summarising import patient_summary
from viewer.cli.terminal import Terminal
from viewer.controllers.handout_to_file import HandoutOrder, handout_to_file

FORMATS = ("html", "pdf")


def export(options: Namespace, terminal: Terminal) -> Answer:
    """Write cases for others to read."""
    return handout(options, terminal) if options.format == "html" else patient_summary(options, terminal)


def handout(options: Namespace, terminal: Terminal) -> Answer:
    """Write a handout of cases."""
    order = HandoutOrder(
        options.paths,
        options.out,
        options.model,
        options.explainer,
        options.layer,
        options.target,
        options.device,
    )
    with terminal.stoppable():
        document = handout_to_file(order, terminal.progress)
    for each in document["skipped"]:
        terminal.warn(f"case {each['case']}: {each['reason']}")
    cases = len(document["cases"])
    return Answer(document, f"{cases} case{'' if cases == 1 else 's'} in {options.out}")
