"""What is erased is gone, everything else stays, and the image says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.foundation.errors import UsageError
from viewer.imaging.erasing import erase, with_erasures
from viewer.imaging.erasure import FILLS, Erasure
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import Intensity, MedicalImage


def film(voxels: np.ndarray, photometric: str = "MONOCHROME2") -> MedicalImage:
    geometry = Geometry(np.eye(4), voxels.shape[:3], oriented=False, placed=False)
    return MedicalImage(voxels, geometry, intensity=Intensity(photometric=photometric))


def marked(dtype: type = np.uint16) -> np.ndarray:
    voxels = np.full((1, 20, 30), 100, dtype=dtype)
    voxels[0, 4:8, 22:27] = 900
    return voxels


@pytest.mark.parametrize("fill", FILLS)
def test_the_marker_is_gone_and_the_rest_stays(fill: str) -> None:
    image = film(marked())
    erased = erase(image, 3, 21, 9, 28, fill=fill)  # type: ignore[arg-type]
    box = np.zeros((20, 30), bool)
    box[3:9, 21:28] = True
    assert np.array_equal(erased.voxels[0][~box], image.voxels[0][~box])
    assert np.ptp(erased.voxels[0][box]) < 200 if fill == "blur" else np.ptp(erased.voxels[0][box]) == 0
    assert erased.voxels.dtype == image.voxels.dtype
    assert image.voxels[0, 5, 24] == 900, "the image itself is never altered"


def test_surroundings_lead_over_from_one_side_to_the_other() -> None:
    ramp = np.tile(np.arange(30, dtype=np.float32), (20, 1))[None]
    erased = erase(film(ramp), 5, 10, 15, 20)
    inside = erased.voxels[0, 5:15, 10:20]
    assert (np.diff(inside, axis=1) > 0).all()
    assert abs(float(inside.mean()) - 14.5) < 0.2


def test_the_mean_is_that_of_the_picture() -> None:
    image = film(marked(np.float32))
    erased = erase(image, 0, 0, 2, 2, fill="mean")
    assert erased.voxels[0, 0, 0] == pytest.approx(image.voxels[0].mean())


def test_one_slice_or_all_of_them() -> None:
    image = film(np.tile(marked(), (3, 1, 1)))
    one, every = erase(image, 4, 22, 8, 27, slice=1), erase(image, 4, 22, 8, 27)
    assert [int(one.voxels[k, 5, 24]) for k in range(3)] == [900, 100, 900]
    assert [int(every.voxels[k, 5, 24]) for k in range(3)] == [100, 100, 100]


def test_colours_and_values_that_are_no_numbers() -> None:
    colour = np.stack([marked(np.uint16).astype(np.uint8)] * 3, axis=-1)
    assert erase(film(colour, "RGB"), 4, 22, 8, 27).voxels[0, 5, 24].tolist() == [100, 100, 100]
    holed = marked(np.float32)
    holed[0, 3] = np.nan
    assert np.isfinite(erase(film(holed), 4, 22, 8, 27).voxels[0, 4:8, 22:27]).all()


def test_white_of_a_film_is_counted_from_the_whole_film() -> None:
    voxels = marked()
    image = film(voxels, "MONOCHROME1")
    erased = erase(image, 4, 22, 8, 27)
    before, after = image.grey(image.voxels[0]), erased.grey(erased.voxels[0])
    assert np.array_equal(before[10:], after[10:])


def test_an_erased_image_says_so() -> None:
    erased = erase(film(marked()), 4, 22, 8, 27, fill="mean")
    assert erased.erased == (Erasure(4, 22, 8, 27, None, "mean"),)
    (finding,) = [each for each in erased.diagnoses if each.code == "erased"]
    assert "rows 4 to 8, columns 22 to 27" in finding.sentence
    assert with_erasures(erased, ()) is erased


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((30, 0, 40, 10), "holds no pixel"),
        ((8, 5, 4, 9), "holds no pixel"),
        ((4.6, 5, 5.4, 9), "holds no pixel"),
        ((0, 0, 20, 30), "whole picture"),
        ((float("nan"), 0, 5, 5), "numbers"),
    ],
)
def test_boxes_that_mean_nothing_are_refused(box: tuple[float, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        erase(film(marked()), *box)


def test_no_such_slice_and_no_such_filling() -> None:
    with pytest.raises(UsageError, match="no slice 4"):
        erase(film(marked()), 1, 1, 5, 5, slice=4)
    with pytest.raises(UsageError, match="mean"):
        erase(film(marked()), 1, 1, 5, 5, fill="meen")  # type: ignore[arg-type]


@given(st.integers(0, 18), st.integers(0, 28), st.integers(1, 20), st.integers(1, 30), st.sampled_from(FILLS))
def test_what_comes_in_its_place_lies_between_what_is_there(
    top: int, left: int, height: int, width: int, fill: str
) -> None:
    rng = np.random.default_rng(top * 31 + left)
    voxels = rng.integers(-500, 500, (1, 20, 30)).astype(np.int16)
    bottom, right = min(top + height, 20), min(left + width, 30)
    if (top, left, bottom, right) == (0, 0, 20, 30):
        return
    erased = erase(film(voxels), top, left, bottom, right, fill=fill)  # type: ignore[arg-type]
    inside = erased.voxels[0, top:bottom, left:right]
    assert voxels.min() <= inside.min() <= inside.max() <= voxels.max()


def test_the_way_it_is_shown_decides_where_a_box_lies() -> None:
    """Boxes are those of the picture: a patient who lies the other way round in the file is erased where he is seen."""
    voxels = marked()
    affine = np.diag([-1.0, 1.0, 1.0, 1.0])
    image = MedicalImage(voxels, Geometry(affine, voxels.shape))
    shown = image.plane.picture(image.voxels, 0)
    row, column = (int(edge) for edge in np.argwhere(shown == 900).min(axis=0))
    erased = erase(image, row, column, row + 4, column + 5)
    assert not (erased.voxels == 900).any()
    assert replace(image, voxels=voxels).plane.name == image.plane.name
