"""Maps as files: numbers on their own grid, volumes in the patient, and the record of what made them.

Pure functions over plain arrays; the window's *save maps* and the command ``explain`` both end here. Every file is
either whole or not there.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import ExportError
from viewer.foundation.whole_file import write_whole
from viewer.imaging.image import MedicalImage
from viewer.imaging.resampling import regular
from viewer.imaging.writing import fits_one_affine, write_nifti
from viewer.models.input_view import InputView
from viewer.models.volume_cut import VolumeCut
from viewer.models.volume_view import VolumeView

Picture = NDArray[np.float32]


def make_folder(folder: Path) -> None:
    """Make a folder for results, with its parents.

    Raises
    ------
    ExportError
        When there is a file of that name, or the place cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise ExportError(f"'{folder.name}' is a file, not a folder.", code="not-a-folder") from None
    except OSError as error:
        why = (error.strerror or "unknown reason").lower()
        raise ExportError(f"The folder '{folder.name}' could not be made: {why}.", code="no-folder") from None


def file_stem(*words: str) -> str:
    """Words joined to a file name that every system can hold, e.g. ``no-stroke__relu5__grad-cam``."""
    return "__".join(re.sub(r"[^\w.#+-]+", "-", word).strip("-.") or "map" for word in words)


def write_map(path: Path, image: MedicalImage, pictures: Mapping[int, Picture]) -> None:
    """Write one map of a series on the grid of its image; see `grid_words` for uneven slices.

    Parameters
    ----------
    path : ends in ``.nii.gz``.
    pictures : slice -> map drawn on the picture of the reading plane (row, column); slices that are missing are 0.

    Raises
    ------
    ExportError
        When the file cannot be written.
    """
    volume = np.zeros(image.geometry.shape, dtype=np.float32)
    for index, picture in pictures.items():
        image.plane.put(volume, index, picture)
    write_volume_map(path, image, volume)


def write_volume_map(path: Path, image: MedicalImage, volume: NDArray[np.float32]) -> None:
    """Write the map of a volume on the grid of its image; see `grid_words` for uneven slices.

    Parameters
    ----------
    path : ends in ``.nii.gz``.
    volume : (slice, row, column) in the order of the file.

    Raises
    ------
    ExportError
        When the file cannot be written.
    """
    values = np.ascontiguousarray(volume, dtype=np.float32)
    if fits_one_affine(image.geometry):
        write_nifti(path, values, image.geometry)
        return
    even = regular(replace(image, voxels=values, diagnoses=()), outside=0.0)
    write_nifti(path, even.voxels, even.geometry)


def grid_words(image: MedicalImage) -> str:
    """On which grid the volumes of maps are written.

    One affine puts the slices of an uneven or gapped stack in the wrong place; their maps are drawn on an even grid,
    every slice at its true position.
    """
    if fits_one_affine(image.geometry):
        return "the slices of the image"
    return "an even grid, because NIfTI cannot hold the uneven distances of the image's slices; positions are exact"


def write_raw(path: Path, raw: NDArray[np.float32]) -> None:
    """Write a map (row, column) or (slice, row, column) on its own grid as ``.npy``, float32.

    Raises
    ------
    ExportError
        When the file cannot be written.
    """
    stream = io.BytesIO()
    np.save(stream, np.asarray(raw, dtype=np.float32), allow_pickle=False)
    write_whole(path, stream.getvalue())


def map_unit(title: str, score: str, *, difference: bool = False) -> str:
    """What the numbers of a map are, in words: its explainer, what was differentiated."""
    return f"{title}, {'difference of the classes' if difference else 'raw'} ({score})"


def view_facts(view: InputView | VolumeView | VolumeCut) -> dict[str, Any]:
    """How a picture or a volume became the network's input, for a provenance record."""
    if isinstance(view, VolumeCut):
        view = view.view
    return {
        "mirror": view.mirror,
        "crop": view.crop,
        "crop_box": list(astuple(view.box)),
        "size": list(view.rule.size),
        "normalise": view.rule.normalise,
        "normalise_parameters": dict(view.rule.parameters),
    }
