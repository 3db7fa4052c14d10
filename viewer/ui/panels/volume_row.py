"""The volumes of a series under the image: which one is shown, of how many, and how many images that is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QToolButton, QWidget

from viewer.controllers.workbench import Workbench
from viewer.state.opened import shown_of, volume_words
from viewer.state.session import Session
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import Elided, described


class _Slider(QSlider):
    """The wheel over it goes through the volumes one by one, whatever the length of the slider."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setPageStep(1)


class VolumeRow(QWidget):
    """Visible where a series holds more than what is on screen."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self.setAccessibleName("Volumes")
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 0, 2, 0)
        row.setSpacing(8)
        self.back, self.on = QToolButton(), QToolButton()
        for button, arrow, name, step in (
            (self.back, Qt.ArrowType.LeftArrow, "Previous volume", -1),
            (self.on, Qt.ArrowType.RightArrow, "Next volume", 1),
        ):
            button.setArrowType(arrow)
            described(button, name, f"{name}; slice and window stay.")
            button.clicked.connect(
                lambda _=False, step=step: attempt(bench, lambda: bench.volumes.step(step))
            )
        self.slider = _Slider()
        described(self.slider, "Volume", "Show another volume of this series; slice and window stay.")
        self.slider.valueChanged.connect(self._moved)
        self.label = Elided()
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.label.setMinimumWidth(80)
        self.note = QLabel()
        self.note.setObjectName("amber")
        self.note.setToolTip("The series holds more images than the volume on screen.")
        for widget in (self.back, self.slider, self.on):
            row.addWidget(widget)
        row.addWidget(self.label, 1)
        row.addWidget(self.note)
        self.slider.setMinimumWidth(110)
        self.slider.setMaximumWidth(260)
        row.setStretch(1, 1)
        self.hide()

    def show_session(self, session: Session) -> None:
        image = session.case.image if session.case is not None else None
        # While a series is being read its other volumes are named already, and wait.
        count = len(image.volumes) if image is not None and session.entry is not None else 0
        count = count if count > 1 else 0
        note = shown_of(image, session.entry, session.opened) if image is not None else ""
        self.setVisible(bool(count or note))
        for widget in (self.back, self.slider, self.on, self.label):
            widget.setVisible(count > 0)
        if note != self.note.text():
            self.note.setText(note)
            self.note.setMinimumWidth(self.note.sizeHint().width() + 4)
        if not count or image is None:
            return
        index = image.volume if session.volume is None else session.volume
        self.slider.blockSignals(True)
        self.slider.setRange(0, count - 1)
        self.slider.setValue(index)
        self.slider.blockSignals(False)
        words = volume_words(image.volumes, index)
        self.label.set_full(words if session.volume is None else f"{words}  reading …")
        self.slider.setAccessibleDescription(words)
        there = session.volumes > 0
        self.slider.setEnabled(there)
        self.back.setEnabled(there and index > 0)
        self.on.setEnabled(there and index < count - 1)

    def _moved(self, index: int) -> None:
        attempt(self._bench, lambda: self._bench.volumes.select(index))
