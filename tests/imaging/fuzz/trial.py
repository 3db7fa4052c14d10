"""One damaged file given to the program as a user would: it becomes an image or a sentence, or we have a finding."""

from __future__ import annotations

import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

from tests.imaging.fuzz.mutants import mutant
from tests.imaging.fuzz.seeds import SUFFIXES, dicom
from viewer.foundation.errors import ReadError
from viewer.imaging.contents import Contents

_SERIES = 3
_VOLUMES = 2


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant.

    Attributes
    ----------
    kind : ``image``, the code of a `ReadError`, or ``FINDING``.
    where : for a finding, the exception and the place that raised it: equal for equal defects.
    details : the traceback.
    """

    kind: str
    where: str = ""
    details: str = ""


def file_name(target: str) -> str:
    return "DICOMDIR" if target == "dicomdir" else f"mutant{SUFFIXES.get(target, '.dcm')}"


def written(target: str, seeds: list[bytes], number: int, folder: Path) -> Path:
    """Write mutant `number` of a target, with what it may point to beside it."""
    path = folder / file_name(target)
    path.write_bytes(mutant(seeds, f"{target}/{number}"))
    if target == "dicomdir":
        (folder / "A").mkdir(exist_ok=True)
        (folder / "A" / "B").write_bytes(dicom())
    return path


def tried(path: Path) -> Outcome:
    """Inspect a file and read what is in it."""
    codes: list[str] = []
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            contents = Contents.of(path)
            codes += [entry.code for entry in contents.inspection.unreadable]
            for entry in contents.inspection.unreadable:
                if entry.code == ReadError.default_code:
                    return Outcome(
                        "FINDING", f"caught only at the door: {_named(entry.sentence)}", entry.sentence
                    )
            for info in contents.inspection.series[:_SERIES]:
                for volume in range(min(len(info.volumes) or 1, _VOLUMES)):
                    codes.append(_read(contents, info.id, volume))
        except ReadError as error:
            codes.append(_checked(error))
        except Exception as error:
            return Outcome("FINDING", _where(error), traceback.format_exc())
    if told:
        # Nobody reads warnings of libraries; they would stand on the user's terminal, with the file's content in them.
        first = told[0]
        place = f"{first.category.__name__} at {Path(first.filename).name}:{first.lineno}"
        return Outcome("FINDING", f"leaked warning: {place}", str(first.message))
    return Outcome("image" if "image" in codes else (codes or ["nothing"])[0])


def _read(contents: Contents, series: str, volume: int) -> str:
    try:
        image = contents.load(series, volume=volume)
    except ReadError as error:
        return _checked(error)
    if image.voxels.shape[:3] != image.geometry.shape:
        raise AssertionError("the voxels are not those of the geometry")
    return "image"


def _checked(error: ReadError) -> str:
    if (
        not error.sentence.endswith((".", "?", "!"))
        or "Traceback" in error.sentence
        or "\n" in error.sentence
    ):
        raise AssertionError(f"no sentence: {error.sentence!r}")
    return error.code


def _named(sentence: str) -> str:
    """The exception that a sentence of last resort names."""
    return sentence[sentence.rfind("(") + 1 : sentence.rfind(")")]


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/viewer/" in frame.filename] or list(frames)
    return f"{type(error).__name__} at {Path(own[-1].filename).name}:{own[-1].name}"
