"""Which model, and on which device."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from viewer.controllers.workbench import Workbench
from viewer.models.card import ModelCard
from viewer.state.session import Session
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import Chooser, described, heading

DEVICES = ("auto", "cpu", "mps") if sys.platform == "darwin" else ("auto", "cpu", "cuda")


def size_words(parameters: int) -> str:
    """A number of parameters in few words."""
    if parameters >= 1_000_000:
        return f"{parameters / 1e6:.2f} M"
    return f"{parameters / 1e3:.0f} k" if parameters else ""


class ModelPanel(QWidget):
    """Two choosers in one row."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._models: tuple[ModelCard, ...] | None = None
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(5)
        body.addWidget(heading("Model"))
        self.models, self.device = Chooser(), Chooser()
        described(self.models, "Model", "The network that reads the image.")
        described(self.device, "Device", "Where the network runs; auto takes the best there is.")
        self.models.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.models.setPlaceholderText("no model")
        self.device.addItems(DEVICES)
        row = QHBoxLayout()
        row.setSpacing(5)
        row.addWidget(self.models, 1)
        row.addWidget(self.device)
        body.addLayout(row)
        self.models.activated.connect(
            lambda index: attempt(bench, lambda: bench.explaining.select_model(self.models.itemData(index)))
        )
        self.device.activated.connect(
            lambda index: attempt(bench, lambda: bench.explaining.select_device(DEVICES[index]))
        )

    def show_session(self, session: Session) -> None:
        if session.models is not self._models:
            self._models = session.models
            self.models.clear()
            for card in session.models:
                words = [card.id, size_words(card.parameters)]
                self.models.addItem("  ·  ".join(word for word in words if word), card.id)
        index = self.models.findData(session.model_id)
        if index < 0 and session.model_id:
            self.models.addItem(session.model_id, session.model_id)  # a folder that lies elsewhere
            index = self.models.count() - 1
        if index != self.models.currentIndex():
            self.models.setCurrentIndex(index)
        if session.model is not None:
            self.models.setToolTip(f"{session.model.card.name}. {session.model.card.licence}".strip())
        at = DEVICES.index(session.device) if session.device in DEVICES else -1
        if at != self.device.currentIndex():
            self.device.setCurrentIndex(at)
