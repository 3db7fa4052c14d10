"""Looking: slices, grey levels, overlay. Nothing here needs the network."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from viewer.foundation.errors import UsageError
from viewer.foundation.settings import validated
from viewer.imaging.image import Window
from viewer.imaging.windows import automatic_window, default_window
from viewer.state.case import Case, same_grid
from viewer.state.display import Convention
from viewer.state.session import Against, BottomTab, Measure, ScaleName, Session, Workspace
from viewer.state.veil import veil
from viewer.state.volume_peak import peak_place
from viewer.state.volume_reading import VolumeReading

_TILES = (90.0, 640.0)
"""Least and greatest width of a tile, pixels."""
_LEAST_WIDTH = 1e-6


class Viewing:
    """Verbs that change how the shown image is looked at."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._case: Case | None = None
        session.events.case.connect(self._case_changed)

    def select_slice(self, index: int) -> None:
        """Show a slice; the index is kept inside the series."""
        case = self._session.case
        if case is not None:
            self._session.view.slice = min(max(int(index), 0), case.slices - 1)

    def step(self, slices: int) -> None:
        """Scroll by a number of slices, either way."""
        self.select_slice(self._session.view.slice + slices)

    def first(self) -> None:
        self.select_slice(0)

    def last(self) -> None:
        if self._session.case is not None:
            self.select_slice(self._session.case.slices - 1)

    def peak(self) -> None:
        """Go to the slice, among those that are explained, with the highest probability of the chosen class.

        Of a network of volumes, which says nothing about single slices: to the place where the map is largest.
        """
        reading, target = self._session.reading, self._session.target_index
        if veil(self._session):
            return
        if isinstance(reading, VolumeReading):
            if (place := peak_place(self._session, reading)) is not None:
                index, row, column = place
                self.select_slice(index)
                self.set_cursor(row, column)
        elif reading is not None and target is not None and reading.filled:
            self.select_slice(max(reading.filled, key=lambda i: reading.probability(i, target)))

    def set_window(self, centre: float, width: float, name: str = "") -> None:
        """Set the grey-level window, in the units of the voxels."""
        self._session.view.window = Window(float(centre), max(float(width), _LEAST_WIDTH), name)

    def drag_window(self, wider: float, brighter: float) -> None:
        """Change the window by fractions of its width (mouse drag to the right, drag upwards)."""
        window = self._session.view.window
        self.set_window(
            window.centre - brighter * window.width, window.width * (1 + wider) if wider > -1 else 0
        )

    def preset(self, number: int) -> None:
        """Window preset 1, 2, 3..., or nothing when the image has fewer."""
        case = self._session.case
        if case is not None and 1 <= number <= len(case.presets):
            self._session.view.window = case.presets[number - 1]

    def automatic_window(self) -> None:
        """The window that the values of the shown slice suggest."""
        case, view = self._session.case, self._session.view
        if case is not None and not case.image.colour and case.has(view.slice):
            found = automatic_window(case.image, case.picture(view.slice))
            view.window = Window(found.centre, found.width, f"automatic, slice {view.slice + 1}")

    def toggle_inverted(self) -> None:
        """Exchange black and white on screen; what the network gets stays as it is."""
        self._session.view.inverted = not self._session.view.inverted

    def set_convention(self, name: str) -> None:
        """Which way round the patient is shown: ``radiological`` or ``neurological``."""
        self._session.view.convention = cast(Convention, validated("convention", name))

    def toggle_convention(self) -> None:
        radiological = self._session.view.convention == "radiological"
        self.set_convention("neurological" if radiological else "radiological")

    def set_workspace(self, name: Workspace) -> None:
        """Where to look; a case that has no volume is shown in Reading all the same.

        Raises
        ------
        UsageError
            While a class votes: other workspaces show the answer.
        """
        if veil(self._session):
            raise UsageError("The class is voting: reveal the answer first.", code="voting")
        if (lesson := self._session.lesson) is not None:
            self._session.lesson = replace(lesson, asking_maps=False)
        self._session.workspace = name

    def show_tab(self, name: BottomTab) -> None:
        """What is under the picture."""
        self._session.tab = name

    def reset_window(self) -> None:
        if self._session.case is not None:
            self._session.view.window = default_window(self._session.case.image)

    def set_cursor(self, row: float, column: float) -> None:
        """Put the crosshair at a position of the picture."""
        self._session.view.cursor = (float(row), float(column))

    def toggle_seen(self) -> None:
        """Show what the network saw, or the patient again."""
        self._session.view.seen = not self._session.view.seen

    def toggle_overlay(self) -> None:
        self._session.overlay.visible = not self._session.overlay.visible

    def show_overlay(self, visible: bool) -> None:
        self._session.overlay.visible = visible

    def toggle_bare(self) -> None:
        """Where many maps are shown: the maps alone, or over the picture again."""
        self._session.overlay.bare = not self._session.overlay.bare

    def toggle_sheet(self) -> None:
        """In Layers: every layer by every explainer of a trace, or one explainer's tiles again."""
        self._session.view.sheet = not self._session.view.sheet

    def compare_sheet(self, *, measure: Measure | None = None, against: Against | None = None) -> None:
        """How the maps of the sheet are compared, and with which."""
        view = self._session.view
        view.measure, view.against = measure or view.measure, against or view.against

    def zoom_tiles(self, factor: float) -> None:
        """Make the tiles larger or smaller where many maps are shown."""
        view = self._session.view
        view.tile = min(max(view.tile * float(factor), _TILES[0]), _TILES[1])

    def set_opacity(self, opacity: float) -> None:
        """Opacity of the overlay, 0..1."""
        self._session.overlay.opacity = min(max(float(opacity), 0.0), 1.0)

    def set_threshold(self, fraction: float) -> None:
        """Fraction of the scale below which the map is transparent, 0..1."""
        self._session.overlay.threshold = min(max(float(fraction), 0.0), 1.0)

    def set_colour_map(self, name: str) -> None:
        self._session.overlay.colour_map = validated("colour_map", name)

    def set_scale(self, name: ScaleName) -> None:
        """What full colour means: the model's reference, the series' maximum or this slice's."""
        self._session.overlay.scale = name

    def toggle_true_grid(self) -> None:
        """Show the map's own cells, or a smooth picture of them."""
        self._session.overlay.true_grid = not self._session.overlay.true_grid

    def toggle_boundaries(self) -> None:
        """Show or hide where the segments meet that a map is made of."""
        self._session.overlay.boundaries = not self._session.overlay.boundaries

    def set_full_screen(self, on: bool) -> None:
        """The window alone on the screen, or among others."""
        self._session.full_screen = on

    def toggle_phi(self) -> None:
        """Hide everything that identifies the patient, or show it."""
        self._session.phi_hidden = not self._session.phi_hidden

    def _case_changed(self, case: Case | None) -> None:
        """Another image begins as its file wants it to be seen."""
        old, self._case = self._case, case
        if not same_grid(old, case):
            self._session.view.inverted = False
