"""A lesson: order kept, votes kept, nothing of the answer in the state's views before it is revealed."""

from __future__ import annotations

import re
from random import Random

import numpy as np
import pytest

from tests.tiny import bright_spot
from tests.tiny_cohort import write_tiny_cohort
from viewer.actions.table import ACTIONS
from viewer.controllers.cohort.truth_of import truth_for_case
from viewer.controllers.decoys import KINDS, possible, real_maps
from viewer.controllers.workbench import Workbench
from viewer.evaluation.cohort_table import read_cohort
from viewer.foundation.errors import ExportError, UsageError
from viewer.imaging.writing import write_nifti
from viewer.state.screen import Presenter
from viewer.state.veil import veil
from viewer.state.vote_view import lesson_view

BY_ID = {action.id: action for action in ACTIONS}


@pytest.fixture
def lesson(bench, tmp_path) -> Workbench:
    """Three strokes, then two without, from a table; the first is being voted on."""
    bench.teaching.begin(write_tiny_cohort(tmp_path / "class"))
    return bench


def paths(bench: Workbench) -> list[str]:
    return [step.row.path for step in bench.session.lesson.steps]


def test_a_table_is_walked_in_its_order_and_back(lesson) -> None:
    assert paths(lesson) == [f"p{n}.nii.gz" for n in range(5)]
    seen = []
    for _ in range(4):
        seen.append(lesson.session.case.image.source.path.name)
        lesson.teaching.step(1)
    seen.append(lesson.session.case.image.source.path.name)
    assert seen == [f"p{n}.nii.gz" for n in range(5)]
    with pytest.raises(UsageError, match="last case of the lesson"):
        lesson.teaching.step(1)
    lesson.teaching.step(-1)
    assert lesson.session.lesson.at == 3


def test_a_folder_without_a_table_is_walked_by_name(bench, tmp_path) -> None:
    for name in ("b", "c", "a"):
        image = bright_spot(at=(2, 8, 20))
        write_nifti(tmp_path / f"{name}.nii.gz", image.voxels, image.geometry)
    bench.teaching.begin(tmp_path)
    names = [step.entry.info.path.name for step in bench.session.lesson.steps]
    assert names == ["a.nii.gz", "b.nii.gz", "c.nii.gz"]
    bench.teaching.step(1)
    assert bench.session.case.image.source.path.name == "b.nii.gz"


