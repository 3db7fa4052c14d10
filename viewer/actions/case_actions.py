"""Opening, saving, and what is known of a case."""

from __future__ import annotations

from viewer.actions.action import Action
from viewer.actions.conditions import has_map, has_several_series, is_open_to_see
from viewer.controllers.recents import LONGEST
from viewer.state.grid_question import uneven
from viewer.state.session import Session
from viewer.state.veil import veil


def _recent() -> tuple[Action, ...]:
    """A row for each case that was open lately."""
    return tuple(
        Action(
            f"case.recent-{n + 1}",
            f"Recent case {n + 1}",
            "Case",
            "Open this case again.",
            lambda bench, n=n: bench.recents.open(n),  # type: ignore[misc]
            label=lambda s, n=n: _recent_words(s, n),  # type: ignore[misc]
            submenu="Open recent",
            shown=lambda s, n=n: n < len(s.recent),  # type: ignore[misc]
            why_not=lambda s, n=n: "" if n < len(s.recent) else "There is no such case.",  # type: ignore[misc]
        )
        for n in range(LONGEST)
    )


def _recent_words(session: Session, number: int) -> str:
    if number >= len(session.recent):
        return f"Recent case {number + 1}"
    return session.recent[number].words(hidden=session.phi_hidden)


def _why_no_close(session: Session) -> str:
    if session.case is None:
        return "No image is open."
    return "End the lesson first." if session.lesson is not None else ""


def _why_no_cohort(session: Session) -> str:
    return "" if session.cohort is not None else "No cohort is open."


def _why_no_run(session: Session) -> str:
    if session.cohort is None:
        return _why_no_cohort(session)
    if session.cohort.run is not None:
        return "The cohort is being evaluated already."
    return "" if session.model is not None else "No model is loaded."


def _why_no_results(session: Session) -> str:
    if session.cohort is None:
        return _why_no_cohort(session)
    return "" if session.cohort.document is not None else "The cohort has not been evaluated yet."


def _why_no_neighbour(session: Session) -> str:
    return (
        ""
        if session.cohort is not None or session.lesson is not None
        else "Neither cohort nor lesson is open."
    )


def _why_no_resampling(session: Session) -> str:
    if session.case is None:
        return "No image is open."
    if session.resampled is not None:
        return "The image is resampled already."
    return "" if uneven(session) else "The grid of the image is even."


def _why_no_spacing(session: Session) -> str:
    if session.case is None:
        return "No image is open."
    if not session.case.whole:
        return "The series is still being read."
    return "" if session.resampled is None else "Undo resampling first."


def _next_words(session: Session) -> str:
    lesson = session.lesson
    first = lesson is not None and lesson.reveals_first and not lesson.opening and bool(veil(session))
    return "Reveal the answer, then next" if first else "Next case"


