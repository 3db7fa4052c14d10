"""Explanations that take long: a coarse map first, an estimate of the rest, and what was ordered goes on."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests.controllers.conftest import StepRunner
from tests.controllers.on_demand import choose, shown
from viewer.controllers import engine, talk
from viewer.controllers.workbench import Workbench
from viewer.state.asking import asking_words
from viewer.state.map_view import map_view

pytestmark = pytest.mark.usefixtures("quick_passes")

FINE = {"patch": 4, "stride": 1}
"""29 x 29 windows of the tiny network's input."""


def test_a_long_step_is_given_up_when_the_user_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    from viewer.foundation.errors import Cancelled

    monkeypatch.setattr(talk, "PATIENCE", -1.0)

    def endless(_: object, progress: talk.Talk):
        one.stop()
        progress.report(1, 1000)
        yield None

    monkeypatch.setattr(engine, "explain_steps", endless)
    one = talk.Talk(None)  # type: ignore[arg-type]
    with pytest.raises(Cancelled):
        one.step()
    assert one.ended


def test_what_is_prepared_between_two_answers_is_no_part_of_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def prepares(_: object, progress: talk.Talk):
        now[0] += 4.0
        yield SimpleNamespace(done=4)
        now[0] += 10.0
        progress.report(4, 8)
        now[0] += 2.0
        yield SimpleNamespace(done=8)

    monkeypatch.setattr(talk.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(engine, "explain_steps", prepares)
    one = talk.Talk(None)  # type: ignore[arg-type]
    one.step()
    assert (one.measured, one.seconds_a_round()) == (False, 1.0)
    one.step()
    assert (one.measured, one.seconds_a_round()) == (True, 0.5)


def test_an_expensive_one_waits_for_the_button(
    slow: Workbench, steps: StepRunner, asked: list[tuple[int, str]]
) -> None:
    slow.session.support = replace(slow.session.support, pass_seconds=1.0)
    choose(slow, "smoothgrad", samples=40)
    steps.drain()
    asking = slow.session.asking
    assert (asking.stage, asking.seconds) == ("offered", 40.0)
    assert asking_words(asking, 0.0) == "about 40 s on this slice"
    assert asked == []
    slow.explaining.asking.compute()
    steps.drain()
    assert shown(slow) is not None
    # What it really took is what the next estimate says, so that the next slice begins by itself.
    slow.viewing.step(1)
    steps.drain()
    assert shown(slow) is not None


@pytest.fixture
def dear(slow: Workbench) -> Workbench:
    """A pass takes a second, as far as anybody knows."""
    slow.session.support = replace(slow.session.support, pass_seconds=1.0)
    return slow


def test_a_coarse_map_is_there_before_a_long_explanation_is_ordered(
    dear: Workbench, steps: StepRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk.Talk, "seconds_a_round", lambda self: 0.1)
    choose(dear, "occlusion", **FINE)
    steps.drain()
    asking = dear.session.asking
    assert asking.stage == "offered"
    assert asking.total == 29 * 29
    assert 0 < asking.done < 100
    assert asking.seconds == pytest.approx(0.1 * (asking.total - asking.done))
    assert asking_words(asking, 0.0) == f"coarse, about {asking.seconds:.0f} s more"
    assert shown(dear) is not None
    found = map_view(dear.session, dear.session.reading, dear.session.view.slice)
    assert any(f"unfinished, {asking.done} of 841" in reason for reason in found.may_read.reasons)
    assert dear.session.work is None
    coarse = shown(dear).copy()

    dear.explaining.asking.compute()
    steps.drain()
    assert dear.session.asking is None
    assert not np.array_equal(coarse, shown(dear))


def test_after_a_glance_what_turns_out_to_be_quick_goes_on_by_itself(
    dear: Workbench, steps: StepRunner
) -> None:
    choose(dear, "occlusion", **FINE)
    assert dear.session.asking.seconds > 100
    steps.drain()
    assert dear.session.asking is None
    assert shown(dear) is not None
    assert dear.session.support.seconds["occlusion"] < 0.1


def test_what_was_ordered_goes_on_by_itself_when_the_user_comes_back(
    dear: Workbench, steps: StepRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk.Talk, "seconds_a_round", lambda self: 0.1)
    choose(dear, "occlusion", **FINE)
    steps.drain()
    dear.explaining.asking.compute()
    steps.step()
    before = dear.session.asking.done
    dear.explaining.select_explainer("grad-cam")
    steps.drain()
    assert dear.session.asking is None
    dear.explaining.select_explainer("occlusion")
    assert dear.session.asking.stage == "running"
    assert dear.session.asking.done >= before
    steps.step()
    dear.cancel()
    steps.drain()
    stopped = dear.session.asking
    assert stopped.stage == "stopped"
    assert stopped.done > before
    dear.explaining.select_explainer("grad-cam")
    dear.explaining.select_explainer("occlusion")
    steps.drain()
    assert dear.session.asking.done == stopped.done  # it was stopped by hand, and waits for a hand
    dear.explaining.asking.compute()
    steps.drain()
    assert dear.session.asking is None


def test_what_does_not_fit_the_network_is_said_in_a_sentence(dear: Workbench, steps: StepRunner) -> None:
    choose(dear, "occlusion", patch=40)
    steps.drain()
    assert dear.session.asking.stage == "refused"
    assert dear.session.asking.sentence == (
        "A patch of 40 rows is larger than the network's input of 32: choose at most 32."
    )
    choose(dear, "occlusion", patch=8, stride=8)
    steps.drain()
    assert shown(dear) is not None


def test_score_cam_counts_the_channels_of_its_layer(dear: Workbench, steps: StepRunner) -> None:
    from viewer.state.method import estimate

    choose(dear, "score-cam")
    assert estimate(dear.session) == pytest.approx(0.3 * 4)
    steps.drain()
    assert dear.session.asking is None
    place = next(iter(dear.session.reading.rounds))
    assert place.layer == "relu2"
