"""Synthetic films as files, what three readers marked on them, and the tables that say so."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from viewer.api import PixelBox, Progress, write_radiograph

from .film import Film, Markers, make_film
from .findings import NO_FINDING, NUMBERS
from .readers import READERS, read

CODE = 4
"""Part of every generated film's seed; training uses 1 to 3, so no generated film was trained on."""
SIZE = 512
PIXEL_MM = 0.8
FORMATS = ("png", "dicom", "mixed")
"""Pictures, DICOM, or each in turn."""
VINDR_TABLE = "annotations.csv"
_COLUMNS = ("path", "case", "label", "boxes", "reader", "split", "known_boxes", "marker")
_VINDR = ("image_id", "class_name", "class_id", "rad_id", "x_min", "y_min", "x_max", "y_max")
_BITS = 12


def generate(
    out: Path,
    count: int,
    seed: int,
    progress: Progress,
    format: str = "png",
    markers: Markers = "neutral",
) -> None:
    """Write `count` films with two tables into `out`; the same seed gives the same files.

    ``cohort.csv`` has a row for each film and reader. Its ``label`` is what is known to be there and the same in every
    row; ``boxes`` are the reader's, who may have missed it or marked it elsewhere; ``known_boxes`` are those of the
    findings themselves and ``marker`` is the box of the burned-in letter. ``annotations.csv`` is the table of the
    readers alone as VinDr-CXR writes it.

    Parameters
    ----------
    out
        Folder; made when it is missing. Films lie in its folder ``films``.
    count, seed
        Number of films; film number i follows from the seed and i.
    progress
        Told after each film.
    format
        ``png`` (8 bits), ``dicom`` (CR and DX, 12 bits, one in four with bright and dark exchanged) or ``mixed``.
    markers
        How burned-in letters go with findings, see `film.MARKERS`.
    """
    (out / "films").mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    marks: list[dict[str, Any]] = []
    for index in range(count):
        film = make_film((seed, CODE, index), SIZE, markers=markers)
        rng = np.random.default_rng((seed, CODE, index, 1))
        case = f"film-{index + 1:04d}"
        as_dicom = format == "dicom" or (format == "mixed" and index % 2 == 1)
        path = f"films/{case}.{'dcm' if as_dicom else 'png'}"
        _write(out / path, film, rng, as_dicom, f"SYNTHETIC^CHEST-{seed}-{index + 1}")
        for habit in READERS:
            seen = read(rng, film, habit)
            rows.append(_row(path, case, film, habit.name, seen))
            marks += _marks(case, habit.name, seen)
        progress.report(index + 1, count, case)
    _table(out / "cohort.csv", _COLUMNS, rows)
    _table(out / VINDR_TABLE, _VINDR, marks)


def generate_with_shortcut(out: Path, count: int, seed: int, progress: Progress, format: str = "png") -> None:
    """Write films as `generate` does, on which a ringed marker mostly says *No finding*."""
    generate(out, count, seed, progress, format, markers="shortcut")


def stored(pixels: NDArray[np.float32], bits: int) -> NDArray[np.uint16]:
    """Return a film of 0 to 1 as whole numbers of so many bits."""
    return np.asarray(np.rint(np.clip(pixels, 0.0, 1.0) * (2**bits - 1)), dtype=np.uint16)


def _write(path: Path, film: Film, rng: np.random.Generator, as_dicom: bool, patient: str) -> None:
    inverted, computed = rng.random() < 0.25, rng.random() < 0.5
    if not as_dicom:
        Image.fromarray(stored(film.pixels, 8).astype(np.uint8)).save(path)
        return
    values = stored(film.pixels, _BITS)
    write_radiograph(
        path,
        np.asarray(2**_BITS - 1 - values, dtype=np.uint16) if inverted else values,
        modality="CR" if computed else "DX",
        bits=_BITS,
        pixel_mm=PIXEL_MM,
        description="Synthetic chest PA",
        patient=patient,
        body_part="CHEST",
        view_position="PA",
        photometric="MONOCHROME1" if inverted else "MONOCHROME2",
        burned_in=film.marker is not None,
    )


def _row(
    path: str, case: str, film: Film, reader: str, seen: tuple[tuple[str, PixelBox], ...]
) -> dict[str, Any]:
    shape = (film.pixels.shape[0], film.pixels.shape[1])
    return {
        "path": path,
        "case": case,
        "label": "; ".join(name for name in NUMBERS if name in film.findings),
        "boxes": _json(seen),
        "reader": reader,
        "split": "test",
        "known_boxes": _json(film.boxes),
        "marker": _json(((film.marker.letter, film.marker.box(shape)),)) if film.marker else "",
    }


def _json(marks: tuple[tuple[str, PixelBox], ...]) -> str:
    return json.dumps(
        [
            {
                "slice": 0,
                "row_min": round(box.row_min, 2),
                "column_min": round(box.column_min, 2),
                "row_max": round(box.row_max, 2),
                "column_max": round(box.column_max, 2),
                "label": name,
            }
            for name, box in marks
        ],
        separators=(",", ":"),
    )


def _marks(case: str, reader: str, seen: tuple[tuple[str, PixelBox], ...]) -> list[dict[str, Any]]:
    who = {"image_id": case, "rad_id": reader}
    if not seen:
        return [{**who, "class_name": NO_FINDING, "class_id": NUMBERS[NO_FINDING]}]
    return [
        {
            **who,
            "class_name": name,
            "class_id": NUMBERS[name],
            "x_min": f"{box.column_min:g}",
            "y_min": f"{box.row_min:g}",
            "x_max": f"{box.column_max:g}",
            "y_max": f"{box.row_max:g}",
        }
        for name, box in seen
    ]


def _table(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)
