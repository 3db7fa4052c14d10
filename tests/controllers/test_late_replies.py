"""What comes too late changes nothing, and what was chosen for one case does not reach the next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.controllers.conftest import StepRunner
from tests.tiny import bright_spot, write_tiny_model
from viewer.controllers import engine
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import ExplainError
from viewer.foundation.progress import SILENT
from viewer.imaging.writing import write_nifti
from viewer.models.architectures import ARCHITECTURES
from viewer.state.map_view import map_view


class DeafHandle:
    """Of a job that had passed its last look at the token when it was cancelled."""

    def cancel(self) -> None:
        """Come too late."""


class DeafRunner(StepRunner):
    """A runner whose jobs always arrive, the oldest or the newest first."""

    def submit(self, lane: Any, work: Any, *, done: Any, failed: Any, progress: Any = None) -> Any:
        def run() -> None:
            try:
                result = work(SILENT)
            except Exception as error:
                failed(error)
            else:
                done(result)

        self.waiting.append((None, run))  # type: ignore[arg-type]
        return DeafHandle()

    def newest_first(self) -> None:
        jobs, self.waiting = self.waiting, []
        for _, run in reversed(jobs):
            run()


@pytest.fixture
def deaf() -> DeafRunner:
    return DeafRunner()


@pytest.fixture
def deaf_bench(deaf: DeafRunner, user_folder: Path) -> Workbench:
    write_tiny_model(user_folder)
    write_tiny_model(user_folder, "tiny-two")
    bench = Workbench(deaf)
    bench.explaining.select_model("tiny")
    deaf.drain()
    return bench


def test_the_file_asked_for_last_stays_however_late_another_comes(
    deaf_bench: Workbench, deaf: DeafRunner, tmp_path: Path
) -> None:
    for count in (3, 4):
        image = bright_spot(count, at=(1, 8, 20))
        write_nifti(tmp_path / f"{count}.nii.gz", image.voxels, image.geometry)
        deaf_bench.opening.open(tmp_path / f"{count}.nii.gz")
    deaf.newest_first()
    deaf.drain()
    assert deaf_bench.session.case.slices == 4


def test_the_model_asked_for_last_stays(deaf_bench: Workbench, deaf: DeafRunner) -> None:
    deaf_bench.explaining.select_model("tiny")
    deaf_bench.explaining.select_model("tiny-two")
    deaf.newest_first()
    assert deaf_bench.session.model.card.id == deaf_bench.session.model_id == "tiny-two"


def test_a_failure_of_what_nobody_wants_any_more_is_not_told(
    deaf_bench: Workbench, deaf: DeafRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = engine.trace_slice

    asked: list[bool] = []

    def broken_at_first(request: engine.TraceRequest, progress: Any = SILENT) -> engine.TraceReply:
        asked.append(request.mirror)
        if len(asked) == 1:
            raise RuntimeError("too late")
        return true(request, progress)

    monkeypatch.setattr(engine, "trace_slice", broken_at_first)
    deaf_bench.opening.show(bright_spot(3))
    deaf_bench.explaining.toggle_mirror()
    deaf.drain()
    assert asked[:2] == [False, True]
    assert deaf_bench.session.notice is None
    assert len(deaf_bench.session.reading.filled) == 3


def test_a_late_map_of_another_input_is_kept_where_it_belongs(
    deaf_bench: Workbench, deaf: DeafRunner
) -> None:
    deaf_bench.opening.show(bright_spot(3))
    plain = deaf_bench.session.reading
    for _ in range(3):  # mirrored at the end, with four chains on their way
        deaf_bench.explaining.toggle_mirror()
    deaf.drain()
    mirrored = deaf_bench.session.reading
    assert sorted(mirrored.filled) == [0, 1, 2]
    assert all(view.mirror for view in mirrored.views.values())
    assert not any(view.mirror for view in plain.views.values())


@pytest.mark.parametrize("crop", ["none", "brain", "percentile"])
@pytest.mark.parametrize("mirror", [False, True])
def test_the_network_is_given_the_input_that_was_chosen(bench: Workbench, crop: Any, mirror: bool) -> None:
    bench.opening.show(bright_spot(3))
    bench.explaining.set_crop(crop)
    if mirror:
        bench.explaining.toggle_mirror()
    for view in bench.session.reading.views.values():
        assert (view.mirror, view.crop) == (mirror, crop)


def test_what_was_chosen_for_one_patient_ends_with_him(bench: Workbench) -> None:
    bench.opening.show(bright_spot(3, modality="CT"))
    bench.explaining.confirm_applicability()
    bench.explaining.toggle_mirror()
    bench.viewing.toggle_seen()
    bench.boxing.add(2, 2, 9, 9)
    bench.opening.show(bright_spot(3, modality="CT"))
    session = bench.session
    assert not session.choice.mirror
    assert not session.view.seen
    assert not session.boxes.drawn
    assert not session.judgement.may_run, "the confirmation was for another image"
    assert session.reading is None


def test_another_device_makes_its_own_maps(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.opening.show(bright_spot(3))
    asked: list[str] = []
    true = engine.trace_slice

    def watched(request: engine.TraceRequest, progress: Any = SILENT) -> engine.TraceReply:
        asked.append(request.device)
        return true(request, progress)

    monkeypatch.setattr(engine, "trace_slice", watched)
    bench.explaining.select_device("cpu")
    assert asked == ["cpu"] * 3


def test_what_a_trace_finds_out_reaches_the_verdict(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = engine.trace_slice

    def squashed(request: engine.TraceRequest, progress: Any = SILENT) -> engine.TraceReply:
        return replace(true(request, progress), flags=("squashed-output",))

    monkeypatch.setattr(engine, "trace_slice", squashed)
    bench.opening.show(bright_spot(3))
    found = map_view(bench.session, bench.session.reading, 1)
    assert "probabilities already" in found.may_read.line


class Cut(nn.Module):
    """Nothing that can be differentiated leads on from the first layer."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, 2, 3)
        self.second = nn.Conv2d(2, 2, 3)
        self.linear = nn.Linear(2, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(torch.relu(self.second(self.first(x).detach())).mean((2, 3)))


def test_a_layer_without_a_gradient_is_refused_by_its_own_sentence(
    user_folder: Path, bench: Workbench
) -> None:
    from safetensors.torch import save_file

    if "cut-test-network" not in ARCHITECTURES:
        ARCHITECTURES.add("cut-test-network", Cut)
    folder = write_tiny_model(user_folder, "cut")
    card = (folder / "model.toml").read_text().replace("tiny-test-network", "cut-test-network")
    (folder / "model.toml").write_text(card.replace('default_layer = "relu2"', ""))
    save_file(Cut(2, 1).state_dict(), folder / "weights.safetensors")
    bench.explaining.select_model("cut")
    bench.opening.show(bright_spot(3))
    with pytest.raises(ExplainError, match="No gradient reaches the layer 'first'"):
        bench.explaining.select_layer("first")
    assert bench.session.choice.layer == "second"
    bench.explaining.step_layer(-5)
    assert bench.session.choice.layer == "second"
    assert bench.session.notice is None


def test_the_peak_is_that_of_the_chosen_class(bench: Workbench) -> None:
    bench.opening.show(bright_spot(5, at=(3, 8, 20)))
    bench.viewing.peak()
    assert bench.session.view.slice == 3
    bench.explaining.select_target("no stroke")
    bench.viewing.peak()
    reading = bench.session.reading
    assert bench.session.view.slice == int(np.argmax([reading.probability(i, 0) for i in range(5)])) != 3
