"""One table of everything that a person can do: menus, shortcuts, toolbar and palette are made from it.

An action that needs an answer first (a file name) has a `dialog` instead of a `verb`; the window asks and then calls
the controller itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from viewer.controllers.workbench import Workbench
from viewer.state.session import Session

Menu = Literal["Case", "View", "Map", "Input", "Boxes", "Help"]
Dialog = Literal["open-file", "open-folder", "load-truth", "save-figure", "save-maps", "about"]
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


def has_selected_box(session: Session) -> bool:
    return session.boxes.selected is not None


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
            enabled=has_case,
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
        "view.peak",
        "Go to the peak",
        "View",
        "Show the slice where the chosen class is most probable.",
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
    *_presets(),
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
        enabled=has_model,
    ),
    Action(
        "map.previous-layer",
        "Previous layer",
        "Map",
        "Explain the previous layer, towards the input.",
        lambda bench: bench.explaining.step_layer(-1),
        shortcut="Left",
        where="canvas",
        enabled=has_model,
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
        "Next cropping rule: none, brain mask, 70th percentile.",
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
        "boxes.delete",
        "Delete the box",
        "Boxes",
        "Delete the selected box.",
        lambda bench: bench.boxing.delete(),
        shortcut="Del",
        where="canvas",
        enabled=has_selected_box,
    ),
    Action(
        "boxes.leave",
        "Leave the boxes",
        "Boxes",
        "Stop drawing; no box is selected any more.",
        lambda bench: bench.boxing.leave(),
        shortcut="Esc",
        where="canvas",
        enabled=lambda s: s.view.drawing or s.boxes.selected is not None,
    ),
    Action(
        "help.about",
        "About WhySlice",
        "Help",
        "Version, licence and what this program is not for.",
        dialog="about",
    ),
)
