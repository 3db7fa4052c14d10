"""``export``: cases as files that others read."""

from __future__ import annotations

from argparse import Namespace

from viewer.cli.answer import Answer
from viewer.cli.summarising import patient_summary
from viewer.cli.terminal import Terminal

FORMATS = ("pdf",)


def export(options: Namespace, terminal: Terminal) -> Answer:
    """Write a case for others to read."""
    return patient_summary(options, terminal)
