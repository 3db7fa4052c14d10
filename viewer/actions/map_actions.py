"""The explanation: explainer, layer, class, overlay."""

from __future__ import annotations

from viewer.actions.action import Action
from viewer.actions.conditions import (
    can_compute,
    has_layers,
    has_map,
    has_model,
    has_selected_box,
    has_slices,
    is_segmenting,
)
from viewer.controllers.workbench import Workbench
from viewer.evaluation.checks.declaration import CHECKS
from viewer.foundation.settings import COLOUR_MAPS
from viewer.state.checks_view import known_findings, why_no_checks
from viewer.state.findings_view import may_be_together
from viewer.state.layers_view import untraced
from viewer.state.method import has_segments, is_segmentation, may_deviate, method_of
from viewer.state.planes_view import workspace_shown
from viewer.state.replacing import place_to_measure
from viewer.state.session import Session


def _measure_importance(bench: Workbench) -> None:
    """Measure, and show where it will be seen."""
    bench.viewing.show_tab("importance")
    bench.replacing.measure()


def _why_no_checks(session: Session) -> str:
    if why := why_no_checks(session):
        return why
    return "Every check of this map has been made." if len(known_findings(session)) == len(CHECKS) else ""


def _why_not_segmenting(session: Session) -> str:
    return "A segmentation network is not asked this." if is_segmentation(session) else ""


def _why_no_series(session: Session) -> str:
    if session.model is None or session.reading is None:
        return "No model is loaded." if session.model is None else "Nothing has been explained yet."
    if session.reading.whole:
        return "This network reads the whole series at once."
    return "" if method_of(session).on_demand else "This explainer's map is there for every slice by itself."


def _why_no_importance(session: Session) -> str:
    if session.replacing.running:
        return "It is being measured already."
    return (
        "" if place_to_measure(session) is not None else "Only a finished map of one class can be measured."
    )


def _why_no_layers_to_trace(session: Session) -> str:
    if session.model is None or session.reading is None:
        return "No model is loaded." if session.model is None else "Nothing has been explained yet."
    if not session.reading.whole:
        return "A network of slices has all of its layers already."
    return "" if untraced(session) else "Every layer is traced."


_STEP = 0.1
"""Of a slider, as its page keys move it."""


def _overlay() -> tuple[Action, ...]:
    """What the sliders and the lists of the overlay do, for whoever looks for it by its name."""
    opacity = "transparency transparent alpha blend overlay heatmap fade"
    threshold = "cutoff cut-off overlay heatmap range minimum"
    rows = (
        ("more-opacity", "More opacity", "The map hides more of the picture.", opacity, "opacity", _STEP),
        ("less-opacity", "Less opacity", "The map hides less of the picture.", opacity, "opacity", -_STEP),
        (
            "threshold-up",
            "Raise the threshold",
            "Less of the map: what is weaker is transparent.",
            threshold,
            "threshold",
            _STEP,
        ),
        (
            "threshold-down",
            "Lower the threshold",
            "More of the map: what is weaker is drawn too.",
            threshold,
            "threshold",
            -_STEP,
        ),
    )
    steps = tuple(
        Action(
            f"map.{name}",
            text,
            "Map",
            tip,
            lambda bench, field=field, by=by: _step(bench, field, by),  # type: ignore[misc]
            enabled=has_map,
            submenu="Overlay",
            label=lambda s, text=text, field=field: f"{text}  ({getattr(s.overlay, field):.0%} now)",  # type: ignore[misc]
            also=also,
        )
        for name, text, tip, also, field, by in rows
    )
    colours = tuple(
        Action(
            f"map.colours-{name}",
            f"Colour map: {name}",
            "Map",
            "Colours of the map of one class." if name != "jet" else "There to compare with papers only.",
            lambda bench, name=name: bench.viewing.set_colour_map(name),  # type: ignore[misc]
            enabled=has_map,
            checked=lambda s, name=name: s.overlay.colour_map == name,  # type: ignore[misc]
            submenu="Overlay",
            also="colormap colors color palette lut lookup heatmap" + (" rainbow" if name == "jet" else ""),
        )
        for name in COLOUR_MAPS
    )
    return (*steps, *colours)


def _step(bench: Workbench, field: str, by: float) -> None:
    overlay, viewing = bench.session.overlay, bench.viewing
    if field == "opacity":
        viewing.set_opacity(overlay.opacity + by)
    else:
        viewing.set_threshold(overlay.threshold + by)


