"""A disputed label: of a case of a cohort in its table, of any other in the session; both ways, and over a restart."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tiny import bright_spot, write_tiny_model
from tests.tiny_cohort import write_tiny_cohort
from viewer.controllers.cohort.disputes import kept_disputes
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import ExportError, UsageError
from viewer.foundation.job_runner import InlineRunner
from viewer.reporting import cohort_figures
from viewer.state.case import Truth
from viewer.state.disputed import disputed_of, line_of_open, why_no_dispute


@pytest.fixture
def bench(user_folder):
    write_tiny_model(user_folder)
    bench = Workbench(InlineRunner())
    bench.cohorts.jobs = 0
    bench.explaining.select_model("tiny")
    return bench


def known(bench):
    """The tiny patient with a truth, of no cohort."""
    bench.opening.show(bright_spot())
    session = bench.session
    session.case = session.case.with_truth(Truth(np.array([False, False, True, False, False])))
    return session


def test_a_label_of_a_case_of_no_cohort_is_disputed_undone_and_disputed_again(bench):
    session = known(bench)
    bench.disputing.dispute(" a scar, not a stroke ")
    assert disputed_of(session) == "a scar, not a stroke"
    assert session.history.past[-1].words == "dispute label"
    bench.noting.write("seen twice")
    bench.undoing.undo()
    bench.undoing.undo()
    assert (disputed_of(session), session.notes.text) == ("", "")
    bench.undoing.redo()
    assert (disputed_of(session), session.notes.text) == ("a scar, not a stroke", "")
    bench.disputing.dispute("")
    assert disputed_of(session) == ""
    assert session.history.past[-1].words == "take dispute back"
    bench.undoing.undo()
    assert disputed_of(session) == "a scar, not a stroke"
    bench.opening.show(bright_spot(7))
    assert disputed_of(session) == "", "it goes with its case"


def test_nothing_is_disputed_of_an_image_of_which_nothing_is_known(bench):
    with pytest.raises(UsageError, match="No image is open"):
        bench.disputing.dispute("wrong")
    bench.opening.show(bright_spot())
    assert "load its truth" in why_no_dispute(bench.session)
    with pytest.raises(UsageError, match="load its truth"):
        bench.disputing.dispute("wrong")
    assert bench.session.history.past == ()


def test_a_lesson_tells_nothing_of_a_label_before_it_reveals(bench):
    session = known(bench)
    bench.disputing.dispute("a scar")
    bench.teaching.begin_here()
    assert "not revealed" in why_no_dispute(session)
    bench.teaching.reveal()
    assert why_no_dispute(session) == ""


def test_a_case_of_the_cohort_is_disputed_in_its_table_and_back(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(cohort_figures, "cohort_figures", lambda _: ())  # they take most of the time
    folder = write_tiny_cohort(tmp_path / "c", strokes=2, others=1)
    session = bench.session
    bench.cohorts.open(folder)
    bench.cohorts.choose(pixels=False)
    bench.cohorts.run()
    bench.cohorts.open_case(1)
    assert line_of_open(session) == 1
    bench.disputing.dispute("mirrored by mistake")
    assert session.cohort.counts["disputed"] == 1
    assert session.cohort.document["predictions"]["per_patient"]["n"] == 2
    assert kept_disputes(folder.resolve()) == {"p1.nii.gz": "mirrored by mistake"}
    assert session.notes.disputed == ""
    bench.undoing.undo()
    assert session.cohort.counts["disputed"] == 0
    assert session.cohort.document["predictions"]["per_patient"]["n"] == 3
    assert not any(kept_disputes(folder.resolve()).values())
    bench.undoing.redo()
    assert session.cohort.lines[1].disputed == "mirrored by mistake"
    # Another case is another matter, and so is another image while the table stays.
    bench.cohorts.step(1)
    assert disputed_of(session) == ""
    known(bench)
    assert line_of_open(session) is None
    bench.disputing.dispute("of this one")
    assert [line.disputed for line in session.cohort.lines] == ["", "mirrored by mistake", ""]


def test_a_note_that_cannot_be_kept_is_no_step(bench, tmp_path, monkeypatch):
    from viewer.controllers.cohort import verbs

    bench.cohorts.open(write_tiny_cohort(tmp_path / "c", strokes=1, others=0))
    bench.cohorts.open_case(0)

    def full(_):
        raise ExportError("There is no room left.", code="not-written")

    monkeypatch.setattr(verbs, "keep_disputes", full)
    with pytest.raises(ExportError, match="no room"):
        bench.disputing.dispute("wrong")
    assert bench.session.history.past == ()
    assert disputed_of(bench.session) == ""


def test_the_note_survives_a_restart(bench, tmp_path):
    folder = write_tiny_cohort(tmp_path / "c", strokes=1, others=0)
    bench.keeping.begin(folder=tmp_path / "home")
    bench.opening.open(folder / "p0.nii.gz", truth=folder / "p0-mask.nii.gz")
    bench.disputing.dispute("a scar")
    bench.keeping.keep(at_once=True)
    after = Workbench(InlineRunner())
    after.keeping.begin(folder=tmp_path / "home")
    after.keeping.restore()
    assert disputed_of(after.session) == "a scar"
    assert after.session.history.past == ()
