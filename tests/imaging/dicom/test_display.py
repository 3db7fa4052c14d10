"""Windows with a shape, tables of grey levels, padding, and MONOCHROME1 across the slices of a series."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_voi_lut
from pydicom.sequence import Sequence

from viewer.imaging.dicom.display import windows_of
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import Intensity, MedicalImage, VoiTable, Window
from viewer.imaging.reading import read_image
from viewer.imaging.voxel_types import rescaled
from viewer.imaging.windows import automatic_window, default_window, grey_levels, presets, straightened

WriteDicom = Callable[..., Path]


@pytest.mark.filterwarnings("ignore:overflow")  # in pydicom, far below a sigmoid
@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("centre", "width"), [(40.0, 80.0), (0.5, 1.0), (-600.0, 1501.0)])
def test_window_functions_equal_those_of_pydicom(function: Any, centre: float, width: float) -> None:
    if function != "LINEAR" and width == 1:
        width = 3
    values = np.arange(-1400, 300, dtype=np.int16).reshape(2, -1)
    dataset = Dataset()
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = centre, width, function
    dataset.BitsStored, dataset.PixelRepresentation = 16, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    theirs = (apply_voi_lut(values, dataset) + 32768) / 65535
    ours = grey_levels(values, Window(centre, width, "", function))
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_a_table_equals_pydicoms(shared_data: Path) -> None:
    path = shared_data / "pydicom-data/data_store/data/vlut_04.dcm"
    image, dataset = read_image(path), pydicom.dcmread(path)
    tables = [window for window in image.intensity.windows if isinstance(window, VoiTable)]
    assert len(tables) == len(dataset.VOILUTSequence)
    for place, table in enumerate(tables):
        theirs = apply_voi_lut(dataset.pixel_array, dataset, index=place, prefer_lut=True)
        bits = int(dataset.VOILUTSequence[place].LUTDescriptor[2])
        np.testing.assert_allclose(grey_levels(image.voxels[0], table), theirs / (2**bits - 1), atol=1e-4)
        assert table.name


def table_of(entries: list[int], first: int, bits: int, words: str) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.LUTExplanation = words
    item.add_new("LUTData", "US", entries)
    return item


def test_a_table_is_a_choice_beside_the_windows(write_dicom: WriteDicom) -> None:
    pixels = np.arange(20, dtype=np.uint16).reshape(4, 5)
    table = table_of([0, 10, 1000, 4095], 3, 12, "BONE")
    facts = {"WindowCenter": 10, "WindowWidth": 12, "VOILUTSequence": Sequence([table])}
    image = read_image(write_dicom("a.dcm", pixels, **facts))
    window, lut = image.intensity.windows
    assert (window.name, window.function, lut.name) == ("as stored in the file", "LINEAR", "bone")
    assert default_window(image) == window
    assert lut in presets(image)
    levels = grey_levels(image.voxels[0], lut)
    np.testing.assert_allclose(
        levels.ravel()[:9], np.array([0, 0, 0, 0, 10, 1000, 4095, 4095, 4095]) / 4095, atol=1e-5
    )
    np.testing.assert_allclose(grey_levels(image.voxels[0], lut, inverted=True), 1 - levels)
    assert (lut.low, lut.high) == (3, 6)


def test_a_table_alone_is_the_default(write_dicom: WriteDicom) -> None:
    table = table_of([0, 100, 200, 255], 3, 8, "")
    image = read_image(
        write_dicom("a.dcm", np.arange(20, dtype=np.uint16).reshape(4, 5), VOILUTSequence=Sequence([table]))
    )
    assert isinstance(default_window(image), VoiTable)
    assert default_window(image).name == "table 1 of the file"


@pytest.mark.parametrize(
    "item",
    [
        table_of([0, 1], 3, 0, ""),
        table_of([0, 1], 3, 17, ""),
        table_of([5], 3, 8, ""),
        Dataset(),
    ],
)
def test_a_broken_table_is_no_table(item: Dataset) -> None:
    facts = {"VOILUTSequence": Sequence([item])}
    assert windows_of(lambda _, keyword: facts.get(keyword)) == ()


def test_a_table_below_zero() -> None:
    """The descriptor is unsigned where the stored values are, and the table begins below zero after the rescale."""
    facts = {"VOILUTSequence": Sequence([table_of([0, 1, 2, 3], 65536 - 1024, 2, "")])}
    (table,) = windows_of(lambda _, keyword: facts.get(keyword), -1024.0)
    assert isinstance(table, VoiTable)
    assert table.first == -1024
    levels = grey_levels(np.array([[-2000, -1024, -1022, 5, np.nan]]), table)
    np.testing.assert_allclose(levels, [[0, 0, 2 / 3, 1, 0]], atol=1e-5)


def test_what_a_canvas_draws_is_what_the_window_means() -> None:
    picture = np.array([[0, 5, 10]], dtype=np.int16)
    plain = Window(5, 10)
    assert straightened(picture, plain) == (picture, 0, 10)
    for window in (Window(5, 10, "", "SIGMOID"), VoiTable.of(0, np.arange(11) ** 2, 7, "")):
        pixels, low, high = straightened(picture, window)
        np.testing.assert_allclose((pixels - low) / (high - low), grey_levels(picture, window))


def image_of(voxels: np.ndarray, **intensity: Any) -> MedicalImage:
    return MedicalImage(
        voxels, Geometry.unoriented(voxels.shape, (1, 1, 1)), intensity=Intensity(**intensity)
    )


def test_padding_is_left_out_of_automatic_windows(write_dicom: WriteDicom) -> None:
    pixels = np.full((20, 20), -2000, dtype=np.int16)
    pixels[5:15, 5:15] = np.arange(100).reshape(10, 10)
    facts = {"RescaleSlope": 2, "RescaleIntercept": -50}
    padded = read_image(write_dicom("a.dcm", pixels, PixelPaddingValue=-2000, **facts))
    assert padded.intensity.padding == (-4050, -4050)
    window = automatic_window(padded)
    assert -60 < window.low < window.high < 160
    assert automatic_window(read_image(write_dicom("b.dcm", pixels, **facts))).low < -4000


def test_a_range_of_padding() -> None:
    voxels = np.concatenate([np.arange(-10, 0), np.arange(100, 200)]).astype(np.int16).reshape(1, 10, 11)
    assert automatic_window(image_of(voxels, padding=(-10, -1))).low > 95
    assert automatic_window(image_of(np.zeros((1, 2, 2)), padding=(0, 0))).width == 1


def test_slices_of_monochrome1_stay_comparable() -> None:
    """A grey value is the same grey in every slice, though each slice has extremes of its own."""
    voxels = np.zeros((2, 3, 3), dtype=np.uint16)
    voxels[0, 0] = (0, 100, 1000)
    voxels[1, 0] = (0, 100, 200)
    image = image_of(voxels, photometric="MONOCHROME1")
    first, second = (image.grey(picture) for picture in voxels)
    assert first[0].tolist() == [1000, 900, 0]
    assert second[0].tolist() == [1000, 900, 800]


def test_missing_numbers_do_not_move_the_extremes() -> None:
    voxels = np.array([[[np.nan, 1.0], [np.inf, 3.0]]], dtype=np.float32)
    image = image_of(voxels, photometric="MONOCHROME1")
    assert image.extremes == (1, 3)
    assert image.grey(voxels[0]).tolist() == [[1, 3], [1, 1]]


@pytest.mark.parametrize(("slope", "centre", "other"), [(1, 1500.5, 2595.5), (-1, -1500.5, -2593.5)])
def test_a_film_and_its_monochrome1_twin_look_the_same(
    write_dicom: WriteDicom, slope: int, centre: float, other: float
) -> None:
    """The twin stores 4095 minus each value and says so: on screen and for a network both are one picture."""
    pixels = np.random.default_rng(0).integers(0, 4096, (16, 20)).astype(np.uint16)
    pixels[0, :2] = 0, 4095
    both = {"Modality": "CR", "BitsStored": 12, "HighBit": 11, "RescaleSlope": slope, "RescaleIntercept": 0}
    plain, twin = (
        read_image(write_dicom(name, values, None, PhotometricInterpretation=kind, **both, **window))
        for name, values, kind, window in (
            ("plain.dcm", pixels, "MONOCHROME2", {"WindowCenter": centre, "WindowWidth": 1001}),
            ("twin.dcm", 4095 - pixels, "MONOCHROME1", {"WindowCenter": other, "WindowWidth": 1001}),
        )
    )
    shown, negative = (
        grey_levels(image.voxels[0], default_window(image), inverted=image.intensity.inverted)
        for image in (plain, twin)
    )
    np.testing.assert_allclose(shown, negative, atol=1e-6)
    assert shown.std() > 0.1
    one, two = (image.grey(image.voxels[0]) for image in (plain, twin))
    np.testing.assert_allclose(one - one.min(), two - two.min())


@pytest.mark.parametrize("shape", ["INVERSE", "IDENTITY", None])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_presentation_shape_inverts_nothing_twice(
    write_dicom: WriteDicom, photometric: str, shape: str | None
) -> None:
    pixels = np.arange(20, dtype=np.uint16).reshape(4, 5)
    path = write_dicom("a.dcm", pixels, PhotometricInterpretation=photometric, PresentationLUTShape=shape)
    assert read_image(path).intensity.inverted == (photometric == "MONOCHROME1")


@pytest.mark.parametrize(
    ("stored", "slope", "intercept", "kind"),
    [
        (np.int16, 1, -1024, np.int16),
        (np.uint16, -1, 0, np.int32),
        (np.uint8, -1, 0, np.int16),
        (np.uint8, -1, 255, np.uint8),
        (np.int16, 0.5, 0, np.float32),
        (np.float32, 2, 0, np.float32),
        (np.float64, 2, 0, np.float64),
        (np.uint32, 2, 0, np.float32),
    ],
)
def test_rescaled_values_stay_in_the_smallest_type(
    stored: Any, slope: float, intercept: float, kind: Any
) -> None:
    limits = (0, 255) if np.dtype(stored).kind == "f" else (np.iinfo(stored).min, np.iinfo(stored).max)
    values = np.linspace(*limits, 24).astype(stored).reshape(2, 3, 4)
    if stored == np.int16 and slope == 1:
        values = np.maximum(values, -30000)
    found = rescaled(values, slope, intercept)
    assert found.dtype == kind
    np.testing.assert_allclose(found, values.astype(np.float64) * slope + intercept, rtol=1e-6)
