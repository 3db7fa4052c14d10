"""Hands on the window with a network of volumes: rail, planes, peak, mirror, boxes, failures."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from scipy.spatial.transform import Rotation

from tests.orientations import ORIENTATIONS, stored
from tests.tiny import bright_spot
from tests.tiny_volume import write_tiny_volume_model
from viewer.app import run_window
from viewer.cli.view_options import ViewOptions
from viewer.controllers import engine
from viewer.explainers import trace_memory
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.writing import write_nifti
from viewer.ui.main_window import MainWindow
from viewer.ui.panels.slice_strip import _legends

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def volume(bare, user_folder):
    """The window with nine slices read by the tiny network of volumes; on the slice with the bright spot."""
    write_tiny_volume_model(user_folder)
    bare.bench.opening.show(bright_spot(9, at=(4, 8, 20)))
    bare.bench.explaining.select_model("tiny3d")
    bare.bench.viewing.select_slice(4)
    bare.settle()
    bare.canvas.setFocus()
    return bare


@pytest.fixture
def traced(monkeypatch):
    seen = []
    real = engine.trace_volume
    monkeypatch.setattr(
        engine, "trace_volume", lambda request, *rest: (seen.append(request.layers), real(request, *rest))[1]
    )
    return seen


def tile(driver, name):
    return next(t for t in driver.window.rail.tiles if t._tile is not None and t._tile.layer.name == name)


def test_a_click_on_a_tile_computes_that_layer_once(volume, traced):
    conv1 = tile(volume, "conv1")
    assert "click to compute" in conv1.toolTip()
    assert "MB" in conv1.accessibleDescription()
    QTest.mouseClick(conv1, Qt.MouseButton.LeftButton)
    volume.settle()
    assert traced == [("conv1",)]
    assert conv1.is_chosen
    assert "click to compute" not in conv1.toolTip()
    QTest.mouseClick(tile(volume, "relu2"), Qt.MouseButton.LeftButton)
    QTest.mouseClick(conv1, Qt.MouseButton.LeftButton)
    volume.key(Qt.Key.Key_T)
    volume.key(Qt.Key.Key_Right, SHIFT)
    volume.key(Qt.Key.Key_Up)
    assert traced == [("conv1",)]


def test_the_panels_speak_of_the_volume(volume):
    assert "the whole volume" in volume.window.prediction.subject.full
    assert "single slices" in volume.window.prediction._case_line.text()
    legend = _legends(volume.window.screen_.strip)[0]
    assert "per slice" not in legend
    assert "map of the whole volume" in legend
    assert "mass" in volume.window.strip.plot.accessibleDescription()
    assert "8 × 8 × 8" in volume.window.facts.full


def test_crops_are_those_of_volumes(volume):
    actions = {name for name, action in volume.window.input._rules.items() if action.isVisible()}
    assert actions == {"none", "body"}
    volume.window.input._rules["body"].trigger()
    volume.settle()
    assert volume.session.reading.view.crop == "body"
    assert volume.window.input.crop.text().startswith("Crop: body")


def test_the_peak_key_goes_to_the_maximum_in_all_planes(volume):
    QTest.keyClick(volume.window, Qt.Key.Key_F5)
    volume.settle()
    axial, coronal, sagittal = volume.window.stage.planes.panes
    volume.bench.viewing.first()
    volume.settle()
    QTest.keyClick(axial, Qt.Key.Key_P)
    volume.settle()
    assert axial.view.index == 4
    assert 8 <= coronal.view.index <= 12
    assert 20 <= sagittal.view.index <= 24
    highest = [float(pane.view.values.max()) for pane in (axial, coronal, sagittal)]
    assert max(highest) == pytest.approx(min(highest)), "all three go through the one maximum"
    assert all(pane.overlay.smooth for pane in (axial, coronal, sagittal))


def test_the_mirrored_input_is_an_inset_and_gone_with_the_next_case(volume):
    volume.key(Qt.Key.Key_M, SHIFT)
    inset = volume.window.screen_.canvas.inset
    assert inset.background.mark == "MIRRORED INPUT"
    volume.key(Qt.Key.Key_I)
    assert "WHAT THE NETWORK SAW" in volume.window.screen_.canvas.background.mark
    volume.bench.opening.show(bright_spot(6))
    volume.settle()
    assert volume.window.screen_.canvas.inset is None


def test_a_layer_that_does_not_fit_is_refused_and_the_tile_says_so_still(volume, monkeypatch):
    monkeypatch.setattr(trace_memory, "free_bytes", lambda _: 1000)
    QTest.mouseClick(tile(volume, "relu1"), Qt.MouseButton.LeftButton)
    volume.settle()
    assert volume.window.notice.isVisible()
    assert "relu1" in volume.session.notice.sentence
    assert "GB" in volume.session.notice.sentence
    assert volume.session.work is None
    assert "click it to compute" in volume.window.may_read.text
    monkeypatch.undo()
    QTest.mouseClick(tile(volume, "relu1"), Qt.MouseButton.LeftButton)
    volume.settle()
    assert volume.window.screen_.map is not None


@pytest.mark.parametrize("number", [0, 17, 42])
@pytest.mark.parametrize("oblique", [False, True])
def test_left_stays_left_in_the_planes_of_the_window(volume, number, oblique):
    """A bright blob on the patient's left, whatever the order of the file: right of the middle where R is left."""
    shape = (12, 20, 24)
    head = np.random.default_rng(0).uniform(0, 0.05, shape).astype(np.float32)
    head[6:10, 3:9, 14:20] = 5
    affine = np.diag([1.0, 1, 2.5, 1])
    if oblique:
        turn = Rotation.from_euler("xyz", [14, -9, 11], degrees=True).as_matrix()
        affine[:3, :3] = turn @ affine[:3, :3]
    place = Geometry(affine, shape).to_patient(np.array([7.5, 5.5, 16.5]))
    voxels, geometry = stored(head, affine, *ORIENTATIONS[number])
    volume.bench.opening.show(MedicalImage(np.ascontiguousarray(voxels), geometry, modality="MR"))
    QTest.keyClick(volume.window, Qt.Key.Key_F5)
    volume.settle()
    QTest.keyClick(volume.window.stage.planes.panes[0], Qt.Key.Key_P)
    volume.settle()
    for pane in volume.window.stage.planes.panes:
        view = pane.view
        row, column = np.unravel_index(view.values.argmax(), view.values.shape)
        there = geometry.to_patient(view.plane.voxel(geometry, view.index, row, column))
        np.testing.assert_allclose(there, place, atol=4)
        left, right, top, _ = pane.letters.letters
        middle = pane.picture_rect().center()
        at = pane.to_screen(column + 0.5, row + 0.5)
        if view.name in ("axial", "coronal"):
            assert left.startswith("R")
            assert right.startswith("L")
            assert at.x() > middle.x()
        if view.name == "axial":
            assert top.startswith("A")
            assert at.y() < middle.y()


