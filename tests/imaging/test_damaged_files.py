"""Damaged files become an image or a sentence: the first mutants of every fuzz target, and what fuzzing has found."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.imaging.fuzz import mutants, trial
from tests.imaging.fuzz.seeds import TARGETS, archive, metaimage, nifti, nrrd, seeds
from tests.imaging.fuzz.trial import tried, written
from viewer.foundation.errors import ReadError
from viewer.imaging.contents import Contents

_EACH = 6
_MADE = [target for target in TARGETS if seeds(target, public=False)]


@pytest.mark.parametrize("target", _MADE)
def test_the_good_files_are_images(target: str, tmp_path: Path) -> None:
    """Mutants of what is refused anyway would prove nothing."""
    for number, data in enumerate(seeds(target, public=False)):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = written(target, [data], 0, folder)
        path.write_bytes(data)
        outcome = tried(path)
        assert outcome.kind == "image", (number, outcome)


@pytest.mark.parametrize("target", _MADE)
def test_a_damaged_file_is_an_image_or_a_sentence(target: str, tmp_path: Path) -> None:
    good = seeds(target, public=False)
    for number in range(_EACH):
        outcome = tried(written(target, good, number, tmp_path))
        assert outcome.kind != "FINDING", f"mutant {number}: {outcome.where}\n{outcome.details}"


def _directory_with(old: bytes, new: bytes) -> bytes:
    data = seeds("dicomdir", public=False)[0]
    assert old in data
    return data.replace(old, new, 1)


_FAR = struct.pack("<12d", *[1e200, 0, 0, 0, 0, 1e200, 0, 0, 0, 0, 1e200, 0])
_FIRST = b"\x04\x00\x30\x11CS"
_SETS = b"\x08\x00\x05\x00CS\x0a\x00ISO_IR nan"
_TWO = nifti(10, 12, 3, second=True)
FOUND: dict[str, tuple[str, bytes]] = {
    "a directory without types of values": ("dicomdir", _directory_with(_FIRST, _FIRST[:4] + b"\0\0")),
    "a directory in an unknown character set": ("dicomdir", _directory_with(_FIRST, _SETS + _FIRST)),
    "a directory that ends within a record": ("dicomdir", seeds("dicomdir", public=False)[0][:-20]),
    "NIfTI axes beyond all numbers": (
        "nifti",
        _TWO[:400] + _FAR + _TWO[496:],
    ),
    "NRRD axes beyond all numbers": ("nrrd", nrrd().replace(b"(1,0,0)", b"(1e300,0,0)")),
    "NRRD axes that are next to nothing": ("nrrd", nrrd().replace(b"(1,0,0)", b"(1e-300,0,0)")),
    "MetaImage whose voxel file has an endless name": (
        "metaimage",
        metaimage().replace(b"LOCAL", b"x" * 600),
    ),
    "MetaImage spacing beyond all numbers": ("metaimage", metaimage().replace(b"= 1 1 4", b"= 1e300 1 4")),
    "MetaImage axes beyond all numbers": (
        "metaimage",
        metaimage().replace(b"= 1 0 0 0 1", b"= 1e300 0 0 0 1e300"),
    ),
    "NRRD spacings beyond all numbers": (
        "nrrd",
        nrrd().replace(b"space directions: (1,0,0) (0,1,0) (0,0,4)", b"spacings: 1e300 1 1e-300"),
    ),
    "NIfTI spacings beyond all numbers": (
        "nifti",
        _TWO[:112] + _FAR[:8] + _TWO[120:344] + bytes(8) + _TWO[352:],
    ),
    "an archive with a nameless file": ("zip", archive({"": b"x", "head.nii": nifti(10, 12, 3)})),
    "an archive with a name that is too long": (
        "zip",
        archive({"x" * 300: b"x", "head.nii": nifti(10, 12, 3)}),
    ),
}
"""What fuzzing found, made small: warnings of libraries on the user's terminal, failures without a code."""


@pytest.mark.parametrize(("target", "data"), FOUND.values(), ids=FOUND)
def test_what_was_found_once_is_not_found_again(target: str, data: bytes, tmp_path: Path) -> None:
    path = written(target, [data], 0, tmp_path)
    path.write_bytes(data)
    outcome = tried(path)
    assert outcome.kind != "FINDING", f"{outcome.where}\n{outcome.details}"


def test_a_mutant_is_the_same_every_time_and_not_its_seed() -> None:
    good = seeds("nifti", public=False)
    made = [mutants.mutant(good, f"nifti/{number}") for number in range(200)]
    assert made == [mutants.mutant(good, f"nifti/{number}") for number in range(200)]
    assert len(set(made)) > 150
    assert sum(data in good for data in made) < 20


@pytest.mark.parametrize(
    ("failure", "where"),
    [
        (ZeroDivisionError("x"), "ZeroDivisionError"),
        (ReadError("two\nlines."), "AssertionError"),
        (ReadError("no full stop"), "AssertionError"),
    ],
)
def test_a_defect_is_seen(
    failure: Exception, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise failure

    path = written("nifti", seeds("nifti", public=False)[:1], 0, tmp_path)
    path.write_bytes(seeds("nifti", public=False)[0])
    assert tried(path).kind == "image"
    monkeypatch.setattr(Contents, "load", fails)
    outcome = tried(path)
    assert outcome.kind == "FINDING"
    assert outcome.where.startswith(where)
    assert trial.file_name("dicomdir") == "DICOMDIR"


def test_what_only_the_door_catches_is_a_defect_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last resort keeps a folder going; it must not hide what a reader stumbled over."""
    from viewer.imaging.formats import nifti

    def stumbles(_: Path) -> None:
        raise KeyError

    path = written("nifti", seeds("nifti", public=False), 0, tmp_path)
    path.write_bytes(seeds("nifti", public=False)[0])
    monkeypatch.setattr(nifti, "read_grid", stumbles)
    assert tried(path).where == "caught only at the door: KeyError"
