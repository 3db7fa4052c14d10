"""How the map is laid over the slice."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from viewer.controllers.workbench import Workbench
from viewer.foundation.settings import COLOUR_MAPS
from viewer.state.map_view import has_reference
from viewer.state.method import has_segments
from viewer.state.session import Session
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import Chooser, described, heading, keeps_room, labelled

_SCALES = (
    ("reference", "model reference", "the same for every patient, from the model's card"),
    ("series", "this series", "the highest value in this series"),
    ("slice", "this slice", "the highest value on this slice; noise looks strong"),
)


class OverlayPanel(QWidget):
    """Two sliders, colour map, scale, own cells."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(5)
        body.addWidget(heading("Overlay"))
        self.opacity, self._opacity_number = _slider(body, "Opacity", "Opacity of the map (Shift+wheel).")
        self.threshold, self._threshold_number = _slider(
            body, "Threshold", "Below this share of the scale the map is transparent."
        )
        self.opacity.valueChanged.connect(lambda value: bench.viewing.set_opacity(value / 100))
        self.threshold.valueChanged.connect(lambda value: bench.viewing.set_threshold(value / 100))
        row = QHBoxLayout()
        row.setSpacing(5)
        self.scale, self.colour_map = Chooser(), Chooser()
        for name, words, tip in _SCALES:
            self.scale.addItem(words, name)
            self.scale.setItemData(self.scale.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        described(self.scale, "Scale", "What full colour means.")
        self.colour_map.addItems(COLOUR_MAPS)
        described(
            self.colour_map, "Colour map", "Colours of one class; jet is there to compare with papers only."
        )
        row.addWidget(self.scale, 1)
        row.addWidget(self.colour_map, 1)
        body.addLayout(row)
        self.true_grid = QCheckBox("Map's own cells")
        described(
            self.true_grid,
            "Own cells",
            "Draw the map at its true resolution instead of a smooth picture of it.",
        )
        self.boundaries = QCheckBox("Segments")
        described(
            self.boundaries, "Segment boundaries", "Draw where the segments meet that the map is made of."
        )
        keeps_room(self.boundaries)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.true_grid, 1)
        row.addWidget(self.boundaries)
        body.addLayout(row)
        self.scale.activated.connect(
            lambda index: attempt(bench, lambda: bench.viewing.set_scale(self.scale.itemData(index)))
        )
        self.colour_map.activated.connect(
            lambda index: attempt(bench, lambda: bench.viewing.set_colour_map(COLOUR_MAPS[index]))
        )
        self.true_grid.clicked.connect(bench.viewing.toggle_true_grid)
        self.boundaries.clicked.connect(bench.viewing.toggle_boundaries)

    def show_session(self, session: Session) -> None:
        overlay = session.overlay
        _put(self.opacity, self._opacity_number, overlay.opacity, "%")
        _put(self.threshold, self._threshold_number, overlay.threshold, "% of scale")
        known = session.model is None or has_reference(session)
        self.scale.setItemText(0, _SCALES[0][1] if known else "series (no reference)")
        for combo, index in (
            (self.scale, self.scale.findData(overlay.scale)),
            (self.colour_map, self.colour_map.findText(overlay.colour_map)),
        ):
            if combo.currentIndex() != index:
                combo.setCurrentIndex(index)
        for box, wanted in ((self.true_grid, overlay.true_grid), (self.boundaries, overlay.boundaries)):
            if box.isChecked() != wanted:
                box.setChecked(wanted)
        self.boundaries.setVisible(has_segments(session))


def _slider(body: QVBoxLayout, name: str, tip: str) -> tuple[QSlider, QLabel]:
    slider, number = QSlider(Qt.Orientation.Horizontal), QLabel()
    slider.setRange(0, 100)
    slider.setPageStep(10)
    number.setObjectName("muted")
    theme.keep(number, "setMinimumWidth", 72)
    row = labelled(name, slider, tip)
    row.addWidget(number)
    body.addLayout(row)
    return slider, number


def _put(slider: QSlider, number: QLabel, value: float, unit: str) -> None:
    """Mirror a value; the slider's own signal is held back, because the state already knows it."""
    percent = round(value * 100)
    if slider.value() != percent:
        slider.blockSignals(True)
        slider.setValue(percent)
        slider.blockSignals(False)
    number.setText(f"{percent} {unit}")
