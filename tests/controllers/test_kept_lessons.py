"""Lessons over a restart: cases, votes and what was revealed come back; pixels, truth and maps are not kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny import bright_spot, write_tiny_model
from tests.tiny_cohort import write_tiny_cohort
from viewer.controllers.workbench import Workbench
from viewer.foundation import settings as settings_file
from viewer.foundation.job_runner import InlineRunner
from viewer.foundation.settings import Settings
from viewer.imaging.writing import write_nifti
from viewer.state.kept_lesson import KeptLesson, KeptStep
from viewer.state.veil import veil


@pytest.fixture
def home(tmp_path, monkeypatch, user_folder) -> Path:
    write_tiny_model(user_folder)
    monkeypatch.setattr(settings_file, "default_path", lambda: tmp_path / "settings.json")
    return tmp_path / "home"


def started(home: Path) -> Workbench:
    bench = Workbench(InlineRunner(), Settings())
    bench.keeping.begin(folder=home)
    return bench


def taught(home: Path, *where: Path) -> Workbench:
    """A class that has voted on two cases and has seen the answer of the first; the second is on screen."""
    bench = started(home)
    bench.explaining.select_model("tiny")
    bench.teaching.begin(*where)
    bench.teaching.count(1, 9)
    bench.teaching.reveal()
    bench.teaching.step(1)
    bench.teaching.count(0, 4)
    bench.boxing.add(2, 3, 10, 12)
    bench.keeping.keep()
    return bench


def restored(home: Path) -> Workbench:
    bench = started(home)
    bench.keeping.restore()
    return bench


def test_votes_answers_and_the_place_come_back(home, tmp_path):
    before = taught(home, write_tiny_cohort(tmp_path / "class")).session.lesson
    bench = restored(home)
    lesson = bench.session.lesson
    assert [step.row.path for step in lesson.steps] == [step.row.path for step in before.steps]
    assert (lesson.at, lesson.away, lesson.opening) == (1, False, False)
    assert [step.ballot for step in lesson.steps] == [step.ballot for step in before.steps]
    assert [step.revealed for step in lesson.steps] == [True, False, False, False, False]
    assert bench.session.case.image.source.path.name == "p1.nii.gz"
    assert bench.session.boxes.drawn
    assert veil(bench.session) == "answer", "what the class has not seen stays hidden"
    assert bench.session.case.truth is None
    bench.teaching.step(-1)
    assert veil(bench.session) != "answer"
    assert bench.session.case.truth is not None
    bench.teaching.step(1)
    bench.teaching.reveal()
    assert bench.session.case.truth is not None


def test_what_is_kept_holds_no_truth_and_no_pixels(home, tmp_path):
    taught(home, write_tiny_cohort(tmp_path / "class"))
    kept = json.loads((home / "session.json").read_text())["lesson"]
    assert set(kept) == {"steps", "at", "reveals_first", "away"}
    assert all(set(step) == set(KeptStep.__dataclass_fields__) for step in kept["steps"])
    assert len(json.dumps(kept)) < 4000
    asked = started(home).session.kept[0]
    assert "lesson, case 2 of 5" in asked.words(hidden=True)
    assert "p1" not in asked.words(hidden=True)


def test_series_of_a_folder(home, tmp_path):
    for name in ("a", "b", "c"):
        image = bright_spot(at=(2, 8, 20))
        write_nifti(tmp_path / f"{name}.nii.gz", image.voxels, image.geometry)
    taught(home, tmp_path)
    bench = restored(home)
    assert [step.entry.info.path.name for step in bench.session.lesson.steps] == [
        "a.nii.gz",
        "b.nii.gz",
        "c.nii.gz",
    ]
    assert bench.session.entry is bench.session.lesson.step.entry
    assert not bench.session.lesson.away
    bench.teaching.step(1)
    assert bench.session.case.image.source.path.name == "c.nii.gz"


def test_the_open_case_with_its_own_truth(home, tmp_path):
    image, path, mask = bright_spot(5, at=(2, 8, 20)), tmp_path / "a.nii.gz", tmp_path / "mask.nii.gz"
    write_nifti(path, image.voxels, image.geometry)
    write_nifti(mask, (image.voxels > image.voxels.max() / 2).astype("uint8"), image.geometry)
    bench = started(home)
    bench.explaining.select_model("tiny")
    bench.opening.open(path, truth=mask)
    bench.teaching.begin_here()
    bench.keeping.keep()
    again = restored(home)
    assert again.session.case.truth is None
    assert veil(again.session) == "answer"
    again.teaching.reveal()
    assert again.session.case.truth.positive_slices.any()
    again.keeping.keep()
    assert restored(home).session.case.truth is not None, "kept a second time"


def test_what_is_gone_says_so_and_the_rest_goes_on(home, tmp_path):
    folder = write_tiny_cohort(tmp_path / "class")
    taught(home, folder)
    table = (folder / "cohort.csv").read_text().splitlines()
    (folder / "cohort.csv").write_text("\n".join(line for line in table if not line.startswith("p2")) + "\n")
    bench = restored(home)
    assert "not there any more" in bench.session.lesson.steps[2].problem
    bench.teaching.step(1)
    assert bench.session.lesson.at == 3


def test_where_the_case_on_screen_is_gone_nothing_is_open_and_it_is_said(home, tmp_path):
    folder = write_tiny_cohort(tmp_path / "class")
    taught(home, folder)
    folder.rename(tmp_path / "elsewhere")
    bench = restored(home)
    assert bench.session.lesson is None
    assert bench.session.case is None
    assert "The lesson is not brought back" in bench.session.notice.sentence
    assert json.loads((home / "starts.json").read_text()) == {"failed": 0}


def test_a_lesson_that_waited_waits_again(home, tmp_path):
    bench = taught(home, write_tiny_cohort(tmp_path / "class"))
    image = bright_spot(4)
    write_nifti(tmp_path / "other.nii.gz", image.voxels, image.geometry)
    bench.opening.open(tmp_path / "other.nii.gz")
    assert bench.session.lesson.away
    bench.keeping.keep()
    again = restored(home)
    assert again.session.case.image.source.path.name == "other.nii.gz"
    assert again.session.lesson.away
    again.teaching.step(1)
    assert (again.session.lesson.at, again.session.lesson.away) == (1, False)
    assert again.session.case.image.source.path.name == "p1.nii.gz"


def test_the_handout_counts_what_was_revealed_before(home, tmp_path):
    taught(home, write_tiny_cohort(tmp_path / "class"))
    bench = restored(home)
    bench.teaching.reveal()
    bench.teaching.handing_out.save(tmp_path / "h.html")
    words = (tmp_path / "h.html").read_text(encoding="utf-8")
    assert "1 of 5 cases; 3 were not revealed and are left out; 1 were revealed before a restart" in words
    bench.teaching.step(-1)
    bench.teaching.handing_out.save(tmp_path / "h.html")
    assert "2 of 5 cases; 3 were not revealed and are left out." in (tmp_path / "h.html").read_text()


def test_without_a_lesson_nothing_of_one_is_kept(home, tmp_path):
    bench = taught(home, write_tiny_cohort(tmp_path / "class"))
    bench.teaching.end()
    bench.keeping.keep()
    assert json.loads((home / "session.json").read_text())["lesson"] is None
    assert restored(home).session.lesson is None


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(PLAIN, PLAIN, st.sampled_from(["where", "name", "options", "hands", "truth", "revealed"]), PLAIN)
def test_a_damaged_lesson_is_none_or_sound(steps, at, field, damage):
    good = KeptLesson((KeptStep("/a", "s1", options=("x", "y"), hands=(1, 2)),), 0).document()
    assert KeptLesson.of({**good, "steps": steps}) is None or steps
    KeptLesson.of({**good, "at": at})
    damaged = KeptLesson.of({**good, "steps": [{**good["steps"][0], field: damage}]})
    if damaged is not None:
        step = damaged.steps[0]
        assert len(step.options) == len(step.hands)
        assert isinstance(step.where, str)
        assert step.where
    assert KeptLesson.of(good).document() == good
