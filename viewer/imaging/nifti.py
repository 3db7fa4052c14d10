"""NIfTI-1 and NIfTI-2, single file or pair, plain or gzip.

The header is read with nibabel; the voxels are read here, because a reader has to know how many bytes there should be:
a cut-off file must be refused, not filled up with zeros.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

import nibabel
import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from viewer.foundation.errors import ReadError
from viewer.foundation.provenance import sha256_of
from viewer.imaging.budget import BUDGET
from viewer.imaging.diagnoses import Diagnosis, no_orientation, no_spacing
from viewer.imaging.geometry import Geometry, lps_from_ras
from viewer.imaging.image import Intensity, MedicalImage, Source
from viewer.imaging.series import Candidate, SeriesInfo, Wish
from viewer.imaging.sidecar import Sidecar, read_sidecar
from viewer.imaging.sniffing import reason
from viewer.imaging.voxel_types import rescaled, value_findings

nib: Any = nibabel  # it ships no types
_MILLIMETRES = {"meter": 1000.0, "micron": 0.001}
_UNREADABLE = "'{}' is an incomplete or damaged NIfTI file: {}."


@dataclass(frozen=True)
class _Header:
    """What is needed of a NIfTI header."""

    path: Path
    data_path: Path
    offset: int
    dtype: np.dtype[Any]
    channels: int
    complex_: bool
    dims: tuple[int, ...]
    geometry: Geometry
    slope: float
    intercept: float
    description: str
    diagnoses: tuple[Diagnosis, ...]

    @property
    def volumes(self) -> int:
        return int(np.prod(self.dims[3:], dtype=np.int64))

    @property
    def volume_bytes(self) -> int:
        return int(np.prod(self.dims[:3], dtype=np.int64)) * self.dtype.itemsize * self.channels


def candidates(path: Path) -> list[Candidate]:
    """The one image in a NIfTI file.

    Raises
    ------
    ReadError
        When the header is cut short, makes no sense, or announces more data than the file has.
    """
    header, beside = _read_header(path), read_sidecar(path)
    info = SeriesInfo.of(
        header.geometry,
        path,
        frames=header.dims[2] * header.volumes,
        modality=beside.modality,
        description=beside.description or header.description,
        b_values=() if beside.b_value is None else (beside.b_value,),
        photometric="RGB" if header.channels > 1 else "MONOCHROME2",
        diagnoses=header.diagnoses + beside.diagnoses,
    )
    return [Candidate(info, partial(_load, header, beside))]


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def _read_header(path: Path) -> _Header:
    try:
        with _open(path) as stream:
            start = stream.read(4)
            stream.seek(0)
            second = 540 in (int.from_bytes(start, "little"), int.from_bytes(start, "big"))
            raw = stream.read(540 if second else 348)
    except (OSError, EOFError, zlib.error):
        raise ReadError(_UNREADABLE.format(path.name, "its header is cut short"), code="truncated") from None
    if len(raw) < (540 if second else 348):
        raise ReadError(_UNREADABLE.format(path.name, "its header is cut short"), code="truncated")
    kind = nib.Nifti2Header if second else nib.Nifti1Header
    try:
        header = kind(raw, check=False)
        dtype = header.get_data_dtype()
        dims = tuple(int(n) for n in header.get_data_shape())
    except (HeaderDataError, ValueError, KeyError, OverflowError):
        raise ReadError(
            f"'{path.name}' is a NIfTI file whose header makes no sense: its voxel type or its size is unknown.",
            code="bad-header",
        ) from None
    if not dims or min(dims) < 1 or len(dims) > 7:
        raise ReadError(
            f"'{path.name}' is a NIfTI file that announces no voxels (size {' x '.join(map(str, dims)) or 'unset'}).",
            code="bad-header",
        )
    dims = dims + (1,) * (3 - len(dims))
    channels = 1
    if dtype.names:
        channels, dtype = len(dtype.names), np.dtype(np.uint8)
    if dtype.kind not in "iufc" or dtype.itemsize > 16 or (dtype.kind == "f" and dtype.itemsize > 8):
        raise ReadError(
            f"'{path.name}' holds voxels of a kind that is not read ({dtype}).", code="voxel-type"
        )
    dtype = dtype.newbyteorder(header.endianness)
    diagnoses: list[Diagnosis] = []
    geometry = _geometry(header, (dims[2], dims[1], dims[0]), diagnoses)
    slope, intercept = _scale(header, diagnoses)
    if channels > 1 or dtype.kind == "c":
        slope, intercept = 1.0, 0.0
    if dtype.kind == "c":
        diagnoses.append(
            Diagnosis("complex-voxels", "note", "The voxels are complex numbers; their magnitude is shown.")
        )
    data_path = path
    if bytes(header["magic"])[:3] in (b"ni1", b"ni2"):
        data_path = _partner(path)
    offset = int(header["vox_offset"]) if np.isfinite(header["vox_offset"]) else 0
    if data_path == path:
        offset = max(offset, 544 if second else 352) if offset else (544 if second else 352)
    result = _Header(
        path,
        data_path,
        offset,
        dtype,
        channels,
        dtype.kind == "c",
        dims,
        geometry,
        slope,
        intercept,
        _text(header["descrip"]),
        tuple(diagnoses),
    )
    if result.volumes > 1:
        note = Diagnosis(
            "several-volumes",
            "note",
            f"The file holds {result.volumes} volumes; the first is shown ({dims[2]} of {dims[2] * result.volumes} "
            "slices).",
        )
        result = replace(result, diagnoses=(*result.diagnoses, note))
    _check_size(result)
    return result


def _partner(path: Path) -> Path:
    """The .img beside a .hdr, in the same folder."""
    name = path.name
    for end, other in ((".hdr", ".img"), (".hdr.gz", ".img.gz"), (".img", ".img"), (".img.gz", ".img.gz")):
        if name.lower().endswith(end):
            partner = path.with_name(name[: -len(end)] + other)
            if partner.exists():
                return partner
            raise ReadError(
                f"'{name}' is a NIfTI header without its voxel file '{partner.name}'.", code="no-voxels"
            )
    return path


def _check_size(header: _Header) -> None:
    """Compare what the header announces with the budget and, where it is not compressed, with the file."""
    BUDGET.check(header.path.name, header.volume_bytes)
    with header.data_path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    if packed:
        return
    expected = header.offset + header.volume_bytes * header.volumes
    actual = header.data_path.stat().st_size
    if actual < expected:
        raise _truncated(header, expected, actual)


def _truncated(header: _Header, expected: int, actual: int) -> ReadError:
    return ReadError(
        f"'{header.data_path.name}' is cut short: its header announces {expected:,} bytes and there are {actual:,}.",
        code="truncated",
    )


def _geometry(header: Any, shape: tuple[int, int, int], diagnoses: list[Diagnosis]) -> Geometry:
    unit = _MILLIMETRES.get(
        header.get_xyzt_units()[0] if int(header["xyzt_units"]) % 8 in (1, 2, 3) else "mm", 1.0
    )
    scale = np.diag([unit, unit, unit, 1.0])
    sform_code, qform_code = int(header["sform_code"]), int(header["qform_code"])
    if sform_code > 0:
        affine = header.get_sform()
        if _usable(affine):
            unit_axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
            if np.abs(unit_axes.T @ unit_axes - np.eye(3)).max() > 0.01:
                diagnoses.append(
                    Diagnosis(
                        "sheared",
                        "warning",
                        "The file's transformation is sheared: its slices are not at right angles to its stack.",
                        "Resample the volume before measuring or before using a 3D network.",
                    )
                )
            return Geometry(lps_from_ras(scale @ affine), shape)
        diagnoses.append(
            Diagnosis(
                "bad-transformation", "warning", "The file's first transformation (sform) is not usable."
            )
        )
    if qform_code > 0:
        try:
            affine = header.get_qform()
        except (HeaderDataError, ValueError):
            affine = np.zeros((4, 4))
        if _usable(affine):
            return Geometry(lps_from_ras(scale @ affine), shape)
    spacing = np.abs(np.asarray(header["pixdim"][1:4], dtype=np.float64)) * unit
    good = np.isfinite(spacing) & (spacing > 0)
    if not good.all():
        diagnoses.append(no_spacing())
    spacing = np.where(good, spacing, 1.0)
    diagnoses.append(no_orientation())
    return Geometry.unoriented(shape, (float(spacing[2]), float(spacing[1]), float(spacing[0])))


def _usable(affine: NDArray[np.float64]) -> bool:
    if not np.isfinite(affine).all():
        return False
    columns = np.linalg.norm(affine[:3, :3], axis=0)
    return bool(columns.min() > 1e-9 and abs(np.linalg.det(affine[:3, :3] / columns)) > 1e-3)


def _scale(header: Any, diagnoses: list[Diagnosis]) -> tuple[float, float]:
    """Rescale of the voxels; slope 0 means none by the standard, and so does NaN by custom."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not np.isfinite(slope) or slope == 0:
        return 1.0, 0.0
    if not np.isfinite(intercept):
        diagnoses.append(
            Diagnosis(
                "bad-rescale", "warning", "The file's rescale is not a number; stored values are shown."
            )
        )
        return 1.0, 0.0
    return slope, intercept


