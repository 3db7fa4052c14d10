"""A warning under pictures that may carry the patient's name in their pixels: no switch can hide that."""

from __future__ import annotations

from PySide6.QtWidgets import QSizePolicy

from viewer.state.session import Session
from viewer.ui.panels.card import Elided

CODE = "burned-in"
"""How the codes of such findings begin."""
_SHORT = "words in the picture may name the patient"
_WORDS = "Words in the picture itself may name the patient; hiding patient data cannot hide them."


class BurnedIn(Elided):
    """Visible in the line under the image, whatever else is hidden; it gives way before it pushes anything."""

    def __init__(self) -> None:
        super().__init__(_SHORT, "amber")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleDescription(_WORDS)
        self.hide()

    def show_session(self, session: Session) -> None:
        images = [
            case.image for case in (session.case, session.beside.case if session.beside else None) if case
        ]
        found = any(finding.code.startswith(CODE) for image in images for finding in image.diagnoses)
        if found != self.isVisibleTo(self.parentWidget() or self):
            self.setVisible(found)

    def _fit(self) -> None:
        super()._fit()
        self.setToolTip(_WORDS)
