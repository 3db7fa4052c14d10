"""Damaged files become an image or a sentence: the first mutants of every fuzz target, and what fuzzing has found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.imaging.fuzz import mutants, trial
from tests.imaging.fuzz.seeds import TARGETS, seeds
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
    from viewer.imaging import nifti

    def stumbles(_: Path) -> None:
        raise KeyError

    path = written("nifti", seeds("nifti", public=False), 0, tmp_path)
    path.write_bytes(seeds("nifti", public=False)[0])
    monkeypatch.setattr(nifti, "candidates", stumbles)
    assert tried(path).where == "caught only at the door: KeyError"
