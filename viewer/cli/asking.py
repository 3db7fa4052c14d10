"""``predict``, ``explain`` and ``check``: what a model says of an image, why, and whether the reason can be trusted."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from viewer.cli.answer import Answer, table
from viewer.cli.experimenting import NONE, described, experiment_order, wanted_experiments
from viewer.cli.reading import asked_image, was_resampled
from viewer.cli.terminal import Terminal
from viewer.controllers.check_to_files import check_to_files
from viewer.controllers.experiments.to_files import experiments_to_files
from viewer.controllers.explain_order import ExplainOrder
from viewer.controllers.explain_to_files import explain_to_files
from viewer.controllers.headless import CasePrediction, InputWish, predict_image
from viewer.evaluation.checks.declaration import CHECKS
from viewer.foundation.errors import UsageError
from viewer.imaging.erasure import Erasure

_DOES_NOT_APPLY = "does_not_apply"


def predict(options: Namespace, terminal: Terminal) -> Answer:
    """Probabilities per slice and of the case."""
    image = asked_image(options, terminal)
    terminal.warn_of(image.diagnoses)
    found = predict_image(
        image,
        options.model,
        wish=wish_of(options),
        mc_samples=options.mc_samples,
        seed=options.seed,
        device=options.device,
        progress=terminal.progress,
    )
    if found.applicability.verdict == _DOES_NOT_APPLY:
        terminal.warn(found.applicability.sentence)
    return Answer({**found.to_json(), "resampled": was_resampled(image)}, _described(found))


def _described(found: CasePrediction) -> str:
    prediction = found.prediction
    rows = [(each.index, *_numbers(each.probabilities, each.interval)) for each in prediction.slices]
    numbers = _numbers(prediction.case, prediction.interval if not rows else ())
    case = ", ".join(f"{name} {p}" for name, p in zip(prediction.classes, numbers, strict=True))
    if found.before is not None:
        was = _numbers(found.before.case, ())
        case = ", ".join(
            f"{name} {p} (before erasing {b})"
            for name, p, b in zip(prediction.classes, numbers, was, strict=True)
        )
    lines = [
        *([table(("slice", *prediction.classes), rows)] if rows else []),
        f"case: {case} ({prediction.rule})",
        # One that does not apply is a warning, which was said on stderr.
        *([found.applicability.sentence] if found.applicability.verdict != _DOES_NOT_APPLY else []),
    ]
    if found.mc_samples:
        lines.append(
            f"p (low-high) reads: output p; {found.mc_samples} dropout passes low-high (2.5% to 97.5%); says nothing "
            "about unfamiliar scans. The output is of a pass without dropout and may lie outside: this is no "
            "confidence interval of it."
        )
    return "\n".join(lines)


def _numbers(probabilities: Sequence[float], interval: Sequence[tuple[float, float]]) -> list[str]:
    """Probabilities in words, each with its interval in brackets where there is one."""
    words = [f"{p:.3f}" for p in probabilities]
    brackets = [f" ({low:.3f}-{high:.3f})" for low, high in interval] or [""] * len(words)
    return [word + bracket for word, bracket in zip(words, brackets, strict=True)]


def explain(options: Namespace, terminal: Terminal) -> Answer:
    """Maps of an image as volumes, arrays and pictures."""
    order = ExplainOrder(
        model=options.model,
        explainers=split_names(options.explainer),
        out=options.out,
        layers=split_names(options.layer),
        targets=split_names(options.target),
        slices=options.slice,
        score=options.score,
        wish=wish_of(options),
        settings=tuple(options.set),
        device=options.device,
        truth=options.truth,
    )
    order.check()
    image = asked_image(options, terminal)
    terminal.warn_of(image.diagnoses)
    document = {**explain_to_files(image, order, terminal.progress), "resampled": was_resampled(image)}
    for note in document["notes"]:
        terminal.warn(note)
    fit = document["applicability"]
    if fit["verdict"] == _DOES_NOT_APPLY:
        terminal.warn(f"The model was not made for this image: {'; '.join(fit['reasons'])}.")
    warned: dict[str, list[str]] = {}
    for made in document["maps"]:
        if made["warning"] and made["explainer"] not in warned.setdefault(made["warning"], []):
            warned[made["warning"]].append(made["explainer"])
    for warning, explainers in warned.items():
        terminal.warn(f"{' and '.join(explainers)}: {warning}")
    rows = [
        (
            m["class"],
            "all" if m["slice"] is None else m["slice"],
            m["layer"],
            m["explainer"],
            m["state"],
            f"{m['raw_max']:.4g}",
            f"{m['probability']:.3f}",
            m["picture"],
        )
        for m in document["maps"]
    ]
    text = table(("class", "slice", "layer", "explainer", "state", "raw max", "p", "picture"), rows)
    lines = [
        text,
        *_may_they_be_read(document["maps"]),
        *_against_truth(document["maps"]),
        f"slices: {document['slice_rule']}",
        f"volumes: on {document['nifti_grid']}",
        f"provenance: {document['provenance']}",
    ]
    return Answer(document, "\n".join(lines))


def _against_truth(maps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """How maps agree with what was marked, and whether brightness alone does as well."""
    rule = ""
    for made in maps:
        if "agreement" not in made:
            continue
        head = f"{made['class']}, {made['layer']}, {made['explainer']}, slice {made['slice']}"
        found = made["agreement"]
        if found is None:
            yield f"{head}: nothing of {made['class']} is marked on this slice"
            continue
        own, bright = found["map"], found["brightness"]
        words = f"{head}: IoU {own['iou']:.2f} with the truth ({found['reader']}), energy inside {_part(own['energy'])}"
        words += f"; brightness alone {bright['iou']:.2f}, {_part(bright['energy'])}"
        if own["iou"] <= bright["iou"]:
            words += (
                ": the image's own brightness, which knows nothing of the network, finds it as well or better"
            )
        rule = found["rule"]
        yield words
    if rule:
        yield f"agreement: {rule}"


def _part(share: float | None) -> str:
    return "-" if share is None else f"{share:.2f}"


def _may_they_be_read(maps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What the window says above a map, once for all maps that it holds for."""
    holds: dict[str, list[str]] = {}
    for made in maps:
        place = "" if made["slice"] is None else f", slice {made['slice']}"
        holds.setdefault(made["may_read"]["line"], []).append(
            f"{made['class']}, {made['layer']}, {made['explainer']}{place}"
        )
    for line, which in holds.items():
        more = f" and {len(which) - 1} more" if len(which) > 1 else ""
        yield f"{which[0]}{more}: {line}"


