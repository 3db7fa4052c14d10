"""The verbs of the Cohort workspace, job by job: progress, stopping, going on."""

from __future__ import annotations

import pytest

from tests.tiny import write_tiny_model
from tests.tiny_cohort import write_tiny_cohort
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import UsageError
from viewer.foundation.job_runner import InlineRunner


@pytest.fixture
def bench(tmp_path, user_folder):
    write_tiny_model(user_folder)
    bench = Workbench(InlineRunner())
    bench.cohorts.jobs = 0
    bench.explaining.select_model("tiny")
    bench.cohorts.open(write_tiny_cohort(tmp_path / "c", strokes=2, others=1))
    bench.cohorts.choose(pixels=False)
    return bench


def test_a_stopped_run_keeps_its_lines_and_goes_on(bench):
    session = bench.session
    runs = []

    def follow(cohort, *_):
        if cohort is not None and cohort.run is not None:
            runs.append((cohort.run.done, cohort.run.total))
            if cohort.run.done == 1:
                bench.cohorts.stop()

    session.events.cohort.connect(follow)
    bench.cohorts.run()
    session.events.cohort.disconnect(follow)
    assert session.cohort.run is None
    assert session.cohort.document is None
    assert "Run goes on from there" in session.cohort.sentence
    made = [line.outcome for line in session.cohort.lines]
    assert "" in made
    assert "TP" in made
    assert max(runs) < (3, 3)
    bench.cohorts.run()
    assert [line.outcome for line in session.cohort.lines] == ["TP", "TP", "TN"]
    assert session.cohort.document["images"] == 3


def test_neighbours_follow_the_filter(bench):
    bench.cohorts.run()
    bench.cohorts.show_groups(frozenset({"TN"}))
    bench.cohorts.step(1)
    assert bench.session.cohort.current == 2
    with pytest.raises(UsageError, match="last case"):
        bench.cohorts.step(1)
    bench.cohorts.show_groups(frozenset())
    bench.cohorts.step(-1)
    assert bench.session.cohort.current == 1
    assert bench.session.case.truth.positive_slices[2]
    # A case without the finding has a truth too: nowhere.
    bench.cohorts.open_case(2)
    assert not bench.session.case.truth.positive_slices.any()


def test_closing_goes_back_to_reading(bench):
    assert bench.session.workspace == "cohort"
    bench.cohorts.close()
    assert bench.session.cohort is None
    assert bench.session.workspace == "reading"
    bench.cohorts.step(1)
    bench.cohorts.run()
    assert bench.session.cohort is None


def test_a_failure_is_said_and_ends_the_run(bench, tmp_path):
    for image in (tmp_path / "c").glob("p?.nii.gz"):
        image.write_bytes(b"broken")
    bench.cohorts.run()
    assert bench.session.cohort.run is None
    assert "None of the 3 images" in bench.session.notice.sentence
    assert all(line.group == "skipped" for line in bench.session.cohort.lines)
