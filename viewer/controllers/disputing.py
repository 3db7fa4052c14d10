"""Disputing the label of the open case; like everything that is said of a case it can be undone."""

from __future__ import annotations

from viewer.controllers.cohort.verbs import Cohorts
from viewer.controllers.recording import Recording
from viewer.foundation.errors import UsageError
from viewer.state.disputed import line_of_open, why_no_dispute
from viewer.state.session import Session


class Disputing:
    """The verb of *Dispute the label*."""

    def __init__(self, session: Session, recording: Recording, cohorts: Cohorts) -> None:
        self._session = session
        self._recording = recording
        self._cohorts = cohorts

    def dispute(self, note: str) -> None:
        """Say why the label of the open case is wrong; an empty note takes that back.

        Of a case of the cohort it stands in the table, and the tables of scores are counted again without it.

        Raises
        ------
        UsageError
            When nothing is known of the case that could be disputed.
        ExportError
            When the notes of a cohort cannot be kept.
        """
        if why := why_no_dispute(self._session):
            raise UsageError(why, code="no-label")
        with self._recording.step("dispute label" if note.strip() else "take dispute back"):
            self.put(note)

    def put(self, note: str) -> None:
        """The same without a step, for the way back."""
        index = line_of_open(self._session)
        if index is None:
            self._session.notes.disputed = note.strip()
        else:
            self._cohorts.dispute(index, note)
