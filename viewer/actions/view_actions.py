"""How the image is looked at: slices, planes, windows, workspaces."""

from __future__ import annotations

from viewer.actions.action import Action
from viewer.actions.conditions import (
    has_case,
    has_map,
    has_slices,
    has_volumes,
    is_grey,
    voting,
)
from viewer.state.planes_view import why_no_planes, workspace_shown
from viewer.state.session import Session


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
            also="level w/l wl ww/wl",
        )
        for n in range(1, 6)
    )


def _why_no_tabs(session: Session) -> str:
    return "This workspace needs the room." if workspace_shown(session) != "reading" else ""


_CLOSER = 1.25
"""How much wider, narrower, brighter or darker one step of the grey-level window is."""


def _window_steps() -> tuple[Action, ...]:
    """What a drag on the image does to its grey levels, step by step."""
    bright, contrast = "brightness level grey gray lighter brighter darker", "contrast width grey gray"
    rows = (
        ("brighter", "Raise the brightness", "Lower grey levels are white already.", bright, 0.0, 0.1),
        ("darker", "Lower the brightness", "Only higher grey levels are white.", bright, 0.0, -0.1),
        (
            "more-contrast",
            "Raise the contrast",
            "A narrower grey-level window.",
            contrast,
            1 / _CLOSER - 1,
            0.0,
        ),
        ("less-contrast", "Lower the contrast", "A wider grey-level window.", contrast, _CLOSER - 1, 0.0),
    )
    return tuple(
        Action(
            f"view.{name}",
            text,
            "View",
            tip,
            lambda bench, wider=wider, up=up: bench.viewing.drag_window(wider, up),  # type: ignore[misc]
            enabled=is_grey,
            submenu="Brightness and contrast",
            also=words,
        )
        for name, text, tip, words, wider, up in rows
    )


VIEW_ACTIONS: tuple[Action, ...] = (
    Action(
        "view.next-slice",
        "Next slice",
        "View",
        "Show the next slice.",
        lambda bench: bench.viewing.step(1),
        shortcut="Up",
        where="canvas",
        enabled=has_slices,
        also="scroll up forward",
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
        also="scroll down back",
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
        also="frame time 4d b-value timepoint",
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
        also="frame time 4d b-value timepoint",
    ),
    Action(
        "view.peak",
        "Go to the peak",
        "View",
        "Show the most probable slice of the chosen class; of a network of volumes, the largest value of the map.",
        lambda bench: bench.viewing.peak(),
        shortcut="P",
        where="canvas",
        enabled=has_map,
        also="hottest maximum max",
    ),
    Action(
        "view.reset-window",
        "Reset window",
        "View",
        "Back to the window that the image recommends.",
        lambda bench: bench.viewing.reset_window(),
        enabled=has_case,
        also="level default w/l wl ww/wl",
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
        also="level auto w/l wl ww/wl",
    ),
    *_presets(),
    *_window_steps(),
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
        also="negative inverse greyscale grayscale black white",
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
        also="radiological flip left right orientation convention",
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
        also="play movie animate animation loop video",
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
        "view.zoom-in",
        "Zoom in",
        "View",
        "Show the picture larger; with the mouse: Ctrl and the wheel, or a right drag.",
        dialog="zoom-in",
        enabled=has_case,
        also="magnify larger bigger enlarge scale",
    ),
    Action(
        "view.zoom-out",
        "Zoom out",
        "View",
        "Show the picture smaller.",
        dialog="zoom-out",
        enabled=has_case,
        also="smaller shrink scale",
    ),
    Action(
        "view.fit",
        "Fit the picture",
        "View",
        "Show the whole picture; with the mouse: a double click.",
        dialog="fit",
        enabled=has_case,
        also="zoom reset whole view home recentre recenter centre center pan",
    ),
    Action(
        "view.full-screen",
        "Full screen",
        "View",
        "The window alone on the screen.",
        lambda bench: bench.viewing.set_full_screen(not bench.session.full_screen),
        shortcut="F11",
        checked=lambda s: s.full_screen,
        also="fullscreen maximize maximise presentation",
    ),
    Action(
        "view.workspace-reading",
        "Reading",
        "View",
        "One picture, large.",
        lambda bench: bench.viewing.set_workspace("reading"),
        shortcut="F2",
        checked=lambda s: workspace_shown(s) == "reading",
        why_not=voting,
        also="layout single one-up",
    ),
    Action(
        "view.workspace-compare",
        "Compare",
        "View",
        "Maps of one slice side by side: explainers, models, or inputs, class by class.",
        lambda bench: bench.viewing.set_workspace("compare"),
        shortcut="F3",
        checked=lambda s: workspace_shown(s) == "compare",
        why_not=voting,
        also="layout grid side tile split",
    ),
    Action(
        "view.workspace-layers",
        "Layers",
        "View",
        "A tile for every layer, with its map of the shown slice.",
        lambda bench: bench.viewing.set_workspace("layers"),
        shortcut="F4",
        checked=lambda s: workspace_shown(s) == "layers",
        why_not=voting,
        also="layout network activations feature",
    ),
    Action(
        "view.workspace-volume",
        "Volume",
        "View",
        "Axial, coronal and sagittal through one place, linked.",
        lambda bench: bench.viewing.set_workspace("volume"),
        shortcut="F5",
        checked=lambda s: workspace_shown(s) == "volume",
        why_not=lambda s: voting(s) or why_no_planes(s.case),
        also="layout mpr multiplanar planes orthogonal axial coronal sagittal 3d crosshair",
    ),
    Action(
        "view.workspace-cohort",
        "Cohort",
        "View",
        "A table of cases with their outcomes, and how predictions and maps fare on all of them.",
        lambda bench: bench.viewing.set_workspace("cohort"),
        shortcut="F6",
        checked=lambda s: workspace_shown(s) == "cohort",
        why_not=voting,
        also="layout dataset table confusion roc",
    ),
    Action(
        "view.tab-boxes",
        "Boxes and IoU",
        "View",
        "Under the picture: boxes on this slice, and how the map agrees with them.",
        lambda bench: bench.viewing.show_tab("boxes"),
        shortcut="F7",
        checked=lambda s: s.tab == "boxes",
        why_not=_why_no_tabs,
        also="annotations overlap table list",
    ),
    Action(
        "view.tab-importance",
        "Pixel importance",
        "View",
        "Under the picture: what the network says once the important pixels are replaced.",
        lambda bench: bench.viewing.show_tab("importance"),
        shortcut="F8",
        checked=lambda s: s.tab == "importance",
        why_not=_why_no_tabs,
        also="deletion insertion curve perturbation",
    ),
    Action(
        "view.tab-checks",
        "Checks",
        "View",
        "Under the picture: whether the map can be trusted.",
        lambda bench: bench.viewing.show_tab("checks"),
        shortcut="F9",
        checked=lambda s: s.tab == "checks",
        why_not=_why_no_tabs,
        also="trust sanity",
    ),
    Action(
        "view.tab-notes",
        "Notes",
        "View",
        "Under the picture: your notes on this case.",
        lambda bench: bench.viewing.show_tab("notes"),
        shortcut="F12",
        checked=lambda s: s.tab == "notes",
        why_not=_why_no_tabs,
        also="comment comments text write",
    ),
)
