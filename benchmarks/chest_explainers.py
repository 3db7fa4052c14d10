"""What every explainer costs on a film, and how it fares when pixels are replaced or weights made random."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from benchmarks.chest_markers import HEALTHY, films_of
from viewer import api
from viewer.explainers.declaration import EXPLAINERS
from viewer.foundation.errors import WhySliceError
from viewer.foundation.progress import Progress

FEWER = {("score-cam", "mc-dropout", "gradient-shap"): 10, ("lime", "kernel-shap", "rise"): 100}
"""Explainers of many passes, with fewer samples than usual."""
IS_A_BASELINE = "brightness"
_CHECKED = ("grad-cam", "grad-cam++", "layer-cam", "hires-cam", "eigen-cam", "gradient", "input-x-gradient",
            "guided-backprop", "deconvnet", "guided-grad-cam", "lrp")  # fmt: skip
"""Explainers of a few passes: their maps are made again under random weights."""


def is_sampled(name: str) -> bool:
    """Whether an explainer has samples, of which there may be fewer; Score-CAM takes every channel."""
    return any(parameter.name == "samples" for parameter in EXPLAINERS[name].parameters)


def measured(
    model: str, cohort: Path, count: int, out: Path, progress: Progress
) -> dict[str, dict[str, list[float]]]:
    """Explainer -> seconds a map, areas under deletion and insertion, and likeness under random weights.

    Of the surest class of every film that has a finding.
    """
    kept = out / f"checked-{Path(model).name}-{count}.json"
    if kept.is_file():
        return json.loads(kept.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    classifier = api.load_model(model)
    ill = [row for row in films_of(cohort) if row["label"] != HEALTHY][:count]
    samples = {name: number for names, number in FEWER.items() for name in names if is_sampled(name)}
    found: dict[str, dict[str, list[float]]] = {}
    names = [name for name in EXPLAINERS if name != IS_A_BASELINE]
    for place, row in enumerate(ill):
        image = api.read_image(cohort / row["path"])
        for at, name in enumerate(names):
            progress.report(place * len(names) + at, count * len(names), f"checking {name}")
            own = found.setdefault(name, {"seconds": [], "deletion": [], "insertion": [], "random": []})
            settings: dict[str, Any] = {"samples": samples[name]} if name in samples else {}
            if name == "smoothgrad":
                settings = {"of": "grad-cam"}
            began = time.perf_counter()
            try:
                made = api.explain(classifier, image, explainer=name, **settings)
                own["seconds"].append(time.perf_counter() - began)
                scores = api.pixel_importance(
                    classifier, image, made, fractions=(10,), transforms=("mean",), steps=10, random_orders=1
                ).scores
                for kind in ("deletion", "insertion"):
                    own[kind].append(next(s.value for s in scores if s.name == f"{kind}-area"))
                if name in _CHECKED and place < 2:
                    (finding,) = api.check(
                        classifier, image, explainer=name, checks=["weight-randomisation"], **settings
                    )
                    if finding.value is not None:
                        own["random"].append(finding.value)
            except WhySliceError as error:
                print(f"\n{name}: {error}")
    kept.write_text(json.dumps(found), encoding="utf-8")
    return found
