"""NIfTI-1 and NIfTI-2, single file or pair, plain or gzip: header to `GridFile`.

The fields of a header are read with nibabel; what they mean where they are odd is decided here, because a reader has to
know how many bytes there should be and must not guess which side is left.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from viewer.foundation.errors import ReadError
from viewer.imaging.diagnoses import Diagnosis, no_orientation, no_spacing
from viewer.imaging.file_stamp import stamp_of, unreachable
from viewer.imaging.formats.grid_file import GridFile, sheared, sheared_warning, usable
from viewer.imaging.formats.sidecar import Sidecar, read_sidecar
from viewer.imaging.formats.unpacking import unpacked_start
from viewer.imaging.formats.voxel_block import VoxelBlock
from viewer.imaging.geometry import Geometry, letter, lps_from_ras
from viewer.imaging.image import VolumeInfo, Window
from viewer.imaging.volumes import best_weighted, numbered, weighted

nib: Any = nibabel  # it ships no types
_MILLIMETRES = {1: 1000.0, 3: 0.001}
"""Codes of metre and micrometre; everything else means millimetres, said or unsaid."""
_SECONDS = (8, 16, 24)
_VECTOR_INTENTS = (1006, 1007)
_LONGEST = 540
"""Bytes of a NIfTI-2 header; NIfTI-1 has 348."""
_EXTENSIONS = 64 << 20
"""Longest way from the header to the voxels, bytes: extensions are text."""
_ALIKE = 0.5
"""Cosine of the angle between two statements of one axis below which they contradict each other."""
_NOT_READ = {
    1: "1-bit voxels",
    1536: "128-bit floats",
    1792: "complex numbers of 128 bits",
    2048: "complex numbers of 256 bits",
}


def read_grid(path: Path) -> GridFile:
    """Everything that the header and the files beside it say.

    Raises
    ------
    ReadError
        When the header is cut short or makes no sense.
    """
    beside = read_sidecar(path)
    header, second = _header(path)
    dtype, channels = _voxel_type(path, header)
    dims = _dims(path, header)
    slices, count = dims[2], int(np.prod(dims[3:], dtype=object))
    findings: list[Diagnosis] = []
    geometry = _geometry(header, (slices, dims[1], dims[0]), findings)
    slope, intercept = _scale(header, findings)
    if channels > 1 or dtype.kind == "c":
        slope, intercept = 1.0, 0.0
    if dtype.kind == "c":
        findings.append(
            Diagnosis("complex-voxels", "note", "The voxels are complex numbers; their magnitude is shown.")
        )
    volumes, volume = _volumes(header, beside, count, slices, findings)
    return GridFile(
        path,
        geometry,
        _block(path, header, second, dtype, channels * dims[0] * dims[1] * slices, count),
        channels,
        volumes,
        volume,
        slope,
        intercept,
        _windows(header),
        beside.modality,
        beside.description or _text(header["descrip"]),
        beside.sequence_of(volumes[volume].b_value if volumes else beside.b_value),
        beside.b_value if count == 1 else None,
        beside.trace if count == 1 else False,
        beside.body_part,
        tuple(findings) + beside.diagnoses,
    )


def _header(path: Path) -> tuple[Any, bool]:
    """The header as nibabel sees it, and whether it is NIfTI-2."""
    cut = ReadError(
        f"'{path.name}' is an incomplete or damaged NIfTI file: its header is cut short.", code="truncated"
    )
    try:
        raw, _ = unpacked_start(path, _LONGEST)
    except OSError as error:
        raise unreachable(path, error) from None
    second = 540 in (int.from_bytes(raw[:4], "little"), int.from_bytes(raw[:4], "big"))
    size = 540 if second else 348
    if len(raw) < size:
        raise cut
    kind = nib.Nifti2Header if second else nib.Nifti1Header
    try:
        return kind(raw[:size], check=False), second
    except (HeaderDataError, ValueError, KeyError):
        raise cut from None


def _voxel_type(path: Path, header: Any) -> tuple[np.dtype[Any], int]:
    """Type of one value with its byte order, and values per voxel."""
    code = int(header["datatype"])
    if code in _NOT_READ:
        raise ReadError(f"'{path.name}' holds {_NOT_READ[code]}, which are not read.", code="voxel-type")
    try:
        dtype, channels = header.get_data_dtype(), 1
    except (HeaderDataError, KeyError):
        raise ReadError(
            f"'{path.name}' is a NIfTI file whose header makes no sense: its voxel type ({code}) is unknown.",
            code="bad-header",
        ) from None
    if dtype.names:
        channels, dtype = len(dtype.names), np.dtype(np.uint8)
    if dtype.kind not in "iufc" or dtype.itemsize > 16:
        raise ReadError(
            f"'{path.name}' holds voxels of a kind that is not read ({dtype}).", code="voxel-type"
        )
    return dtype.newbyteorder(header.endianness), channels


def _dims(path: Path, header: Any) -> tuple[int, ...]:
    """Sizes along (column, row, slice, ...)."""
    stored = [int(size) for size in header["dim"]]
    dims = tuple(stored[1 : stored[0] + 1]) if 1 <= stored[0] <= 7 else ()
    if not dims or min(dims) < 1:
        sizes = " x ".join(map(str, dims)) or "unset"
        raise ReadError(
            f"'{path.name}' is a NIfTI file that announces no voxels (size {sizes}).", code="bad-header"
        )
    return dims + (1,) * (3 - len(dims))


def _block(path: Path, header: Any, second: bool, dtype: np.dtype[Any], run: int, count: int) -> VoxelBlock:
    """Where the voxels are: behind the header and its extensions, or in the other file of a pair."""
    single = bytes(header["magic"])[:3] not in (b"ni1", b"ni2")
    least = (544 if second else 352) if single else 0
    announced = float(header["vox_offset"])
    if not (np.isfinite(announced) and 0 <= announced <= _EXTENSIONS):
        raise ReadError(
            f"'{path.name}' is a NIfTI file whose header makes no sense: its voxels begin nowhere.",
            code="bad-header",
        )
    data = path if single else _partner(path)
    stamp = stamp_of(data)
    try:
        with data.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
    except OSError as error:
        raise unreachable(data, error) from None
    offset = max(int(announced), least)
    return VoxelBlock(
        data,
        dtype,
        run,
        count,
        start=0 if packed else offset,
        skip=offset if packed else 0,
        packing="gzip" if packed else "none",
        stamp=stamp,
    )


def _partner(path: Path) -> Path:
    """The .img beside a .hdr, in the same folder."""
    name = path.name
    for end, others in ((".hdr", (".img", ".img.gz")), (".hdr.gz", (".img.gz", ".img"))):
        if not name.lower().endswith(end):
            continue
        stem, capital = name[: -len(end)], name.endswith(end.upper())
        found = [path.with_name(stem + (other.upper() if capital else other)) for other in others]
        for partner in found:
            if partner.is_file():
                if partner.resolve().parent != path.resolve().parent:
                    break
                return partner
        raise ReadError(
            f"'{name}' is a NIfTI header without its voxel file '{found[0].name}'.", code="no-voxels"
        )
    raise ReadError(
        f"'{name}' is the header of a NIfTI pair; its name must end in .hdr to find its voxels.",
        code="no-voxels",
    )


def _volumes(
    header: Any, beside: Sidecar, count: int, slices: int, findings: list[Diagnosis]
) -> tuple[tuple[VolumeInfo, ...], int]:
    """Names of the volumes, and which is shown first."""
    if count > 1 and len(beside.b_values) == count:
        volumes = weighted(beside.b_values, beside.directions, slices)
        return volumes, best_weighted(beside.b_values, beside.directions)
    if beside.b_values and len(beside.b_values) != count:
        findings.append(
            Diagnosis(
                "bad-sidecar",
                "warning",
                f"The file beside the image lists {len(beside.b_values)} b-values for {count} "
                f"volume{'s' if count > 1 else ''}; they are left out.",
            )
        )
    if int(header["intent_code"]) in _VECTOR_INTENTS:
        return numbered("component", count, slices), 0
    timed = (int(header["xyzt_units"]) & 0x38) in _SECONDS and float(header["pixdim"][4]) > 0
    return numbered("time" if timed else "volume", count, slices), 0


@np.errstate(all="ignore")  # a header may hold any number
def _geometry(header: Any, shape: tuple[int, int, int], findings: list[Diagnosis]) -> Geometry:
    """The grid: sform before qform by their codes; without either, spacing alone."""
    unit = _MILLIMETRES.get(int(header["xyzt_units"]) & 7, 1.0)
    scale = np.diag([unit, unit, unit, 1.0])
    if int(header["sform_code"]) > 0:
        affine = scale @ header.get_sform()
        if usable(affine):
            if sheared(affine):
                findings.append(sheared_warning())
            if int(header["qform_code"]) > 0:
                _compare(affine, _qform(header, np.ones(3)), findings)
            return Geometry(lps_from_ras(affine), shape)
        findings.append(
            Diagnosis(
                "bad-transformation", "warning", "The file's first transformation (sform) is not usable."
            )
        )
    spacing = np.abs(np.asarray(header["pixdim"][1:4], dtype=np.float64))
    good = np.isfinite(spacing) & (spacing > 0) & (spacing * unit < 1e6)
    if not good.all():
        findings.append(no_spacing())
    spacing = np.where(good, spacing, 1.0 / unit)
    if int(header["qform_code"]) > 0:
        affine = scale @ _qform(header, spacing)
        if usable(affine):
            return Geometry(lps_from_ras(affine), shape)
        findings.append(
            Diagnosis(
                "bad-transformation", "warning", "The file's second transformation (qform) is not usable."
            )
        )
    findings.append(no_orientation())
    columns, rows, slices = (float(step) for step in spacing * unit)
    return Geometry.unoriented(shape, (slices, rows, columns))


def _compare(followed: NDArray[np.float64], other: NDArray[np.float64], findings: list[Diagnosis]) -> None:
    """Say so where the two transformations of a file (RAS) turn the patient differently: sides are at stake."""
    if not usable(other):
        return
    one, two = (matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0) for matrix in (followed, other))
    if (one * two).sum(axis=0).min() > _ALIKE:
        return
    words, others = (
        "".join(letter(lps_from_ras(affine)[:3, axis]) for axis in range(3)) for affine in (followed, other)
    )
    findings.append(
        Diagnosis(
            "orientation-conflict",
            "warning",
            f"The file contradicts itself: its first transformation (sform) says {words}, its second (qform) {others}.",
            "The first was followed, as most programs do; check the side against another source.",
        )
    )


def _qform(header: Any, spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """The transformation that the quaternion describes, all zeros where it describes none."""
    sound = header.copy()
    sound["pixdim"][1:4] = spacing
    # The standard: anything but -1 counts as 1.
    sound["pixdim"][0] = -1.0 if float(header["pixdim"][0]) == -1 else 1.0
    try:
        return np.asarray(sound.get_qform(), dtype=np.float64)
    except (HeaderDataError, ValueError):
        return np.zeros((4, 4))


def _scale(header: Any, findings: list[Diagnosis]) -> tuple[float, float]:
    """Rescale of the voxels; slope 0 means none by the standard, and so does NaN by custom."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if np.isnan(slope) or slope == 0:
        return 1.0, 0.0
    if not np.isfinite([slope, intercept]).all():
        findings.append(
            Diagnosis(
                "bad-rescale", "warning", "The file's rescale is not a number; stored values are shown."
            )
        )
        return 1.0, 0.0
    return slope, intercept


def _windows(header: Any) -> tuple[Window, ...]:
    """The display range of the header; `viewer.imaging.windows` uses it only where it meets the values."""
    low, high = float(header["cal_min"]), float(header["cal_max"])
    if not np.isfinite([low, high]).all() or high <= low:
        return ()
    return (Window((low + high) / 2, high - low, "as stored in the file"),)


def _text(field: Any) -> str:
    text = bytes(field).split(b"\x00")[0].decode("utf-8", "replace").strip()
    return "".join(character for character in text if character.isprintable())