def _text(field: Any) -> str:
    text = bytes(field).split(b"\x00")[0].decode("utf-8", "replace").strip()
    return "".join(character for character in text if character.isprintable())


def _load(header: _Header, beside: Sidecar, wish: Wish) -> MedicalImage:
    wish.progress.report(0, 2, "reading")
    count = header.volume_bytes
    try:
        with _open(header.data_path) as stream:
            stream.seek(header.offset)
            data = stream.read(count)
            if header.volumes == 1:
                # Only at its end does a gzip stream compare its checksum.
                stream.read(1)
    except EOFError:
        data = b""
    except (zlib.error, gzip.BadGzipFile):
        raise ReadError(
            f"'{header.data_path.name}' is damaged: it does not decompress to the end.", code="truncated"
        ) from None
    except OSError as error:
        raise ReadError(
            f"'{header.data_path.name}' could not be read: {reason(error)}.", code="no-access"
        ) from None
    if len(data) < count:
        raise ReadError(
            f"'{header.data_path.name}' is cut short: its header announces {count:,} bytes of voxels and "
            + (f"there are {len(data):,}." if data else "fewer are there."),
            code="truncated",
        )
    wish.progress.report(1, 2, "converting")
    stored = np.frombuffer(data, dtype=header.dtype)
    columns, rows, slices = header.dims[:3]
    shape = (slices, rows, columns) if header.channels == 1 else (slices, rows, columns, header.channels)
    voxels: NDArray[Any] = stored.reshape(shape)
    if header.channels == 4:
        voxels = voxels[..., :3]
    voxels = np.ascontiguousarray(voxels, dtype=voxels.dtype.newbyteorder("="))
    if header.complex_:
        voxels = np.abs(voxels)
    voxels = rescaled(voxels, header.slope, header.intercept)
    image = MedicalImage(
        voxels=voxels,
        geometry=header.geometry,
        modality=beside.modality,
        description=beside.description or header.description,
        sequence=beside.sequence,
        b_value=beside.b_value,
        body_part=beside.body_part,
        intensity=Intensity(
            header.slope, header.intercept, photometric="RGB" if header.channels > 1 else "MONOCHROME2"
        ),
        source=Source(header.path, (header.path,), sha256=sha256_of(header.path)),
        diagnoses=header.diagnoses + beside.diagnoses + value_findings(voxels),
    )
    wish.progress.report(2, 2)
    return image
