"""NIfTI files made by hand."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

nib: Any = nibabel
SHORT = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def written(path: Path, data: NDArray[Any], affine: NDArray[np.float64] | None = None, **header: Any) -> Path:
    """A NIfTI file with header fields overwritten after everything nibabel would set itself."""
    image = nib.Nifti1Image(data, np.eye(4) if affine is None else affine, dtype=data.dtype)
    fields = image.header
    for name, value in header.items():
        fields[name] = value
    raw = (
        fields.binaryblock
        + bytes(4)
        + image.get_fdata(dtype=np.float64).astype(data.dtype).tobytes(order="F")
    )
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path
