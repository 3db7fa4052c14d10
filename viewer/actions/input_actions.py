"""What the network is given."""

from __future__ import annotations

from viewer.actions.action import Action
from viewer.actions.conditions import (
    has_erased,
    has_model,
    has_selected_box,
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
        also="flip augment reflect",
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
        also="brain mask skull strip",
    ),
    Action(
        "input.erase",
        "Erase a part of the input",
        "Input",
        "The next left drag on the image takes a box out of what the network is given; the picture stays.",
        lambda bench: bench.erasing.draw_mode(True),
        shortcut="E",
        where="canvas",
        enabled=has_model,
        checked=lambda s: s.view.erasing,
        also="occlude remove scissors eraser",
    ),
    Action(
        "input.erase-box",
        "Erase the selected box",
        "Input",
        "Take what the selected box holds out of what the network is given.",
        lambda bench: bench.erasing.erase_selected(),
        shortcut="Shift+E",
        where="canvas",
        enabled=has_selected_box,
    ),
    Action(
        "input.put-back",
        "Put back what was erased",
        "Input",
        "Give the network the whole picture again.",
        lambda bench: bench.erasing.put_back(),
        enabled=has_erased,
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
        also="preprocessed preprocessing tensor",
    ),
)
