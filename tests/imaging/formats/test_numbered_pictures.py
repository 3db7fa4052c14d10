"""Slices saved one by one: each is a picture, and all of them are offered as a stack."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from viewer.foundation.errors import ReadError
from viewer.imaging.contents import Contents
from viewer.imaging.reading import read_image


def save(folder: Path, names: list[str], size: tuple[int, int] = (6, 5), mode: str = "L") -> list[np.ndarray]:
    """Pictures whose grey value tells in which order they were saved."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [np.full(size, 10 * number, np.uint8) for number, _ in enumerate(names, start=1)]
    for name, picture in zip(names, pictures, strict=True):
        Image.fromarray(picture).convert(mode).save(folder / name)
    return pictures


def ids(path: Path) -> list[str]:
    return [info.id for info in Contents.of(path).inspection.series]


def test_a_stack_is_in_the_order_of_numbers_not_of_names(tmp_path: Path) -> None:
    pictures = save(tmp_path, [f"slice_{number}.png" for number in (1, 2, 3, 10, 11)])
    assert ids(tmp_path) == ["s1", "s2", "s3", "s4", "s5", "stack"]
    image = read_image(tmp_path, "stack")
    np.testing.assert_array_equal(image.voxels, np.stack(pictures))
    assert [path.name for path in image.source.files] == [
        "slice_1.png", "slice_2.png", "slice_3.png", "slice_10.png", "slice_11.png",
    ]  # fmt: skip
    assert len(image.source.sha256) == 64
    codes = [finding.code for finding in image.diagnoses]
    assert codes == ["no-spacing", "no-orientation", "stacked"]


def test_a_stack_is_never_taken_without_being_asked_for(tmp_path: Path) -> None:
    """A folder of films of many patients looks the same."""
    save(tmp_path, ["film1.png", "film2.png", "film3.png"])
    with pytest.raises(ReadError, match="holds 4 series") as caught:
        read_image(tmp_path)
    assert caught.value.code == "several-series"


@pytest.mark.parametrize(
    "names", [["a.png", "b.png", "c.png"], ["a1.png", "a2.png"], ["a1.png", "b2.png", "c3.png"]]
)
def test_pictures_that_are_not_numbered_alike_make_none(tmp_path: Path, names: list[str]) -> None:
    save(tmp_path, names)
    assert "stack" not in ids(tmp_path)


def test_pictures_of_other_sizes_and_folders_stay_outside(tmp_path: Path) -> None:
    save(tmp_path / "one", ["p1_s1.png", "p1_s2.png", "p1_s3.png"])
    save(tmp_path / "two", ["p2_s1.png", "p2_s2.png", "p2_s3.png"])
    save(tmp_path / "two", ["p2_s4.png"], size=(9, 9))
    save(tmp_path / "two", ["p2_s5.png"], mode="RGB")
    found = {info.id: info for info in Contents.of(tmp_path).inspection.series}
    assert [identity for identity in found if identity.startswith("stack")] == ["stack", "stack2"]
    assert found["stack"].shape == found["stack2"].shape == (3, 6, 5)
    assert found["stack2"].path.name == "two"


def test_a_packed_stack_is_read_like_one_in_a_folder(tmp_path: Path) -> None:
    pictures = save(tmp_path / "in", ["1.png", "2.png", "3.png"])
    with zipfile.ZipFile(tmp_path / "case.zip", "w") as archive:
        for path in sorted((tmp_path / "in").iterdir()):
            archive.write(path, f"case/{path.name}")
    image = read_image(tmp_path / "case.zip", "stack")
    np.testing.assert_array_equal(image.voxels, np.stack(pictures))
    middle = Contents.of(tmp_path / "case.zip").peek("stack")
    np.testing.assert_array_equal(middle.voxels[0], pictures[1])


def test_one_damaged_picture_is_named(tmp_path: Path) -> None:
    save(tmp_path, [f"s{number}.png" for number in range(1, 5)], size=(64, 64))
    cut = tmp_path / "s3.png"
    contents = Contents.of(tmp_path)
    cut.write_bytes(cut.read_bytes()[:-40])
    with pytest.raises(ReadError, match=r"s3\.png"):
        contents.load("stack")
