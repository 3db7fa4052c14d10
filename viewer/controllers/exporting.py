"""Saving what is on screen: the figure of a slice, the maps of the series, each with its provenance.

What is saved is frozen at once; drawing and writing go on behind the window, so a user who scrolls on still gets the
slice that was shown.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from viewer.controllers.map_files import file_stem, grid_words, write_map
from viewer.controllers.shown import ShownMaps, ShownSlice, shown_maps, shown_slice
from viewer.foundation.errors import Cancelled, ExportError
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.log import logger
from viewer.foundation.progress import Progress
from viewer.foundation.provenance import write_provenance
from viewer.imaging.writing import fits_one_affine
from viewer.reporting.content import FigureContent
from viewer.state.method import method_of
from viewer.state.session import Notice, Session


class Exporting:
    """Verbs that write files. Success and failure are notices of the session."""

    def __init__(self, session: Session, runner: JobRunner) -> None:
        self._session = session
        self._runner = runner

    def save_figure(self, path: Path | str) -> None:
        """Save the shown slice with its map as PNG, PDF or SVG, and beside it ``<stem>.provenance.json``."""
        path = Path(path)
        path = path if path.suffix else path.with_suffix(".png")
        try:
            shown = shown_slice(self._session)
        except ExportError as error:
            self._tell(error)
            return
        self._submit(lambda _: write_figure(path, shown), Notice.of_saved(path))

    def save_sheet(self, path: Path | str) -> None:
        """Save every layer by every explainer of the shown slice as a PNG, and beside it its provenance."""
        from viewer.controllers.shown_sheet import shown_sheet  # it brings Pillow along

        path = Path(path)
        path = path if path.suffix else path.with_suffix(".png")
        try:
            content, record = shown_sheet(self._session)
        except ExportError as error:
            self._tell(error)
            return

        def work(_: Progress) -> None:
            from viewer.reporting.layer_sheet import save_layer_sheet

            save_layer_sheet(path, content)
            write_provenance(path.with_name(f"{path.stem}.provenance.json"), record)

        self._submit(work, Notice.of_saved(path))

    def save_maps(self, folder: Path | str) -> None:
        """Save the chosen map of all traced slices as one NIfTI in patient space, with its provenance."""
        folder = Path(folder)
        try:
            shown = shown_maps(self._session)
        except ExportError as error:
            self._tell(error)
            return
        missing = len(shown.record["unexplained_slices"])
        left = f" {missing} slices are not explained yet and are zero." if missing else ""
        even = "" if fits_one_affine(shown.image.geometry) else f" It is on {grid_words(shown.image)}."
        told = Notice.of_saved(folder / f"{shown.stem}.nii.gz", f"{left}{even}")
        self._submit(lambda _: write_maps(folder, shown), told)

    def _submit(self, work: Callable[[Progress], None], success: Notice) -> None:
        def done(_: None) -> None:
            self._session.notice = success

        def failed(error: Exception) -> None:
            if not isinstance(error, Cancelled):
                logger.warning("not saved: %s", getattr(error, "code", type(error).__name__))
                self._tell(error)

        self._runner.submit("read", work, done=done, failed=failed)

    def _tell(self, error: Exception) -> None:
        self._session.notice = Notice.of(error)


def name_of_slice(session: Session, *, sheet: bool = False) -> str:
    """A name for a picture of what is shown, without an ending; nothing of the patient is in it.

    Parameters
    ----------
    sheet : for the sheet of layers by explainers, which is about no single one of them.
    """
    method = method_of(session)
    words = (
        [session.choice.target, "layers"]
        if sheet
        else [session.choice.target, method.layer, method.info.name]
    )
    words += (
        [f"slice-{session.view.slice + 1}"] if session.case is not None and session.case.slices > 1 else []
    )
    return file_stem(*(word.replace(".", "-") for word in words if word))


def figure_of(shown: ShownSlice) -> FigureContent:
    """The figure of a slice, not drawn yet."""
    from viewer.controllers.slice_figures import figure_content

    return figure_content(
        shown.canvas.background,
        shown.found,
        shown.canvas.values,
        shown.canvas.style,
        title=shown.title,
        unit=shown.unit,
        facts=shown.facts,
        regions=shown.regions,
        distances=shown.distances,
        watermark=shown.watermark,
        mirrored=shown.mirrored,
        boundaries=shown.canvas.boundaries,
        findings=shown.canvas.findings,
    )


def write_figure(path: Path, shown: ShownSlice) -> None:
    """Draw a figure and write it with its provenance.

    Raises
    ------
    ExportError
        When it cannot be written.
    """
    from viewer.controllers.slice_figures import plane_contents
    from viewer.reporting.figure import save_figure

    save_figure(path, figure_of(shown), planes=plane_contents(shown.planes, shown.found))
    write_provenance(path.with_name(f"{path.stem}.provenance.json"), shown.record)


def write_maps(folder: Path, shown: ShownMaps) -> None:
    """Write the volume of a map and its provenance.

    Raises
    ------
    ExportError
        When the folder is not there or cannot be written to.
    """
    if not folder.is_dir():
        raise ExportError(f"There is no folder '{folder.name}'.", code="no-folder")
    pictures = {index: view.back(raw) for index, (view, raw) in shown.maps.items()}
    write_map(folder / f"{shown.stem}.nii.gz", shown.image, pictures)
    write_provenance(folder / f"{shown.stem}.provenance.json", shown.record)
