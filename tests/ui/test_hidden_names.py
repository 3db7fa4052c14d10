"""Names of a patient are hidden everywhere by one switch, and words that cannot be hidden are warned about."""

from __future__ import annotations

from tests.tiny import bright_spot
from viewer.imaging.diagnoses import Diagnosis


def words_on_screen(window):
    from PySide6.QtWidgets import QLabel, QWidget

    found = [window.windowTitle()]
    for widget in window.findChildren(QWidget):
        found += [widget.toolTip(), widget.accessibleName(), widget.accessibleDescription()]
        if isinstance(widget, QLabel):
            found.append(widget.text())
    return "\n".join(found)


def test_one_switch_for_title_panel_and_tooltips(study):
    study.bench.opening.choose(study.session.chooser.entries[0])
    study.settle()
    hidden = words_on_screen(study.window)
    for word in ("Anna", "A-17", "1970", "048", "2018"):
        assert word not in hidden
    assert study.window.windowTitle() == "WhySlice"
    study.bench.viewing.toggle_phi()
    study.settle()
    assert study.window.windowTitle().startswith("Anna, Example")
    text = study.window.case_panel._patient.text()
    assert text.splitlines() == [
        "Anna, Example",
        "ID A-17",
        "born 1970-01-01",
        "F · 48 years",
        "study 2018-09-18",
    ]
    study.bench.viewing.toggle_phi()
    study.settle()
    assert words_on_screen(study.window) == hidden


def test_words_in_the_picture_are_warned_about_whatever_is_hidden(bare):
    from dataclasses import replace

    warning = bare.window.burned_in
    bare.bench.opening.show(bright_spot(3))
    bare.settle()
    assert not warning.isVisible()
    finding = Diagnosis("burned-in-annotation", "warning", "Words are burned in.")
    bare.bench.opening.show(replace(bright_spot(3), diagnoses=(finding,)))
    bare.settle()
    assert warning.isVisible()


def test_findings_about_the_open_image_name_no_file(study):
    from dataclasses import replace

    from viewer.imaging.diagnoses import Diagnosis

    study.bench.opening.choose(study.session.chooser.entries[0])
    study.settle()
    case, said = study.session.case, "'Anna_1.json' beside the image is not a readable sidecar."
    finding = Diagnosis("bad-sidecar", "note", said)
    study.session.case = replace(case, image=replace(case.image, diagnoses=(finding,)))
    study.settle()
    (line,) = [dot for dot in study.window.case_panel._dots if "sidecar" in dot.text()]
    assert line.text() == line.accessibleName() == "The file beside the image is not a readable sidecar."
    study.bench.viewing.toggle_phi()
    study.settle()
    assert line.text() == said, "the line has kept its place"
