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


def _why_no_layers_to_trace(session: Session) -> str:
    if session.model is None or session.reading is None:
        return "No model is loaded." if session.model is None else "Nothing has been explained yet."
    if not session.reading.whole:
        return "A network of slices has all of its layers already."
    return "" if untraced(session) else "Every layer is traced."


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
        "map.bare",
        "Show maps alone",
        "Map",
        "Where many maps are shown (Layers): without the picture under them.",
        lambda bench: bench.viewing.toggle_bare(),
        shortcut="Shift+O",
        where="canvas",
        checked=lambda s: s.overlay.bare,
        why_not=lambda s: "" if workspace_shown(s) == "layers" else "This workspace shows one map at a time.",
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
        "map.together",
        "All findings together",
        "Map",
        "The map of every finding that is probable enough, each in a colour of its own, or the chosen class alone.",
        lambda bench: bench.findings.toggle_together(),
        shortcut="F",
        where="canvas",
        enabled=may_be_together,
        checked=lambda s: s.findings.together,
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
        "map.compare-with-covering",
        "Compare Grad-CAM, LIME and occlusion",
        "Map",
        "Three ways of asking beside each other, as in the coronary study: a layer, segments, and covered windows.",
        lambda bench: bench.explaining.comparing.side_by_side("grad-cam", "lime", "occlusion"),
        enabled=lambda s: has_model(s) and not is_segmentation(s),
    ),
    Action(
        "map.compare-with-lime",
        "Compare with LIME",
        "Map",
        "Grad-CAM and Grad-CAM++ beside LIME with its segments, the baseline explanation of the stroke study.",
        lambda bench: bench.explaining.comparing.side_by_side("grad-cam", "grad-cam++", "lime"),
        enabled=lambda s: has_model(s) and not is_segmentation(s),
    ),
    Action(
        "map.under-noise",
        "Compare under noise",
        "Map",
        "The chosen explainer beside its means over noisy inputs (SmoothGrad), at 10 and 20% noise.",
        lambda bench: bench.explaining.comparing.under_noise(),
        enabled=lambda s: has_model(s) and not is_segmentation(s),
    ),
    Action(
        "map.pixel-importance",
        "Measure pixel importance",
        "Map",
        "Replace the pixels that the map calls important, and ask the network again.",
        _measure_importance,
        enabled=lambda s: place_to_measure(s) is not None and not s.replacing.running,
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
)
