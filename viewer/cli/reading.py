"""``inspect`` and ``convert``: files as the viewer sees them; no network."""

from __future__ import annotations

from argparse import Namespace

from viewer.cli.answer import Answer, printable, table
from viewer.cli.terminal import Terminal
from viewer.controllers.map_files import make_folder
from viewer.foundation.errors import ExportError, UsageError
from viewer.imaging.diagnoses import RESAMPLED, SPACING_BY_HAND
from viewer.imaging.formats.sidecar import sidecars_for, write_sidecars
from viewer.imaging.image import MedicalImage
from viewer.imaging.reading import inspect_path, read_image
from viewer.imaging.resampling import regular
from viewer.imaging.series import Inspection, SeriesInfo
from viewer.imaging.spacing_by_hand import spacing_was_stated
from viewer.imaging.writing import fits_one_affine, misplaced_mm, write_nifti

_LISTED = 3
"""Files of a series that are named; more are counted."""
_VOLUMES = 8


def inspect(options: Namespace, terminal: Terminal) -> Answer:
    """What is in a file or folder; fails, with its document, when none of it is an image."""
    found = inspect_path(options.path, terminal.progress)
    failure = found.failure
    told = (
        _described(found) if found.series or len(found.unreadable) > 1 else ""
    )  # else the complaint says it
    return Answer(found.to_json(), told, failure.sentence if failure else "")


def _described(found: Inspection) -> str:
    head = (
        "series",
        "modality",
        "slices x rows x columns",
        "spacing mm",
        "frames",
        "b-values",
        "description",
    )
    rows = [
        (
            series.id,
            series.modality or "-",
            " x ".join(map(str, series.shape)),
            " x ".join(f"{step:.3g}" for step in series.spacing_mm),
            series.frames,
            " ".join(f"{b:g}" for b in series.b_values) or "-",
            series.description or series.path.name,
        )
        for series in found.series
    ]
    lines: list[str] = []
    for series in found.series:
        lines.append(f"{series.id}: {_files(series)}")
        lines += [f"{series.id}: {line}" for line in _volumes(series)]
        lines += [
            " ".join(filter(None, (f"{series.id}: {finding.severity}: {finding.sentence}", finding.action)))
            for finding in series.diagnoses
        ]
    lines += [f"unreadable: {entry.sentence} {entry.action}".rstrip() for entry in found.unreadable]
    listed = [table(head, rows)] if rows else []
    return "\n".join([*listed, *map(printable, lines)])


def _files(series: SeriesInfo) -> str:
    """Which files a series is made of, without listing hundreds."""
    files = series.files or (series.path,)
    folder = series.path if len(files) > _LISTED else series.path.parent
    if len(files) > _LISTED:
        return f"{len(files)} files in {folder}"
    return f"{', '.join(file.name for file in files)} in {folder}"


def _volumes(series: SeriesInfo) -> list[str]:
    """The volumes by the number that ``--volume`` takes; the ends alone where there are many."""
    labels = [
        f"{number} {volume.label}{' (shown)' if number == series.volume else ''}"
        for number, volume in enumerate(series.volumes)
    ]
    if not labels:
        return []
    if len(labels) <= _VOLUMES:
        return [f"{len(labels)} volumes: {', '.join(labels)}"]
    shown = "" if series.volume in (0, 1, len(labels) - 1) else f"{labels[series.volume]} ... "
    return [f"{len(labels)} volumes: {labels[0]}, {labels[1]} ... {shown}{labels[-1]}"]


def asked_image(options: Namespace, terminal: Terminal) -> MedicalImage:
    """The image that ``PATH --series --volume --spacing --resample`` ask for; says so where nothing was uneven."""
    image = read_image(
        options.path, options.series, terminal.progress, volume=options.volume, spacing_mm=options.spacing
    )
    if options.spacing is not None and spacing_was_stated(image):
        terminal.warn(next(each.sentence for each in image.diagnoses if each.code == SPACING_BY_HAND))
    if not options.resample:
        return image
    even = regular(image, progress=terminal.progress)
    if even is image:
        terminal.warn("The slices are even and at right angles: there was nothing to resample.")
    return even


def was_resampled(image: MedicalImage) -> bool:
    return any(finding.code == RESAMPLED for finding in image.diagnoses)


def convert(options: Namespace, terminal: Terminal) -> Answer:
    """Write the image as the viewer sees it: same voxels, same affine; refuses what one affine cannot hold."""
    image = asked_image(options, terminal)
    if options.out.resolve() in {path.resolve() for path in (image.source.path, *image.source.files)}:
        raise UsageError(f"'{options.out.name}' is the image itself: name another file to write.")
    misplaced = misplaced_mm(image.geometry)
    uneven = not fits_one_affine(image.geometry)
    if uneven and not options.as_it_is:
        raise ExportError(
            "NIfTI cannot hold the uneven distances between the slices, which would lie up to "
            f"{misplaced:.1f} mm from their place.",
            code="uneven",
            action="Add --resample for an even grid with exact positions, or --as-it-is to write it all the same.",
        )
    sidecars = sidecars_for(options.out, image, misplaced if uneven else 0.0)
    make_folder(options.out.parent)
    write_nifti(options.out, image.voxels, image.geometry)
    write_sidecars(sidecars)
    terminal.warn_of(image.diagnoses)
    if uneven:
        terminal.warn(f"In '{options.out.name}' slices lie up to {misplaced:.1f} mm from their place.")
    if image.intensity.inverted:
        terminal.warn(
            "Low values are bright in this picture (MONOCHROME1), which NIfTI cannot say: it looks inverted there."
        )
    shape = list(image.voxels.shape)
    document = {
        "path": str(options.out),
        "shape": shape,
        "spacing_mm": list(image.geometry.spacing_mm),
        "affine_lps": image.geometry.affine_lps.tolist(),
        "photometric": image.intensity.photometric,
        "resampled": was_resampled(image),
        "misplaced_up_to_mm": round(misplaced, 3),
        "sidecars": [str(file) for file, text in sidecars.items() if text],
        "diagnoses": [finding.to_json() for finding in image.diagnoses],
    }
    beside = "".join(f"\n{file}: what the image is" for file, text in sidecars.items() if text)
    return Answer(document, f"{options.out}: {' x '.join(map(str, shape))} voxels{beside}")
