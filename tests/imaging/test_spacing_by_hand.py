"""Distances that a person states take the place of the file's, and everything says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tests.orientations import affines, uneven
from viewer.foundation.errors import UsageError
from viewer.imaging.contents import Contents
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.reading import read_image
from viewer.imaging.spacing_by_hand import with_spacing

STEP = st.floats(0.01, 50)


def image(geometry: Geometry) -> MedicalImage:
    return MedicalImage(np.zeros(geometry.shape, dtype=np.int16), geometry)


@given(affines(), st.tuples(STEP, STEP, STEP))
def test_directions_and_the_first_voxel_stay(
    affine: NDArray[np.float64], spacing: tuple[float, float, float]
) -> None:
    before = Geometry(affine, (3, 4, 5))
    after = with_spacing(image(before), spacing).geometry
    assert after.spacing_mm == pytest.approx(spacing)
    np.testing.assert_allclose(after.to_patient(np.zeros(3)), before.to_patient(np.zeros(3)), atol=1e-9)
    for axis in range(3):
        np.testing.assert_allclose(after.direction(axis), before.direction(axis), atol=1e-9)


@given(uneven(), STEP, STEP)
def test_slices_at_places_of_their_own_keep_them_unless_their_distance_is_stated(
    geometry: Geometry, row: float, column: float
) -> None:
    between = geometry.spacing_mm[0]
    kept = with_spacing(image(geometry), (between, row, column)).geometry
    np.testing.assert_array_equal(kept.origins, geometry.origins)
    assert with_spacing(image(geometry), (between * 2, row, column)).geometry.origins is None


def test_a_picture_without_a_size_gets_one(tmp_path: Path) -> None:
    Image.fromarray(np.arange(20, dtype=np.uint8).reshape(4, 5)).save(tmp_path / "film.png")
    film = read_image(tmp_path / "film.png", spacing_mm=(1, 0.2, 0.3))
    assert film.geometry.spacing_mm == pytest.approx((1, 0.2, 0.3))
    assert film.spacing_by_hand == (1, 0.2, 0.3)
    codes = {finding.code: finding for finding in film.diagnoses}
    assert "no-spacing" not in codes
    assert "no-orientation" in codes
    assert "1 x 0.2 x 0.3 mm" in codes["spacing-by-hand"].sentence
    assert "does not say" in codes["spacing-by-hand"].sentence
    again = with_spacing(film, (1, 0.4, 0.4))
    assert [f.code for f in again.diagnoses].count("spacing-by-hand") == 1


def test_what_arrives_first_has_it_too_and_the_file_is_quoted(write_stack: Callable[..., Path]) -> None:
    seen: list[MedicalImage] = []
    contents = Contents.of(write_stack([0, 5, 10]))
    whole = contents.load(spacing_mm=(4, 2, 2), arriving=seen.append)
    assert seen[0].geometry.spacing_mm == whole.geometry.spacing_mm == pytest.approx((4, 2, 2))
    [finding] = [f for f in whole.diagnoses if f.code == "spacing-by-hand"]
    assert "the file says 5 x" in finding.sentence


@pytest.mark.parametrize("spacing", [(0, 1, 1), (1, -1, 1), (1, 1, float("nan")), (1, 1, 1e9), (1, 1)])
def test_impossible_distances_are_refused_before_anything_is_read(
    tmp_path: Path, spacing: tuple[float, float, float]
) -> None:
    Image.fromarray(np.zeros((4, 5), dtype=np.uint8)).save(tmp_path / "film.png")
    contents = Contents.of(tmp_path / "film.png")
    (tmp_path / "film.png").unlink()
    with pytest.raises(UsageError, match="three distances"):
        contents.load(spacing_mm=spacing)


def test_sizes_at_the_detector_are_settled_by_a_stated_size() -> None:
    from viewer.imaging.diagnoses import Diagnosis

    film = replace(
        image(Geometry.unoriented((1, 4, 5), (1, 0.2, 0.2))),
        diagnoses=(Diagnosis("size-at-detector", "note", "Sizes are those at the detector."),),
    )
    assert [finding.code for finding in with_spacing(film, (1, 0.17, 0.17)).diagnoses] == ["spacing-by-hand"]
