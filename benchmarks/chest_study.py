"""``python -m benchmarks.chest_study``: the tables of the chest X-ray study, on unseen synthetic films, beside its own.

Makes films that no training has seen, evaluates a multilabel network on them with every explainer there is, erases the
burned-in markers, and writes ``docs/studies/chest_xray.md``. Stopped, the same command goes on where it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.chest_explainers import FEWER, IS_A_BASELINE, measured
from benchmarks.chest_markers import erase_markers, in_words, side_by_side
from benchmarks.chest_page import BASIC, Document, page
from benchmarks.stroke_explainers import together
from benchmarks.unseen_cases import on_one_line, unseen_cases
from viewer import api
from viewer.controllers.cohort.files import write_evaluation
from viewer.controllers.cohort.order import EvaluateOrder
from viewer.controllers.cohort.running import evaluate
from viewer.explainers.declaration import EXPLAINERS
from viewer.foundation.progress import Progress
from viewer.plugin_host import host

_MODEL, _READER = "chest-resnet18", "chest-shortcut"
_GENERATOR = "chest-xray"
_PAGE = Path("docs/studies/chest_xray.md")
_PICTURES = ("examples", "iou_of_classes", "importance_of_classes", "replaced", "roc", "confusion")
_TRACED = (BASIC, "grad-cam++", "layer-cam", "hires-cam", "xgrad-cam", "element-cam")
_NOISY = ("0.1", "0.2")
"""Noise of SmoothGrad over Grad-CAM, fractions of the input's range; 50 samples, as published."""
_TRANSFORMS = ("mean", "blur-11", "blur-21")


def main() -> None:
    """Make the films, evaluate, write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chest_study")
    parser.add_argument("--films", type=int, default=300, help="films for predictions and fast explainers")
    parser.add_argument("--mapped", type=int, default=60, help="of them, for pixel importance")
    parser.add_argument("--marked", type=int, default=60, help="of them, for erasing the markers")
    parser.add_argument("--slow", type=int, default=12, help="of them, for all other explainers; 0 for none")
    parser.add_argument("--checked", type=int, default=4, help="of them, for deletion and random weights")
    parser.add_argument("--model", default=_MODEL)
    parser.add_argument("--reader", default=_READER, help="a model that reads the marker, to set beside it")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("out/chest-study"))
    options = parser.parse_args()
    progress = on_one_line()
    host.activate()
    sizes = (options.films, options.mapped, options.marked, options.slow)
    # The first films of a larger cohort are those of a smaller one.
    cohorts = {
        count: unseen_cases(_GENERATOR, count, options.out / f"cohort-{count}", progress)
        for count in dict.fromkeys(sizes)
        if count
    }
    whole = EvaluateOrder(
        cohorts[options.films],
        options.model,
        options.out / "films",
        explainers=_TRACED,
        transforms=(),
        jobs=options.jobs,
        examples=2,
    )
    importance = replace(
        whole,
        cohort=cohorts[options.mapped],
        out=options.out / "importance",
        explainers=(BASIC,),
        transforms=_TRANSFORMS,
        examples=1,
    )
    found = write_evaluation(evaluate(whole, progress), progress)
    weighed = write_evaluation(evaluate(importance, progress), progress)
    few = cohorts.get(options.slow)
    slow = [_evaluated(each, progress) for each in _slow_orders(whole, few, options.out)] if few else []
    whom = api.load_model(options.model)
    erased = erase_markers(whom, cohorts[options.marked], options.marked, progress)
    markers = [*in_words(erased, whom.classes), *_beside(options, cohorts[options.marked], progress)]
    checked = measured(options.model, few, options.checked, options.out, progress) if few else {}
    pictures = _kept_pictures({"films": found, "importance": weighed}, options.out)
    _PAGE.parent.mkdir(parents=True, exist_ok=True)
    _PAGE.write_text(
        page(options, found, weighed, together([found, found, *slow]), markers, checked, pictures),
        encoding="utf-8",
    )
    print(f"\n{_PAGE}; tables and figures in {options.out}")


def _slow_orders(whole: EvaluateOrder, cohort: Path, out: Path) -> Iterable[EvaluateOrder]:
    base = replace(whole, cohort=cohort, examples=0)
    few = {name for names in FEWER for name in names}
    single = tuple(name for name in EXPLAINERS if name not in (*_TRACED, *few, "smoothgrad", IS_A_BASELINE))
    yield replace(base, out=out / "single", explainers=single)
    for names, samples in FEWER.items():
        settings: tuple[tuple[str, str], ...] = (("samples", str(samples)),)
        yield replace(base, out=out / f"few-{names[0]}", explainers=names, settings=settings)
    for noise in _NOISY:
        settings = (("of", "grad-cam"), ("noise", noise))
        yield replace(base, out=out / f"smooth-{noise}", explainers=("smoothgrad",), settings=settings)


def _evaluated(order: EvaluateOrder, progress: Progress) -> dict[str, Any]:
    """The document of an order; rows of SmoothGrad say how much noise."""
    document = write_evaluation(evaluate(order, progress), progress)
    noise = dict(order.settings).get("noise")
    if noise is not None:
        for name in ("localisation", "pixel_importance"):
            document[name] = [{**row, "explainer": f"{row['explainer']} {noise}"} for row in document[name]]
    return document


def _beside(options: argparse.Namespace, cohort: Path, progress: Progress) -> Iterable[str]:
    """The network beside one that reads the marker."""
    betraying = unseen_cases(
        f"{_GENERATOR}-shortcut", options.marked, options.out / f"betraying-{options.marked}", progress
    )
    cohorts = {"mean nothing": cohort, "give the healthy away": betraying}
    return side_by_side((options.model, options.reader), cohorts, options.marked, progress)


def _kept_pictures(documents: Mapping[str, Document], out: Path) -> dict[str, str]:
    """Copies of the figures that the page shows, small enough for a repository."""
    from PIL import Image

    folder = _PAGE.parent / _PAGE.stem
    folder.mkdir(parents=True, exist_ok=True)
    kept = {}
    for name in documents:
        for picture in _PICTURES:
            source = out / name / f"{picture}.png"
            if source.is_file() and picture not in kept:
                image = Image.open(source).convert("RGB")
                # A montage is tall, and has to stay legible.
                image.thumbnail((1100, 4700 if picture == "examples" else 1600))
                image.quantize(128).save(folder / f"{picture}.png", optimize=True)
                kept[picture] = f"{_PAGE.stem}/{picture}.png"
    return kept


if __name__ == "__main__":
    main()