def test_a_folder_without_an_image_begins_no_lesson(bench, tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    bench.teaching.begin(tmp_path)
    assert bench.session.lesson is None
    assert bench.session.notice is not None


def test_a_case_that_cannot_be_opened_is_passed_over(bench, tmp_path) -> None:
    folder = write_tiny_cohort(tmp_path / "class")
    (folder / "p1.nii.gz").write_bytes(b"broken")
    bench.teaching.begin(folder)
    bench.teaching.count(1, 4)
    bench.teaching.step(1)
    current = bench.session.lesson
    assert current.at == 0
    assert current.steps[1].problem
    assert not current.away
    assert veil(bench.session) == "answer"
    assert current.step.ballot.hands == (0, 4)
    bench.teaching.step(1)
    assert bench.session.lesson.at == 2


def test_a_first_case_that_cannot_be_opened_leads_to_the_next(bench, tmp_path) -> None:
    folder = write_tiny_cohort(tmp_path / "class")
    (folder / "p0.nii.gz").write_bytes(b"broken")
    bench.teaching.begin(folder)
    assert bench.session.lesson.away
    bench.teaching.advance()
    assert bench.session.lesson.at == 1
    assert bench.session.case.image.source.path.name == "p1.nii.gz"


def test_votes_stay_where_they_were_given(lesson) -> None:
    teaching = lesson.teaching
    teaching.raise_hand(1)
    teaching.raise_hand(1)
    teaching.raise_hand(0)
    teaching.raise_hand(0, -5)
    teaching.step(1)
    assert teaching.ballot().hands == (0, 0)
    teaching.count(0, 7)
    teaching.step(-1)
    assert teaching.ballot().hands == (0, 2)
    assert [line.words for line in lesson_view(lesson.session).cases[:3]] == [
        "voted, 2 hands",
        "voted, 7 hands",
        "",
    ]


def test_no_view_holds_the_answer_before_it_is_revealed(lesson) -> None:
    session = lesson.session
    assert session.reading.filled  # it is known already
    screen = Presenter(session).screen()
    assert session.case.truth is None
    assert screen.map is None
    assert screen.canvas.map is None
    assert screen.canvas.values is None
    assert [bar.probability for bar in screen.prediction.bars] == [None, None]
    assert np.isnan(screen.strip.probability).all()
    assert np.isnan(screen.strip.mass).all()
    assert not any(screen.strip.outcomes)
    assert all(tile.thumbnail is None for tile in screen.rail)
    assert not screen.boxes.marks
    for wanted in ("compare", "layers", "volume", "cohort"):
        with pytest.raises(UsageError, match="voting"):
            lesson.viewing.set_workspace(wanted)
        session.workspace = wanted
        hidden = Presenter(session).screen()
        assert hidden.workspace == "reading"
        assert (hidden.layers, hidden.compare, hidden.planes) == (None, None, None)


@pytest.mark.parametrize(
    "identity",
    [
        *("view.peak", "map.check", "map.pixel-importance", "map.steadiness", "case.save-figure"),
        *("case.save-maps", "case.load-truth", "case.choose-series", "view.workspace-layers", "teach.decoy"),
    ],
)
def test_what_would_tell_cannot_be_done_while_a_class_votes(lesson, identity) -> None:
    assert not BY_ID[identity].is_enabled(lesson.session)
    lesson.teaching.reveal()
    if identity not in ("case.choose-series", "view.workspace-layers"):
        assert BY_ID[identity].is_enabled(lesson.session)


def test_verbs_that_would_tell_refuse(lesson, tmp_path) -> None:
    from viewer.controllers.shown import shown_maps, shown_slice

    session = lesson.session
    for frozen in (shown_slice, shown_maps):
        with pytest.raises(ExportError):
            frozen(session)
    with pytest.raises(UsageError, match="voting"):
        lesson.opening.load_truth(tmp_path / "class" / "p0-mask.nii.gz")
    before = session.view.slice
    lesson.viewing.peak()
    assert session.view.slice == before
    with pytest.raises(UsageError):
        lesson.explaining.checking.run()


def test_a_case_opens_on_its_middle_and_not_where_the_finding_is(bench, tmp_path) -> None:
    image = bright_spot(9, at=(7, 8, 20))
    mask = np.zeros(image.voxels.shape, np.uint8)
    mask[7, 8:12, 20:24] = 1
    write_nifti(tmp_path / "a.nii.gz", image.voxels, image.geometry)
    write_nifti(tmp_path / "m.nii.gz", mask, image.geometry)
    (tmp_path / "cohort.csv").write_text("path,case,mask\na.nii.gz,a,m.nii.gz\n")
    bench.teaching.begin(tmp_path)
    assert bench.session.lesson.step.truth.positive_slices[7]
    assert bench.session.view.slice == 4


def test_revealing_gives_map_prediction_and_truth_and_hiding_takes_them(lesson) -> None:
    session = lesson.session
    lesson.teaching.reveal()
    lesson.viewing.peak()
    screen = Presenter(session).screen()
    assert screen.map is not None
    assert screen.prediction.bars[1].probability is not None
    row = read_cohort(session.case.image.source.path.parent).images[0]
    assert len(session.case.truth.regions) == len(truth_for_case(row, session.case.image).regions)
    view = lesson_view(session)
    assert [row.right for row in view.rows] == [False, True]
    assert view.answer[0].startswith("The model says stroke")
    assert view.answer[1] == "It is stroke, on 1 of 5 slices."
    lesson.teaching.reveal()
    assert session.case.truth is None
    assert Presenter(session).screen().map is None
    assert lesson_view(session).answer == ()


def test_a_revealed_case_is_still_revealed_when_one_comes_back(lesson) -> None:
    lesson.teaching.reveal()
    lesson.teaching.step(1)
    assert veil(lesson.session) == "answer"
    lesson.teaching.step(-1)
    assert veil(lesson.session) == ""
    assert not lesson.session.lesson.away
    assert lesson.session.case.truth is not None


def test_a_clicker_reveals_and_then_goes_on(lesson) -> None:
    lesson.next_case()
    assert (lesson.session.lesson.at, veil(lesson.session)) == (0, "")
    lesson.next_case()
    assert (lesson.session.lesson.at, veil(lesson.session)) == (1, "answer")
    lesson.teaching.toggle_reveals_first()
    lesson.next_case()
    assert lesson.session.lesson.at == 2
    assert not lesson.session.lesson.steps[1].revealed
    lesson.previous_case()
    assert lesson.session.lesson.at == 1


def test_another_case_is_shown_as_usual_and_the_lesson_waits(lesson) -> None:
    lesson.teaching.count(1, 3)
    lesson.opening.open_demo()
    assert lesson.session.lesson.away
    assert veil(lesson.session) == ""
    assert lesson.session.case.truth is not None
    lesson.next_case()
    assert (lesson.session.lesson.at, lesson.session.lesson.away) == (0, False)
    assert veil(lesson.session) == "answer"
    assert lesson.teaching.ballot().hands == (0, 3)


def test_the_open_case_alone(bench) -> None:
    bench.opening.open_demo()
    truth = bench.session.case.truth
    bench.teaching.begin_here()
    assert bench.session.case.truth is None
    assert veil(bench.session) == "answer"
    bench.teaching.reveal()
    assert bench.session.case.truth is truth
    bench.teaching.reveal()
    bench.teaching.end()
    assert bench.session.lesson is None
    assert bench.session.case.truth is truth


def test_the_cases_that_the_table_shows(bench, tmp_path) -> None:
    with pytest.raises(UsageError, match="no case"):
        bench.teaching.begin_cohort()
    bench.cohorts.open(write_tiny_cohort(tmp_path / "class"))
    bench.teaching.begin_cohort()
    assert paths(bench) == [f"p{n}.nii.gz" for n in range(5)]
    assert bench.session.workspace == "reading"


def test_truth_by_label_alone(bench, tmp_path) -> None:
    folder = write_tiny_cohort(tmp_path / "class", mask="", boxes="")
    bench.teaching.begin(folder)
    bench.teaching.step(1)
    bench.teaching.step(1)
    bench.teaching.step(1)
    bench.teaching.reveal()
    assert "It is no stroke" in lesson_view(bench.session).answer[1]


# --- decoys --------------------------------------------------------------------------------------------------------


@pytest.fixture
def revealed(lesson) -> Workbench:
    lesson.teaching.reveal()
    lesson.viewing.peak()
    return lesson


def test_maps_would_tell_before_the_answer_is_revealed(lesson) -> None:
    with pytest.raises(UsageError, match="Reveal the answer first"):
        lesson.teaching.decoys.ask()


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_the_maps_is_a_decoy_and_says_how_it_was_made(revealed, kind) -> None:
    session = revealed.session
    real = real_maps(session)
    if kind not in possible(session, real):
        with pytest.raises(UsageError, match="cannot be made"):
            revealed.teaching.decoys.ask(kind)
        return
    revealed.teaching.decoys.ask(kind)
    question = session.lesson.question
    assert [each.decoy for each in question.maps].count(True) == 1
    assert len(question.maps) == len(real) + 1
    decoy = question.maps[question.answer]
    words = {"other-class": "of the class", "random-weights": "drawn at random", "random": "random number"}
    assert words.get(kind, "brightness") in decoy.how
    # The real ones are the network's, drawn where the slice lies.
    view = session.reading.views[session.view.slice]
    drawn = [each.values for each in question.maps if not each.decoy]
    for each in real:
        assert any(np.allclose(view.back(each.raw), values) for values in drawn)
        assert not np.allclose(view.back(each.raw) / each.raw.max(), decoy.values / decoy.largest, atol=0.02)


def test_nothing_tells_the_decoy_before_it_is_revealed(revealed) -> None:
    session = revealed.session
    revealed.teaching.decoys.ask("random")
    screen = Presenter(session).screen()
    assert screen.workspace == "compare"
    tiles = [tile for row in screen.compare.rows for tile in row]
    assert [tile.title for tile in tiles] == list(session.lesson.question.names)
    assert {tile.words for tile in tiles} == {""}
    assert {tile.watermark for tile in tiles} == {""}
    assert "One of these maps is a decoy" in screen.compare.title
    assert "random" not in screen.compare.title
    assert screen.map is None
    assert all(tile.thumbnail is None for tile in screen.rail)
    assert screen.prediction.bars[1].probability is not None  # that has been revealed


def test_the_decoy_is_told_afterwards(revealed) -> None:
    session = revealed.session
    revealed.teaching.decoys.ask("random")
    question = session.lesson.question
    revealed.teaching.count(question.answer, 9)
    revealed.next_case()  # reveals first
    screen = Presenter(session).screen()
    tiles = [tile for row in screen.compare.rows for tile in row]
    assert [tile.watermark for tile in tiles].count("DECOY") == 1
    assert tiles[question.answer].watermark == "DECOY"
    assert "is the decoy: a random number" in screen.compare.title
    assert session.lesson.question.ballot.hands[question.answer] == 9
    revealed.teaching.decoys.leave()
    assert Presenter(session).screen().workspace == "reading"
    assert Presenter(session).screen().map is not None


def test_places_and_kinds_are_drawn(bench, tmp_path) -> None:
    found = set()
    folder = write_tiny_cohort(tmp_path / "class")
    bench.teaching.begin(folder)
    bench.teaching.reveal()
    bench.viewing.peak()
    for seed in range(12):
        bench.teaching.decoys._draw = Random(seed)
        bench.teaching.decoys.ask()
        found.add((bench.session.lesson.question.kind, bench.session.lesson.question.answer))
        bench.teaching.reveal()
        bench.teaching.decoys.leave()
    assert len({kind for kind, _ in found}) > 1
    assert len({place for _, place in found}) > 1


def test_a_slice_with_too_few_maps_is_refused(lesson) -> None:
    lesson.teaching.reveal()
    empty = next(n for n in range(lesson.session.case.slices) if n != 2)
    lesson.viewing.select_slice(empty)
    if len(real_maps(lesson.session)) < 2:
        with pytest.raises(UsageError, match="too few maps"):
            lesson.teaching.decoys.ask("random")


# --- the handout ---------------------------------------------------------------------------------------------------


def test_a_handout_has_the_revealed_cases_with_votes_and_answers(revealed, tmp_path) -> None:
    out = tmp_path / "handout"
    revealed.teaching.count(1, 11)
    revealed.teaching.count(0, 2)
    revealed.teaching.decoys.ask("random")
    question = revealed.session.lesson.question
    revealed.teaching.count(question.answer, 5)
    revealed.teaching.reveal()
    revealed.teaching.step(1)
    revealed.teaching.step(1)
    revealed.teaching.reveal()
    revealed.teaching.handing_out.save(out)
    words = re.sub(r"base64,[^']*", "", out.with_suffix(".html").read_text(encoding="utf-8"))
    assert re.findall(r"<h2>(Case \d)</h2>", words) == ["Case 1", "Case 3"]
    assert "2 of 5 cases; 3 were not revealed and are left out." in words
    assert "<td>stroke \u2713</td><td>11</td>" in words
    assert "<td>no stroke</td><td>2</td>" in words
    assert f"<td>{question.names[question.answer]} \u2713</td><td>5</td>" in words
    assert "is the decoy: a random number" in words
    assert words.count("<img") == 2 + len(question.maps)
    assert "RESEARCH USE ONLY" in words


def test_what_a_handout_keeps_is_the_case_as_it_was_left(lesson) -> None:
    lesson.teaching.reveal()
    lesson.viewing.select_slice(1)
    lesson.teaching.step(1)
    kept = lesson.session.lesson.steps[0].pressed
    assert kept.record["slice"] == 1
    assert kept.figure.picture.base is None  # the volume may go
    lesson.teaching.reveal()
    lesson.opening.open_demo()  # something else comes on screen
    assert lesson.session.lesson.steps[1].pressed is not None
    assert lesson.session.lesson.steps[1].pressed.record["synthetic"] is False


def test_nothing_is_written_before_something_is_revealed(lesson, tmp_path) -> None:
    with pytest.raises(UsageError, match="revealed"):
        lesson.teaching.handing_out.save(tmp_path / "x.html")
    assert not list(tmp_path.glob("*.html"))


def test_revealing_shows_the_slice_that_the_answer_is_about(bench, tmp_path) -> None:
    image = bright_spot(9, at=(7, 8, 20))
    write_nifti(tmp_path / "a.nii.gz", image.voxels, image.geometry)
    bench.teaching.begin(tmp_path)
    assert bench.session.view.slice == 4
    bench.teaching.reveal()
    assert bench.session.view.slice == 7
    bench.teaching.reveal()
    bench.viewing.select_slice(3)
    bench.boxing.add(2, 2, 8, 8)
    bench.teaching.reveal()
    assert bench.session.view.slice == 3  # where the class has drawn
