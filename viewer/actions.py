"""One table of everything that a person can do: menus, shortcuts, toolbar and palette are made from it.

An action that needs an answer first (a file name) has a `dialog` instead of a `verb`; the window asks and then calls
the controller itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from viewer.controllers.workbench import Workbench
from viewer.state.grid_question import uneven
from viewer.state.method import is_segmentation, may_deviate, method_of
from viewer.state.planes_view import why_no_planes, workspace_shown
from viewer.state.session import Session

Menu = Literal["Case", "View", "Map", "Input", "Boxes", "Help"]
Dialog = Literal[
    "open-file", "open-folder", "open-beside", "load-truth", "spacing", "save-figure", "save-maps", "about"
]
Where = Literal["window", "canvas"]


def _always(_: Session) -> bool:
    return True


def has_case(session: Session) -> bool:
    return session.case is not None


def has_slices(session: Session) -> bool:
    return session.case is not None and session.case.slices > 1


def has_model(session: Session) -> bool:
    return session.case is not None and session.model is not None


def has_map(session: Session) -> bool:
    return session.reading is not None and session.view.slice in session.reading.filled


def has_layers(session: Session) -> bool:
    """Whether a layer can be chosen: some explainers look at the input."""
    return has_model(session) and method_of(session).info.needs_layer


def can_compute(session: Session) -> bool:
    return session.asking is not None and session.asking.stage in ("offered", "stopped")


def is_segmenting(session: Session) -> bool:
    return has_model(session) and is_segmentation(session)


def has_volumes(session: Session) -> bool:
    return session.volumes > 0


def has_several_series(session: Session) -> bool:
    return session.opened is not None and len(session.opened.entries) > 1


def has_selected_box(session: Session) -> bool:
    return session.boxes.selected is not None


def has_selection(session: Session) -> bool:
    return has_selected_box(session) or session.rulers.selected is not None


def is_at_work(session: Session) -> bool:
    """Whether Escape has something to leave."""
    return session.view.drawing or session.rulers.drawing or has_selection(session)


def is_grey(session: Session) -> bool:
    return session.case is not None and not session.case.image.colour


def _why_no_cine(session: Session) -> str:
    if session.case is None:
        return "No image is open."
    return "" if session.case.slices > 1 else "A single picture cannot be played."


def _why_no_preset(session: Session, number: int) -> str:
    if session.case is None:
        return "No image is open."
    if session.case.image.colour:
        return "Colours are shown as they are; a grey-level window does not touch them."
    if not session.case.whole:
        return "The series is still being read."
    found = len(session.case.presets)
    return "" if number <= found else f"This image has only {found} windows that differ."


def _preset_words(session: Session, number: int) -> str:
    case = session.case
    if case is None or _why_no_preset(session, number):
        return f"Window preset {number}"
    window = case.presets[number - 1]
    return f"Window: {window.name}  (W {window.width:.4g} L {window.centre:.4g})"


@dataclass(frozen=True)
class Action:
    """Something that a person can do.

    Attributes
    ----------
    id : stable name, ``subject.verb``.
    text : words for the menu.
    tip : one sentence for the tooltip.
    shortcut : portable key sequence, empty for none.
    where : ``canvas`` shortcuts work only while the canvas has the focus.
    enabled : from the state alone.
    checked : for actions that are on or off; None for others.
    why_not : why the action is not there now, in a sentence; empty when it is. Goes into the tooltip.
    label : words for the menu that depend on the state, in place of `text`.
    """

    id: str
    text: str
    menu: Menu
    tip: str
    verb: Callable[[Workbench], object] | None = None
    dialog: Dialog | None = None
    shortcut: str = ""
    where: Where = "window"
    enabled: Callable[[Session], bool] = _always
    checked: Callable[[Session], bool] | None = None
    why_not: Callable[[Session], str] | None = None
    label: Callable[[Session], str] | None = None

    def is_enabled(self, session: Session) -> bool:
        """Whether it can be done now."""
        return self.enabled(session) and not (self.why_not is not None and self.why_not(session))


def _presets() -> tuple[Action, ...]:
    return tuple(
        Action(
            f"view.preset-{n}",
            f"Window preset {n}",
            "View",
            f"Grey-level window number {n} of this kind of image.",
            lambda bench, n=n: bench.viewing.preset(n),  # type: ignore[misc]
            shortcut=str(n),
            where="canvas",
            why_not=lambda s, n=n: _why_no_preset(s, n),  # type: ignore[misc]
            label=lambda s, n=n: _preset_words(s, n),  # type: ignore[misc]
        )
        for n in range(1, 6)
    )


ACTIONS: tuple[Action, ...] = (
    Action(
        "case.open-file",
        "Open file\u2026",
        "Case",
        "Open an image file: DICOM, NIfTI, NRRD, MHA, PNG, JPEG.",
        dialog="open-file",
        shortcut="Ctrl+O",
    ),
    Action(
        "case.open-folder",
        "Open folder\u2026",
        "Case",
        "Open a folder of DICOM files.",
        dialog="open-folder",
        shortcut="Ctrl+Shift+O",
    ),
    Action(
        "case.open-demo",
        "Open the demo patient",
        "Case",
        "Open the bundled synthetic stroke patient.",
        lambda bench: bench.opening.open_demo(),
    ),
    Action(
        "case.choose-series",
        "Choose a series\u2026",
        "Case",
        "Show all open series in a table, to choose another one.",
        lambda bench: bench.opening.offer(),
        enabled=has_several_series,
    ),
    Action(
        "case.open-beside",
        "Open a series beside\u2026",
        "Case",
        "Show another of the open series beside this one, linked by position in the patient.",
        lambda bench: bench.beside.offer(),
        enabled=has_several_series,
    ),
    Action(
        "case.open-file-beside",
        "Open file beside\u2026",
        "Case",
        "Open an image file beside this one, linked by position in the patient.",
        dialog="open-beside",
        enabled=has_case,
    ),
    Action(
        "case.close-beside",
        "Close the second series",
        "Case",
        "Show the first series alone.",
        lambda bench: bench.beside.close(),
        enabled=lambda s: s.beside is not None,
    ),
    Action(
        "case.resample",
        "Resample to an even grid\u2026",
        "Case",
        "Show a tilted, gapped or uneven series on an even grid; it can be kept or undone.",
        lambda bench: bench.grid.resample(),
        enabled=lambda s: s.resampled is None and bool(uneven(s)),
    ),
    Action(
        "case.undo-resampling",
        "Undo resampling",
        "Case",
        "Bring back the image as it was read.",
        lambda bench: bench.grid.undo(),
        enabled=lambda s: s.resampled is not None,
    ),
    Action(
        "case.state-spacing",
        "State the voxel spacing\u2026",
        "Case",
        "Say how far apart the voxels are, where the file does not know it or knows it wrongly.",
        dialog="spacing",
        enabled=lambda s: s.case is not None and s.case.whole and s.resampled is None,
    ),
    Action(
        "case.load-truth",
        "Load truth\u2026",
        "Case",
        "Add a lesion mask or readers' boxes to the open case.",
        dialog="load-truth",
        enabled=has_case,
    ),
    Action(
        "case.save-figure",
        "Save figure\u2026",
        "Case",
        "Save the shown slice with its map and captions as a PNG.",
        dialog="save-figure",
        shortcut="Ctrl+S",
        enabled=has_map,
    ),
    Action(
        "case.save-maps",
        "Save maps\u2026",
        "Case",
        "Save the chosen map of the series as NIfTI in patient space, with its provenance.",
        dialog="save-maps",
        shortcut="Ctrl+Shift+S",
        enabled=has_map,
    ),
    Action(
        "case.hide-phi",
        "Hide patient data",
        "Case",
        "Hide everything that identifies the patient.",
        lambda bench: bench.viewing.toggle_phi(),
        checked=lambda s: s.phi_hidden,
    ),
    Action(
        "view.next-slice",
        "Next slice",
        "View",
        "Show the next slice.",
        lambda bench: bench.viewing.step(1),
        shortcut="Up",
        where="canvas",
        enabled=has_slices,
    ),
    Action(
        "view.previous-slice",
        "Previous slice",
        "View",
        "Show the previous slice.",
        lambda bench: bench.viewing.step(-1),
        shortcut="Down",
        where="canvas",
        enabled=has_slices,
    ),
    Action(
        "view.first-slice",
        "First slice",
        "View",
        "Show the first slice.",
        lambda bench: bench.viewing.first(),
        shortcut="Home",
        where="canvas",
        enabled=has_slices,
    ),
    Action(
        "view.last-slice",
        "Last slice",
        "View",
        "Show the last slice.",
        lambda bench: bench.viewing.last(),
        shortcut="End",
        where="canvas",
        enabled=has_slices,
    ),
    Action(
        "view.next-volume",
        "Next volume",
        "View",
        "Show the next volume of the series; slice and window stay.",
        lambda bench: bench.volumes.step(1),
        shortcut="V",
        where="canvas",
        enabled=has_volumes,
    ),
    Action(
        "view.previous-volume",
        "Previous volume",
        "View",
        "Show the previous volume of the series; slice and window stay.",
        lambda bench: bench.volumes.step(-1),
        shortcut="Shift+V",
        where="canvas",
        enabled=has_volumes,
    ),
    Action(
        "view.peak",
        "Go to the peak",
        "View",
        "Show the slice where the chosen class is most probable; of a network of volumes the place of the largest value.",
        lambda bench: bench.viewing.peak(),
        shortcut="P",
        where="canvas",
        enabled=has_map,
    ),
    Action(
        "view.reset-window",
        "Reset window",
        "View",
        "Back to the window that the image recommends.",
        lambda bench: bench.viewing.reset_window(),
        enabled=has_case,
    ),
    Action(
        "view.automatic-window",
        "Automatic window of this slice",
        "View",
        "The grey-level window that the values of the shown slice suggest.",
        lambda bench: bench.viewing.automatic_window(),
        shortcut="A",
        where="canvas",
        enabled=is_grey,
    ),
    *_presets(),
    Action(
        "view.invert",
        "Invert grey",
        "View",
        "Exchange black and white on screen; what the network gets stays as it is.",
        lambda bench: bench.viewing.toggle_inverted(),
        shortcut="N",
        where="canvas",
        enabled=is_grey,
        checked=lambda s: s.view.inverted,
    ),
    Action(
        "view.neurological",
        "Neurological display",
        "View",
        "Show the patient's left on the left; what the network gets stays as it is.",
        lambda bench: bench.viewing.toggle_convention(),
        shortcut="R",
        where="canvas",
        checked=lambda s: s.view.convention == "neurological",
    ),
    Action(
        "view.cine",
        "Cine",
        "View",
        "Play the slices one after the other; anything you do stops it.",
        lambda bench: bench.playing.toggle("slices"),
        shortcut="C",
        where="canvas",
        checked=lambda s: s.cine.playing and s.cine.of == "slices",
        why_not=_why_no_cine,
    ),
    Action(
        "view.cine-volumes",
        "Cine of the volumes",
        "View",
        "Play the volumes of the series one after the other, on the shown slice.",
        lambda bench: bench.playing.toggle("volumes"),
        shortcut="Shift+C",
        where="canvas",
        enabled=has_volumes,
        checked=lambda s: s.cine.playing and s.cine.of == "volumes",
    ),
    Action(
        "view.cine-faster",
        "Cine faster",
        "View",
        "More pictures a second, up to 30.",
        lambda bench: bench.playing.faster(),
        shortcut="+",
        where="canvas",
        why_not=_why_no_cine,
        label=lambda s: f"Cine faster  ({s.cine.rate:.0f} a second)",
    ),
    Action(
        "view.cine-slower",
        "Cine slower",
        "View",
        "Fewer pictures a second, down to 1.",
        lambda bench: bench.playing.slower(),
        shortcut="-",
        where="canvas",
        why_not=_why_no_cine,
    ),
    Action(
        "view.workspace-reading",
        "Reading",
        "View",
        "One picture, large.",
        lambda bench: bench.viewing.set_workspace("reading"),
        shortcut="F2",
        checked=lambda s: workspace_shown(s) == "reading",
    ),
    Action(
        "view.workspace-volume",
        "Volume",
        "View",
        "Axial, coronal and sagittal through one place, linked.",
        lambda bench: bench.viewing.set_workspace("volume"),
        shortcut="F5",
        checked=lambda s: workspace_shown(s) == "volume",
        why_not=lambda s: why_no_planes(s.case),
    ),
    Action(
        "map.toggle",
        "Show the map",
        "Map",
        "Show or hide the overlay; holding Space hides it for a moment.",
        lambda bench: bench.viewing.toggle_overlay(),
        shortcut="O",
        where="canvas",
        enabled=has_map,
        checked=lambda s: s.overlay.visible,
    ),
    Action(
        "map.true-grid",
        "Show the map's own cells",
        "Map",
        "Draw the map at its true resolution.",
        lambda bench: bench.viewing.toggle_true_grid(),
        shortcut="G",
        where="canvas",
        enabled=has_map,
        checked=lambda s: s.overlay.true_grid,
    ),
    Action(
        "map.next-layer",
        "Next layer",
        "Map",
        "Explain the next layer, towards the output.",
        lambda bench: bench.explaining.step_layer(1),
        shortcut="Right",
        where="canvas",
        enabled=has_layers,
    ),
    Action(
        "map.previous-layer",
        "Previous layer",
        "Map",
        "Explain the previous layer, towards the input.",
        lambda bench: bench.explaining.step_layer(-1),
        shortcut="Left",
        where="canvas",
        enabled=has_layers,
    ),
    Action(
        "map.next-explainer",
        "Next explainer",
        "Map",
        "Switch to the next explainer.",
        lambda bench: bench.explaining.step_explainer(1),
        shortcut="Shift+Right",
        where="canvas",
        enabled=has_model,
    ),
    Action(
        "map.previous-explainer",
        "Previous explainer",
        "Map",
        "Switch to the previous explainer.",
        lambda bench: bench.explaining.step_explainer(-1),
        shortcut="Shift+Left",
        where="canvas",
        enabled=has_model,
    ),
    Action(
        "map.next-class",
        "Next class",
        "Map",
        "Explain the next class, then the difference of classes.",
        lambda bench: bench.explaining.step_target(1),
        shortcut="T",
        where="canvas",
        enabled=has_model,
    ),
    Action(
        "map.compute",
        "Compute the map of this slice",
        "Map",
        "Begin the chosen explanation on this slice, or go on where it was stopped.",
        lambda bench: bench.explaining.asking.compute(),
        shortcut="Ctrl+Return",
        enabled=can_compute,
    ),
    Action(
        "map.compute-series",
        "Compute the map of the whole series",
        "Map",
        "Compute the chosen explanation of every slice, this one first.",
        lambda bench: bench.explaining.asking.compute_series(),
        enabled=lambda s: (
            has_slices(s) and s.reading is not None and not s.reading.whole and method_of(s).on_demand
        ),
    ),
    Action(
        "map.deviation",
        "Show the deviation",
        "Map",
        "Show how much the map varies over its samples in place of the map.",
        lambda bench: bench.explaining.toggle_deviation(),
        enabled=lambda s: has_model(s) and may_deviate(method_of(s).info),
        checked=lambda s: method_of(s).deviation,
    ),
    Action(
        "map.steadiness",
        "How steady is this?",
        "Map",
        "Measure on this slice: 30 dropout passes, and the map of the mirrored input.",
        lambda bench: bench.explaining.steadying.measure(),
        enabled=lambda s: has_map(s) and not s.probing and not is_segmentation(s),
    ),
    Action(
        "map.ask-everywhere",
        "Ask about the whole picture",
        "Map",
        "Ask the segmentation network about the class everywhere.",
        lambda bench: bench.explaining.ask_everywhere(),
        enabled=is_segmenting,
    ),
    Action(
        "map.ask-crosshair",
        "Ask about the crosshair",
        "Map",
        "Ask the segmentation network about the class at the clicked pixel.",
        lambda bench: bench.explaining.ask_at_crosshair(),
        enabled=is_segmenting,
    ),
    Action(
        "map.ask-box",
        "Ask about the selected box",
        "Map",
        "Ask the segmentation network about the class inside the selected box.",
        lambda bench: bench.explaining.ask_in_box(),
        enabled=lambda s: is_segmenting(s) and has_selected_box(s),
    ),
    Action(
        "map.cancel",
        "Stop what is running",
        "Map",
        "Stop the background work; what is there stays.",
        lambda bench: bench.cancel(),
        shortcut="Ctrl+.",
        enabled=lambda s: s.work is not None,
    ),
    Action(
        "input.mirror",
        "Mirror the input",
        "Input",
        "Give the network the mirrored patient; the patient on screen is never mirrored.",
        lambda bench: bench.explaining.toggle_mirror(),
        shortcut="Shift+M",
        where="canvas",
        enabled=has_model,
        checked=lambda s: s.choice.mirror,
    ),
    Action(
        "input.crop",
        "Crop the input",
        "Input",
        "Next cropping rule: none, brain mask, 70th percentile; of a volume none or the body.",
        lambda bench: bench.explaining.step_crop(),
        shortcut="Shift+X",
        where="canvas",
        enabled=has_model,
        checked=lambda s: s.choice.crop != "none",
    ),
    Action(
        "input.seen",
        "What the network saw",
        "Input",
        "Show exactly what went into the network.",
        lambda bench: bench.viewing.toggle_seen(),
        shortcut="I",
        where="canvas",
        enabled=has_model,
        checked=lambda s: s.view.seen,
    ),
    Action(
        "boxes.draw",
        "Draw a box",
        "Boxes",
        "The next left drag on the image draws a box.",
        lambda bench: bench.boxing.draw_mode(True),
        shortcut="B",
        where="canvas",
        enabled=has_case,
        checked=lambda s: s.view.drawing,
    ),
    Action(
        "boxes.measure",
        "Measure a distance",
        "Boxes",
        "The next left drag on the image measures a distance.",
        lambda bench: bench.measuring.draw_mode(True),
        shortcut="D",
        where="canvas",
        enabled=has_case,
        checked=lambda s: s.rulers.drawing,
    ),
    Action(
        "boxes.delete",
        "Delete the box or line",
        "Boxes",
        "Delete the selected box or measured line.",
        lambda bench: bench.delete_selected(),
        shortcut="Del",
        where="canvas",
        enabled=has_selection,
    ),
    Action(
        "boxes.clear-lines",
        "Delete all measured lines",
        "Boxes",
        "Take away every distance that was measured on this case.",
        lambda bench: bench.measuring.clear(),
        enabled=lambda s: bool(s.rulers.drawn),
    ),
    Action(
        "boxes.leave",
        "Leave boxes and lines",
        "Boxes",
        "Stop drawing and measuring; nothing is selected any more.",
        lambda bench: bench.leave_drawing(),
        shortcut="Esc",
        where="canvas",
        enabled=is_at_work,
    ),
    Action(
        "help.about",
        "About WhySlice",
        "Help",
        "Version, licence and what this program is not for.",
        dialog="about",
    ),
)
