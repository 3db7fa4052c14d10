"""The experiment, or the summary, that was asked for last: how far it is, what it has shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from viewer.reporting.page_content import Page


@dataclass(frozen=True, eq=False)
class ExperimentOnScreen:
    """Replaced as a whole, never altered.

    Attributes
    ----------
    name : of the experiment; ``patient-summary`` and ``misclassified`` are among them.
    title : words.
    stage : ``failed`` has a sentence and no pages.
    sentence : the number in words.
    value : the number; None where there is none.
    pages : as they are saved, without the patient.
    pictures : the same as PNG.
    person : who it is, for whoever saves it while patient data is shown.
    """

    name: str
    title: str
    stage: Literal["running", "ready", "failed"] = "running"
    sentence: str = ""
    value: float | None = None
    pages: tuple[Page, ...] = ()
    pictures: tuple[bytes, ...] = ()
    person: str = ""
