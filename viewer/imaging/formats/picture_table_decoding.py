"""HDF5's side of tables of pictures; runs in the decoding worker, see `viewer.imaging.decoding.door`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import ReadError

PICTURES, OWNERS = "X", "pat"
"""Names of the datasets: the pictures (n, row, column[, channel]), and whose each of them is (n,)."""
_MOST_CHANNELS = 4
_MOST_PICTURES = 5_000_000
_LISTED = 6


def look(path: str) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """What is in the table; no picture is read.

    Returns
    -------
    facts
        ``shape`` of the pictures, ``item`` (bytes per value), ``owners`` (a name for each owner, in the order in which
        they first appear; empty where the file does not say whose the pictures are).
    arrays
        One int32 array (n,): index into ``owners`` of each picture; empty without owners.

    Raises
    ------
    ReadError
        ``no-pictures``, ``unequal-lengths``.
    """
    name = Path(path).name
    with _opened(path) as file:
        pictures = _pictures(file, name)
        owners = _column(file, OWNERS, len(pictures), name)
        for other, dataset in file.items():
            if other not in (PICTURES, OWNERS) and hasattr(dataset, "shape") and dataset.shape:
                _same_length(other, len(dataset), len(pictures), name)
        facts = {"shape": list(pictures.shape), "item": pictures.dtype.itemsize, "owners": []}
        if owners is None:
            return facts, [np.zeros(0, dtype=np.int32)]
        names, first, index = np.unique(owners, return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.empty(len(order), dtype=np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        facts["owners"] = [str(names[each]) for each in order]
        return facts, [rank[index.ravel()]]


def decode(path: str, rows: NDArray[Any]) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Some pictures of the table.

    Parameters
    ----------
    rows : (n,) ascending numbers of the pictures.

    Returns
    -------
    facts
        ``channels`` of each picture, ``neighbours``: whether they differ, so that the middle one was taken.
    arrays
        One array (picture, row, column) in the type of the file.
    """
    with _opened(path) as file:
        pictures = _pictures(file, Path(path).name)
        whole = bool(len(rows) and rows[-1] - rows[0] == len(rows) - 1)
        values = np.asarray(pictures[int(rows[0]) : int(rows[-1]) + 1] if whole else pictures[rows])
    if values.ndim == 3:
        return {"channels": 1, "neighbours": False}, [values]
    middle = values.shape[-1] // 2
    neighbours = any(not np.array_equal(values[..., k], values[..., middle]) for k in range(values.shape[-1]))
    facts = {"channels": values.shape[-1], "neighbours": neighbours}
    return facts, [np.ascontiguousarray(values[..., middle])]


def _opened(path: str) -> Any:
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError:
        raise ReadError(
            f"'{Path(path).name}' is a damaged HDF5 file, or one that was cut short.", code="truncated"
        ) from None


def _pictures(file: Any, name: str) -> Any:
    found = file.get(PICTURES)
    if hasattr(found, "shape"):
        shape, kind = found.shape, found.dtype.kind
        channels = shape[3] if len(shape) == 4 else 1
        sound = len(shape) in (3, 4) and min(shape) > 0 and shape[0] <= _MOST_PICTURES
        if sound and channels <= _MOST_CHANNELS and kind in "iuf":
            return found
        raise ReadError(
            f"'{name}' is an HDF5 file whose dataset '{PICTURES}' holds no pictures: its shape is "
            f"{' x '.join(map(str, shape)) or 'a single value'}, its type {found.dtype}.",
            code="no-pictures",
        )
    if "model_weights" in file or "layer_names" in file.attrs:
        raise ReadError(
            f"'{name}' holds the weights of a network as Keras writes them, not pictures.",
            code="not-an-image",
            action="Add it as a model: whyslice add-model.",
        )
    listed = ", ".join(f"'{key}'" for key in list(file)[:_LISTED])
    raise ReadError(
        f"'{name}' is an HDF5 file without a dataset '{PICTURES}' of pictures; it has {listed or 'nothing'}.",
        code="no-pictures",
    )


def _column(file: Any, key: str, count: int, name: str) -> NDArray[Any] | None:
    """A column of names or numbers as texts; None where there is none."""
    found = file.get(key)
    if not hasattr(found, "shape") or len(found.shape) < 1:
        return None
    _same_length(key, len(found), count, name)
    values = np.asarray(found).reshape(count, -1)[:, 0]
    if values.dtype.kind in "SO":
        return np.array(
            [each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in values]
        )
    return values.astype(str)


def _same_length(key: str, length: int, count: int, name: str) -> None:
    if length != count:
        raise ReadError(
            f"'{name}' does not fit together: it has {count} pictures in '{PICTURES}' and {length} entries in '{key}'.",
            code="unequal-lengths",
        )
