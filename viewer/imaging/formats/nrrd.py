"""NRRD, attached or detached: header to `GridFile`.

The measurement frame turns gradient directions, not voxels, and is left out: directions are shown as names only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import ReadError
from viewer.imaging.diagnoses import Diagnosis, no_orientation, no_spacing
from viewer.imaging.file_stamp import stamp_of
from viewer.imaging.formats.grid_file import GridFile, sheared, sheared_warning, usable
from viewer.imaging.formats.text_header import (
    bad_header,
    beginning,
    checked_sizes,
    numbers,
    voxel_file,
    wholes,
)
from viewer.imaging.formats.voxel_block import Packing, VoxelBlock
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import VolumeInfo
from viewer.imaging.volumes import Direction, best_weighted, numbered, weighted

_TYPES: dict[str, str] = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long"), "i8"),
    **dict.fromkeys(("signed long long int", "int64", "int64_t"), "i8"),
    **dict.fromkeys(
        ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"
    ),
    "float": "f4",
    "double": "f8",
}
_PACKINGS: dict[str, Packing] = {
    "raw": "none",
    **dict.fromkeys(("gzip", "gz"), "gzip"),
    **dict.fromkeys(("bzip2", "bz2"), "bzip2"),
    **dict.fromkeys(("ascii", "text", "txt"), "text"),
    "hex": "hex",
}
_COLOURS = {"rgb-color": 3, "rgba-color": 4, "3-color": 3, "4-color": 4}
_SPATIAL = ("domain", "space", "???", "none", "")
_UNITS = {
    **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre"), 1.0),
    **dict.fromkeys(("cm", "centimeter", "centimeters"), 10.0),
    **dict.fromkeys(("m", "meter", "meters"), 1000.0),
    **dict.fromkeys(("um", "µm", "μm", "micron", "microns", "micrometer", "micrometers"), 0.001),
}
_SHORT = {"ras": "right-anterior-superior", "las": "left-anterior-superior", "lps": "left-posterior-superior"}
_AXES = {"left": (0, 1.0), "right": (0, -1.0), "posterior": (1, 1.0), "anterior": (1, -1.0)}
_AXES |= {"superior": (2, 1.0), "inferior": (2, -1.0)}

Vector = tuple[float, ...] | None


@dataclass(frozen=True)
class _Axes:
    """Which axis of the file is what.

    Attributes
    ----------
    spatial : two or three neighbouring axes, the fastest first.
    channels : size of a colour axis, else 1.
    volumes : number of volumes.
    alternate : whether the volumes alternate within what is spatially one place.
    kind : of the axis of volumes.
    """

    spatial: tuple[int, ...]
    channels: int
    volumes: int
    alternate: bool
    kind: str


def read_grid(path: Path) -> GridFile:
    """Everything that the header says.

    Raises
    ------
    ReadError
        When the header is cut short or makes no sense.
    """
    fields, pairs, length = _fields(path)
    sizes = checked_sizes(path, wholes(fields.get("dimension", "")), wholes(fields.get("sizes", "")))
    findings: list[Diagnosis] = []
    dtype = _voxel_type(path, fields, findings)
    vectors = _vectors(fields.get("space directions", ""))
    axes = _axes(path, fields, sizes, vectors)
    if axes.kind == "complex" and dtype.kind == "f":
        findings.append(
            Diagnosis("complex-voxels", "note", "The voxels are complex numbers; their magnitude is shown.")
        )
        dtype = np.dtype(f"{dtype.str[0]}c{dtype.itemsize * 2}")
        axes = _Axes(axes.spatial, 1, 1, False, "")
    columns, rows, slices = (*(sizes[axis] for axis in axes.spatial), 1)[:3]
    shape = (slices, rows, columns)
    geometry = _geometry(fields, axes.spatial, vectors, shape, findings)
    volumes, volume = _volumes(pairs, axes, slices)
    weighting = pairs.get("modality", "").upper() == "DWMRI" or any(each.b_value for each in volumes)
    return GridFile(
        path,
        geometry,
        _block(path, fields, length, dtype, axes, axes.channels * columns * rows * slices),
        axes.channels,
        volumes,
        volume,
        modality="MR" if weighting else "",
        description=_printable(fields.get("content", "")),
        sequence="DWI" if weighting else "",
        diagnoses=tuple(findings),
    )


def _fields(path: Path) -> tuple[dict[str, str], dict[str, str], int]:
    """Fields and key/value pairs, lower-case names, and the length of the header in bytes."""
    raw = beginning(path)
    end = re.search(rb"\r?\n\r?\n", raw)
    length = len(raw) if end is None else end.end()
    fields: dict[str, str] = {}
    pairs: dict[str, str] = {}
    for line in raw[:length].decode("utf-8", "replace").splitlines()[1:]:
        if line.startswith("#"):
            continue
        key, mark, value = line.partition(":=")
        if mark:
            pairs[key.strip().lower()] = value.strip()
            continue
        key, mark, value = line.partition(":")
        if mark:
            fields[key.strip().lower()] = value.strip()
    return fields, pairs, length


def _voxel_type(path: Path, fields: dict[str, str], findings: list[Diagnosis]) -> np.dtype[Any]:
    kind = " ".join(fields.get("type", "").lower().split())
    if kind not in _TYPES:
        raise bad_header(path, f"its voxel type '{_printable(kind)[:24]}' is not supported")
    order = fields.get("endian", "").lower()
    dtype = np.dtype(_TYPES[kind])
    binary = _PACKINGS.get(fields.get("encoding", "").lower()) in ("none", "gzip", "bzip2")
    if dtype.itemsize > 1 and binary and order not in ("little", "big"):
        findings.append(
            Diagnosis(
                "byte-order",
                "warning",
                "The header does not say in which order the bytes of a voxel are; little-endian was taken.",
                "If the picture is noise, the file is big-endian.",
            )
        )
    return dtype.newbyteorder(">" if order == "big" else "<")


def _vectors(text: str) -> list[Vector]:
    """The directions of all axes; None for an axis without one."""
    found: list[Vector] = []
    for vector in re.findall(r"none|\([^()]*\)", text, re.IGNORECASE):
        try:
            found.append(None if vector.lower() == "none" else tuple(map(float, vector[1:-1].split(","))))
        except ValueError:
            return []
    return found


def _axes(path: Path, fields: dict[str, str], sizes: tuple[int, ...], vectors: list[Vector]) -> _Axes:
    kinds = [kind.lower() for kind in fields.get("kinds", "").split()]
    if len(kinds) != len(sizes):
        kinds = [""] * len(sizes)
    if len(vectors) == len(sizes):
        spatial = [axis for axis, vector in enumerate(vectors) if _spatial(vector, kinds[axis])]
    else:
        spatial = [axis for axis, kind in enumerate(kinds) if kind in _SPATIAL]
    spatial = spatial[:3]
    if len(spatial) < 2 or spatial != list(range(spatial[0], spatial[0] + len(spatial))):
        raise bad_header(path, "its axes are not two or three of space and others before or after them")
    before, after = sizes[: spatial[0]], sizes[spatial[-1] + 1 :]
    if before and (len(before) > 1 or (math.prod(after) > 1 and kinds[0] not in _COLOURS)):
        raise ReadError(
            f"'{path.name}' holds several values per voxel along more than one axis, which is not read.",
            code="several-axes",
        )
    if before and _COLOURS.get(kinds[0]) == before[0]:
        return _Axes(tuple(spatial), before[0], math.prod(after), False, _kind(kinds, spatial[-1] + 1))
    return _Axes(
        tuple(spatial),
        1,
        math.prod(before) * math.prod(after),
        bool(before),
        kinds[0] if before else _kind(kinds, spatial[-1] + 1),
    )


def _spatial(vector: Vector, kind: str) -> bool:
    """Whether an axis runs through the patient; one without length only does so by its name."""
    if vector is None:
        return False
    return any(vector[:3]) or (kind in _SPATIAL and len(vector) <= 3)


def _kind(kinds: list[str], axis: int) -> str:
    return kinds[axis] if axis < len(kinds) else ""


def _block(
    path: Path, fields: dict[str, str], length: int, dtype: np.dtype[Any], axes: _Axes, run: int
) -> VoxelBlock:
    encoding = fields.get("encoding", "").lower()
    if encoding not in _PACKINGS:
        raise bad_header(path, f"its encoding '{_printable(encoding)[:24]}' is not supported")
    packing = _PACKINGS[encoding]
    name = fields.get("data file", fields.get("datafile"))
    if name is not None and len(name.split()) > 3 and "%" in name:
        name = "LIST"
    data = path if name is None else voxel_file(path, name)
    stamp = stamp_of(data)
    start, skip = length if name is None else 0, 0
    lines = wholes(fields.get("line skip", fields.get("lineskip", "0")))
    passed = wholes(fields.get("byte skip", fields.get("byteskip", "0")))
    if len(lines) != 1 or len(passed) != 1 or not 0 <= lines[0] <= 10_000 or not -1 <= passed[0] <= 1 << 26:
        raise bad_header(path, "it skips an impossible part of its voxel file")
    if lines[0]:
        start += _length_of_lines(data, start, lines[0])
    if passed[0] == -1:
        if packing != "none":
            raise bad_header(path, "it counts from the end of packed voxels")
        start = max(stamp[0] - run * axes.volumes * dtype.itemsize, start)
    elif packing == "none":
        start += passed[0]
    else:
        skip = passed[0]
    together, runs = (1, run) if axes.alternate else (run, 1)
    return VoxelBlock(data, dtype, together, axes.volumes, runs, start, skip, packing, stamp)


def _length_of_lines(path: Path, start: int, count: int) -> int:
    whole = beginning(path)[start:]
    lines = whole.split(b"\n", count)
    if len(lines) <= count:
        raise bad_header(path, "it skips more lines than there are")
    return len(whole) - len(lines[-1])


@np.errstate(all="ignore")  # a header may hold any number
def _geometry(
    fields: dict[str, str],
    spatial: tuple[int, ...],
    vectors: list[Vector],
    shape: tuple[int, int, int],
    findings: list[Diagnosis],
) -> Geometry:
    frame = _frame(fields.get("space", ""))
    columns = [vectors[axis] for axis in spatial] if len(vectors) > max(spatial) else []
    dimensions = {len(vector) for vector in columns if vector is not None}
    units = re.findall(r'"([^"]*)"', fields.get("space units", "")) or fields.get("space units", "").split()
    unit = _UNITS.get(units[0].strip().lower(), 1.0) if len(set(units)) == 1 else 1.0
    if len(columns) == 2 and None not in columns and dimensions == {3}:
        # A single slice in space: the way to a next one is at right angles, its thickness is not known.
        normal = np.cross(columns[0] or (), columns[1] or ())
        length = float(np.linalg.norm(normal))
        columns.append(tuple(normal / (length * unit)) if length > 0 and math.isfinite(length) else None)
    if len(columns) == 3 and None not in columns and len(dimensions) == 1 and dimensions <= {3, 4}:
        affine = np.eye(4)
        affine[:3, :3] = np.array([(vector or ())[:3] for vector in columns]).T * unit
        origin = _vectors(fields.get("space origin", ""))
        if len(origin) == 1 and origin[0] is not None and len(origin[0]) >= 3:
            affine[:3, 3] = np.nan_to_num(np.asarray(origin[0][:3]) * unit, nan=0.0, posinf=0.0, neginf=0.0)
        if usable(affine):
            if frame is not None:
                affine = frame @ affine
                if sheared(affine):
                    findings.append(sheared_warning())
                return Geometry(affine, shape)
            findings.append(no_orientation())
            return Geometry.unoriented(shape, _spacing(np.linalg.norm(affine[:3, :3], axis=0)))
    if columns:
        lengths = [math.hypot(*(vector or ())) * unit for vector in columns]
    else:
        stored = fields.get("spacings", "").lower().replace("nan", "0").split()
        listed = numbers(" ".join(stored))
        lengths = [listed[axis] for axis in spatial] if len(listed) > max(spatial) else []
    if not lengths or not all(math.isfinite(length) and 0 < length < 1e9 for length in lengths):
        findings.append(no_spacing())
        lengths = [1.0] * len(spatial)
    findings.append(no_orientation())
    return Geometry.unoriented(shape, _spacing(lengths))


def _spacing(lengths: Sequence[float] | NDArray[np.float64]) -> tuple[float, float, float]:
    """(slice, row, column) from lengths along (column, row[, slice])."""
    column, row, slice_ = (*(float(length) for length in lengths), 1.0)[:3]
    return slice_, row, column


def _frame(space: str) -> NDArray[np.float64] | None:
    """From a named anatomical space to LPS; None for 'scanner-xyz' and the like, which name no side of the patient."""
    words = space.strip().lower()
    words = _SHORT.get(words.removesuffix("t"), words)
    turn = np.zeros((4, 4))
    for axis, word in enumerate(words.removesuffix("-time").split("-")[:4]):
        if axis > 2 or word not in _AXES:
            return None
        anatomical, sign = _AXES[word]
        turn[anatomical, axis] = sign
    turn[3, 3] = 1.0
    return turn if np.linalg.matrix_rank(turn) == 4 else None


def _volumes(pairs: dict[str, str], axes: _Axes, slices: int) -> tuple[tuple[VolumeInfo, ...], int]:
    """Names of the volumes, and which is shown first; diffusion weighting as the NA-MIC convention writes it."""
    if axes.volumes < 2:
        return (), 0
    gradients = [numbers(pairs.get(f"dwmri_gradient_{place:04d}", "")) for place in range(axes.volumes)]
    nominal = numbers(pairs.get("dwmri_b-value", ""))
    if len(nominal) == 1 and nominal[0] >= 0 and all(len(gradient) == 3 for gradient in gradients):
        squares = [sum(part * part for part in gradient) for gradient in gradients]
        longest = max(squares)
        b_values = [nominal[0] * square / longest if longest > 0 else 0.0 for square in squares]
        directions: list[Direction | None] = [(x, y, z) for x, y, z in gradients]
        return weighted(b_values, directions, slices), best_weighted(b_values, directions)
    word = (
        "time" if axes.kind == "time" else "volume" if axes.kind in ("list", "", *_SPATIAL) else "component"
    )
    return numbered(word, axes.volumes, slices), 0


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())[:64]
