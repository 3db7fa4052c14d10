"""Boxes and distances that a person draws."""

from __future__ import annotations

from viewer.actions.action import Action
from viewer.actions.conditions import (
    has_case,
    has_selection,
    is_at_work,
)

BOXES_ACTIONS: tuple[Action, ...] = (
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
        also="box roi rectangle annotate annotation bounding rect region shape label",
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
        also="ruler measure measurement length distance line caliper calliper tape mm",
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
        also="remove annotation roi clear",
    ),
    Action(
        "boxes.clear-lines",
        "Delete all measured lines",
        "Boxes",
        "Take away every distance that was measured on this case.",
        lambda bench: bench.measuring.clear(),
        why_not=lambda s: "" if s.rulers.drawn else "No distance has been measured.",
        also="remove clear rulers measurements",
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
        also="deselect escape pointer select",
    ),
)
