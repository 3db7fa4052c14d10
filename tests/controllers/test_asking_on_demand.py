"""Explanations on demand: begun, refined, stopped, resumed, kept; the atlas and the shown slice come first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.controllers.conftest import StepRunner
from tests.controllers.on_demand import choose, shown
from tests.tiny import bright_spot
from viewer.controllers import engine
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import ExplainError, UsageError
from viewer.state.asking import asking_words
from viewer.state.map_view import map_view
from viewer.state.method import deviation_key, menu, method_of
from viewer.state.session import DIFFERENCE

pytestmark = pytest.mark.usefixtures("quick_passes")

MANY = {"samples": 100}
"""Four answers of the tiny network, which takes 32 copies at once."""


def test_a_cheap_one_begins_by_itself_and_is_kept(bench: Workbench, asked: list[tuple[int, str]]) -> None:
    bench.opening.show(bright_spot())
    choose(bench, "integrated-gradients", steps=4)
    assert shown(bench) is not None
    assert bench.session.asking is None
    assert bench.session.work is None
    bench.viewing.step(1)
    bench.viewing.step(-1)
    assert asked == [(2, "integrated-gradients"), (3, "integrated-gradients")]


def test_the_map_is_the_one_of_the_explainers_room(bench: Workbench) -> None:
    from viewer import api

    bench.opening.show(bright_spot())
    for name, parameters in (("gradient", {}), ("smoothgrad", {"samples": 5, "of": "grad-cam"})):
        choose(bench, name, **parameters)
        expected = api.explain(
            api.load_model("tiny"),
            bench.session.case.image,
            explainer=name,
            target="stroke",
            slice=2,
            layer="relu2",
            **parameters,
        )
        found = map_view(bench.session, bench.session.reading, 2)
        assert np.abs(found.raw - expected.raw).max() <= expected.raw.max() / 30_000
        assert np.abs(found.picture - expected.map).max() <= expected.raw.max() / 30_000


def test_it_refines_on_screen_and_every_answer_is_better(slow: Workbench, steps: StepRunner) -> None:
    choose(slow, "smoothgrad", **MANY)
    maps = []
    for done in (32, 64, 96):
        assert steps.step()
        maps.append(shown(slow))
        assert (slow.session.asking.stage, slow.session.asking.done, slow.session.asking.total) == (
            "running",
            done,
            100,
        )
        assert slow.session.work.done == done
        found = map_view(slow.session, slow.session.reading, slow.session.view.slice)
        assert any(f"unfinished, {done} of 100" in reason for reason in found.may_read.reasons)
    steps.drain()
    assert slow.session.asking is None
    assert slow.session.work is None
    assert not np.array_equal(maps[0], shown(slow))
    final = map_view(slow.session, slow.session.reading, slow.session.view.slice)
    assert not any("unfinished" in reason for reason in final.may_read.reasons)


def test_stopped_and_resumed_is_the_same_as_uninterrupted(slow: Workbench, steps: StepRunner) -> None:
    choose(slow, "smoothgrad", **MANY)
    steps.step()
    slow.cancel()
    steps.drain()  # the step that was waiting when the user stopped is not made
    assert [rounds.done for rounds in slow.session.reading.rounds.values()] == [32]
    partial = shown(slow).copy()
    asking = slow.session.asking
    assert (asking.stage, asking.done, asking.total) == ("stopped", 32, 100)
    assert asking_words(asking, 0.0) == "stopped at 32 of 100 samples"
    assert slow.session.work is None
    slow.explaining.asking.compute()
    steps.drain()
    resumed = shown(slow).copy()
    assert not np.array_equal(partial, resumed)
    slow.explaining.select_explainer("grad-cam")
    slow.opening.show(bright_spot(5))
    slow.explaining.select_explainer("smoothgrad")
    steps.drain()
    np.testing.assert_array_equal(resumed, shown(slow))


def test_a_stop_in_the_middle_of_a_step_keeps_what_the_step_brings(
    slow: Workbench, steps: StepRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(slow, "smoothgrad", **MANY)
    real = engine.explain_steps

    def stopping(request: engine.ExplainRequest, progress: object):
        for number, reply in enumerate(real(request, progress)):
            if number == 1:
                slow.cancel()
            yield reply

    monkeypatch.setattr(engine, "explain_steps", stopping)
    steps.drain()
    assert slow.session.reading.rounds[next(iter(slow.session.reading.rounds))].done == 64
    assert (slow.session.asking.stage, slow.session.asking.done) == ("stopped", 64)
    slow.explaining.asking.compute()
    steps.drain()
    assert slow.session.asking is None


def test_another_slice_pauses_it_and_coming_back_goes_on(
    slow: Workbench, steps: StepRunner, asked: list[tuple[int, str]]
) -> None:
    choose(slow, "smoothgrad", **MANY)
    steps.step()
    slow.viewing.step(1)
    steps.drain()
    assert shown(slow) is not None
    slow.viewing.step(-1)
    steps.drain()
    assert slow.session.asking is None
    assert [index for index, _ in asked] == [2, 3]  # the first went on where it was


def test_every_slice_of_the_series(slow: Workbench, steps: StepRunner) -> None:
    choose(slow, "smoothgrad", samples=3)
    slow.explaining.asking.compute_series()
    steps.step()
    steps.step()
    assert slow.session.asking.stage == "series"
    assert slow.session.asking.total == 5
    steps.drain()
    session = slow.session
    method = method_of(session)
    assert np.isfinite(session.reading.atlas.mass(method.layer, 1, method.key)).all()
    assert session.asking is None
    assert session.work is None
    found = map_view(session, session.reading, 2)
    assert found.scale_label == "series maximum"


def test_a_series_that_is_stopped_keeps_its_slices(slow: Workbench, steps: StepRunner) -> None:
    choose(slow, "smoothgrad", samples=3)
    slow.explaining.asking.compute_series()
    for _ in range(3):
        steps.step()
    slow.cancel()
    steps.drain()
    method = method_of(slow.session)
    made = int(np.isfinite(slow.session.reading.atlas.mass(method.layer, 1, method.key)).sum())
    assert 1 < made < 5
    assert slow.session.work is None


def test_the_series_waits_for_slices_that_are_not_traced_yet(
    slow_bench: Workbench, steps: StepRunner
) -> None:
    slow_bench.opening.show(bright_spot(5))
    steps.step()
    choose(slow_bench, "gradient")
    slow_bench.explaining.asking.compute_series()
    steps.drain()
    session = slow_bench.session
    assert sorted(session.reading.filled) == list(range(5))
    assert np.isfinite(session.reading.atlas.mass("input", 1, "gradient")).all()
    assert session.work is None


def test_the_shown_slice_comes_before_the_rest_of_the_atlas(slow_bench: Workbench, steps: StepRunner) -> None:
    slow_bench.opening.show(bright_spot(9))
    choose(slow_bench, "gradient")
    steps.step()
    steps.step()
    steps.step()
    assert shown(slow_bench) is not None
    assert len(slow_bench.session.reading.filled) < 9
    steps.drain()
    assert len(slow_bench.session.reading.filled) == 9


def test_a_difference_of_classes_asks_for_both(bench: Workbench, asked: list[tuple[int, str]]) -> None:
    bench.opening.show(bright_spot())
    choose(bench, "gradient")
    one = shown(bench)
    bench.explaining.select_target("no stroke")
    other = shown(bench)
    bench.explaining.select_target(DIFFERENCE)
    np.testing.assert_allclose(shown(bench), one - other, atol=np.abs(one).max() / 1000)
    assert len(asked) == 2


def test_parameters_make_another_map_that_is_kept_apart(
    bench: Workbench, asked: list[tuple[int, str]]
) -> None:
    bench.opening.show(bright_spot())
    choose(bench, "smoothgrad", samples=4, noise=0.2)
    first = shown(bench)
    bench.explaining.set_parameters("smoothgrad", {"samples": 4, "noise": 0.4})
    assert not np.array_equal(first, shown(bench))
    bench.explaining.set_parameters("smoothgrad", {"samples": 4, "noise": 0.2})
    np.testing.assert_array_equal(first, shown(bench))
    assert len(asked) == 2


def test_a_parameter_out_of_range_changes_nothing(bench: Workbench) -> None:
    choose(bench, "smoothgrad", samples=4)
    with pytest.raises(UsageError, match="from 2 to 1000"):
        bench.explaining.set_parameters("smoothgrad", {"samples": 0})
    with pytest.raises(UsageError, match="samples"):
        bench.explaining.set_parameters("smoothgrad", {"sample": 4})
    assert bench.session.choice.parameters == {"smoothgrad": {"samples": 4}}


def test_the_deviation_is_another_picture_under_another_name(bench: Workbench) -> None:
    bench.opening.show(bright_spot())
    choose(bench, "smoothgrad", samples=4)
    mean = map_view(bench.session, bench.session.reading, 2)
    bench.explaining.toggle_deviation()
    found = map_view(bench.session, bench.session.reading, 2)
    assert not np.array_equal(mean.raw, found.raw)
    assert found.raw.min() >= 0
    assert "deviation" in found.scale_label
    assert "not the map" in found.may_read.line
    method = method_of(bench.session)
    assert method.shown_key == deviation_key(method.key)
    bench.explaining.select_explainer("grad-cam")  # has none: its map is shown
    assert not method_of(bench.session).deviation
    bench.explaining.toggle_deviation()
    with pytest.raises(UsageError, match="no deviation"):
        bench.explaining.toggle_deviation()


def test_an_explainer_that_does_not_exist_for_the_network_is_refused_with_the_reason(
    bench: Workbench,
) -> None:
    bench.opening.show(bright_spot())
    with pytest.raises(ExplainError, match="segmentation"):
        bench.explaining.select_explainer("seg-grad-cam")
    seen = {bench.session.choice.explainer}
    for _ in menu():
        bench.explaining.step_explainer(1)
        seen.add(bench.session.choice.explainer)
    assert "seg-grad-cam" not in seen
    assert {"grad-cam", "gradient", "smoothgrad", "deep-lift"} <= seen


def test_a_layer_that_lacks_the_chosen_explainer_says_why(bench: Workbench) -> None:
    bench.opening.show(bright_spot())
    bench.explaining.select_explainer("cam")
    assert shown(bench) is not None
    bench.explaining.select_layer("relu1")
    assert bench.session.asking.stage == "refused"
    assert "CAM needs a linear layer" in bench.session.asking.sentence
    assert shown(bench) is None
    bench.explaining.select_layer("relu2")
    assert bench.session.asking is None


def test_a_failure_is_one_sentence_and_the_next_slice_is_tried(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.opening.show(bright_spot())
    real = engine.explain_steps

    def broken(request: engine.ExplainRequest, *arguments: object):
        if request.index == 2:
            raise RuntimeError("patient name: Doe")
        return real(request, *arguments)

    monkeypatch.setattr(engine, "explain_steps", broken)
    choose(bench, "gradient")
    assert bench.session.asking.stage == "refused"
    assert "Doe" not in bench.session.asking.sentence
    assert bench.session.work is None
    bench.viewing.step(1)
    assert shown(bench) is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda bench: bench.explaining.toggle_mirror(),
        lambda bench: bench.explaining.select_score("probability"),
        lambda bench: bench.explaining.set_crop("brain"),
    ],
)
def test_another_input_or_score_is_another_map(bench: Workbench, change: Callable[[Workbench], None]) -> None:
    bench.opening.show(bright_spot())
    choose(bench, "gradient")
    before = bench.session.reading
    first = shown(bench)
    change(bench)
    assert bench.session.reading is not before
    assert shown(bench) is not None
    assert before.atlas.signed("input", 1, "gradient", 2) is not None
    assert first is not None


def test_the_score_is_said_when_it_is_not_the_logit(bench: Workbench) -> None:
    bench.opening.show(bright_spot())
    bench.explaining.select_score("probability")
    found = map_view(bench.session, bench.session.reading, 2)
    assert "explains the probability" in found.may_read.line
    assert found.scale_label == "series maximum"
    with pytest.raises(UsageError, match="margin"):
        bench.explaining.select_score("margn")


def test_a_new_case_forgets(bench: Workbench, asked: list[tuple[int, str]]) -> None:
    bench.opening.show(bright_spot())
    choose(bench, "gradient")
    bench.opening.show(bright_spot(3))
    assert shown(bench) is not None
    assert [index for index, _ in asked] == [2, 1]


def test_maps_that_left_the_memory_are_made_again_when_looked_at(bench: Workbench) -> None:
    bench.opening.show(bright_spot())
    choose(bench, "gradient")
    bench.viewing.step(1)
    bench.session.reading.atlas.store.set_budget(20_000)
    bench.session.reading.atlas.store.set_budget(1 << 20)
    bench.viewing.step(-1)
    assert shown(bench) is not None


def test_a_large_series_gets_three_methods_and_the_others_when_looked_at(user_folder) -> None:
    from tests.tiny import write_tiny_model
    from viewer.foundation.job_runner import InlineRunner

    write_tiny_model(user_folder)
    bench = Workbench(InlineRunner())
    bench.session.atlas_budget = 600_000
    bench.explaining.select_model("tiny")
    bench.opening.show(bright_spot(9))
    atlas = bench.session.reading.atlas
    assert atlas.facts("relu2", 1, "hires-cam", 4) is not None
    assert atlas.facts("relu2", 1, "grad-cam", 0) is not None
    assert atlas.facts("relu2", 1, "hires-cam", 0) is None
    bench.explaining.select_explainer("hires-cam")
    bench.viewing.select_slice(0)
    assert shown(bench) is not None


def unbent(classes: int = 2, channels: int = 1):
    """The tiny network with Tanh in place of ReLU."""
    from torch import nn

    from tests.tiny import tiny_network

    net = tiny_network(classes, channels)
    net.relu1, net.relu2 = nn.Tanh(), nn.Tanh()
    return net


def test_a_network_without_relu_has_no_guided_gradients_and_goes_on(user_folder) -> None:
    from safetensors.torch import save_file

    from tests.tiny import TINY, write_tiny_model
    from viewer.foundation.job_runner import InlineRunner
    from viewer.models.architectures import ARCHITECTURES
    from viewer.state.method import why_not

    if "tiny-unbent" not in ARCHITECTURES:
        ARCHITECTURES.add("tiny-unbent", unbent)
    folder = write_tiny_model(user_folder, "unbent")
    card = (folder / "model.toml").read_text(encoding="utf-8")
    (folder / "model.toml").write_text(card.replace(TINY, "tiny-unbent"), encoding="utf-8")
    save_file(unbent().state_dict(), folder / "weights.safetensors")
    bench = Workbench(InlineRunner())
    bench.explaining.select_model("unbent")
    bench.opening.show(bright_spot())
    assert "no ReLU" in why_not(bench.session, "guided-backprop")
    with pytest.raises(ExplainError, match="no ReLU"):
        bench.explaining.select_explainer("deconvnet")
    bench.explaining.set_parameters("smoothgrad", {"of": "guided-backprop"})
    with pytest.raises(ExplainError, match="no ReLU"):
        bench.explaining.select_explainer("smoothgrad")
    assert bench.session.choice.explainer == "grad-cam"
    choose(bench, "gradient")
    assert shown(bench) is not None


def test_a_network_of_volumes_is_asked_once_for_all_slices(user_folder, asked: list[tuple[int, str]]) -> None:
    from tests import tiny_volume
    from viewer.foundation.job_runner import InlineRunner

    tiny_volume.write_tiny_volume_model(user_folder)
    bench = Workbench(InlineRunner())
    bench.explaining.select_model("tiny3d")
    bench.opening.show(bright_spot(6, at=(3, 8, 20)))
    bench.explaining.confirm_applicability()
    choose(bench, "gradient")
    assert shown(bench) is not None
    assert shown(bench).ndim == 3
    bench.viewing.step(1)
    assert map_view(bench.session, bench.session.reading, bench.session.view.slice) is not None
    assert len(asked) == 1
    assert bench.session.work is None
    bench.explaining.steadying.measure()
    assert bench.session.notice is None or bench.session.notice.severity != "error"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("occlusion", {"patch": "2,8,8", "stride": "1,4,4"}), ("score-cam", {}), ("rise", {"samples": 32})],
)
def test_slow_explainers_of_a_network_of_volumes(
    bench: Workbench, user_folder, asked: list[tuple[int, str]], name: str, parameters: dict
) -> None:
    from tests.tiny_volume import write_tiny_volume_model
    from viewer import api

    write_tiny_volume_model(user_folder)
    bench.opening.show(bright_spot(9, at=(4, 8, 20)))
    bench.explaining.select_model("tiny3d")
    choose(bench, name, **parameters)
    expected = api.explain(
        api.load_model("tiny3d"),
        bench.session.case.image,
        explainer=name,
        target=bench.session.choice.target,
        layer=bench.session.choice.layer,
        **parameters,
    )
    assert np.abs(expected.signed).max() > 0
    for number in (4, 5, 3):
        bench.viewing.select_slice(number)
        assert bench.session.asking is None
        found = map_view(bench.session, bench.session.reading, number)
        assert np.abs(np.maximum(found.raw, 0) - expected.raw).max() <= 2e-3 * expected.raw.max()
        assert np.abs(found.picture).max() > 0
    assert [each for _, each in asked] == [name]
