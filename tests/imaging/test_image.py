"""Grey values for a network: bright is bright, and what is no number is dark."""

from __future__ import annotations

import numpy as np
import pytest

from viewer.imaging.geometry import Geometry
from viewer.imaging.image import Intensity, MedicalImage


@pytest.mark.parametrize(
    ("photometric", "wanted"),
    [("MONOCHROME2", [-1000, -1000, -1000, 50]), ("MONOCHROME1", [50, -1000, -1000, -1000])],
)
def test_what_is_no_number_becomes_the_darkest(photometric: str, wanted: list[float]) -> None:
    voxels = np.array([[[-1000.0, np.nan, np.inf, 50.0]]], dtype=np.float32)
    image = MedicalImage(voxels, Geometry.unoriented((1, 1, 4)), intensity=Intensity(photometric=photometric))
    assert image.grey(voxels[0])[0].tolist() == wanted


def test_a_picture_without_any_number_is_black() -> None:
    voxels = np.full((1, 2, 2), np.nan, dtype=np.float32)
    assert not MedicalImage(voxels, Geometry.unoriented((1, 2, 2))).grey(voxels[0]).any()


def test_colour_becomes_luminance() -> None:
    voxels = np.zeros((1, 1, 3, 3), dtype=np.uint8)
    voxels[0, 0] = np.eye(3, dtype=np.uint8) * 100
    grey = MedicalImage(voxels, Geometry.unoriented((1, 1, 3))).grey(voxels[0])
    np.testing.assert_allclose(grey, [[29.9, 58.7, 11.4]], rtol=1e-5)
