"""How steady the answer is: measured when it is asked for, said with what it does not say."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import pytest
from safetensors.torch import save_file
from torch import nn

from tests.tiny import TINY, bright_spot, tiny_network, write_tiny_model
from viewer.controllers import engine
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import UsageError
from viewer.foundation.job_runner import InlineRunner
from viewer.models.architectures import ARCHITECTURES
from viewer.state.panel_views import prediction_view


def dropping_network(classes: int = 2, channels: int = 1) -> nn.Module:
    net = tiny_network(classes, channels)
    parts = OrderedDict(net.named_children())
    return nn.Sequential(
        OrderedDict([*list(parts.items())[:5], ("drop", nn.Dropout(0.3)), *list(parts.items())[5:]])
    )


@pytest.fixture
def dropping(user_folder: Path) -> Workbench:
    name = f"{TINY}-dropping"
    if name not in ARCHITECTURES:
        ARCHITECTURES.add(name, dropping_network)
    folder = write_tiny_model(user_folder, "dropping")
    card = (folder / "model.toml").read_text(encoding="utf-8")
    (folder / "model.toml").write_text(card.replace(TINY, name), encoding="utf-8")
    save_file(dropping_network().state_dict(), folder / "weights.safetensors")
    bench = Workbench(InlineRunner())
    bench.explaining.select_model("dropping")
    bench.opening.show(bright_spot())
    return bench


def test_an_interval_says_what_it_does_not_say(dropping: Workbench) -> None:
    dropping.explaining.steadying.measure()
    interval, mirrored = prediction_view(dropping.session).steady
    assert interval.startswith("stroke: output ")
    assert "30 dropout passes" in interval
    assert "says nothing about unfamiliar scans" in interval
    low, high = dropping.session.reading.steady[2].intervals[1]
    assert low < high
    assert "correlation" in mirrored
    assert dropping.session.work is None
    assert dropping.session.probing == ""


def test_the_same_again_is_the_same_interval(dropping: Workbench) -> None:
    dropping.explaining.steadying.measure()
    first = dropping.session.reading.steady[2]
    dropping.explaining.steadying.measure()
    assert dropping.session.reading.steady[2] == first


def test_a_network_without_dropout_has_no_interval_and_says_so(bench: Workbench) -> None:
    bench.opening.show(bright_spot())
    bench.explaining.steadying.measure()
    interval, mirrored = prediction_view(bench.session).steady
    assert "no dropout" in interval
    correlation = next(iter(bench.session.reading.steady[2].mirrored.values()))
    assert 0.5 < correlation <= 1
    assert f"{correlation:.2f}" in mirrored
    bench.viewing.step(1)
    assert prediction_view(bench.session).steady == ()


def test_the_mirrored_map_belongs_to_the_map_on_screen(bench: Workbench) -> None:
    bench.opening.show(bright_spot())
    bench.explaining.steadying.measure()
    bench.explaining.select_layer("relu1")
    assert len(prediction_view(bench.session).steady) == 1
    bench.explaining.steadying.measure()
    assert len(prediction_view(bench.session).steady) == 2
    assert len(bench.session.reading.steady[2].mirrored) == 2


def test_without_a_map_it_is_refused(bench: Workbench) -> None:
    with pytest.raises(UsageError, match="no map"):
        bench.explaining.steadying.measure()


def test_a_failure_is_a_notice(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.opening.show(bright_spot())

    def broken(*_: object) -> None:
        raise RuntimeError("Doe")

    monkeypatch.setattr(engine, "steadiness", broken)
    bench.explaining.steadying.measure()
    assert "Doe" not in bench.session.notice.sentence
    assert bench.session.probing == ""
    assert bench.session.work is None
