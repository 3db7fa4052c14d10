"""Windows: from the file, the modality, the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from viewer.imaging.geometry import Geometry
from viewer.imaging.image import Intensity, MedicalImage, Window
from viewer.imaging.windows import automatic_window, default_window, grey_bytes, grey_levels, presets


def an_image(voxels: NDArray[Any], *, windows: tuple[Window, ...] = (), **facts: Any) -> MedicalImage:
    shape = (voxels.shape[0], voxels.shape[1], voxels.shape[2])
    return MedicalImage(voxels, Geometry(np.eye(4), shape), intensity=Intensity(windows=windows), **facts)


def a_head() -> NDArray[np.float32]:
    """Tissue 100 to 200 in air 0 to 3, and one hot voxel."""
    random = np.random.default_rng(0)
    voxels = random.uniform(0, 3, (10, 40, 40)).astype(np.float32)
    voxels[:, 10:30, 10:30] = random.uniform(100, 200, (10, 20, 20))
    voxels[0, 0, 0] = 5000
    return voxels


def test_automatic_spans_the_tissue_and_ignores_air_and_hot_voxels() -> None:
    window = automatic_window(an_image(a_head(), modality="MR"))
    assert 80 < window.low < 110
    assert 190 < window.high < 210


def test_not_a_number_does_not_poison_the_window() -> None:
    voxels = a_head()
    voxels[1] = np.nan
    assert automatic_window(an_image(voxels)).width == pytest.approx(100, rel=0.1)
    assert automatic_window(an_image(np.full((2, 3, 4), np.nan, dtype=np.float32))).width > 0


@pytest.mark.parametrize("value", [0, 7, -3])
def test_a_constant_image_has_a_window(value: int) -> None:
    assert automatic_window(an_image(np.full((2, 3, 4), value, dtype=np.int16))).width == 1


def test_one_slice_may_have_its_own_window() -> None:
    voxels = np.zeros((2, 10, 10), dtype=np.int16)
    voxels[1] = np.arange(100).reshape(10, 10)
    assert automatic_window(an_image(voxels), voxels[1]).high == pytest.approx(98.5, abs=1)


def test_the_window_of_the_file_comes_first_unless_it_misses_the_values() -> None:
    good, far = Window(150, 100, "as stored in the file"), Window(-5000, 100)
    assert default_window(an_image(a_head(), windows=(good,), modality="MR")) == good
    assert default_window(an_image(a_head(), windows=(far, good), modality="MR")) == good
    assert default_window(an_image(a_head(), windows=(far,), modality="MR")).name == "automatic"


def test_ct_has_five_presets_and_starts_with_the_brain() -> None:
    image = an_image(np.linspace(-1000, 2000, 60).astype(np.int16).reshape(3, 4, 5), modality="CT")
    assert [window.name for window in presets(image)] == ["brain", "stroke", "subdural", "bone", "lung"]
    assert (default_window(image).centre, default_window(image).width) == (40, 80)


@pytest.mark.parametrize("modality", ["MR", "CR", "DX", ""])
def test_others_offer_the_automatic_one_in_three_widths(modality: str) -> None:
    own = Window(130, 60, "as stored in the file")
    offered = presets(an_image(a_head(), modality=modality, windows=(own,)))
    names = [window.name for window in offered]
    assert {"automatic", "wide", "narrow"} <= set(names)
    assert len(names) <= 5
    assert names[0] == ("automatic" if modality == "MR" else "as stored in the file")


def test_a_picture_of_eight_bits_is_shown_as_it_is() -> None:
    image = MedicalImage(np.full((1, 4, 4), 50, dtype=np.uint8), Geometry.unoriented((1, 4, 4)))
    assert (default_window(image).low, default_window(image).high) == (0, 255)


def test_grey_levels_clip_and_invert() -> None:
    picture = np.array([[-10, 0, 40, 80, 200, np.nan]], dtype=np.float32)
    np.testing.assert_allclose(grey_levels(picture, Window(40, 80)), [[0, 0, 0.5, 1, 1, 0]])
    np.testing.assert_allclose(grey_levels(picture, Window(40, 80), inverted=True)[0, :5], [1, 1, 0.5, 0, 0])
    assert grey_bytes(picture, Window(40, 80)).tolist() == [[0, 0, 128, 255, 255, 0]]


def test_a_mask_is_bright_on_black() -> None:
    mask = np.zeros((3, 8, 8), dtype=np.uint8)
    mask[1, 2:5, 2:5] = 1
    window = automatic_window(an_image(mask, modality="SEG"))
    assert grey_levels(mask[1], window).max() == 1
    assert grey_levels(mask[1], window).min() == 0
