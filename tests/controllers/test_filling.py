"""The atlas is filled from the visible slice outward, and nothing stale is ever shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.controllers.conftest import StepRunner
from tests.tiny import bright_spot, write_tiny_model
from viewer.controllers import engine
from viewer.controllers.workbench import Workbench
from viewer.foundation.job_runner import InlineRunner
from viewer.foundation.settings import Settings


def test_visible_slice_first_then_outward(slow_bench: Workbench, steps: StepRunner) -> None:
    slow_bench.opening.show(bright_spot(7))
    session = slow_bench.session
    assert session.view.slice == 3
    steps.step()
    assert list(session.reading.filled) == [3]
    slow_bench.viewing.select_slice(6)
    steps.step()  # was already on its way when the user scrolled
    steps.step()
    assert list(session.reading.filled)[-1] == 6
    steps.drain()
    assert sorted(session.reading.filled) == list(range(7))
    assert session.work is None


def test_choices_cost_no_pass_once_traced(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.opening.show(bright_spot())
    monkeypatch.setattr(engine, "trace_slice", lambda *_: pytest.fail("the network was asked again"))
    for _ in range(4):
        bench.explaining.step_explainer(1)
        bench.explaining.step_target(1)
        bench.explaining.step_layer(-1)
        bench.viewing.step(1)
        bench.viewing.set_threshold(0.3)


def test_mirror_and_back_keeps_what_is_there(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.opening.show(bright_spot())
    plain = bench.session.reading
    bench.explaining.toggle_mirror()
    mirrored = bench.session.reading
    assert mirrored is not plain
    assert bench.session.plain is plain
    assert sorted(mirrored.filled) == sorted(plain.filled)
    monkeypatch.setattr(engine, "trace_slice", lambda *_: pytest.fail("the network was asked again"))
    bench.explaining.toggle_mirror()
    assert bench.session.reading is plain


def test_another_case_drops_the_old_work(slow_bench: Workbench, steps: StepRunner) -> None:
    slow_bench.opening.show(bright_spot(5))
    steps.step()
    old = slow_bench.session.reading
    slow_bench.opening.show(bright_spot(3))
    assert slow_bench.session.reading is not old
    steps.drain()
    assert sorted(slow_bench.session.reading.filled) == [0, 1, 2]
    assert len(old.filled) <= 2


def test_a_case_opened_while_the_model_loads_is_explained(steps: StepRunner, user_folder: Path) -> None:
    write_tiny_model(user_folder)
    bench = Workbench(steps)
    bench.explaining.select_model("tiny")
    bench.opening.show(bright_spot(3))
    steps.drain()
    assert sorted(bench.session.reading.filled) == [0, 1, 2]


def test_cancel_stops_but_looking_still_explains(slow_bench: Workbench, steps: StepRunner) -> None:
    slow_bench.opening.show(bright_spot(9))
    steps.step()
    slow_bench.explaining.cancel()
    steps.drain()
    assert len(slow_bench.session.reading.filled) == 1
    assert slow_bench.session.work is None
    slow_bench.viewing.select_slice(8)
    assert steps.drain() == 1
    assert 8 in slow_bench.session.reading.filled


def test_a_failing_pass_is_one_sentence(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("patient name: Doe")

    monkeypatch.setattr(engine, "trace_slice", broken)
    bench.opening.show(bright_spot())
    assert bench.session.work is None
    assert bench.session.notice is not None
    assert "Doe" not in bench.session.notice.sentence
    assert "RuntimeError" in bench.session.notice.sentence


def test_maps_pushed_out_of_memory_come_back_when_looked_at(user_folder: Path) -> None:
    write_tiny_model(user_folder)
    bench = Workbench(InlineRunner(), Settings(atlas_budget_mb=16))
    bench.session.atlas_budget = 60_000
    bench.explaining.select_model("tiny")
    bench.opening.show(bright_spot(30))
    session = bench.session
    assert len(session.reading.filled) == 30
    assert session.atlas_bytes <= 60_000
    for index in (0, 29, 14):
        bench.viewing.select_slice(index)
        assert session.reading.atlas.signed(session.choice.layer, 1, "grad-cam", index) is not None


def test_a_budget_for_less_than_a_slice_is_said_and_ends(user_folder: Path) -> None:
    write_tiny_model(user_folder)
    bench = Workbench(InlineRunner())
    bench.session.atlas_budget = 100
    bench.explaining.select_model("tiny")
    bench.opening.show(bright_spot(3))
    assert "memory budget" in bench.session.notice.sentence


def test_does_not_apply_asks_first(bench: Workbench) -> None:
    bench.opening.show(bright_spot(modality="CT"))
    assert bench.session.reading is None
    bench.explaining.confirm_applicability()
    assert len(bench.session.reading.filled) == 5
    assert bench.session.judgement.applicability.verdict == "does_not_apply"


def test_the_map_lies_on_the_bright_spot(bench: Workbench) -> None:
    """From voxels through network and atlas back to voxels, mirrored or cropped alike."""
    from viewer.state.map_view import map_view

    bench.opening.show(bright_spot(at=(2, 8, 20)))
    for mirror in (False, True):
        if mirror:
            bench.explaining.toggle_mirror()
        found = map_view(bench.session, bench.session.reading, 2)
        row, column = np.unravel_index(int(found.picture.argmax()), found.picture.shape)
        assert 6 <= row <= 13
        assert 18 <= column <= 25


def test_unknown_names_are_answered_with_near_ones(bench: Workbench) -> None:
    from viewer.foundation.errors import UsageError

    bench.opening.show(bright_spot())
    with pytest.raises(UsageError, match="relu2"):
        bench.explaining.select_layer("relu9")
    with pytest.raises(UsageError, match="stroke"):
        bench.explaining.select_target("strok")
    with pytest.raises(UsageError, match="grad-cam"):
        bench.explaining.select_explainer("gradcam")


def test_a_model_that_cannot_be_loaded_is_said(bench: Workbench) -> None:
    bench.opening.show(bright_spot())
    bench.explaining.select_model("nothing")
    assert "no model 'nothing'" in bench.session.notice.sentence
    assert bench.session.work is None
    bench.explaining.select_model("tiny")
    assert len(bench.session.reading.filled) == 5
