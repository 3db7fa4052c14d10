"""A network of volumes behind the window: one trace for each layer asked for, and what goes wrong with it."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.controllers.conftest import StepRunner
from tests.orientations import ORIENTATIONS, stored
from tests.tiny import bright_spot, write_tiny_model
from tests.tiny_volume import write_tiny_volume_model
from viewer.controllers import engine
from viewer.controllers.workbench import Workbench
from viewer.explainers import trace_memory
from viewer.foundation.errors import UsageError
from viewer.foundation.job_runner import InlineRunner
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.models.volume_cut import VolumeCut
from viewer.state.map_view import map_view
from viewer.state.screen import Presenter
from viewer.state.volume_reading import VolumeReading


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The layers of every trace of a volume, in order; a slice is never traced."""
    seen: list[tuple[str, ...]] = []
    real = engine.trace_volume

    def counted(request, *rest):
        seen.append(request.layers)
        return real(request, *rest)

    monkeypatch.setattr(engine, "trace_volume", counted)
    monkeypatch.setattr(engine, "trace_slice", lambda *_: pytest.fail("a network of volumes has no slices"))
    return seen


@pytest.fixture
def volumes(user_folder: Path, traced: list[tuple[str, ...]]) -> Workbench:
    """The tiny network of volumes on nine slices with a bright spot on the patient's left."""
    write_tiny_volume_model(user_folder)
    bench = Workbench(InlineRunner())
    bench.opening.show(bright_spot(9, at=(4, 8, 20)))
    bench.explaining.select_model("tiny3d")
    return bench


@pytest.fixture
def slow(user_folder: Path, steps: StepRunner, traced: list[tuple[str, ...]]) -> Workbench:
    """The same with jobs that wait; the model is loaded, nothing is open."""
    write_tiny_volume_model(user_folder)
    bench = Workbench(steps)
    bench.explaining.select_model("tiny3d")
    steps.drain()
    return bench


def shown(bench: Workbench):
    return map_view(bench.session, bench.session.reading, bench.session.view.slice)


def test_one_trace_answers_for_every_slice(volumes: Workbench, traced: list) -> None:
    assert traced == [("relu2",)]
    session = volumes.session
    assert isinstance(session.reading, VolumeReading)
    assert sorted(session.reading.filled) == list(range(9))
    assert session.work is None
    assert session.notice is None
    for index in range(9):
        volumes.viewing.select_slice(index)
        assert shown(volumes).raw.shape == (8, 8, 8)
        assert shown(volumes).probability == shown(volumes).probability
    for _ in range(3):
        volumes.explaining.step_explainer(1)
        volumes.explaining.step_target(1)
        volumes.viewing.set_threshold(0.4)
        volumes.viewing.toggle_true_grid()
    assert len(traced) == 1


def test_another_layer_is_traced_once(volumes: Workbench, traced: list) -> None:
    volumes.explaining.select_layer("conv1")
    assert traced == [("relu2",), ("conv1",)]
    assert shown(volumes).raw.shape == (8, 16, 16)
    volumes.explaining.select_layer("relu2")
    volumes.explaining.step_layer(-1)
    assert traced[2:] == [("conv2",)]


def test_layers_with_one_output_are_traced_together(volumes: Workbench, traced: list) -> None:
    volumes.explaining.select_layer("relu1")
    raw = shown(volumes).raw
    volumes.explaining.select_layer("drop")  # an idle dropout puts out what it is given
    np.testing.assert_array_equal(shown(volumes).raw, raw)
    assert traced == [("relu2",), ("relu1",)]


