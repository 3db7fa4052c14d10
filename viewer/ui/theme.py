"""Colours, fonts and the style sheet of the window. Every text colour keeps a contrast of 4.5:1 on its ground."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Literal
from weakref import WeakKeyDictionary

from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from viewer.foundation import paths

ThemeName = Literal["dark", "light"]


@dataclass(frozen=True)
class Theme:
    """Colours by purpose, ``#rrggbb``.

    Attributes
    ----------
    ground, card, raised, border : window, panel, control, outline.
    text, muted : words, less important words.
    accent, on_accent, selected : what is chosen, words on it, ground of a chosen row.
    amber, red, green, grey : read with care; do not; a reader's or correct; neutral.
    mass, mass_text : bars of attribution mass, and numbers about them.
    canvas : behind the picture, dark in either theme because pictures are read on dark ground.
    drawn, reader, map_box : boxes on the dark picture.
    """

    name: str
    ground: str
    card: str
    raised: str
    hover: str
    border: str
    text: str
    muted: str
    accent: str
    on_accent: str
    selected: str
    amber: str
    red: str
    green: str
    grey: str
    mass: str
    mass_text: str
    canvas: str = "#0f1115"
    letter: str = "#f6b042"
    drawn: str = "#4cc2ff"
    reader: str = "#4fd99a"
    map_box: str = "#ff9d4d"


DARK = Theme(
    name="dark",
    ground="#14171c",
    card="#1b1f26",
    raised="#262c36",
    hover="#303846",
    border="#2f3641",
    text="#e4e8ee",
    muted="#9aa4b3",
    accent="#4cc2ff",
    on_accent="#06202e",
    selected="#243243",
    amber="#f6b042",
    red="#ff7a8c",
    green="#4fd99a",
    grey="#9aa4b3",
    mass="#7a4b22",
    mass_text="#d8935a",
)
LIGHT = Theme(
    name="light",
    ground="#e6e9ee",
    card="#f7f8fa",
    raised="#ffffff",
    hover="#e3eefa",
    border="#c3cad4",
    text="#1a212b",
    muted="#525d6c",
    accent="#0862a8",
    on_accent="#ffffff",
    selected="#d8e8f7",
    amber="#8f5200",
    red="#b3202e",
    green="#0b6b42",
    grey="#525d6c",
    mass="#e0a875",
    mass_text="#8a4b12",
)
THEMES = {"dark": DARK, "light": LIGHT}

DARK_TEXT, DARK_MUTED = QColor(DARK.text), QColor(DARK.muted)
"""Words on the canvas, which is dark in either theme."""

_current = DARK
_text_size = 1.0
_system_points: float | None = None
_kept: WeakKeyDictionary[QWidget, dict[str, tuple[float, float]]] = WeakKeyDictionary()
"""Widget -> lengths that follow the size of the text, and how closely, by the name of their setter."""


def current() -> Theme:
    """The theme that the program runs in."""
    return _current


def colour(purpose: str, alpha: float = 1.0) -> QColor:
    """A colour of the current theme by purpose, with an alpha of 0..1."""
    found = QColor(getattr(_current, purpose))
    found.setAlphaF(alpha)
    return found


def scaled(length: float, share: float = 1.0) -> int:
    """A length that grows with the size of the text, logical pixels.

    Parameters
    ----------
    share : how much of the growth it takes part in, 0..1.
    """
    return round(length * (1 + (_text_size - 1) * share))


def points(size: float) -> float:
    """The size of a font, in points, as the user wants it."""
    return size * _text_size


def keep(widget: QWidget, setter: str, length: float, share: float = 1.0) -> None:
    """Give a widget a length that follows the size of the text from now on, such as ``setFixedWidth``."""
    _kept.setdefault(widget, {})[setter] = (length, share)
    getattr(widget, setter)(scaled(length, share))


def is_applied(name: str, text_size: float) -> bool:
    """Whether the program looks like that already."""
    return (_current.name, _text_size) == (name, text_size)


def apply(app: QApplication, name: ThemeName, text_size: float = 1.0) -> Theme:
    """Style the whole program, before any window is made or while they are there.

    Parameters
    ----------
    text_size : multiple of the usual size.
    """
    global _current, _text_size, _system_points
    _current, _text_size = THEMES[name], text_size
    if app.property("whyslice-style") is None:  # once: it makes every widget look at the whole style again
        app.setStyle("Fusion")
        app.setProperty("whyslice-style", True)
    # A sheet in place of another one is looked at by every widget once for each widget around it; after none, once.
    app.setStyleSheet("")
    for widget, lengths in list(_kept.items()):
        if isValid(widget):
            for setter, kept in lengths.items():
                getattr(widget, setter)(scaled(*kept))
    font = QFont(app.font())
    if _system_points is None:
        _system_points = max(9.0, min(font.pointSizeF(), 10.5))
    font.setPointSizeF(points(_system_points))
    if font != app.font():
        app.setFont(font)
    palette = QPalette()
    role = QPalette.ColorRole
    for which, purpose in (
        (role.Window, "ground"),
        (role.Base, "card"),
        (role.AlternateBase, "raised"),
        (role.Button, "raised"),
        (role.ToolTipBase, "raised"),
        (role.Highlight, "accent"),
        (role.WindowText, "text"),
        (role.Text, "text"),
        (role.ButtonText, "text"),
        (role.ToolTipText, "text"),
        (role.BrightText, "text"),
        (role.PlaceholderText, "muted"),
        (role.HighlightedText, "on_accent"),
        (role.Link, "accent"),
    ):
        palette.setColor(which, colour(purpose))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, colour("muted", 0.6))
    app.setPalette(palette)
    app.setStyleSheet(style_sheet(_current))
    return _current


def style_sheet(theme: Theme) -> str:
    """The style sheet of `resources/styles` with the colours of a theme in place of ``@name``."""
    text = (paths.resources() / "styles" / "whyslice.qss").read_text(encoding="utf-8")
    # Longest names first: @on_accent must not be read as @on plus rest, nor @card as part of another name.
    for name, value in sorted(asdict(theme).items(), key=lambda item: -len(item[0])):
        text = text.replace(f"@{name}", value)
    text = re.sub(r"(?<=font-size: )([\d.]+)pt", lambda found: f"{points(float(found[1])):g}pt", text)
    # The style takes these for the least that a control may be given: below the height of its words they would be cut.
    text = re.sub(r"(?<=-height: )(\d+)px", lambda found: f"{scaled(int(found[1]))}px", text)
    arrow = (paths.resources() / "icons" / f"arrow-{theme.name}.svg").as_posix()
    return text.replace("@arrow", arrow)
