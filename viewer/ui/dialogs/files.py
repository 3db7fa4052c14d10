"""Questions for files, then the verb that they are for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from viewer.actions.action import Dialog
from viewer.controllers.workbench import Workbench
from viewer.ui.attempt import attempt
from viewer.ui.dialogs.about import About
from viewer.ui.dialogs.dispute_dialog import DisputeDialog
from viewer.ui.dialogs.keyboard_card import KeyboardCard
from viewer.ui.dialogs.notices_dialog import NoticesDialog
from viewer.ui.dialogs.palette import Palette
from viewer.ui.dialogs.running_dialog import RunningDialog
from viewer.ui.dialogs.settings_dialog import SettingsDialog
from viewer.ui.dialogs.shortcuts_dialog import ShortcutsDialog
from viewer.ui.dialogs.voxel_spacing import VoxelSpacing

_IMAGES = "Images (*.dcm *.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd *.png *.jpg *.jpeg);;All files (*)"
_PAGES = "PDF (*.pdf);;PNG, first page (*.png)"
_TRUTH = "Masks and boxes (*.nii *.nii.gz *.nrrd *.mha *.png *.json *.csv *.xml *.gz);;All files (*)"

_SAVED = ("save-figure", "save-sheet", "save-maps", "save-cohort", "save-experiment", "save-handout")

_PLAIN: Mapping[Dialog, Callable[[Workbench, QWidget], QDialog]] = {
    "settings": SettingsDialog,
    "shortcuts": ShortcutsDialog,
    "keyboard-card": KeyboardCard,
    "running": RunningDialog,
    "notices": NoticesDialog,
    "dispute": DisputeDialog,
}


_ZOOMS: Mapping[Dialog, float] = {"zoom-in": 1.25, "zoom-out": 1 / 1.25, "fit": 0.0}


class Asking:
    """Opens the dialogs that actions need; parented to the window.

    Parameters
    ----------
    act : does the action of an id, as its menu would.
    copy : puts a picture of the view on the clipboard.
    zoom : shows the picture so many times as large; 0 fits it.
    """

    def __init__(
        self,
        bench: Workbench,
        window: QWidget,
        act: Callable[[str], None],
        copy: Callable[[], None],
        zoom: Callable[[float], None],
    ) -> None:
        self._bench = bench
        self._window = window
        self._act = act
        self._copy = copy
        self._zoom = zoom

    def ask(self, dialog: Dialog) -> None:
        """Ask and, unless the user thinks better of it, act."""
        plain = _PLAIN.get(dialog)
        if plain is not None:
            plain(self._bench, self._window).open()
        elif dialog == "about":
            About(self._window).open()
        elif dialog == "copy-view":
            self._copy()
        elif dialog in _ZOOMS:
            self._zoom(_ZOOMS[dialog])
        elif dialog == "quit":
            self._window.close()
        elif dialog == "palette":
            palette = Palette(self._bench, self._window)
            palette.chosen.connect(self._act)
            palette.open()
        elif dialog == "spacing":
            if (case := self._bench.session.case) is not None:
                VoxelSpacing(self._bench, case, self._window).open()
        elif dialog in _SAVED:
            self._save(dialog)
        else:
            self._open(dialog)

    def _open(self, dialog: Dialog) -> None:
        bench, window = self._bench, self._window
        if dialog == "open-file":
            if paths := QFileDialog.getOpenFileNames(window, "Open files", "", _IMAGES)[0]:
                attempt(bench, lambda: bench.opening.open(*(Path(path) for path in paths)))
        elif dialog == "open-beside":
            if path := QFileDialog.getOpenFileName(window, "Open file beside", "", _IMAGES)[0]:
                attempt(bench, lambda: bench.beside.open(Path(path)))
        elif dialog == "open-cohort":
            if path := QFileDialog.getExistingDirectory(window, "Open a folder with cohort.csv"):
                attempt(bench, lambda: bench.cohorts.open(Path(path)))
        elif dialog == "begin-lesson":
            if path := QFileDialog.getExistingDirectory(window, "Open a folder of cases, or with cohort.csv"):
                attempt(bench, lambda: bench.teaching.begin(Path(path)))
        elif dialog == "load-truth":
            if path := QFileDialog.getOpenFileName(window, "Load truth", "", _TRUTH)[0]:
                attempt(bench, lambda: bench.opening.load_truth(Path(path)))
        elif path := QFileDialog.getExistingDirectory(window, "Open folder"):
            attempt(bench, lambda: bench.opening.open(Path(path)))

    def _save(self, dialog: Dialog) -> None:
        bench, window = self._bench, self._window
        if dialog == "save-figure":
            if path := QFileDialog.getSaveFileName(window, "Save figure", "figure.png", "PNG (*.png)")[0]:
                attempt(bench, lambda: bench.exporting.save_figure(_with_suffix(path, ".png")))
        elif dialog == "save-experiment":
            name = bench.session.experiment.name if bench.session.experiment is not None else "experiment"
            if path := QFileDialog.getSaveFileName(window, "Save the picture", f"{name}.pdf", _PAGES)[0]:
                known = path.lower().endswith((".png", ".pdf"))
                attempt(bench, lambda: bench.experiments.save(Path(path if known else f"{path}.pdf")))
        elif dialog == "save-sheet":
            if path := QFileDialog.getSaveFileName(window, "Save the sheet", "layers.png", "PNG (*.png)")[0]:
                attempt(bench, lambda: bench.exporting.save_sheet(_with_suffix(path, ".png")))
        elif dialog == "save-handout":
            if path := QFileDialog.getSaveFileName(window, "Save a handout", "handout.html", "HTML (*.html)")[
                0
            ]:
                handing_out = bench.teaching.handing_out
                attempt(bench, lambda: handing_out.save(_with_suffix(path, ".html")))
        elif dialog == "save-cohort":
            if path := QFileDialog.getExistingDirectory(window, "Save results in a folder"):
                attempt(bench, lambda: bench.cohorts.save(Path(path)))
        elif path := QFileDialog.getExistingDirectory(window, "Save maps in a folder"):
            attempt(bench, lambda: bench.exporting.save_maps(Path(path)))


def _with_suffix(path: str, suffix: str) -> Path:
    return Path(path if path.lower().endswith(suffix) else path + suffix)
