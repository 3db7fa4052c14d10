"""What is left and comes back: pushed-out maps, late failures, a map that gets better in the other planes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.controllers.conftest import StepRunner
from tests.tiny import bright_spot
from tests.tiny_volume import write_tiny_volume_model
from viewer.controllers import engine
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import Cancelled
from viewer.foundation.job_runner import InlineRunner
from viewer.models.memory import FELL_BACK
from viewer.state.map_stack import MapStack
from viewer.state.map_view import map_view, signed_map
from viewer.state.method import method_of
from viewer.state.screen import Presenter
from viewer.state.session import DIFFERENCE

MANY = {"samples": 100, "of": "grad-cam"}


def choose(bench: Workbench, name: str, **parameters: object) -> None:
    bench.explaining.set_parameters(name, parameters)
    bench.explaining.select_explainer(name)


def test_a_map_on_demand_that_was_pushed_out_is_no_reason_to_trace_again(bench: Workbench) -> None:
    bench.opening.show(bright_spot())
    session = bench.session
    choose(bench, "smoothgrad", samples=4, of="grad-cam")
    store, method = session.reading.atlas.store, method_of(session)
    store.discard([k for k in list(store._maps) if k[-1] == method.key])
    bench.explaining.select_explainer("grad-cam")
    assert session.notice is None
    assert session.work is None


def test_a_map_of_the_volume_is_drawn_when_it_comes_on_the_scale_of_the_slice(user_folder: Path) -> None:
    write_tiny_volume_model(user_folder)
    bench = Workbench(InlineRunner())
    bench.opening.show(bright_spot(9, at=(4, 8, 20)))
    bench.explaining.select_model("tiny3d")
    session, presenter = bench.session, Presenter(bench.session)
    session.overlay.scale = "slice"
    assert presenter.screen().map is not None
    seen = []
    session.choice.events.layer.connect(lambda *_: seen.append(presenter.screen().map))
    session.choice.layer = "conv1"
    assert presenter.screen().map is not None


def test_the_late_failure_of_a_left_case_does_not_touch_the_next_one(
    slow_bench: Workbench, steps: StepRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, session = slow_bench, slow_bench.session
    bench.opening.show(bright_spot())
    steps.drain()
    choose(bench, "gradient")
    old = steps.waiting.pop(0)[1]
    bench.opening.show(bright_spot(at=(2, 18, 3)))
    while session.asking is None or session.asking.stage != "running":
        assert steps.step()
    real = engine.explain_steps

    def given_up(*_: object):
        raise Cancelled

    monkeypatch.setattr(engine, "explain_steps", given_up)
    old()
    monkeypatch.setattr(engine, "explain_steps", real)
    steps.drain()
    assert session.asking is None
    assert signed_map(session, session.reading, 2, session.choice.layer) is not None


def test_the_deviation_belongs_to_one_class_also_where_a_difference_is_chosen(
    slow_bench: Workbench, steps: StepRunner
) -> None:
    bench, session = slow_bench, slow_bench.session
    bench.opening.show(bright_spot())
    steps.drain()
    session.choice.target = DIFFERENCE
    session.choice.deviation = True
    choose(bench, "smoothgrad", samples=4)
    steps.drain()
    assert len({place.target for place in session.reading.rounds}) == 1
    found = map_view(session, session.reading, 2)
    assert not found.diverging
    assert "unfinished" not in found.may_read.line


def test_the_other_planes_take_up_a_map_that_got_better(slow_bench: Workbench, steps: StepRunner) -> None:
    bench, session = slow_bench, slow_bench.session
    bench.opening.show(bright_spot())
    steps.drain()
    choose(bench, "smoothgrad", **MANY)
    steps.step()
    stack = MapStack(5)
    stack.follow(session, session.reading)
    first, version = stack._maps[2].copy(), stack.version
    stack.follow(session, session.reading)
    assert stack.version == version
    steps.drain()
    stack.follow(session, session.reading)
    assert stack.version == version + 1
    assert not np.array_equal(stack._maps[2], first)
    now = signed_map(session, session.reading, 2, session.choice.layer)
    np.testing.assert_allclose(stack._maps[2], np.maximum(now, 0), rtol=2e-3)
    stack.follow(session, session.reading)
    assert stack.version == version + 1


def test_the_processor_in_place_of_the_device_is_said_once(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from viewer.explainers import passes

    real = passes.in_fitting_parts
    monkeypatch.setattr(passes, "in_fitting_parts", lambda *how: (real(*how)[0], (FELL_BACK,)))
    bench.opening.show(bright_spot())
    choose(bench, "gradient")
    assert "processor" in bench.session.notice.sentence
    bench.dismiss_notice()
    bench.viewing.step(1)
    assert bench.session.notice is None
    assert FELL_BACK in bench.session.reading.flags
