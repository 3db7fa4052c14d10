"""Pixel importance by verbs: measured once, kept with its map, stopped, refused with a reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.controllers.conftest import StepRunner
from tests.tiny import bright_spot
from viewer.api import explain, load_model, pixel_importance
from viewer.controllers.replacing import PLAN
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import UsageError
from viewer.state.replacing import importance_view
from viewer.state.session import DIFFERENCE


def test_measured_as_a_script_measures_it_and_kept_with_the_map(bench: Workbench) -> None:
    image = bright_spot()
    bench.opening.show(image)
    session = bench.session
    assert importance_view(session).rows == ()
    bench.replacing.measure()
    assert not session.replacing.running
    assert session.work is None
    view = importance_view(session)
    made = explain(load_model("tiny"), image, explainer="grad-cam", target="stroke", slice=session.view.slice)
    expected = pixel_importance(load_model("tiny"), image, made, steps=10)
    for row in view.rows:
        index = expected.classes.index(row.name)
        np.testing.assert_allclose(
            row.cells,
            np.stack([expected.delta[0, :, index], expected.random_delta[0, :, index]], axis=1),
            atol=2e-3,  # the map in the window is kept in half precision
        )
    assert [row.explained for row in view.rows] == [False, True]
    assert view.deletion is not None
    assert view.areas.startswith("deletion ")
    assert view.before is not None
    assert view.after is not None
    changed = view.before != view.after
    assert 0.03 < changed.mean() <= 0.05
    bench.replacing.set_fraction(50)
    bench.replacing.set_transform("blur-21")
    other = importance_view(session)
    assert (other.before != other.after).mean() > 0.3
    assert other.rows != view.rows
    # Another slice has not been measured; going back finds it.
    bench.viewing.select_slice(0)
    assert importance_view(session).rows == ()
    bench.viewing.select_slice(2)
    assert importance_view(session).rows == other.rows


def test_it_says_why_it_cannot_be_measured(bench: Workbench) -> None:
    assert importance_view(bench.session).line == "Needs an image and a model"
    bench.opening.show(bright_spot())
    bench.explaining.select_target(DIFFERENCE)
    view = importance_view(bench.session)
    assert not view.may_measure
    assert "choose one" in view.line
    with pytest.raises(UsageError, match="no finished map of one class"):
        bench.replacing.measure()
    with pytest.raises(UsageError, match="no transform 'blurr'"):
        bench.replacing.set_transform("blurr")
    with pytest.raises(UsageError, match="not measured here"):
        bench.replacing.set_transform("blur-31")
    with pytest.raises(UsageError, match="none of the fractions"):
        bench.replacing.set_fraction(3)


def test_a_map_that_orders_nothing_is_a_sentence(bench: Workbench) -> None:
    image = bright_spot()
    bench.opening.show(replace(image, voxels=np.zeros_like(image.voxels)))
    bench.replacing.measure()
    assert bench.session.notice is not None
    assert "same everywhere" in bench.session.notice.sentence
    assert not bench.session.replacing.running


def test_progress_and_cancel(slow_bench: Workbench, steps: StepRunner) -> None:
    session = slow_bench.session
    slow_bench.opening.show(bright_spot())
    steps.drain()
    seen: list[tuple[int, int]] = []
    session.events.work.connect(lambda work: seen.append((work.done, work.total)) if work else None)
    slow_bench.replacing.measure()
    assert importance_view(session).running
    slow_bench.replacing.measure()  # a second press while it runs is nothing
    assert len(steps.waiting) == 1
    slow_bench.cancel()
    steps.drain()
    assert not session.replacing.running
    assert session.work is None
    assert session.notice is None
    assert session.reading is not None
    assert not session.reading.weighed
    slow_bench.replacing.measure()
    steps.drain()
    assert len(session.reading.weighed) == 1
    assert (PLAN.passes, PLAN.passes) in seen


def test_another_case_stops_it(slow_bench: Workbench, steps: StepRunner) -> None:
    slow_bench.opening.show(bright_spot())
    steps.drain()
    slow_bench.replacing.measure()
    first = slow_bench.session.reading
    slow_bench.opening.show(bright_spot(at=(1, 4, 4)))
    steps.drain()
    assert first is not None
    assert not first.weighed
    assert not slow_bench.session.replacing.running


def test_only_the_last_few_are_kept(bench: Workbench) -> None:
    bench.opening.show(bright_spot(12))
    for index in range(10):
        bench.viewing.select_slice(index)
        bench.replacing.measure()
    assert bench.session.reading is not None
    assert [place.slice for place in bench.session.reading.weighed] == list(range(2, 10))
