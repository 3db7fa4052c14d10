"""Asking for files to read or a name to write, in the system's own dialog or, where there is none, in Qt's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtGui import QIcon, QPainter
from PySide6.QtWidgets import QFileDialog, QHeaderView, QSplitter, QToolButton, QTreeView, QWidget

from viewer.ui import theme

_SIZE = (820, 480)
_PARTS = (150, 650)
_ARROWS = ("backButton", "forwardButton", "toParentButton")


class FileDialog(QFileDialog):
    """A file dialog; where it is Qt's own, its tools are drawn in the colour of the text and its columns are whole."""

    def __init__(self, parent: QWidget, title: str) -> None:
        super().__init__(parent, title)
        for button in self.findChildren(QToolButton):  # none of them are there in a dialog of the system
            if button.objectName() in _ARROWS:
                button.setIcon(_inked(button.icon(), button.iconSize().width() * 2))
            button.setStyleSheet("padding: 2px;")  # the buttons are as large as their icon and no more
        for splitter in self.findChildren(QSplitter):
            splitter.setSizes([theme.scaled(side) for side in _PARTS])
        for tree in self.findChildren(QTreeView):
            tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            self.resize(*(theme.scaled(side) for side in _SIZE))

    def asked(self) -> tuple[Path, ...]:
        """What the user chooses; empty where he thinks better of it."""
        chosen = tuple(Path(name) for name in self.selectedFiles()) if self.exec() else ()
        self.deleteLater()
        return chosen


class SaveDialog(FileDialog):
    """Asks for a name to write. One without an ending gets that of the chosen kind before older files are asked about.

    Parameters
    ----------
    name : what is proposed, without an ending.
    kinds : ending without a dot -> what it is; the first is proposed.
    """

    def __init__(self, parent: QWidget, title: str, name: str, kinds: Mapping[str, str]) -> None:
        super().__init__(parent, title)
        self._kinds = {f"{words} (*.{ending})": ending for ending, words in kinds.items()}
        self.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        self.setLabelText(QFileDialog.DialogLabel.LookIn, "Save in:")
        self.setNameFilters(list(self._kinds))
        ending = next(iter(kinds))
        self.setDefaultSuffix(ending)
        self.selectFile(f"{name}.{ending}")
        self.filterSelected.connect(self._follow_kind)

    def _follow_kind(self, chosen: str) -> None:
        """Another kind was chosen: a known ending of the name becomes that of it."""
        ending = self._kinds[chosen]
        self.setDefaultSuffix(ending)
        for path in map(Path, self.selectedFiles()):
            if path.suffix[1:].lower() in self._kinds.values():
                self.selectFile(path.with_suffix(f".{ending}").name)


def ask_for_name(window: QWidget, title: str, name: str, kinds: Mapping[str, str]) -> Path | None:
    """Ask for a name to write; None where the user thinks better of it."""
    return next(iter(SaveDialog(window, title, name, kinds).asked()), None)


def ask_for_files(window: QWidget, title: str, kinds: str, *, several: bool = False) -> tuple[Path, ...]:
    """Ask for one file to read, or several."""
    dialog = FileDialog(window, title)
    modes = QFileDialog.FileMode
    dialog.setFileMode(modes.ExistingFiles if several else modes.ExistingFile)
    dialog.setNameFilter(kinds)
    return dialog.asked()


def ask_for_folder(window: QWidget, title: str) -> Path | None:
    """Ask for a folder."""
    dialog = FileDialog(window, title)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    return next(iter(dialog.asked()), None)


def _inked(icon: QIcon, side: int) -> QIcon:
    """An arrow in the colour of the text: those of Qt are black."""
    pixmap = icon.pixmap(side, side)
    painter = QPainter(pixmap)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(pixmap.rect(), theme.colour("text"))
    painter.end()
    return QIcon(pixmap)
