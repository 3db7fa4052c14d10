"""What this program is, and what it is not for."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from viewer.foundation import paths
from viewer.foundation.provenance import program_version
from viewer.ui.panels.card import described


class About(QDialog):
    """Version, licence, purpose."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About WhySlice")
        body = QVBoxLayout(self)
        body.setContentsMargins(26, 22, 26, 18)
        body.setSpacing(10)
        picture = QLabel()
        picture.setPixmap(QIcon(str(paths.resources() / "icons" / "whyslice.svg")).pixmap(56, 56))
        title = QLabel(f"WhySlice {program_version()}")
        title.setObjectName("brand")
        words = QLabel(
            "Shows why a classifier said what it said about a medical image.\n\n"
            "Research use only. WhySlice is not a medical device: no diagnosis and no treatment may rest on it. "
            "A map shows what a network reacted to, not what is wrong with a patient.\n\n"
            "Licence: Apache-2.0. Nothing that you open leaves this computer."
        )
        words.setWordWrap(True)
        words.setMinimumWidth(420)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        described(buttons.button(QDialogButtonBox.StandardButton.Close), "Close", "Leave.")
        for widget in (picture, title, words):
            body.addWidget(widget, 0, Qt.AlignmentFlag.AlignLeft)
        body.addWidget(buttons)
