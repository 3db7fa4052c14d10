"""Tables of pictures in HDF5: whose each picture is, what is shown of it, and what does not fit together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from viewer.foundation.errors import ReadError
from viewer.imaging.formats.picture_table import read_table
from viewer.imaging.formats.picture_table_decoding import decode, look
from viewer.imaging.reading import inspect_path, read_image


def write(path: Path, pictures: NDArray[Any], owners: list[Any] | None = None, **more: Any) -> Path:
    with h5py.File(path, "w") as file:
        file["X"] = pictures
        if owners is not None:
            file["pat"] = owners
        for name, values in more.items():
            file[name] = values
    return path


@pytest.fixture
def pictures() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 255, (7, 6, 5, 3), dtype=np.uint8)


OWNERS = [b"pat_9", b"pat_9", b"pat_1", b"pat_9", b"pat_1", b"pat_1", b"pat_3"]


def test_every_patient_is_a_series_of_the_middle_channel(tmp_path: Path, pictures: NDArray[np.uint8]) -> None:
    path = write(tmp_path / "study.hdf5", pictures, OWNERS, Y=np.arange(7) % 2, img_id=OWNERS)
    found = inspect_path(path)
    assert [each.shape for each in found.series] == [(3, 6, 5), (3, 6, 5), (1, 6, 5)]
    assert [each.description for each in found.series] == [f"patient {n} of 3" for n in (1, 2, 3)]
    assert len({each.patient_key for each in found.series}) == 3
    assert not found.unreadable
    for series, rows in (("s1", [0, 1, 3]), ("s2", [2, 4, 5]), ("s3", [6])):
        image = read_image(path, series)
        assert np.array_equal(image.voxels, pictures[rows, ..., 1])
        assert image.voxels.dtype == np.uint8
        assert "several-channels" in {each.code for each in image.diagnoses}
        assert not image.geometry.placed
    assert read_image(path, "s1").patient.identifier == "pat_9"
    assert "pat_9" not in repr(read_image(path, "s1"))


def test_equal_channels_are_one_picture(tmp_path: Path, pictures: NDArray[np.uint8]) -> None:
    grey = np.repeat(pictures[..., :1], 3, axis=-1)
    image = read_image(write(tmp_path / "grey.h5", grey))
    assert np.array_equal(image.voxels, pictures[..., 0])
    assert "several-channels" not in {each.code for each in image.diagnoses}


def test_pictures_without_channels_and_numbered_patients(tmp_path: Path) -> None:
    values = np.linspace(-1, 1, 4 * 6 * 5, dtype=np.float32).reshape(4, 6, 5)
    path = write(tmp_path / "flat.h5", values, [12, 12, 7, 7])
    assert np.array_equal(read_image(path, "s2").voxels, values[2:])
    assert read_image(path, "s2").patient.identifier == "7"


def test_the_middle_picture_is_looked_at_without_the_others(
    tmp_path: Path, pictures: NDArray[np.uint8]
) -> None:
    first = read_table(write(tmp_path / "study.hdf5", pictures, OWNERS))[0]
    assert first.peek is not None
    assert np.array_equal(first.peek().voxels, pictures[[1], ..., 1])


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=12))
def test_no_picture_is_lost_or_given_to_another(tmp_path_factory: Any, owners: list[str]) -> None:
    path = tmp_path_factory.mktemp("table") / "t.h5"
    numbers = np.arange(len(owners), dtype=np.int16)[:, None, None] * np.ones((1, 2, 2), dtype=np.int16)
    write(path, numbers, [each.encode() for each in owners])
    facts, (index,) = look(str(path))
    assert facts["owners"] == list(dict.fromkeys(owners))
    assert [facts["owners"][each] for each in index] == owners
    _, (some,) = decode(str(path), np.flatnonzero(index == 0))
    assert [int(picture[0, 0]) for picture in some] == [
        n for n, each in enumerate(owners) if each == owners[0]
    ]


@pytest.mark.parametrize(
    ("columns", "code", "words"),
    [
        (
            {"X": np.zeros((3, 4, 4)), "pat": [b"a", b"b"]},
            "unequal-lengths",
            "3 pictures in 'X' and 2 entries in 'pat'",
        ),
        ({"X": np.zeros((3, 4, 4)), "Y": [0, 1]}, "unequal-lengths", "2 entries in 'Y'"),
        (
            {"images": np.zeros((3, 4, 4))},
            "no-pictures",
            "without a dataset 'X' of pictures; it has 'images'",
        ),
        ({"X": np.zeros(5)}, "no-pictures", "its shape is 5"),
        ({"X": np.zeros((2, 3, 3, 90))}, "no-pictures", "2 x 3 x 3 x 90"),
        ({"X": np.zeros((0, 3, 3))}, "no-pictures", "0 x 3 x 3"),
    ],
)
def test_what_does_not_fit_together_is_named(
    tmp_path: Path, columns: dict[str, Any], code: str, words: str
) -> None:
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            file[name] = values
    with pytest.raises(ReadError, match=words) as caught:
        read_table(path)
    assert caught.value.code == code


def test_weights_are_no_pictures(tmp_path: Path) -> None:
    path = tmp_path / "96-0.21.hdf5"
    with h5py.File(path, "w") as file:
        file.create_group("model_weights")
    with pytest.raises(ReadError, match="weights of a network") as caught:
        read_table(path)
    assert "add-model" in caught.value.action


def test_a_file_cut_short_is_one_sentence(tmp_path: Path, pictures: NDArray[np.uint8]) -> None:
    path = write(tmp_path / "study.hdf5", pictures, OWNERS)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(ReadError, match="damaged HDF5 file"):
        read_table(path)


def test_a_file_replaced_while_open_is_not_misread(tmp_path: Path, pictures: NDArray[np.uint8]) -> None:
    candidate = read_table(write(tmp_path / "study.hdf5", pictures, OWNERS))[0]
    write(tmp_path / "study.hdf5", pictures[:5, :4], OWNERS[:5])
    with pytest.raises(ReadError, match="has changed"):
        candidate.peek()
