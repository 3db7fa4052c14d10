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