def test_moving_through_a_large_volume_asks_the_network_nothing(volume, traced):
    """A crosshair move at 64 x 256 x 256 draws other cuts of the map that is there; how fast is for the benchmarks."""
    voxels = np.random.default_rng(0).integers(0, 900, (64, 256, 256)).astype(np.int16)
    voxels[20:30, 60:90, 150:190] = 3000
    image = MedicalImage(voxels, Geometry(np.diag([1.0, 1, 2.5, 1]), voxels.shape), modality="MR")
    volume.bench.opening.show(image)
    QTest.keyClick(volume.window, Qt.Key.Key_F5)
    volume.settle()
    plane = volume.window.stage.planes.panes[0].view.plane
    asked, seen = len(traced), set()
    passes = engine.classifier("tiny3d", "auto").module.register_forward_pre_hook(
        lambda *_: pytest.fail("asked the network")
    )
    try:
        for step in range(12):
            volume.bench.planes.point(plane, 20 + step, 60.0 + step, 150.0 + step)
            volume.window.refresh()
            seen.add(volume.window.stage.planes.panes[1].view.values.tobytes())
    finally:
        passes.remove()
    assert len(traced) == asked
    assert len(seen) == 12


def test_a_click_in_a_plane_moves_the_maps_of_the_others(volume):
    QTest.keyClick(volume.window, Qt.Key.Key_F5)
    volume.settle()
    axial, coronal, _ = volume.window.stage.planes.panes
    before = coronal.view.values
    QTest.mouseClick(axial, Qt.MouseButton.LeftButton, pos=QPointF(axial.to_screen(22, 10)).toPoint())
    volume.settle()
    assert coronal.view.values is not before
    assert coronal.view.values.max() > before.max()


@pytest.mark.parametrize("workspace", ["reading", "volume"])
def test_the_command_line_shows_a_volume_with_a_model_in_a_folder(qapp, tmp_path, monkeypatch, workspace):
    image = bright_spot(6, at=(3, 8, 20))
    write_nifti(tmp_path / "head.nii.gz", image.voxels, image.geometry)
    folder, windows = write_tiny_volume_model(tmp_path, "somewhere"), []
    real = MainWindow.__init__
    monkeypatch.setattr(
        MainWindow, "__init__", lambda self, *a, **k: (windows.append(self), real(self, *a, **k))[1]
    )
    out = tmp_path / "picture.png"
    code = run_window(
        ViewOptions(
            paths=(tmp_path / "head.nii.gz",),
            model=str(folder),
            layer="conv2",
            workspace=workspace,
            screenshot=out,
            exit=True,
        )
    )
    assert code == 0
    assert out.is_file()
    (window,) = windows
    assert window.screen_.workspace == workspace
    assert window.screen_.map.raw.shape == (8, 8, 8)
    assert "conv2" in window.bench.session.reading.atlas.layers
    assert window.bench.session.choice.layer == "conv2"
