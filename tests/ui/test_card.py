"""Labels show the words of a file as they are."""

from __future__ import annotations

from PySide6.QtGui import Qt
from pytestqt.qtbot import QtBot

from viewer.ui.panels.card import Elided, plain_tip


def test_markup_in_a_description_is_shown_and_not_followed(qtbot: QtBot) -> None:
    words = "head <b>bold</b> <img src='x'> and much more that does not fit"
    label = Elided()
    qtbot.addWidget(label)
    label.resize(40, 20)
    label.set_full(words)
    assert label.textFormat() == Qt.TextFormat.PlainText
    assert "&lt;b&gt;bold&lt;/b&gt;" in label.toolTip()


def test_plain_words_are_a_plain_tip() -> None:
    assert plain_tip("marked lesion<MPR Collection>") == "marked lesion<MPR Collection>"
    assert plain_tip("a < b") == "a < b"
    assert plain_tip("<i>one</i>\ntwo") == "<p>&lt;i&gt;one&lt;/i&gt;<br>two</p>"


def test_no_number_is_cut_in_two(qtbot: QtBot) -> None:
    label = Elided("slice 17 of 26    z +17.25 mm    1.1 mm pixels")
    qtbot.addWidget(label)
    whole = label.full.split()
    for width in range(20, label.sizeHint().width()):
        label.resize(width, 20)
        shown = label.text().removesuffix("\u2026").split()
        assert all(word in whole for word in shown if any(sign.isdigit() for sign in word)), label.text()
