"""The voxels of a DICOM stack: decoded from the middle outward into one array, shown while the rest is read."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.foundation.errors import ReadError
from viewer.foundation.provenance import sha256_of
from viewer.imaging.budget import BUDGET
from viewer.imaging.dicom.frames import Frame
from viewer.imaging.dicom.naming import description_of, sequence_of, unit_of
from viewer.imaging.dicom.pixels import pictures
from viewer.imaging.dicom.stacks import Stack
from viewer.imaging.filling import Filling, expected_type
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import Intensity, MedicalImage, Source, Window
from viewer.imaging.series import Wish
from viewer.imaging.voxel_types import value_findings

_IDENTITY = (1.0, 0.0)


def load(stack: Stack, path: Path, wish: Wish) -> MedicalImage:
    """Read one volume of a stack.

    Parameters
    ----------
    path : the file, or the folder of the series.

    Raises
    ------
    ReadError
        Over the memory budget, damaged, or changed since its header was read.
    """
    number = stack.chosen if wish.volume is None else wish.volume
    frames = stack.volumes[number].frames
    geometry, findings = stack.grid(number)
    files = tuple(dict.fromkeys(frame.path for frame in frames))
    BUDGET.check(path.name, _needed(stack, frames))
    bare = _described(stack, number, geometry, path, files)
    bare = replace(bare, diagnoses=(*stack.diagnoses, *findings, *stack.several(wish.volume)))
    filling = Filling(len(frames), _expected(stack, frames))
    shown = False
    for done, (place, picture) in enumerate(_decoded(stack, frames, path)):
        wish.progress.report(done, len(frames), "reading slices")
        _put(filling, place, picture, stack, frames[place], path)
        if not shown and wish.arriving is not None:
            shown = True
            wish.arriving(replace(bare, voxels=filling.shown, arrived=filling.arrived))
    wish.progress.report(len(frames), len(frames))
    return replace(
        bare,
        voxels=filling.voxels,
        source=replace(bare.source, sha256=_hash(files)),
        diagnoses=(*bare.diagnoses, *value_findings(filling.voxels)),
    )


def peek(stack: Stack, path: Path) -> MedicalImage:
    """The middle slice of the default volume as an image of one slice."""
    frames = stack.shown.frames
    middle = len(frames) // 2
    frame = frames[middle]
    BUDGET.check(path.name, _needed(stack, frames[:1]))
    geometry, _ = stack.grid(stack.chosen)
    file = stack.file_of(frame)
    [picture] = pictures(
        frame.path, [frame.index], palette=file.photometric == "PALETTE COLOR", element=file.pixels
    )
    filling = Filling(1, _expected(stack, (frame,)))
    _put(filling, 0, picture if frame.tile is None else frame.tile.of(picture), stack, frame, path)
    bare = _described(stack, stack.chosen, geometry.of_slice(middle), path, (frame.path,))
    return replace(bare, voxels=filling.voxels, diagnoses=stack.diagnoses)


def _needed(stack: Stack, frames: tuple[Frame, ...]) -> int:
    """Bytes of the largest picture or of the rescaled voxels, whichever is more."""
    file = stack.file_of(frames[0])
    tile = frames[0].tile
    share = 1.0 if tile is None else tile.rows * tile.columns / (file.rows * file.columns)
    kind = _expected(stack, frames)
    widened = 1.0 if kind is None else max(1.0, kind.itemsize * 8 / file.bits)
    return max(file.frame_bytes, int(file.frame_bytes * share * len(frames) * widened))


def _expected(stack: Stack, frames: tuple[Frame, ...]) -> np.dtype[Any] | None:
    file = stack.file_of(frames[0])
    if file.samples > 1 or file.bits not in (8, 16, 32) or file.floating or file.table:
        return None
    limits = [stack.file_of(frame).stored for frame in frames]
    low, high = min(limit[0] for limit in limits), max(limit[1] for limit in limits)
    stored = np.dtype(f"{'i' if low < 0 else 'u'}{file.bits // 8}")
    return expected_type(stored, (low, high), {(frame.slope, frame.intercept) for frame in frames})


def _decoded(stack: Stack, frames: tuple[Frame, ...], path: Path) -> Iterator[tuple[int, NDArray[Any]]]:
    """Place and stored picture of every frame, from the middle outward; each file is opened once."""
    middle = len(frames) // 2
    outward = sorted(range(len(frames)), key=lambda place: (abs(place - middle), place))
    by_file: dict[Path, list[int]] = defaultdict(list)
    for place in outward:
        by_file[frames[place].path].append(place)
    palette = stack.file.photometric == "PALETTE COLOR"
    for source, places in by_file.items():
        wanted: dict[int, list[int]] = defaultdict(list)
        for place in places:
            wanted[frames[place].index].append(place)
        pixels = stack.file_of(frames[places[0]]).pixels
        decoded = pictures(source, list(wanted), palette=palette, element=pixels)
        for picture, same in zip(decoded, wanted.values(), strict=True):
            file = stack.file_of(frames[same[0]])
            if picture.shape[:2] != (file.rows, file.columns):
                raise _size_mismatch(path)
            for place in same:
                tile = frames[place].tile
                yield place, picture if tile is None else tile.of(picture)


def _put(filling: Filling, place: int, picture: NDArray[Any], stack: Stack, frame: Frame, path: Path) -> None:
    colour = stack.file.samples > 1
    try:
        filling.put(place, picture, _IDENTITY if colour else (frame.slope, frame.intercept))
    except ValueError:
        raise _size_mismatch(path) from None


def _size_mismatch(path: Path) -> ReadError:
    return ReadError(
        f"The pictures in '{path.name}' are not of the size that their headers announce.",
        code="size-mismatch",
    )


def _described(
    stack: Stack, number: int, geometry: Geometry, path: Path, files: tuple[Path, ...]
) -> MedicalImage:
    """The image without its voxels."""
    file = stack.file
    frames = stack.volumes[number].frames
    colour = file.samples > 1
    slope, intercept = _IDENTITY if colour else (frames[0].slope, frames[0].intercept)
    photometric = "RGB" if colour else file.photometric
    several = len(stack.volumes) > 1
    return MedicalImage(
        voxels=np.broadcast_to(np.zeros((), np.uint8), geometry.shape),
        geometry=geometry,
        modality=file.modality,
        description=description_of(stack),
        intensity=Intensity(
            slope,
            intercept,
            _windows(frames),
            photometric,
            unit_of(stack),
            None if colour else frames[0].padding,
        ),
        source=Source(path, files, file.study_uid, file.series_uid, file.frame_of_reference_uid),
        sequence=sequence_of(stack, number),
        b_value=stack.volumes[number].b_value,
        trace=stack.volumes[number].trace,
        body_part=file.body_part,
        view_position=file.view_position,
        patient=file.patient,
        volumes=tuple(volume.info for volume in stack.volumes) if several else (),
        volume=number if several else 0,
    )


def _windows(frames: tuple[Frame, ...]) -> tuple[Window, ...]:
    """The windows of the middle slice: the ends of a stack are often windowed for noise."""
    return frames[len(frames) // 2].windows or next((frame.windows for frame in frames if frame.windows), ())


def _hash(files: tuple[Path, ...]) -> str:
    if len(files) == 1:
        return sha256_of(files[0])
    digest = hashlib.sha256()
    for line in sorted(sha256_of(file) for file in files):
        digest.update(line.encode("ascii"))
    return digest.hexdigest()
