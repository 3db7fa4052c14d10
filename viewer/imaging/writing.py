"""NIfTI files in patient space: images as the viewer sees them, and maps on the grid of their image."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import ExportError
from viewer.foundation.whole_file import write_whole
from viewer.imaging.geometry import Geometry
from viewer.imaging.resampling import irregular

_RGB = np.dtype([("R", np.uint8), ("G", np.uint8), ("B", np.uint8)])
_LARGEST = 32767
_SCANNER, _ALIGNED = 1, 2


def write_nifti(path: Path, voxels: NDArray[Any], geometry: Geometry) -> None:
    """Write voxels so that every NIfTI reader puts them where they were.

    Parameters
    ----------
    path : ends in ``.nii`` or ``.nii.gz``; an existing file is replaced only after the new one is complete.
    voxels : axes (slice, row, column[, channel]) in the order of `geometry`; integers stay integers, three channels
        become RGB24.
    geometry : the grid; sform and qform both hold it with the code 1 (scanner), or 2 (anatomical axes, an origin of its
        own) where only directions are known; both codes are 0 without orientation. A sheared grid (gantry tilt) is held
        by the sform alone, which comes first by the standard.

    Raises
    ------
    ExportError
        When the name, the voxels or the disk do not allow it.
    """
    path = Path(path)
    lowered = path.name.lower()
    if not lowered.endswith((".nii", ".nii.gz")):
        raise ExportError(f"'{path.name}' is not a NIfTI name: it must end in .nii or .nii.gz.", code="name")
    if voxels.shape[:3] != geometry.shape or voxels.ndim not in (3, 4):
        raise ValueError("voxels have the axes (slice, row, column[, channel]) of their geometry")
    if max(voxels.shape) > _LARGEST:
        raise ExportError(f"NIfTI holds at most {_LARGEST:,} voxels along an axis.", code="too-large")
    image = _image(_storable(voxels), geometry)
    data = image.to_bytes()
    write_whole(path, gzip.compress(data, compresslevel=6, mtime=0) if lowered.endswith(".gz") else data)


def misplaced_mm(geometry: Geometry) -> float:
    """The furthest that a slice lies from where one affine puts it, mm; 0 where the affine holds the grid exactly.

    A NIfTI file has one affine and no place for the origins of single slices, so that this is its error.
    """
    if geometry.origins is None or not geometry.oriented:
        return 0.0
    even = geometry.affine_lps[:3, 3] + np.arange(geometry.shape[0])[:, None] * geometry.affine_lps[:3, 2]
    return float(np.linalg.norm(geometry.origins - even, axis=1).max())


def fits_one_affine(geometry: Geometry) -> bool:
    """Whether a NIfTI file can hold the grid: not where gaps between slices differ by more than the header's noise.

    A sheared grid (gantry tilt) fits.
    """
    return geometry.origins is None or not irregular(geometry)


def _storable(voxels: NDArray[Any]) -> NDArray[Any]:
    """Voxels in a type of NIfTI that other programs read too."""
    if voxels.ndim == 4:
        if voxels.shape[3] != 3:
            raise ExportError("Only grey and RGB images can be written as NIfTI.", code="channels")
        eight = voxels if voxels.dtype == np.uint8 else np.clip(np.rint(voxels), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(eight).view(_RGB)[..., 0]
    if voxels.dtype == np.bool_:
        return voxels.astype(np.uint8)
    if voxels.dtype == np.float16:
        return voxels.astype(np.float32)
    if voxels.dtype.kind in "iu" and voxels.dtype.itemsize == 8:
        limits = np.iinfo(np.int32)
        if voxels.size and (voxels.min() < limits.min or voxels.max() > limits.max):
            return voxels.astype(np.float64)
        return voxels.astype(np.int32)
    return voxels


def _image(voxels: NDArray[Any], geometry: Geometry) -> Any:
    import nibabel  # not before it is needed: the window is there first

    nib: Any = nibabel  # it ships no types
    grid = voxels.transpose(2, 1, 0)
    header = nib.Nifti1Header()
    header.set_data_dtype(voxels.dtype)
    header.set_xyzt_units("mm")
    if not geometry.oriented:
        image = nib.Nifti1Image(grid, None, header)
        slices, rows, columns = geometry.spacing_mm
        image.header.set_zooms((columns, rows, slices))
        image.set_sform(None, 0)
        image.set_qform(None, 0)
        return image
    image = nib.Nifti1Image(grid, geometry.affine_ras, header)
    code = _SCANNER if geometry.placed else _ALIGNED
    image.set_qform(geometry.affine_ras, code)
    image.set_sform(geometry.affine_ras, code)
    return image
