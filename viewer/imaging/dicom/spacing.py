"""Where the slices of a volume lie: one affine where it holds them all, else every slice's origin; and what is odd."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.diagnoses import Diagnosis, no_orientation, no_spacing
from viewer.imaging.dicom.frames import Frame
from viewer.imaging.geometry import Geometry
from viewer.imaging.unevenness import TILTED, odd_gaps, tilt_degrees

_SAME_PLACE = 0.01
"""Slices closer than this along their normal lie at one place where nothing is known of their distance, mm."""
_SAME_SHARE, _SAME_MOST = 0.02, 0.05
"""Else closer than this share of the stated distance, and than this, mm: headers round, and tables are not exact."""
EXACT_MM = 0.01
"""Slices further than this from where the affine puts them have origins of their own."""
_LEAST_STATED, _MOST_STATED = 0.5, 60.0
"""Degrees of a gantry between which it is believed to have been tilted."""
_NAMED_GAPS = 5
_RESAMPLE = "Positions are exact; for a 3D network or other planes, resample the volume first."

Array = NDArray[np.float64]


def normal_of(frame: Frame) -> Array:
    """Unit normal of a frame that has an orientation."""
    six = np.asarray(frame.orientation, dtype=np.float64)
    normal = np.cross(six[:3], six[3:])
    return np.asarray(normal / np.linalg.norm(normal))


def same_place(frames: Sequence[Frame]) -> float:
    """Slices closer than this along their normal lie at one place, mm."""
    stated = [abs(frame.thickness) for frame in frames if frame.thickness]
    return min(_SAME_SHARE * float(np.median(stated)), _SAME_MOST) if stated else _SAME_PLACE


def grid_of(frames: tuple[Frame, ...], size: tuple[int, int]) -> tuple[Geometry, tuple[Diagnosis, ...]]:
    """The grid of frames at ascending, different positions along their normal.

    Parameters
    ----------
    size : (rows, columns).
    """
    first = frames[0]
    normal = normal_of(first)
    diagnoses = []
    six = np.asarray(first.orientation, dtype=np.float64)
    places = np.asarray([frame.position for frame in frames], dtype=np.float64)
    if first.size.spacing is None:
        diagnoses.append(no_spacing())
    row, column = first.size.spacing or (1.0, 1.0)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = six[:3] * column, six[3:] * row
    affine[:3, 3] = places[0]
    origins = None
    if len(places) > 1:
        step = (places[-1] - places[0]) / (len(places) - 1)
        affine[:3, 2] = step
        even = places[0] + np.arange(len(places))[:, None] * step
        if np.abs(places - even).max() > EXACT_MM:
            origins = places
        diagnoses.extend(_gaps(places @ normal))
        diagnoses.extend(_tilt(step, normal))
    else:
        affine[:3, 2] = normal * stated_thickness(first)
    return Geometry(affine, (len(places), *size), origins=origins), tuple(diagnoses)


def tilt_not_shown(
    frame: Frame, stated: float | None, findings: Sequence[Diagnosis]
) -> tuple[Diagnosis, ...]:
    """A finding where a scanner states that its gantry was tilted, and its slices lie as if it had not been.

    Parameters
    ----------
    frame : one of an original series.
    stated : degrees, None where nothing is said.
    findings : about the grid.
    """
    straight = float(np.abs(normal_of(frame)).max()) > np.cos(np.radians(TILTED))
    if stated is None or not _LEAST_STATED <= abs(stated) < _MOST_STATED or not straight:
        return ()
    if "ORIGINAL" not in frame.kind[:1] or any(finding.code == "gantry-tilt" for finding in findings):
        return ()
    return (
        Diagnosis(
            "tilt-not-shown",
            "warning",
            f"The file states a gantry tilt of {stated:g} degrees, and its slices lie as if there were none.",
            "Do not trust distances and directions across the slices; compare with another series.",
        ),
    )


def grid_without_places(
    frames: tuple[Frame, ...], size: tuple[int, int], directions: tuple[float, ...] | None
) -> tuple[Geometry, tuple[Diagnosis, ...]]:
    """The grid of pictures that lie at one place or nowhere; where they point may be known all the same.

    Parameters
    ----------
    size : (rows, columns).
    directions : of a row and of a column, for frames that do not state their own.
    """
    first = frames[0]
    findings: list[Diagnosis] = []
    if first.size.spacing is None:
        findings.append(no_spacing())
    row, column = first.size.spacing or (1.0, 1.0)
    thick = stated_thickness(first)
    directions = first.orientation or directions
    if directions is None:
        findings.append(no_orientation())
        return Geometry.unoriented((len(frames), *size), (thick, row, column)), tuple(findings)
    six = np.asarray(directions, dtype=np.float64)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = six[:3] * column, six[3:] * row
    normal = np.cross(six[:3], six[3:])
    affine[:3, 2] = normal / np.linalg.norm(normal) * thick
    affine[:3, 3] = first.position if first.position is not None else 0.0
    return Geometry(affine, (len(frames), *size), placed=False), tuple(findings)


def stated_thickness(frame: Frame) -> float:
    """Distance of slices as the file states it, mm; 1 where it does not."""
    thickness = None if frame.thickness is None else abs(frame.thickness)
    return thickness if thickness is not None and 1e-5 < thickness < 1e4 else 1.0


def _gaps(depths: Array) -> list[Diagnosis]:
    odd = odd_gaps(depths)
    if not len(odd):
        return []
    gaps = np.diff(depths)
    ratio = gaps[odd] / float(np.median(gaps))
    if (ratio > 1.5).all() and (np.abs(ratio - np.round(ratio)) < 0.1).all():
        missing = int(np.sum(np.round(ratio) - 1))
        where = ", ".join(str(int(place) + 1) for place in odd[:_NAMED_GAPS])
        more = " and elsewhere" if len(odd) > _NAMED_GAPS else ""
        words = f"{missing} slice{'s are' if missing > 1 else ' is'} missing after slice {where}{more}"
        return [Diagnosis("missing-slice", "warning", f"{words} of {len(depths)}.", _RESAMPLE)]
    words = f"The distance between slices varies from {gaps.min():.2f} to {gaps.max():.2f} mm."
    return [Diagnosis("uneven-spacing", "warning", words, _RESAMPLE)]


def _tilt(step: Array, normal: Array) -> list[Diagnosis]:
    along = float(step @ normal)
    tilt = tilt_degrees(along, float(np.linalg.norm(step - along * normal)))
    if tilt <= TILTED:
        return []
    words = f"The slices are tilted against their stack by {tilt:.1f} degrees (gantry tilt)."
    return [Diagnosis("gantry-tilt", "warning", words, _RESAMPLE)]
