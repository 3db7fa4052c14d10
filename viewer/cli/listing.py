"""``models``, ``layers``, ``explainers`` and ``plugins``: what is there."""

from __future__ import annotations

from argparse import Namespace

from viewer.cli.answer import Answer, table
from viewer.cli.terminal import Terminal
from viewer.controllers import catalogue


def models(_: Namespace, terminal: Terminal) -> Answer:
    """Every model on this machine; cards that cannot be read are named on stderr."""
    found, broken = catalogue.models()
    for error in broken:
        terminal.warn(error.sentence)
    rows = [
        (
            m["id"],
            m["task"],
            f"{m['dims']}D",
            "-" if m["parameters"] is None else f"{m['parameters']:,}",
            ", ".join(m["classes"]),
            "here" if m["weights"] else "missing",
        )
        for m in found
    ]
    return Answer(found, table(("model", "task", "dims", "parameters", "classes", "weights"), rows))


def layers(options: Namespace, terminal: Terminal) -> Answer:
    """Every layer of a model that has a map."""
    terminal.progress.report(0, 1, "loading the model")
    found = catalogue.layers(options.model, options.device)
    rows = [
        (
            layer["name"],
            layer["type"],
            " x ".join(map(str, layer["shape"])),
            " x ".join(map(str, layer["grid"])),
            ", ".join([*layer["flags"], *(["default"] if layer["default"] else [])]),
        )
        for layer in found
    ]
    return Answer(found, table(("layer", "type", "shape", "grid", "flags"), rows))


def explainers(_: Namespace, __: Terminal) -> Answer:
    """Every explainer."""
    found = catalogue.explainers()
    rows = [
        (
            e["name"],
            e["family"],
            "yes" if e["needs_layer"] else "no",
            " ".join(f"{d}D" for d in e["dims"]),
            " ".join(f"{p['name']}={p['default']}" for p in e["parameters"]) or "-",
            e["summary"],
        )
        for e in found
    ]
    return Answer(found, table(("explainer", "family", "layer", "dims", "--set", "how to read it"), rows))


def plugins(options: Namespace, terminal: Terminal) -> Answer:
    """Every plugin and what became of it, after one of the user's was switched on or off where that is wanted."""
    if options.enable:
        catalogue.enable_plugin(options.enable)
    if options.disable:
        catalogue.disable_plugin(options.disable)
    terminal.progress.report(0, 1, "loading plugins")
    found = catalogue.plugins(safe_mode=options.safe_mode)
    rows = [
        (
            p["name"],
            p["version"],
            "bundled" if p["bundled"] else "yours",
            p["status"],
            p["sentence"] or p["summary"],
        )
        for p in found
    ]
    return Answer(found, table(("plugin", "version", "from", "status", ""), rows))
