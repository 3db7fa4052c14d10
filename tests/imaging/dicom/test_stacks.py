"""Files sorted into stacks and volumes: positions, time, weightings, and what does not belong together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.imaging.dicom.listing import codes, only
from viewer.imaging.dicom import stacks as dicom_series
from viewer.imaging.reading import inspect_path, read_image

WriteDicom = Callable[..., Path]
WriteStack = Callable[..., Path]
ONCE = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


def rotation(angles: tuple[float, float, float]) -> NDArray[np.float64]:
    """Columns are the directions of a row, of a column, and their normal."""
    result = np.eye(3)
    for axis, angle in enumerate(angles):
        turn = np.eye(3)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turn[[first, first, second, second], [first, second, first, second]] = (
            np.cos(angle),
            -np.sin(angle),
            np.sin(angle),
            np.cos(angle),
        )
        result = turn @ result
    return result


ANGLE = st.floats(-3.1, 3.1)


@ONCE
@given(
    angles=st.tuples(ANGLE, ANGLE, ANGLE),
    gaps=st.lists(st.floats(0.5, 9), min_size=2, max_size=7),
    tilt=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
    shuffled=st.randoms(use_true_random=False),
    number=st.integers(0, 10**9),
)
def test_every_voxel_lies_where_its_own_file_says(
    tmp_path: Path,
    write_dicom: WriteDicom,
    angles: tuple[float, float, float],
    gaps: list[float],
    tilt: tuple[float, float],
    shuffled: Any,
    number: int,
) -> None:
    """Whatever the orientation, the spacing, the tilt and the order of the files."""
    turned = rotation(angles)
    depths = np.concatenate([[0], np.cumsum(gaps)])
    places = [turned @ (tilt[0] * depth, tilt[1] * depth, depth) + (10, -20, 30) for depth in depths]
    order = list(range(len(places)))
    shuffled.shuffle(order)
    folder = f"case{number}-{abs(hash((angles, tuple(gaps), tilt)))}"
    for name, slice_ in enumerate(order):
        pixels = np.full((2, 3), slice_, dtype=np.int16)
        write_dicom(
            f"{folder}/{name:03d}.dcm",
            pixels,
            tuple(float(f"{part:.9f}") for part in places[slice_]),
            ImageOrientationPatient=[float(f"{part:.9f}") for part in (*turned[:, 0], *turned[:, 1])],
        )
    image = read_image(tmp_path / folder)
    assert image.voxels[:, 0, 0].tolist() == list(range(len(places)))
    for slice_, place in enumerate(places):
        corner = image.geometry.to_patient(np.array([slice_, 1.0, 2.0]))
        expected = place + turned[:, 0] * 2 * 1.5 + turned[:, 1] * 1 * 2.0
        np.testing.assert_allclose(corner, expected, atol=0.0101 if image.geometry.origins is None else 1e-5)
        np.testing.assert_allclose(image.geometry.to_voxel(corner), (slice_, 1, 2), atol=1e-4)
    steep = np.degrees(np.arctan(np.hypot(*tilt)))
    if abs(steep - 0.2) > 0.01:
        assert ("gantry-tilt" in codes(image)) == (steep > 0.2)


def test_a_tilt_is_in_the_affine_and_an_uneven_stack_has_origins(write_stack: WriteStack) -> None:
    tilted = read_image(write_stack([0, 5, 10], "tilt", place=lambda depth: (0, depth * 0.2, depth)))
    assert tilted.geometry.origins is None
    gapped = read_image(write_stack([0, 5, 10, 20], "gap"))
    assert gapped.geometry.origins is not None
    assert gapped.geometry.to_patient(np.array([2.5, 0, 0])).tolist() == [0, 0, 15]
    for image in (tilted, gapped):
        [finding] = [each for each in image.diagnoses if each.code in ("gantry-tilt", "missing-slice")]
        assert "Positions are exact" in finding.action
        assert "resample" in finding.action


def test_uneven_slices_of_a_real_head_are_all_where_their_files_say(shared_data: Path) -> None:
    folder = shared_data / "dcm_qa_ct/In/GE"
    image = read_image(folder)
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(folder.glob("*.dcm"))]
    places = np.array([[float(part) for part in header.ImagePositionPatient] for header in headers])
    voxel = image.geometry.to_voxel(places)
    np.testing.assert_allclose(np.sort(voxel[:, 0]), np.arange(len(headers)), atol=1e-6)
    np.testing.assert_allclose(voxel[:, 1:], 0, atol=1e-6)


def test_slices_of_a_hundredth_of_a_millimetre_are_no_single_place(write_stack: WriteStack) -> None:
    """A scanner of specimens; one of its slices is missing."""
    folder = write_stack([0.0, 0.009, 0.018, 0.036, 0.045], SliceThickness=0.009, PixelSpacing=[0.009, 0.009])
    info = only(folder)
    assert info.shape[0] == 5
    assert codes(info) == {"missing-slice"}


def test_two_slices_at_one_place_are_named_and_both_kept(write_stack: WriteStack) -> None:
    image = read_image(write_stack([0, 5, 5, 10]))
    [finding] = [each for each in image.diagnoses if each.code == "slices-at-one-position"]
    assert "'002.dcm'" in finding.sentence
    assert "'003.dcm'" in finding.sentence
    assert [volume.slices for volume in image.volumes] == [3, 1]


def test_a_series_that_makes_no_grid_does_not_stop_the_others(
    write_stack: WriteStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stack([0, 5], "two/a", SeriesNumber=1, SeriesInstanceUID="1.2.3")
    folder = write_stack([0, 5], "two/b", SeriesNumber=2).parent
    usual = dicom_series.grid_of

    def contradicting(frames: Any, size: Any) -> Any:
        if frames[0].path.parent.name == "a":
            raise ValueError
        return usual(frames, size)

    monkeypatch.setattr(dicom_series, "grid_of", contradicting)
    inspection = inspect_path(folder)
    assert len(inspection.series) == 1
    assert [entry.code for entry in inspection.unreadable] == ["no-grid"]


def test_a_file_that_is_there_twice_is_read_once(write_stack: WriteStack) -> None:
    folder = write_stack([0, 5, 10])
    (folder / "copy.dcm").write_bytes((folder / "002.dcm").read_bytes())
    image = read_image(folder)
    assert image.voxels.shape[0] == 3
    assert codes(image) == {"files-twice"}


def twins(folder: Path, *sources: Path) -> Path:
    for number, source in enumerate(sources):
        (folder / f"{number}.dcm").write_bytes(source.read_bytes())
    return folder


@pytest.mark.parametrize(
    ("plain", "other", "shape"),
    [
        ("pydicom-data/data_store/data/emri_small", "_RLE", (10, 64, 64)),
        ("pydicom/src/pydicom/data/test_files/MR_small", "_RLE", (1, 64, 64)),
        ("pydicom/src/pydicom/data/test_files/MR_small", "_padded", (1, 64, 64)),
        ("pydicom-data/data_store/data/liver", "_expb", (3, 512, 512)),
    ],
)
def test_a_picture_in_two_encodings_is_read_once(
    shared_data: Path, tmp_path: Path, plain: str, other: str, shape: tuple[int, ...]
) -> None:
    one, two = shared_data / f"{plain}.dcm", shared_data / f"{plain}{other}.dcm"
    image = read_image(twins(tmp_path, two, one))
    assert (image.voxels.shape, only(tmp_path).frames) == (shape, shape[0])
    [finding] = [each for each in image.diagnoses if each.code == "files-twice"]
    assert finding.sentence.startswith("1 file of this series is there more than once")
    if other == "_RLE":
        assert [path.name for path in only(tmp_path).files] == ["1.dcm"], "the one that is not compressed"


def test_one_name_for_two_pictures_hides_neither(write_stack: WriteStack) -> None:
    image = read_image(write_stack([0, 5, 10], SOPInstanceUID="1.2.3"))
    assert image.voxels.shape[0] == 3
    assert "files-twice" not in codes(image)


@pytest.mark.parametrize(
    "names",
    [
        ("JLSL_08_07_0_1F", "JLSL_16_15_1_1F"),
        ("JLSL_RGB_ILV0", "JLSL_RGB_ILV1", "JLSL_RGB_ILV2", "JLSN_RGB_ILV0"),
    ],
)
def test_files_that_name_no_series_are_not_merged(
    shared_data: Path, tmp_path: Path, names: tuple[str, ...]
) -> None:
    data = shared_data / "pydicom-data/data_store/data"
    series = inspect_path(twins(tmp_path, *(data / f"{name}.dcm" for name in names))).series
    assert [info.frames for info in series] == [1] * len(names)


@pytest.mark.parametrize(
    ("depths", "facts", "count"),
    [
        ([0, 5, 10, 15], {}, 1),
        ([0, 5], {}, 2),
        ([0, 5, 11, 30], {}, 4),
        ([0, 5, 5, 10], {}, 4),
        ([0, 5, 10], {"place": lambda depth: (depth**2, 0, depth)}, 3),
        ([0, 5, 10], {"place": lambda depth: None}, 3),
    ],
)
def test_without_a_series_only_an_even_stack_is_evidence(
    write_stack: WriteStack, depths: list[float], facts: dict[str, Any], count: int
) -> None:
    folder = write_stack(depths, SeriesInstanceUID=None, **facts)
    assert len(inspect_path(folder).series) == count


def test_without_a_series_other_bits_are_another_series(write_stack: WriteStack) -> None:
    write_stack([0, 10, 20], "a", SeriesInstanceUID=None)
    folder = write_stack([5, 15, 25], "a/b", SeriesInstanceUID=None, BitsStored=12, HighBit=11)
    for path in folder.iterdir():
        path.rename(folder.parent / f"b{path.name}")
    assert [info.shape[0] for info in inspect_path(folder.parent).series] == [3, 3]


def test_a_cine_keeps_its_letters_and_claims_no_positions(write_dicom: WriteDicom, tmp_path: Path) -> None:
    for number in range(4):
        write_dicom(
            f"cine/{number}.dcm", np.full((4, 5), 3 - number, dtype=np.int16), TriggerTime=90 - number * 30
        )
    image = read_image(tmp_path / "cine")
    assert image.voxels[:, 0, 0].tolist() == [0, 1, 2, 3]
    assert "one-place" in codes(image)
    assert not image.geometry.placed
    assert image.plane.edge_letters(image.geometry) == ("R", "L", "A", "P")
    assert image.plane.position_mm(image.geometry, 0) is None


@pytest.mark.parametrize(
    "difference",
    [
        {"PatientID": "P2"},
        {"StudyInstanceUID": "1.2.3"},
        {"SeriesInstanceUID": "1.2.3"},
        {"FrameOfReferenceUID": "1.2.3"},
        {"PixelSpacing": [1.0, 1.0]},
        {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
        {"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]},
        {"PhotometricInterpretation": "MONOCHROME1"},
    ],
)
def test_what_differs_in_these_is_never_one_stack(
    write_stack: WriteStack, difference: dict[str, Any]
) -> None:
    write_stack([0, 5], "both/a")
    folder = write_stack([10, 15], "both/b", **difference).parent
    assert [info.shape[0] for info in inspect_path(folder).series] == [2, 2]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            {"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"], "SeriesDescription": "brain"},
            "brain (ADC)",
        ),
        ({"ImageType": ["DERIVED", "SECONDARY"], "SeriesDescription": "eADC"}, "eADC"),
        ({"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "FA"], "SeriesDescription": "x_FA"}, "x_FA"),
        ({"SeriesDescription": "None"}, ""),
        (
            {"SeriesDescription": "ep2d", "DiffusionBValue": 800.0, "ImageType": ["D", "P", "D", "TRACEW"]},
            "ep2d (trace)",
        ),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "P"], "SeriesDescription": "field map"}, "field map (phase)"),
    ],
)
def test_maps_are_named(write_stack: WriteStack, facts: dict[str, Any], words: str) -> None:
    assert only(write_stack([0, 5], **facts)).description == words


def test_a_segmentation_misses_no_slices(write_stack: WriteStack) -> None:
    folder = write_stack([0, 5, 20, 25])
    assert "missing-slice" in codes(only(folder))
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.Modality = "SEG"
        dataset.save_as(path)
    marked = only(folder)
    assert not codes(marked) & {"missing-slice", "uneven-spacing"}
    assert read_image(folder).geometry.origins is not None