def check(options: Namespace, terminal: Terminal) -> Answer:
    """Trust checks of maps."""
    checks = split_names(options.checks)
    experiments = wanted_experiments(options, split_names(options.experiments))
    without = checks == (NONE,)
    if without and experiments is None:
        raise UsageError("--checks none leaves nothing to do: name --experiments or --figures.")
    order = ExplainOrder(
        model=options.model,
        explainers=split_names(options.explainer),
        out=options.out or Path(),
        layers=split_names(options.layer),
        targets=split_names(options.target),
        slices=options.slice,
        score=options.score,
        wish=wish_of(options),
        settings=tuple(options.set),
        device=options.device,
    )
    for name in () if without else checks:
        CHECKS.find(name)
    if order.explainers:
        order.check()
    image = asked_image(options, terminal)
    terminal.warn_of(image.diagnoses)
    asked = None if experiments is None else experiment_order(options, order, image, terminal)
    found = check_to_files(image, order, None if without else checks, options.out, terminal.progress)
    document = {**found, "resampled": was_resampled(image)}
    if asked is not None:
        made = experiments_to_files(asked, experiments or (), options.figures, terminal.progress)
        document["experiments"] = made
    for note in document["notes"]:
        terminal.warn(note)
    fit = document["applicability"]
    if fit["verdict"] == _DOES_NOT_APPLY:
        terminal.warn(f"The model was not made for this image: {'; '.join(fit['reasons'])}.")
    lines: list[str] = []
    for each in document["checks"]:
        place = "" if each["slice"] is None else f", slice {each['slice']}"
        head = f"{each['explainer']}, {each['layer']}, {each['class']}{place}"
        if head not in lines:
            lines.append(head)
        value = "" if each["value"] is None else f"{each['value']:.3g}"
        lines.append(f"  {each['name']:<21}{value:>9}  {each['verdict']:<13}{each['sentence']}")
    if lines:
        lines.append(f"slices: {document['slice_rule']}")
    return Answer(document, "\n".join([*lines, *described(document.get("experiments", []))]))


def wish_of(options: Namespace) -> InputWish:
    """How the network's input shall be made."""
    return InputWish(options.mirror, options.crop, erasures_of(options))


def erasures_of(options: Namespace) -> tuple[Erasure, ...]:
    """What shall be erased, each with what comes in its place."""
    return tuple(replace(each, fill=options.erase_with) for each in getattr(options, "erase", ()))


def split_names(words: Iterable[str]) -> tuple[str, ...]:
    """Options may be repeated, and each may hold several names between commas."""
    asked = list(words)
    names = tuple(name.strip() for word in asked for name in word.split(",") if name.strip())
    if asked and not names:
        raise UsageError("An option was given no name.")
    return names
