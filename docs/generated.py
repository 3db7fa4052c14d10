"""The parts of the pages that the program knows itself: explainers and keys. ``python -m docs`` writes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import get_args

from viewer.actions.action import Action, Menu
from viewer.actions.table import ACTIONS
from viewer.explainers.declaration import EXPLAINERS, cost, equals
from viewer.explainers.explainer_info import ExplainerInfo, Parameter
from viewer.explainers.layer_info import LayerInfo
from viewer.plugin_host import host
from viewer.ui.dialogs.keyboard_card import DRAGS, MOUSE

PAGES = Path(__file__).parent
_PART = re.compile(r"(<!-- begin: ([^>]+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_ON_LAYERS = (
    ("the last layer before global average pooling", LayerInfo("pooled", "Conv2d", (8, 7, 7), ("before-global-pool",))),
    ("a layer that puts out nothing negative, such as a ReLU", LayerInfo("rectified", "ReLU", (8, 7, 7))),
)  # fmt: skip


def written(text: str) -> str:
    """A page with its generated parts as they are now.

    Raises
    ------
    KeyError
        When the page has a part that nothing is known of.
    """
    return _PART.sub(lambda found: f"{found[1]}\n{_part(found[2])}\n\n{found[4]}", text)


def stale() -> list[Path]:
    """Pages whose generated parts are not current."""
    host.activate()
    return [page for page in sorted(PAGES.rglob("*.md")) if written(_text(page)) != _text(page)]


def write() -> list[Path]:
    """Bring the pages up to date; those that were not are returned."""
    old = stale()
    for page in old:
        page.write_text(written(_text(page)), encoding="utf-8")
    return old


def explained() -> set[str]:
    """Names of the explainers that have a part in a page."""
    return {
        found[2].removeprefix("explainer ")
        for page in PAGES.rglob("*.md")
        for found in _PART.finditer(_text(page))
        if found[2].startswith("explainer ")
    }


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _part(name: str) -> str:
    kind, _, what = name.partition(" ")
    if kind == "explainer":
        return _explainer(EXPLAINERS[what])
    parts: dict[str, Callable[[], str]] = {
        "explainers": _explainers,
        "equal": _equal,
        "keys": _keys,
        "mouse": _mouse,
    }
    return parts[name]()


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = tuple(head)
    lines = (names, tuple("---" for _ in names), *rows)
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


# --- explainers ---


def _explainers() -> str:
    return _table(
        ("explainer", "name", "map of", "made", "shows what speaks"),
        (
            (f"[{info.title}](#{_anchor(name)})", f"`{name}`", _place(info), _made(info), _drawn(info))
            for name, info in EXPLAINERS.items()
        ),
    )


def _anchor(name: str) -> str:
    """Of a section. Those of headings lose the signs that tell Grad-CAM from Grad-CAM++."""
    return f"explainer-{name.replace('+', 'p')}"


def _place(info: ExplainerInfo) -> str:
    return "the chosen layer" if info.needs_layer else "the input"


def _made(info: ExplainerInfo) -> str:
    return "at once" if info.in_atlas else f"on demand, {cost(info.name, {}):.3g}"


def _drawn(info: ExplainerInfo) -> str:
    return "for and against" if info.diverging else "the same for all classes" if info.class_free else "for"


def _explainer(info: ExplainerInfo) -> str:
    rows = [
        ("formula", f"`{info.formula}`"),
        ("source", info.source),
        ("map of", _layers(info)),
        ("made", _made(info) + ("" if info.in_atlas else " passes")),
        ("drawn", _drawn_words(info)),
        ("needs", info.needs),
        ("shown with it", info.warning),
        *((f"`{parameter.name}`", _parameter(parameter)) for parameter in info.parameters),
    ]
    heading = f'<a id="{_anchor(info.name)}"></a>\n\n### {info.title}'
    table = _table(("", ""), [row for row in rows if row[1]])
    return f"{heading}\n\n`{info.name}`: {info.summary}\n\n{table}"


def _layers(info: ExplainerInfo) -> str:
    if info.name == "cam":
        return "the one layer that its needs allow"
    if not info.needs_layer:
        return "the network's input; no layer is chosen"
    reached = "" if info.class_free or not info.gradient else " that the gradient of the score reaches"
    return f"every layer with an extent in space{reached}"


def _drawn_words(info: ExplainerInfo) -> str:
    if info.diverging:
        return "what speaks for the class and what speaks against it, in two colours"
    return "one class for all" if info.class_free else "what speaks for the class"


def _parameter(parameter: Parameter) -> str:
    default = f"default {parameter.default}"
    low, high = parameter.minimum, parameter.maximum
    allowed = f"{low:g} to {high:g}" if low is not None and high is not None else ""
    if parameter.choices:
        allowed = ", ".join(parameter.choices) + (" or a number" if parameter.number_too else "")
    inside = "; ".join(word for word in (default, allowed, parameter.unit) if word)
    origin = f" Default: {parameter.source}." if parameter.source else ""
    return f"{parameter.help} ({inside}.{origin})"


def _equal() -> str:
    rows = []
    for words, layer in _ON_LAYERS:
        found = {frozenset((name, *same)) for name in EXPLAINERS if (same := equals(name, layer))}
        for names in sorted(found, key=lambda names: (len(names), sorted(names))):
            if not any(names < other for other in found):
                titles = [info.title for name, info in EXPLAINERS.items() if name in names]
                rows.append((words, " = ".join(titles)))
    return _table(("on", "are equal"), rows)


# --- keys ---


def _keys() -> str:
    found = []
    for menu in get_args(Menu):
        rows = [
            (_pressed(action), action.text, action.tip, "image" if action.where == "canvas" else "always")
            for action in ACTIONS
            if action.menu == menu and action.shortcut
        ]  # fmt: skip
        if rows:
            found.append(f"### {menu}\n\n" + _table(("key", "does", "in words", "while"), rows))
    return "\n\n".join(found)


def _pressed(action: Action) -> str:
    return " ".join(f"`{key}`" for key in (action.shortcut, action.second) if key)


def _mouse() -> str:
    return _table(("mouse on the image", "does"), (*DRAGS["crosshair"], *MOUSE))
