"""Which findings are on the picture, and whose boxes: a matter of the display, no network is asked."""

from __future__ import annotations

import math

from viewer.foundation.errors import UsageError
from viewer.foundation.registry import nearest
from viewer.state.findings_view import may_be_together
from viewer.state.session import Session


class FindingsVerbs:
    """Verbs for many findings and several readers on one picture."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def toggle_together(self) -> None:
        """Show the maps of all probable findings, or that of the chosen class alone.

        Raises
        ------
        UsageError
            When the classes of the model exclude each other.
        """
        self.show_together(not self._session.findings.together)

    def show_together(self, on: bool) -> None:
        """The same, either way; see `toggle_together`."""
        session = self._session
        if on and session.model is not None and not may_be_together(session):
            raise UsageError(
                "The classes of this model exclude each other: their maps are not findings of one picture.",
                code="one-class",
            )
        session.findings.together = on

    def set_least(self, probability: float) -> None:
        """Probability from which on a finding has a map, 0..1.

        Raises
        ------
        UsageError
            When it is no probability.
        """
        if not math.isfinite(probability) or not 0 <= probability <= 1:
            raise UsageError(f"{probability:g} is no probability from 0 to 1.", code="probability")
        self._session.findings.least = float(probability)

    def toggle_finding(self, name: str) -> None:
        """Show a finding among the others, or hide it.

        Raises
        ------
        UsageError
            When the model has no such class.
        """
        session = self._session
        classes = session.model.card.classes if session.model is not None else ()
        if name not in classes:
            raise UsageError(
                f"There is no class '{name}'{nearest(name, list(classes))}.", code="no-such-class"
            )
        session.findings.hidden = session.findings.hidden ^ {name}

    def toggle_label(self, label: str) -> None:
        """Show the boxes that readers drew for a label, or hide them; scores stay as they are."""
        boxes = self._session.boxes
        boxes.hidden_classes = boxes.hidden_classes ^ {label}

    def toggle_reader(self, reader: str) -> None:
        """Show a reader's boxes, or hide them; scores stay as they are."""
        boxes = self._session.boxes
        boxes.hidden_readers = boxes.hidden_readers ^ {reader}

    def show_all_boxes(self) -> None:
        """The boxes of all readers and labels."""
        boxes = self._session.boxes
        boxes.hidden_classes = boxes.hidden_readers = frozenset()
