"""A warning over pictures that may carry the patient's name in their pixels: no switch can hide that."""

from __future__ import annotations

from viewer.state.session import Session
from viewer.ui.panels.card import DotLine

CODE = "burned-in"
"""How the codes of such findings begin."""
_WORDS = "Words in the picture itself may name the patient; hiding patient data cannot hide them."


class BurnedIn(DotLine):
    """Visible with the image, whatever else is hidden."""

    def __init__(self) -> None:
        super().__init__("amber", _WORDS)
        self.hide()

    def show_session(self, session: Session) -> None:
        images = [
            case.image for case in (session.case, session.beside.case if session.beside else None) if case
        ]
        found = any(finding.code.startswith(CODE) for image in images for finding in image.diagnoses)
        if found != self.isVisibleTo(self.parentWidget() or self):
            self.setVisible(found)