MAP_ACTIONS: tuple[Action, ...] = (
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
        also="overlay heatmap saliency visibility hide explanation attention",
    ),
    *_overlay(),
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
        also="interpolation nearest pixels smooth resolution",
    ),
    Action(
        "map.bare",
        "Show maps alone",
        "Map",
        "Where many maps are shown (Layers): without the picture under them.",
        lambda bench: bench.viewing.toggle_bare(),
        shortcut="Shift+O",
        where="canvas",
        checked=lambda s: s.overlay.bare,
        why_not=lambda s: "" if workspace_shown(s) == "layers" else "This workspace shows one map at a time.",
        also="overlay background",
    ),
    Action(
        "map.sheet",
        "Layers by explainers",
        "Map",
        "In Layers: a sheet of every layer by every explainer of a trace, with how far their maps agree.",
        lambda bench: bench.viewing.toggle_sheet(),
        checked=lambda s: s.view.sheet,
        why_not=lambda s: "" if workspace_shown(s) == "layers" else "The sheet is in the Layers workspace.",
    ),
    Action(
        "map.save-sheet",
        "Save the sheet\u2026",
        "Map",
        "Save the sheet of layers by explainers as a PNG, with the numbers.",
        dialog="save-sheet",
        enabled=has_map,
        also="export png",
    ),
    Action(
        "map.boundaries",
        "Show segment boundaries",
        "Map",
        "Draw where the segments meet that the map is made of (LIME, Kernel SHAP).",
        lambda bench: bench.viewing.toggle_boundaries(),
        where="canvas",
        enabled=has_segments,
        checked=lambda s: s.overlay.boundaries,
        also="superpixels outline contour lime",
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
        also="network",
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
        also="network",
    ),
    Action(
        "map.trace-layers",
        "Trace the other layers",
        "Map",
        "Of a network of volumes: trace every layer whose map is not there, one after the other.",
        lambda bench: bench.explaining.trace_all_layers(),
        why_not=_why_no_layers_to_trace,
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
        also="method algorithm saliency",
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
        also="method algorithm saliency",
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
        also="label target",
    ),
    Action(
        "map.together",
        "All findings together",
        "Map",
        "The map of every finding that is probable enough, each in a colour of its own, or the chosen class alone.",
        lambda bench: bench.findings.toggle_together(),
        shortcut="F",
        where="canvas",
        enabled=may_be_together,
        checked=lambda s: s.findings.together,
        also="labels multilabel",
    ),
    Action(
        "map.compute",
        "Compute the map of this slice",
        "Map",
        "Begin the chosen explanation on this slice, or go on where it was stopped.",
        lambda bench: bench.explaining.asking.compute(),
        shortcut="Ctrl+Return",
        enabled=can_compute,
        also="run apply start explain",
    ),
    Action(
        "map.compute-series",
        "Compute the map of the whole series",
        "Map",
        "Compute the chosen explanation of every slice, this one first.",
        lambda bench: bench.explaining.asking.compute_series(),
        enabled=has_slices,
        why_not=_why_no_series,
        also="run all slices",
    ),
    Action(
        "map.deviation",
        "Show the deviation",
        "Map",
        "Show how much the map varies over its samples in place of the map.",
        lambda bench: bench.explaining.toggle_deviation(),
        enabled=has_model,
        why_not=lambda s: "" if may_deviate(method_of(s).info) else "This explainer samples nothing.",
        checked=lambda s: method_of(s).deviation,
        also="uncertainty variance spread sd",
    ),
    Action(
        "map.steadiness",
        "How steady is this?",
        "Map",
        "Measure on this slice: 30 dropout passes, and the map of the mirrored input.",
        lambda bench: bench.explaining.steadying.measure(),
        enabled=has_map,
        why_not=lambda s: "It is being measured already." if s.probing else _why_not_segmenting(s),
        also="uncertainty dropout stability robust",
    ),
    Action(
        "map.compare-with-covering",
        "Compare Grad-CAM, LIME and occlusion",
        "Map",
        "Three ways of asking beside each other, as in the coronary study: a layer, segments, and covered windows.",
        lambda bench: bench.explaining.comparing.side_by_side("grad-cam", "lime", "occlusion"),
        enabled=has_model,
        why_not=_why_not_segmenting,
    ),
    Action(
        "map.compare-with-lime",
        "Compare with LIME",
        "Map",
        "Grad-CAM and Grad-CAM++ beside LIME with its segments, the baseline explanation of the stroke study.",
        lambda bench: bench.explaining.comparing.side_by_side("grad-cam", "grad-cam++", "lime"),
        enabled=has_model,
        why_not=_why_not_segmenting,
    ),
    Action(
        "map.under-noise",
        "Compare under noise",
        "Map",
        "The chosen explainer beside its means over noisy inputs (SmoothGrad), at 10 and 20% noise.",
        lambda bench: bench.explaining.comparing.under_noise(),
        enabled=has_model,
        why_not=_why_not_segmenting,
    ),
    Action(
        "map.pixel-importance",
        "Measure pixel importance",
        "Map",
        "Replace the pixels that the map calls important, and ask the network again.",
        _measure_importance,
        enabled=has_map,
        why_not=_why_no_importance,
        also="deletion insertion faithfulness",
    ),
    Action(
        "map.check",
        "Check this map",
        "Map",
        "Ask whether it can be trusted: random weights, other class, mirrored and cropped input, noise, edges ...",
        lambda bench: bench.check_map(),
        shortcut="Q",
        where="canvas",
        enabled=has_map,
        why_not=_why_no_checks,
        also="trust sanity validate reliability",
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
        enabled=is_segmenting,
        why_not=lambda s: "" if has_selected_box(s) else "No box is selected.",
    ),
    Action(
        "map.cancel",
        "Stop what is running",
        "Map",
        "Stop the background work; what is there stays.",
        lambda bench: bench.cancel(),
        shortcut="Ctrl+.",
        why_not=lambda s: "" if s.work is not None else "Nothing is running.",
        also="abort interrupt",
    ),
)
