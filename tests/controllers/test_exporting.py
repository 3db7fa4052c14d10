"""What is saved is what was shown, in the patient, with its provenance; a failure is a sentence."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from tests.controllers.conftest import StepRunner
from tests.tiny import bright_spot
from viewer.controllers.exporting import name_of_slice
from viewer.controllers.map_files import file_stem, grid_words, make_folder, write_map
from viewer.controllers.shown import shown_slice
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import ExportError
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import PatientInfo
from viewer.state.session import DIFFERENCE


def shown(bench: Workbench, *, affine: np.ndarray | None = None) -> Workbench:
    """The bright square, its slice on screen."""
    image = bright_spot(affine=affine)
    named = replace(image, patient=PatientInfo(name="DOE^JANE", identifier="4711"))
    bench.opening.show(named)
    bench.viewing.select_slice(2)
    return bench


def volume(path: Path) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj).transpose(2, 1, 0)


def test_a_figure_and_its_provenance(bench: Workbench, tmp_path: Path) -> None:
    shown(bench).boxing.add(8, 20, 12, 24)
    bench.exporting.save_figure(tmp_path / "why.png")
    assert bench.session.notice.severity == "note"
    assert "why.png" in bench.session.notice.sentence
    assert sorted(path.name for path in tmp_path.iterdir()) == ["why.png", "why.provenance.json"]
    with Image.open(tmp_path / "why.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 1000
    record = json.loads((tmp_path / "why.provenance.json").read_text())
    assert record["model"] == "tiny"
    assert record["explainer"] == "grad-cam"
    assert (record["layer"], record["class"], record["slice"]) == ("relu2", "stroke", 2)
    assert record["scale_name"] == "model reference"
    assert record["scale"] == 2.0
    assert record["state"] == "ok"
    assert {box["kind"] for box in record["boxes"]} >= {"drawn"}
    assert record["input"]["mirror"] is False
    assert "DOE" not in json.dumps(record)
    assert "4711" not in json.dumps(record)


def test_a_figure_is_what_was_shown_when_it_was_asked_for(
    slow_bench: Workbench, steps: StepRunner, tmp_path: Path
) -> None:
    shown(slow_bench)
    steps.drain()
    slow_bench.exporting.save_figure(tmp_path / "a.png")
    slow_bench.viewing.select_slice(4)
    slow_bench.explaining.select_target("no stroke")
    assert not (tmp_path / "a.png").exists()
    steps.drain()
    record = json.loads((tmp_path / "a.provenance.json").read_text())
    assert (record["slice"], record["class"]) == (2, "stroke")


def test_the_words_of_a_figure(bench: Workbench) -> None:
    shown(bench)
    bench.explaining.toggle_mirror()
    made = shown_slice(bench.session)
    words = dict(fact for fact in made.facts if fact[0])
    assert "stroke" in words["prediction"]
    assert "tiny" in words["model"]
    assert "relu2" in words["map"]
    assert "model reference" in words["scale"]
    assert "mirrored" in words["input"]
    assert made.mirrored is False  # the patient on the figure is not mirrored
    bench.viewing.toggle_seen()
    made = shown_slice(bench.session)
    assert made.mirrored is True
    assert made.regions == ()


def test_a_model_that_does_not_apply_marks_the_figure(bench: Workbench) -> None:
    bench.opening.show(bright_spot(modality="CT"))
    bench.explaining.confirm_applicability()
    assert "NOT MADE FOR" in shown_slice(bench.session).watermark


def test_each_box_stands_under_its_own_name(bench: Workbench) -> None:
    shown(bench).boxing.add(8, 20, 12, 24)
    made = shown_slice(bench.session)
    readers = [region.reader for region in made.regions]
    assert readers[0] == "you"
    assert set(readers[1:]) == {"map"}
    assert "IoU (best box)" in dict(made.facts)["box 1"]


def test_what_was_saved_is_told_with_its_folder_and_proposed_names_say_what_it_is(
    bench: Workbench, tmp_path: Path
) -> None:
    shown(bench).exporting.save_figure(tmp_path / "why.pdf")
    notice = bench.session.notice
    assert notice.sentence == f"Saved 'why.pdf' in the folder '{tmp_path.name}'."
    assert notice.saved == tmp_path / "why.pdf"
    assert (tmp_path / "why.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "why.provenance.json").is_file()
    words = name_of_slice(bench.session).split("__")
    assert words[0] == bench.session.choice.target
    assert words[1:3] == [bench.session.choice.layer, bench.session.choice.explainer]
    assert words[3] == f"slice-{bench.session.view.slice + 1}"
    assert "layers" in name_of_slice(bench.session, sheet=True)


def test_a_name_without_ending_becomes_png(bench: Workbench, tmp_path: Path) -> None:
    shown(bench).exporting.save_figure(tmp_path / "why")
    assert (tmp_path / "why.png").is_file()


@pytest.mark.parametrize(
    "affine",
    [
        np.diag([1.0, 1.0, 5.0, 1.0]),
        np.diag([-1.0, -1.0, 5.0, 1.0]),
        np.array([[0, 1.0, 0, 3], [1.0, 0, 0, -7], [0, 0, -5.0, 11], [0, 0, 0, 1]]),
    ],
)
def test_maps_lie_in_the_patient(bench: Workbench, tmp_path: Path, affine: np.ndarray) -> None:
    shown(bench, affine=affine)
    bench.exporting.save_maps(tmp_path)
    path = tmp_path / "stroke__relu2__grad-cam.nii.gz"
    assert path.name in bench.session.notice.sentence
    data = volume(path)
    assert data.shape == (5, 32, 32)
    assert data.dtype == np.float32
    assert np.allclose(nib.load(path).affine, bench.session.case.image.geometry.affine_ras, atol=1e-5)
    peak = np.unravel_index(data.argmax(), data.shape)
    assert peak[0] == 2
    assert 7 <= peak[1] <= 12
    assert 19 <= peak[2] <= 24
    assert (data >= 0).all()
    record = json.loads((tmp_path / "stroke__relu2__grad-cam.provenance.json").read_text())
    assert record["explained_slices"] == [0, 1, 2, 3, 4]
    assert record["unexplained_slices"] == []
    assert len(record["probabilities"]["2"]) == 2


def test_slices_that_are_not_explained_yet_are_zero_and_named(
    slow_bench: Workbench, steps: StepRunner, tmp_path: Path
) -> None:
    shown(slow_bench)
    steps.step()
    slow_bench.explaining.cancel()
    slow_bench.exporting.save_maps(tmp_path)
    steps.drain()
    assert "4 slices are not explained yet" in slow_bench.session.notice.sentence
    record = json.loads((tmp_path / "stroke__relu2__grad-cam.provenance.json").read_text())
    assert record["explained_slices"] == [2]
    assert record["unexplained_slices"] == [0, 1, 3, 4]
    data = volume(tmp_path / "stroke__relu2__grad-cam.nii.gz")
    assert data[2].any()
    assert not data[[0, 1, 3, 4]].any()


def test_a_difference_keeps_its_sign(bench: Workbench, tmp_path: Path) -> None:
    shown(bench).explaining.select_target(DIFFERENCE)
    assert "stroke minus no stroke" in shown_slice(bench.session).title
    bench.exporting.save_maps(tmp_path)
    record = json.loads((tmp_path / f"{DIFFERENCE}__relu2__grad-cam.provenance.json").read_text())
    assert record["against"] == dict.fromkeys("01234", "no stroke")
    assert shown_slice(bench.session).record["against"] == "no stroke"
    data = volume(tmp_path / f"{DIFFERENCE}__relu2__grad-cam.nii.gz")
    reading = bench.session.reading
    expected = reading.views[2].back(reading.atlas.difference("relu2", 1, 0, "grad-cam", 2))
    assert np.allclose(data[2], expected, atol=1e-6)


def test_another_input_gets_another_file(bench: Workbench, tmp_path: Path) -> None:
    shown(bench)
    bench.exporting.save_maps(tmp_path)
    bench.explaining.toggle_mirror()
    bench.explaining.set_crop("brain")
    bench.exporting.save_maps(tmp_path)
    names = sorted(path.name for path in tmp_path.glob("*.nii.gz"))
    assert names == [
        "stroke__relu2__grad-cam.nii.gz",
        "stroke__relu2__grad-cam__mirrored__crop-brain.nii.gz",
    ]
    # The map of the mirrored input lies where the patient's square lies.
    data = volume(tmp_path / names[1])
    assert 19 <= np.unravel_index(data.argmax(), data.shape)[2] <= 24


def test_an_explanation_on_demand_says_what_made_it(bench: Workbench, tmp_path: Path) -> None:
    shown(bench)
    bench.explaining.set_parameters("smoothgrad", {"samples": 4, "of": "grad-cam"})
    bench.explaining.select_explainer("smoothgrad")
    bench.explaining.toggle_deviation()
    bench.exporting.save_figure(tmp_path / "why.png")
    bench.exporting.save_maps(tmp_path)
    stem = "stroke__relu2__smoothgrad__samples-4__of-grad-cam__deviation"
    assert (tmp_path / f"{stem}.nii.gz").exists()
    for name in ("why", stem):
        record = json.loads((tmp_path / f"{name}.provenance.json").read_text())
        assert record["explainer"] == "smoothgrad"
        assert record["parameters"] == {"samples": 4, "noise": 0.1, "of": "grad-cam", "seed": 0}
        assert record["deviation"] is True
        assert record["layer"] == "relu2"
        assert record["rounds"] == {"2, stroke": [4, 4]}
    maps = json.loads((tmp_path / f"{stem}.provenance.json").read_text())
    assert maps["explained_slices"] == [2]
    bench.explaining.select_explainer("gradient")
    bench.explaining.select_score("margin")
    bench.exporting.save_maps(tmp_path)
    record = json.loads((tmp_path / "stroke__input__gradient__margin.provenance.json").read_text())
    assert (record["layer"], record["score"], record["parameters"]) == ("input", "margin", {})
    frozen = shown_slice(bench.session)
    assert "on the input" in dict(frozen.facts)["map"]


def test_there_is_nothing_to_save(slow_bench: Workbench, tmp_path: Path) -> None:
    for verb in (slow_bench.exporting.save_figure, slow_bench.exporting.save_maps):
        verb(tmp_path / "x.png")
        assert slow_bench.session.notice.severity == "error"
        assert "no map to save yet" in slow_bench.session.notice.sentence
        slow_bench.dismiss_notice()
    assert list(tmp_path.iterdir()) == []


def test_places_that_are_not_there(bench: Workbench, tmp_path: Path) -> None:
    shown(bench)
    bench.exporting.save_maps(tmp_path / "gone")
    assert "There is no folder 'gone'" in bench.session.notice.sentence
    bench.exporting.save_figure(tmp_path / "gone" / "why.png")
    assert "why.png" in bench.session.notice.sentence
    assert bench.session.notice.severity == "error"
    bench.exporting.save_figure(tmp_path / "why.jpg")
    assert "ends in none of .png, .pdf and .svg" in bench.session.notice.sentence
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "No space left on device"),
        (errno.EROFS, "Read-only file system"),
        (errno.EACCES, "Permission denied"),
    ],
)
def test_a_failing_disk_leaves_the_old_file(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    shown(bench)
    bench.exporting.save_maps(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(*_: object) -> None:
        raise OSError(number, words)

    monkeypatch.setattr(os, "fsync", fail)
    bench.exporting.save_maps(tmp_path)
    assert bench.session.notice.severity == "error"
    assert words.lower() in bench.session.notice.sentence.lower()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_names_of_files() -> None:
    assert file_stem("no stroke", "features.0#1", "grad-cam++") == "no-stroke__features.0#1__grad-cam++"
    assert file_stem("a/b\\c:d", "../x", "") == "a-b-c-d__x__map"


def test_folders_that_cannot_be_made(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").write_text("")
    for bad in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ExportError):
            make_folder(bad)


def test_missing_slices_of_a_map_are_zero(tmp_path: Path) -> None:
    image = bright_spot()
    write_map(tmp_path / "m.nii.gz", image, {1: np.ones((32, 32), dtype=np.float32)})
    assert volume(tmp_path / "m.nii.gz").sum(axis=(1, 2)).tolist() == [0, 1024, 0, 0, 0]


@pytest.mark.parametrize("convention", ["radiological", "neurological"])
def test_a_figure_draws_distances_where_the_screen_has_them(bench: Workbench, convention: str) -> None:
    from viewer.controllers.slice_figures import figure_content

    shown(bench).measuring.add((3, 4), (9, 12))
    bench.viewing.set_convention(convention)
    made = shown_slice(bench.session)
    content = figure_content(
        made.canvas.background,
        made.found,
        made.canvas.values,
        made.canvas.style,
        title="",
        unit="",
        facts=(),
        distances=made.distances,
    )
    (line,) = content.distances
    columns = content.picture.shape[1]
    turned = (lambda at: columns - at) if convention == "neurological" else (lambda at: at)
    assert (line.start, line.end) == ((3.5, turned(4.5)), (9.5, turned(12.5)))
    assert line.text.endswith(" mm")
    assert content.convention == convention.upper()
    bench.viewing.toggle_seen()
    assert shown_slice(bench.session).distances == ()


def test_a_map_of_uneven_slices_lies_at_their_true_places(tmp_path: Path) -> None:
    image = bright_spot()
    origins = np.outer([0.0, 5, 10, 20, 25], [0, 0, 1])
    gapped = replace(image, geometry=Geometry(np.diag([1, 1, 25 / 4, 1]), (5, 32, 32), origins=origins))
    signed = -np.ones((32, 32), dtype=np.float32)
    write_map(tmp_path / "m.nii.gz", gapped, {3: signed})
    written = nib.load(tmp_path / "m.nii.gz")
    depths = written.affine[2, 3] + written.affine[2, 2] * np.arange(written.shape[2])
    values = np.asarray(written.dataobj)[0, 0]
    np.testing.assert_allclose(depths, [0, 5, 10, 15, 20, 25])
    np.testing.assert_allclose(values, [0, 0, 0, -0.5, -1, 0])
    assert "even grid" in grid_words(gapped)
    assert grid_words(image) == "the slices of the image"


def test_figures_and_maps_say_what_the_explainer_found_out(bench: Workbench, tmp_path: Path) -> None:
    shown(bench)
    bench.explaining.set_parameters("lime", {"segments": 9, "samples": 40})
    bench.explaining.select_explainer("lime")
    bench.explaining.asking.compute()
    bench.exporting.save_figure(tmp_path / "lime.png")
    record = json.loads((tmp_path / "lime.provenance.json").read_text())
    assert record["facts"]["asked"] == 40
    assert record["parameters"]["seed"] == 0
    assert record["display"]["boundaries"]
    bench.exporting.save_maps(tmp_path)
    [path] = [each for each in tmp_path.glob("*.provenance.json") if each.stem != "lime.provenance"]
    saved = json.loads(path.read_text())
    [facts] = saved["facts_of"].values()
    assert facts == record["facts"]
    assert "signed" in saved["values"]
