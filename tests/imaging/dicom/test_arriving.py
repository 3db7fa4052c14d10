"""A series is shown while it is read: one slice at once, the rest into the same voxels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viewer.foundation.errors import ReadError
from viewer.foundation.progress import Cancelled, Progress
from viewer.imaging.contents import Contents
from viewer.imaging.filling import Filling, expected_type
from viewer.imaging.image import MedicalImage

WriteDicom = Callable[..., Path]
WriteStack = Callable[..., Path]


class Watching(Progress):
    """Keeps what has arrived each time progress is told."""

    def __init__(self) -> None:
        super().__init__()
        self.image: MedicalImage | None = None
        self.counts: list[list[bool]] = []

    def report(self, done: int, total: int, message: str = "") -> None:
        if self.image is not None and self.image.arrived is not None:
            self.counts.append(self.image.arrived.tolist())

    def arriving(self, image: MedicalImage) -> None:
        assert self.image is None
        self.image = image
        assert image.arrived is not None
        self.counts.append(image.arrived.tolist())


@pytest.mark.parametrize(
    "rescale", [{}, {"RescaleSlope": 1, "RescaleIntercept": -1024, "BitsStored": 12, "HighBit": 11}]
)
def test_the_middle_comes_first_and_the_rest_outward(
    write_stack: WriteStack, rescale: dict[str, Any]
) -> None:
    folder = write_stack([0, 5, 10, 15, 20], **rescale)
    seen = Watching()
    image = Contents.of(folder).load(progress=seen, arriving=seen.arriving)
    early = seen.image
    assert early is not None
    assert seen.counts[0] == [False, False, True, False, False]
    assert seen.counts[2] == [False, True, True, False, False]
    assert early.arrived is not None
    assert early.arrived.all()
    assert image.arrived is None
    assert not early.voxels.flags.writeable
    assert np.shares_memory(early.voxels, image.voxels)
    assert early.voxels.dtype == image.voxels.dtype == np.int16
    assert early.geometry is image.geometry
    intercept = rescale.get("RescaleIntercept", 0)
    assert image.voxels[:, 0, 0].tolist() == [each + intercept for each in (0, 50, 100, 150, 200)]
    assert (early.source.sha256, len(image.source.sha256)) == ("", 64)


def test_slices_that_need_a_wider_type_get_one(write_dicom: WriteDicom, tmp_path: Path) -> None:
    """16 bits less a thousand may need any type; the first slice fits a small one, the last does not."""
    for depth in range(3):
        value = 40_000 if depth == 2 else 100 * depth
        pixels = np.full((4, 5), value, dtype=np.uint16)
        facts = {"RescaleSlope": 1, "RescaleIntercept": -1000}
        write_dicom(f"stack/{depth}.dcm", pixels, (0, 0, depth), **facts)
    seen = Watching()
    image = Contents.of(tmp_path / "stack").load(arriving=seen.arriving)
    assert image.voxels[:, 0, 0].tolist() == [-1000, -900, 39_000]
    assert image.voxels.dtype == np.int32
    assert seen.image is not None
    assert seen.image.voxels[1, 0, 0] == -900


def test_reading_can_be_stopped_between_slices(write_stack: WriteStack) -> None:
    class Stopped(Progress):
        def report(self, done: int, total: int, message: str = "") -> None:
            if done == 2 and total == 4 and message == "reading slices":
                raise Cancelled

    contents = Contents.of(write_stack([0, 5, 10, 15]))
    with pytest.raises(Cancelled):
        contents.load(progress=Stopped())


def test_a_thumbnail_is_the_middle_slice_in_its_place(write_stack: WriteStack) -> None:
    contents = Contents.of(write_stack([0, 5, 10, 20]))
    small = contents.peek("s1")
    assert small.voxels[:, 0, 0].tolist() == [100]
    assert small.geometry.to_patient(np.zeros(3)).tolist() == [0, 0, 10]


def test_a_file_that_vanishes_is_an_error_with_a_sentence(write_stack: WriteStack) -> None:
    folder = write_stack([0, 5, 10])
    contents = Contents.of(folder)
    (folder / "001.dcm").unlink()
    with pytest.raises(ReadError, match=r"'001\.dcm'"):
        contents.load()


@pytest.mark.parametrize(
    ("stored", "limits", "rescales", "expected"),
    [
        (np.uint16, (0, 4095), {(1.0, -1024.0)}, np.int16),
        (np.uint16, (0, 4095), {(1.0, 0.0)}, np.uint16),
        (np.uint8, (0, 255), {(1.0, 0.0)}, np.uint8),
        (np.uint8, (0, 255), {(2.0, 0.0)}, np.int16),
        (np.int16, (-32768, 32767), {(1.0, 0.0)}, np.int16),
        (np.int16, (-32768, 32767), {(1.0, -1024.0)}, None),
        (np.uint16, (0, 4095), {(0.5, 0.0)}, np.float32),
        (np.uint16, (0, 4095), {(1.0, 0.0), (0.5, 0.0)}, np.float32),
        (np.float32, (0, 1), {(1.0, 0.0)}, None),
    ],
)
def test_the_type_is_foretold_from_the_header(
    stored: type, limits: tuple[int, int], rescales: set[tuple[float, float]], expected: type | None
) -> None:
    assert expected_type(np.dtype(stored), limits, rescales) == (
        None if expected is None else np.dtype(expected)
    )


def test_a_slice_of_another_shape_is_refused() -> None:
    filling = Filling(2, None)
    filling.put(0, np.zeros((2, 3), np.int16), (1, 0))
    with pytest.raises(ValueError, match="one shape"):
        filling.put(1, np.zeros((3, 2), np.int16), (1, 0))