def test_the_window_and_scripts_have_one_map_also_of_a_wrapped_network(
    volumes: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from monai.networks.nets.resnet import ResNet, ResNetBlock

    from viewer import api

    torch.manual_seed(0)
    network = ResNet(
        ResNetBlock,
        [1, 1, 1, 1],
        [4, 8, 8, 8],
        spatial_dims=3,
        n_input_channels=1,
        num_classes=2,
        conv1_t_stride=2,
    )
    wrapped = api.wrap_module(network, classes=("no", "yes"), dims=3, input_size=(32, 32, 32))
    monkeypatch.setattr(engine, "classifier", lambda *_: wrapped)
    volumes.explaining.select_model("a MONAI network")
    session = volumes.session
    assert session.notice is None
    for layer in ("layer2", "layer1.0.conv2"):
        volumes.explaining.select_layer(layer)
        volumes.explaining.select_target("yes")
        for mirror in (False, True):
            found = api.explain(
                wrapped, session.case.image, explainer="grad-cam", layer=layer, target="yes", mirror=mirror
            )
            for index in range(9):
                picture = map_view(session, session.reading, index).picture
                wanted = session.case.plane.picture(found.map, index)
                np.testing.assert_allclose(picture, wanted, atol=1e-4 * max(found.raw_max, 1e-9))
            volumes.explaining.toggle_mirror()


def test_the_latest_wish_wins(slow: Workbench, steps: StepRunner, traced: list) -> None:
    slow.opening.show(bright_spot(9))
    assert "tracing relu2" in slow.session.work.name
    assert "MB of memory" in slow.session.work.name
    slow.explaining.select_layer("conv1")
    slow.explaining.select_layer("relu1")
    steps.drain()
    assert traced == [("relu1",)]
    assert slow.session.work is None


def test_cancel_in_the_middle_keeps_nothing_half_done_and_a_click_begins_again(
    slow: Workbench, steps: StepRunner, traced: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, session = engine.trace_volume, slow.session

    def cancelled_on_the_way(request, progress):
        slow.explaining.cancel()  # the user, while the forward pass runs
        return real(request, progress)

    monkeypatch.setattr(engine, "trace_volume", cancelled_on_the_way)
    slow.opening.show(bright_spot(9))
    steps.drain()
    assert session.work is None
    assert session.notice is None
    assert not session.reading.filled
    assert "click it to compute" in Presenter(session).screen().canvas.waiting
    slow.viewing.step(1)
    assert steps.drain() == 0, "scrolling asks for nothing"
    monkeypatch.setattr(engine, "trace_volume", real)
    slow.explaining.select_layer("relu2")
    assert session.reading.tracing == "relu2"
    steps.drain()
    assert shown(slow) is not None


def test_a_trace_that_does_not_fit_is_refused_in_words_and_a_later_layer_still_goes(
    volumes: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shown(volumes).raw
    with monkeypatch.context() as patch:
        patch.setattr(trace_memory, "free_bytes", lambda _: 1000)
        volumes.explaining.select_layer("conv1")
    notice = volumes.session.notice
    assert "conv1" in notice.sentence
    assert "memory" in notice.sentence
    assert shown(volumes) is None
    assert volumes.session.work is None
    volumes.explaining.select_layer("relu2")
    np.testing.assert_array_equal(shown(volumes).raw, before)


def test_a_device_that_fell_back_says_so(volumes: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device whose memory ends, simulated: the trace runs out once on anything but the processor."""
    import torch

    from viewer.explainers import trace

    loaded = engine.classifier("tiny3d", "auto")
    real = trace._traced

    def runs_out(request, *rest, **more):
        if request.classifier.device.type != "cpu":
            raise torch.OutOfMemoryError("simulated")
        return real(request, *rest, **more)

    monkeypatch.setattr(trace, "_traced", runs_out)
    monkeypatch.setattr(loaded, "device", torch.device("meta"))
    monkeypatch.setattr(type(loaded.module), "to", lambda self, *_, **__: self)
    volumes.explaining.select_layer("conv1")
    assert "the processor made it" in volumes.session.notice.sentence
    assert volumes.session.notice.severity == "warning"
    assert shown(volumes) is not None
    assert "fell-back-to-cpu" in volumes.session.reading.flags


def test_a_layer_that_was_pushed_out_is_traced_again_when_it_is_wanted(
    user_folder: Path, traced: list
) -> None:
    write_tiny_volume_model(user_folder)
    bench = Workbench(InlineRunner())
    # Twelve maps of 8 x 16 x 16, 16 bits each, take 52 kB, and relu1 has a twin: room for these and a small layer.
    bench.session.atlas_budget = 125_000
    bench.explaining.select_model("tiny3d")
    bench.opening.show(bright_spot(9))
    for layer in ("conv1", "relu1", "conv1"):
        bench.explaining.select_layer(layer)
        assert shown(bench) is not None
        assert bench.session.atlas_bytes <= 125_000
    assert traced == [("relu2",), ("conv1",), ("relu1",), ("conv1",)]
    bench.session.atlas_budget = 1000
    bench.opening.show(bright_spot(5))
    assert "memory budget" in bench.session.notice.sentence
    assert bench.session.work is None


def test_mirror_and_crop_are_readings_of_their_own(volumes: Workbench, traced: list) -> None:
    plain, before = volumes.session.reading, shown(volumes).picture
    volumes.explaining.toggle_mirror()
    assert volumes.session.reading is not plain
    assert volumes.session.plain is plain
    found = shown(volumes)
    places = [np.unravel_index(picture.argmax(), picture.shape) for picture in (found.picture, before)]
    np.testing.assert_allclose(*places, atol=2, err_msg="the map comes back to where the spot is")
    assert found.raw[4].max(axis=0).argmax() in (1, 2), "the network has seen it on the other side"
    assert plain.atlas.signed("relu2", 1, "grad-cam", 0)[4].max(axis=0).argmax() in (5, 6)
    volumes.explaining.toggle_mirror()
    assert volumes.session.reading is plain
    assert len(traced) == 2
    volumes.explaining.step_crop()
    assert volumes.session.choice.crop == "body"
    assert volumes.session.reading.view.crop == "body"
    volumes.explaining.step_crop()
    assert volumes.session.choice.crop == "none"
    assert len(traced) == 3
    with pytest.raises(UsageError, match="brain"):
        volumes.explaining.set_crop("brain")


def test_the_peak_is_where_the_map_is_largest(volumes: Workbench) -> None:
    volumes.viewing.first()
    volumes.viewing.peak()
    view = volumes.session.view
    assert view.slice == 4
    row, column = view.cursor
    assert 8 <= row <= 12
    assert 20 <= column <= 24
    whole = np.stack([map_view(volumes.session, volumes.session.reading, i).picture for i in range(9)])
    assert np.unravel_index(whole.argmax(), whole.shape) == (view.slice, row, column)


def test_going_from_slices_to_volumes_and_back_keeps_both(
    volumes: Workbench, user_folder: Path, monkeypatch: pytest.MonkeyPatch, traced: list
) -> None:
    monkeypatch.undo()
    write_tiny_model(user_folder)
    volumes.explaining.select_model("tiny")
    assert not volumes.session.reading.whole
    assert shown(volumes).raw.shape == (8, 8)
    monkeypatch.setattr(engine, "trace_volume", lambda *_: pytest.fail("it is there already"))
    volumes.explaining.select_model("tiny3d")
    assert shown(volumes).raw.shape == (8, 8, 8)


def test_a_single_slice_is_no_volume(volumes: Workbench) -> None:
    volumes.opening.show(bright_spot(1, at=(0, 8, 20)))
    assert "single slice" in volumes.session.notice.sentence
    assert volumes.session.work is None
    assert Presenter(volumes.session).screen().map is None


def test_an_uneven_stack_is_asked_about_once(volumes: Workbench, traced: list) -> None:
    image = bright_spot(5)
    origins = np.array([[0, 0, z] for z in (0.0, 5, 10, 19, 24)])
    geometry = Geometry(image.geometry.affine_lps, image.geometry.shape, origins=origins)
    uneven = MedicalImage(image.voxels, geometry, modality="MR")
    volumes.opening.show(uneven)
    assert volumes.session.judgement.applicability.verdict == "does_not_apply"
    assert volumes.session.reading is None
    count = len(traced)
    volumes.grid.use_as_it_is()
    assert volumes.session.judgement.may_run
    assert shown(volumes) is not None
    assert len(traced) == count + 1
    volumes.opening.show(uneven)
    volumes.explaining.confirm_applicability()
    assert shown(volumes) is not None
    assert volumes.session.grid_as_it_is


def test_the_steadiness_of_a_volume(volumes: Workbench) -> None:
    volumes.explaining.steadying.measure()
    lines = Presenter(volumes.session).screen().prediction.steady
    assert any("dropout passes" in line and "unfamiliar scans" in line for line in lines)
    volumes.viewing.step(2)
    assert Presenter(volumes.session).screen().prediction.steady == lines, "it is one answer"


def test_explanations_on_demand_are_of_the_volume(volumes: Workbench) -> None:
    volumes.explaining.select_explainer("gradient")
    assert shown(volumes) is not None or volumes.session.asking is not None
    if shown(volumes) is None:
        volumes.explaining.asking.start()
    assert shown(volumes).raw.shape == (8, 16, 16)
    volumes.viewing.step(1)
    assert shown(volumes) is not None


# --- left stays left --------------------------------------------------------------------------------------

SHAPE = (12, 20, 24)
SPOT = (
    slice(6, 10),
    slice(3, 9),
    slice(14, 20),
)  # slice towards the head, row anterior, column the patient's left
STRAIGHT = np.diag([1.0, 1, 2.5, 1])
OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = Rotation.from_euler("xyz", [14, -9, 11], degrees=True).as_matrix() @ STRAIGHT[:3, :3]
OBLIQUE[:3, 3] = (-10, -8, 4)


@pytest.mark.parametrize("affine", [STRAIGHT, OBLIQUE], ids=["straight", "oblique"])
@pytest.mark.parametrize("number", range(0, len(ORIENTATIONS), 7))
def test_what_is_bright_on_the_left_is_where_the_map_peaks(
    volumes: Workbench, tmp_path: Path, number: int, affine: np.ndarray
) -> None:
    head = np.random.default_rng(0).uniform(0, 0.05, SHAPE).astype(np.float32)
    head[SPOT] = 5
    axes, flips = ORIENTATIONS[number]
    voxels, geometry = stored(head, affine, axes, flips)
    place = Geometry(affine, SHAPE).to_patient(np.array([7.5, 5.5, 16.5]))
    image = MedicalImage(np.ascontiguousarray(voxels), geometry, modality="MR")
    volumes.opening.show(image)
    session = volumes.session
    volumes.viewing.set_workspace("volume")
    for mirror in (False, True):
        if mirror:
            volumes.explaining.toggle_mirror()
        volumes.viewing.peak()
        plane, case = session.case.plane, session.case
        voxel = plane.voxel(geometry, session.view.slice, *session.view.cursor)
        np.testing.assert_allclose(geometry.to_patient(voxel), place, atol=4)
        for view in Presenter(session).screen().planes.planes:
            row, column = np.unravel_index(view.values.argmax(), view.values.shape)
            there = geometry.to_patient(view.plane.voxel(geometry, view.index, row, column))
            np.testing.assert_allclose(there, place, atol=4)
            assert view.background.pixels[row, column] > 1
            assert not view.across, "the map of a volume is smooth across the slices too"
    volumes.exporting.save_maps(tmp_path)
    assert case.slices
    (file,) = tmp_path.glob("*.nii.gz")
    saved = nibabel.load(file)
    best = np.unravel_index(int(np.asarray(saved.dataobj).argmax()), saved.shape)
    ras = saved.affine @ [*best, 1]
    np.testing.assert_allclose(ras[:3] * [-1, -1, 1], place, atol=4)


def test_the_planes_show_the_cells_when_asked(volumes: Workbench) -> None:
    volumes.viewing.set_workspace("volume")
    volumes.viewing.toggle_true_grid()
    session = volumes.session
    for view in Presenter(session).screen().planes.planes:
        cut = VolumeCut(session.reading.view, view.plane, view.index)
        raw = np.maximum(session.reading.atlas.signed("relu2", 1, "grad-cam", 0), 0)
        np.testing.assert_array_equal(view.values, cut.cells(raw))
        assert len(np.unique(view.values)) <= 65