CASE_ACTIONS: tuple[Action, ...] = (
    Action(
        "case.open-file",
        "Open file\u2026",
        "Case",
        "Open an image file: DICOM, NIfTI, NRRD, MHA, PNG, JPEG.",
        dialog="open-file",
        shortcut="Ctrl+O",
        also="load import add data dicom nifti image study",
    ),
    Action(
        "case.open-folder",
        "Open folder\u2026",
        "Case",
        "Open a folder of DICOM files.",
        dialog="open-folder",
        shortcut="Ctrl+Shift+O",
        also="load import directory dicom study",
    ),
    *_recent(),
    Action(
        "case.clear-recent",
        "Clear this list",
        "Case",
        "Forget the recent cases, on disk too; a setting keeps no list at all.",
        lambda bench: bench.recents.clear(),
        submenu="Open recent",
        why_not=lambda s: "" if s.recent else "No recent case is kept.",
    ),
    Action(
        "case.restore",
        "Restore the last session",
        "Case",
        "Open its case again, with boxes, notes and view.",
        lambda bench: bench.keeping.restore(),
        why_not=lambda s: "" if s.kept else "No session is kept.",
        also="recover",
    ),
    Action(
        "case.restore-older",
        "Restore the session before",
        "Case",
        "Open the case of the session before the last one again.",
        lambda bench: bench.keeping.restore(1),
        why_not=lambda s: "" if len(s.kept) > 1 else "No older session is kept.",
    ),
    Action(
        "case.open-demo",
        "Open the demo patient",
        "Case",
        "Open the bundled synthetic stroke patient.",
        lambda bench: bench.opening.open_demo(),
        also="sample example synthetic",
    ),
    Action(
        "case.choose-series",
        "Choose a series\u2026",
        "Case",
        "Show all open series in a table, to choose another one.",
        lambda bench: bench.opening.offer(),
        enabled=has_several_series,
        also="study browser list",
    ),
    Action(
        "case.open-beside",
        "Open a series beside\u2026",
        "Case",
        "Show another of the open series beside this one, linked by position in the patient.",
        lambda bench: bench.beside.offer(),
        enabled=has_several_series,
        also="compare side second synchronise synchronize link",
    ),
    Action(
        "case.open-file-beside",
        "Open file beside\u2026",
        "Case",
        "Open an image file beside this one, linked by position in the patient.",
        dialog="open-beside",
        enabled=is_open_to_see,
        also="compare side second prior link",
    ),
    Action(
        "case.close-beside",
        "Close the second series",
        "Case",
        "Show the first series alone.",
        lambda bench: bench.beside.close(),
        why_not=lambda s: "" if s.beside is not None else "No second series is open.",
    ),
    Action(
        "case.resample",
        "Resample to an even grid\u2026",
        "Case",
        "Show a tilted, gapped or uneven series on an even grid; it can be kept or undone.",
        lambda bench: bench.grid.resample(),
        why_not=_why_no_resampling,
        also="reslice reformat isotropic interpolate",
    ),
    Action(
        "case.undo-resampling",
        "Undo resampling",
        "Case",
        "Bring back the image as it was read.",
        lambda bench: bench.grid.undo(),
        why_not=lambda s: "" if s.resampled is not None else "Nothing has been resampled.",
    ),
    Action(
        "case.state-spacing",
        "State the voxel spacing\u2026",
        "Case",
        "Say how far apart the voxels are, where the file does not know it or knows it wrongly.",
        dialog="spacing",
        why_not=_why_no_spacing,
        also="calibrate calibration pixel size resolution",
    ),
    Action(
        "case.open-cohort",
        "Open a cohort\u2026",
        "Case",
        "Open a folder with cohort.csv: a table of cases with what is known of them.",
        dialog="open-cohort",
        also="dataset batch",
    ),
    Action(
        "case.run-cohort",
        "Evaluate the cohort",
        "Case",
        "Score every case of the cohort with the chosen models; what has been scored is taken.",
        lambda bench: bench.cohorts.run(),
        why_not=_why_no_run,
        also="batch statistics metrics accuracy",
    ),
    Action(
        "case.stop-cohort",
        "Stop evaluating the cohort",
        "Case",
        "Stop the run; what has been scored is kept.",
        lambda bench: bench.cohorts.stop(),
        why_not=lambda s: (
            "" if s.cohort is not None and s.cohort.run is not None else "No cohort is being evaluated."
        ),
    ),
    Action(
        "case.save-cohort",
        "Save the results of the cohort\u2026",
        "Case",
        "Write the tables, figures and one HTML report of the cohort into a folder.",
        dialog="save-cohort",
        why_not=_why_no_results,
        also="export",
    ),
    Action(
        "case.next",
        "Next case",
        "Case",
        "Open the next of the cases that the table of the cohort shows; in a lesson: reveal, then the next case.",
        lambda bench: bench.next_case(),
        label=_next_words,
        shortcut="PgDown",
        where="canvas",
        why_not=_why_no_neighbour,
    ),
    Action(
        "case.previous",
        "Previous case",
        "Case",
        "Open the previous of the cases that the table of the cohort, or the lesson, shows.",
        lambda bench: bench.previous_case(),
        shortcut="PgUp",
        where="canvas",
        why_not=_why_no_neighbour,
    ),
    Action(
        "case.close-cohort",
        "Close the cohort",
        "Case",
        "Show no cohort any more; what has been scored is kept.",
        lambda bench: bench.cohorts.close(),
        why_not=_why_no_cohort,
    ),
    Action(
        "case.load-truth",
        "Load truth\u2026",
        "Case",
        "Add a lesion mask or readers' boxes to the open case.",
        dialog="load-truth",
        enabled=is_open_to_see,
        also="ground labels mask import annotations segmentation",
    ),
    Action(
        "case.save-figure",
        "Save figure\u2026",
        "Case",
        "Save the shown slice with its map and captions as PNG, PDF or SVG.",
        dialog="save-figure",
        shortcut="Ctrl+S",
        enabled=has_map,
        also="save export pdf png svg print screenshot capture picture image",
    ),
    Action(
        "case.save-maps",
        "Save maps\u2026",
        "Case",
        "Save the chosen map of the series as NIfTI in patient space, with its provenance.",
        dialog="save-maps",
        shortcut="Ctrl+Shift+S",
        enabled=has_map,
        also="export nifti volume",
    ),
    Action(
        "case.close",
        "Close the case",
        "Case",
        "Show no image any more; boxes and notes are kept with the session.",
        lambda bench: bench.close_case(),
        shortcut="Ctrl+W",
        why_not=_why_no_close,
        also="close remove clear unload image scene",
    ),
    Action(
        "case.hide-phi",
        "Hide patient data",
        "Case",
        "Hide everything that identifies the patient.",
        lambda bench: bench.viewing.toggle_phi(),
        checked=lambda s: s.phi_hidden,
        also="anonymize anonymise anonymous deidentify privacy phi name names",
    ),
    Action(
        "case.quit",
        "Quit",
        "Case",
        "Leave the program; the session is kept, unless the settings say otherwise.",
        dialog="quit",
        shortcut="Ctrl+Q",
        also="exit close leave end program window",
    ),
)
