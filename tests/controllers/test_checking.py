"""Checks of the map on screen: one by one, stopped, left and come back to, never shown under another map."""

from __future__ import annotations

import pytest

from tests.tiny import bright_spot
from viewer.controllers import engine
from viewer.controllers.workbench import Workbench
from viewer.evaluation.checks.declaration import CHECKS
from viewer.foundation.errors import UsageError
from viewer.state.checks_view import checks_view, known_findings
from viewer.state.session import DIFFERENCE

CHEAP = ("outside-body", "class-overlap", "mirror")


@pytest.fixture
def shown(bench: Workbench) -> Workbench:
    bench.opening.show(bright_spot())
    return bench


def stages(bench: Workbench) -> dict[str, str]:
    return {row.info.name: row.stage for row in checks_view(bench.session).rows}


def test_all_checks_are_made_and_kept_with_the_map(shown: Workbench) -> None:
    assert set(stages(shown).values()) == {"not made"}
    shown.check_map()
    session = shown.session
    assert session.tab == "checks"
    assert list(known_findings(session)) == list(CHECKS)
    assert set(stages(shown).values()) == {"made"}
    assert session.checking is None
    assert session.work is None
    assert checks_view(session).left == 0
    mirror = known_findings(session)["mirror"]
    assert mirror.value is not None


def test_what_the_window_finds_the_command_line_finds(shown: Workbench) -> None:
    shown.explaining.checking.run(CHEAP)
    session = shown.session
    from viewer import api

    found = api.check(
        engine.classifier("tiny", session.device),
        session.case.image,
        layer=session.choice.layer,
        target=session.choice.target,
        slice=session.view.slice,
        checks=CHEAP,
    )
    known = known_findings(session)
    assert {each.name: (each.value, each.sentence) for each in found} == {
        name: (known[name].value, known[name].sentence) for name in CHEAP
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda bench: bench.viewing.step(1),
        lambda bench: bench.explaining.select_target("no stroke"),
        lambda bench: bench.explaining.select_layer("relu1"),
        lambda bench: bench.explaining.select_explainer("layer-cam"),
        lambda bench: bench.explaining.toggle_mirror(),
        lambda bench: bench.explaining.select_score("margin"),
    ],
    ids=["slice", "class", "layer", "explainer", "input", "score"],
)
def test_nothing_is_shown_under_another_map_and_it_is_there_again_with_its_own(
    shown: Workbench, change
) -> None:
    shown.explaining.checking.run(("mirror",))
    session = shown.session
    first = known_findings(session)["mirror"]
    before = (session.view.slice, session.choice.target, session.choice.layer, session.choice.explainer)
    change(shown)
    assert known_findings(session) == {}
    assert stages(shown)["mirror"] == "not made"
    shown.viewing.select_slice(before[0])
    shown.explaining.select_target(before[1])
    shown.explaining.select_layer(before[2])
    shown.explaining.select_explainer(before[3])
    if session.choice.mirror:
        shown.explaining.toggle_mirror()
    shown.explaining.select_score("logit")
    assert known_findings(session)["mirror"] is first


def test_another_case_has_no_findings(shown: Workbench) -> None:
    shown.explaining.checking.run(("mirror",))
    shown.opening.show(bright_spot(seed=3) if "seed" in bright_spot.__code__.co_varnames else bright_spot(7))
    assert known_findings(shown.session) == {}


def test_they_come_one_by_one_and_a_stop_keeps_what_is_there(slow_bench: Workbench, steps) -> None:
    slow_bench.opening.show(bright_spot())
    steps.drain()
    checking, session = slow_bench.explaining.checking, slow_bench.session
    checking.run(CHEAP)
    assert stages(slow_bench)["outside-body"] == "running"
    assert stages(slow_bench)["mirror"] == "waiting"
    assert "outside the body" in session.work.name
    steps.step()
    assert stages(slow_bench) == {**stages(slow_bench), "outside-body": "made", "class-overlap": "running"}
    slow_bench.cancel()
    steps.drain()
    assert session.checking is None
    assert session.work is None
    assert list(known_findings(session)) == ["outside-body"]
    assert session.notice is None
    checking.run(CHEAP)
    assert session.checking.names == ("class-overlap", "mirror"), "what is known is not made again"
    steps.drain()
    assert set(known_findings(session)) == set(CHEAP)


def test_whoever_scrolls_on_finds_the_result_when_he_comes_back(slow_bench: Workbench, steps) -> None:
    slow_bench.opening.show(bright_spot())
    steps.drain()
    session, at = slow_bench.session, slow_bench.session.view.slice
    slow_bench.explaining.checking.run(("mirror",))
    slow_bench.viewing.step(1)
    steps.drain()
    assert known_findings(session) == {}
    slow_bench.viewing.select_slice(at)
    assert set(known_findings(session)) == {"mirror"}


def test_checks_of_another_map_take_the_place_of_those_under_way(slow_bench: Workbench, steps) -> None:
    slow_bench.opening.show(bright_spot())
    steps.drain()
    session = slow_bench.session
    slow_bench.explaining.checking.run(CHEAP)
    first = session.checking
    slow_bench.explaining.checking.run(CHEAP)
    assert session.checking is first
    slow_bench.viewing.step(1)
    slow_bench.explaining.checking.run(("mirror",))
    assert session.checking.place != first.place
    steps.drain()
    assert set(known_findings(session)) == {"mirror"}


def test_another_model_ends_the_checks(slow_bench: Workbench, steps) -> None:
    slow_bench.opening.show(bright_spot())
    steps.drain()
    slow_bench.explaining.checking.run()
    slow_bench.explaining.select_model("tiny")
    assert slow_bench.session.checking is None
    steps.drain()
    assert slow_bench.session.notice is None


def test_why_there_is_nothing_to_check(bench: Workbench) -> None:
    with pytest.raises(UsageError, match="no map to check"):
        bench.explaining.checking.run()
    bench.opening.show(bright_spot())
    bench.explaining.select_target(DIFFERENCE)
    with pytest.raises(UsageError, match="map of one class"):
        bench.explaining.checking.run()
    bench.explaining.select_target("stroke")
    with pytest.raises(UsageError, match="mirror"):
        bench.explaining.checking.run(("miror",))
    assert bench.session.checking is None


def test_a_failure_is_one_sentence(shown: Workbench, monkeypatch) -> None:
    from viewer.foundation.errors import ExplainError

    def fail(*_):
        raise ExplainError("The disk is full of sand.")

    monkeypatch.setattr(engine, "check_subject", fail)
    shown.explaining.checking.run()
    assert shown.session.notice.sentence == "The disk is full of sand."
    assert shown.session.checking is None
    assert shown.session.work is None


def test_the_findings_of_the_last_maps_are_kept(bench: Workbench) -> None:
    bench.opening.show(bright_spot(15))
    for index in range(14):
        bench.viewing.select_slice(index)
        bench.explaining.checking.run(("outside-body",))
    kept = [place.slice for place in bench.session.reading.checks]
    assert kept == list(range(2, 14))
