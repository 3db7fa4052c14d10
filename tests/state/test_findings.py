"""Several findings on one picture: which, in which colour, on which scale, and what may be said of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tiny import bright_spot
from tests.tiny_multilabel import LABELS, SPOTS, write_tiny_labels_model
from viewer.controllers import engine
from viewer.controllers.workbench import Workbench
from viewer.evaluation.regions import Region
from viewer.foundation.errors import UsageError
from viewer.foundation.job_runner import InlineRunner
from viewer.imaging.image import MedicalImage
from viewer.state.boxes_view import boxes_view
from viewer.state.canvas_view import canvas_view, shown_findings
from viewer.state.case import Truth
from viewer.state.class_colours import COLOURS, class_colour
from viewer.state.compare_view import compared_classes
from viewer.state.map_view import map_view
from viewer.state.screen import Presenter


def both() -> MedicalImage:
    """Slice 2 has a bright and a dark square."""
    image = bright_spot()
    voxels = image.voxels.copy()
    for slice_, row, column, value in SPOTS.values():
        voxels[slice_, row : row + 4, column : column + 4] = value
    return MedicalImage(voxels, image.geometry, modality="MR")


@pytest.fixture
def bench(user_folder: Path) -> Workbench:
    write_tiny_labels_model(user_folder)
    bench = Workbench(InlineRunner())
    bench.explaining.select_model("tiny-labels")
    bench.opening.show(both())
    bench.viewing.select_slice(2)
    return bench


def test_every_probable_finding_has_a_map_and_the_others_have_none(bench: Workbench) -> None:
    found = shown_findings(bench.session)
    assert [(entry.name, entry.number) for entry in found.entries] == [("bright", 1), ("dark", 2)]
    for entry in found.entries:
        _, row, column, _ = SPOTS[entry.name]
        peak_row, peak_column = entry.peak
        assert abs(peak_row - row - 2) <= 4, "cells of the map are four pixels wide"
        assert abs(peak_column - column - 2) <= 4
    bench.findings.set_least(0.0)
    assert len(shown_findings(bench.session).entries) == 3
    bench.findings.set_least(1.0)
    assert shown_findings(bench.session).entries == ()
    assert "no finding" in shown_findings(bench.session).verdict.line


def test_a_map_has_the_scale_that_it_has_alone(bench: Workbench) -> None:
    entry = shown_findings(bench.session).entries[1]
    bench.explaining.select_target("dark")
    alone = map_view(bench.session, bench.session.reading, 2)
    assert (entry.scale, entry.scale_label) == (alone.scale, alone.scale_label)
    assert np.array_equal(entry.values, alone.picture)
    assert entry.may_read.answer == alone.may_read.answer


def test_choosing_a_class_looks_at_it_alone_and_together_follows_the_most_probable(bench: Workbench) -> None:
    session = bench.session
    row = [session.reading.probability(2, k) for k in range(3)]
    assert session.choice.target == LABELS[int(np.argmax(row))]
    bench.explaining.select_target("grey")
    assert not session.findings.together
    assert shown_findings(session) is None
    bench.findings.toggle_together()
    assert session.choice.target == LABELS[int(np.argmax(row))]


def test_findings_are_hidden_one_by_one_without_asking_the_network(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "trace_slice", lambda *_: pytest.fail("the network was asked"))
    bench.findings.toggle_finding("bright")
    found = shown_findings(bench.session)
    assert [entry.name for entry in found.drawn] == ["dark"]
    assert "bright" not in "".join(found.verdict.reasons)
    bench.findings.toggle_finding("bright")
    assert len(shown_findings(bench.session).drawn) == 2
    with pytest.raises(UsageError, match="nearest: bright"):
        bench.findings.toggle_finding("brigth")


def test_the_verdict_names_the_class_that_it_is_about(bench: Workbench) -> None:
    bench.findings.set_least(0.0)
    reasons = shown_findings(bench.session).verdict.reasons
    assert any(reason.startswith("grey: ") for reason in reasons)
    assert sum("nobody can tell" in reason for reason in reasons) == 1, "what holds for all is said once"


def test_an_explainer_on_demand_says_what_is_not_computed(bench: Workbench) -> None:
    bench.explaining.select_explainer("integrated-gradients")
    found = shown_findings(bench.session)
    missing = [entry.name for entry in found.entries if entry.missing]
    assert missing
    assert all("not computed" in entry.missing for entry in found.entries if entry.missing)
    assert all(entry.values is None for entry in found.entries if entry.missing)


def test_a_change_of_style_makes_no_findings_anew(bench: Workbench) -> None:
    presenter = Presenter(bench.session)
    first = presenter.screen().canvas.findings
    bench.viewing.set_opacity(0.2)
    bench.viewing.set_cursor(3, 3)
    assert presenter.screen().canvas.findings is first
    bench.findings.toggle_finding("dark")
    assert presenter.screen().canvas.findings is not first


def test_facts_say_how_many_are_shown(bench: Workbench) -> None:
    found = map_view(bench.session, bench.session.reading, 2)
    view = canvas_view(bench.session, found, None, shown_findings(bench.session))
    assert any("2 findings together" in fact for fact in view.facts)


def test_probabilities_and_classes_that_are_none(bench: Workbench) -> None:
    for bad in (float("nan"), -0.1, 1.2):
        with pytest.raises(UsageError, match="no probability"):
            bench.findings.set_least(bad)


def test_classes_that_exclude_each_other_are_never_together(user_folder: Path) -> None:
    from tests.tiny import write_tiny_model

    write_tiny_model(user_folder)
    bench = Workbench(InlineRunner())
    bench.explaining.select_model("tiny")
    bench.opening.show(bright_spot())
    assert not bench.session.findings.together
    with pytest.raises(UsageError, match="exclude each other"):
        bench.findings.toggle_together()


def test_a_class_keeps_its_colour_and_colours_differ() -> None:
    classes = [f"c{k}" for k in range(15)]
    assert [class_colour(classes, name) for name in classes[:7]] == list(COLOURS)
    assert len({*COLOURS}) == len(COLOURS)
    assert class_colour(classes, "another") == ""


REGIONS = (
    Region(6, 20, 10, 25, "bright", "A", 2),
    Region(6, 20, 10, 24, "bright", "B", 2),
    Region(20, 6, 24, 10, "dark", "B", 2),
    Region(0, 0, 4, 4, "R", "A", 2),
    Region(6, 20, 10, 24, "bright", "B", 3),
)


@pytest.fixture
def read(bench: Workbench) -> Workbench:
    bench.opening.show(both(), truth=Truth(np.zeros(5, bool), REGIONS, readers=("A", "B")))
    bench.viewing.select_slice(2)
    return bench


def test_readers_boxes_have_the_colour_of_their_class_and_a_number_of_their_reader(read: Workbench) -> None:
    view = boxes_view(read.session, None, None)
    marks = [mark for mark in view.marks if mark.kind == "reader"]
    assert [mark.colour for mark in marks] == [COLOURS[0], COLOURS[0], COLOURS[1], ""]
    assert [mark.reader for mark in marks] == [0, 1, 1, 0]
    assert (view.labels, view.readers) == (("bright", "dark", "R"), ("A", "B"))


def test_boxes_are_narrowed_to_classes_and_readers(read: Workbench) -> None:
    def shown() -> list[tuple[str, str]]:
        view = boxes_view(read.session, None, None)
        return [(mark.region.label, mark.region.reader) for mark in view.marks]

    read.findings.toggle_label("bright")
    assert shown() == [("dark", "B"), ("R", "A")]
    read.findings.toggle_reader("B")
    assert shown() == [("R", "A")]
    assert boxes_view(read.session, None, None).filtered == 3
    read.findings.toggle_label("bright")
    assert shown() == [("bright", "A"), ("R", "A")]
    read.findings.show_all_boxes()
    assert len(shown()) == 4


def test_scores_are_of_all_readers_whatever_is_shown(read: Workbench) -> None:
    presenter = Presenter(read.session)
    before = presenter.screen().boxes.summary
    read.findings.toggle_reader("B")
    after = presenter.screen().boxes
    assert after.filtered == 2
    assert [row.scores for row in after.summary] == [row.scores for row in before]


def test_of_few_findings_all_are_compared(bench: Workbench) -> None:
    assert compared_classes(bench.session) == LABELS
