"""What the network is given."""

from __future__ import annotations

from viewer.actions.action import Action
from viewer.actions.conditions import (
    has_model,
)

INPUT_ACTIONS: tuple[Action, ...] = (
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
)
