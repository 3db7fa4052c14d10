"""Everything is switched while jobs run, in any order: what is on screen is always the map that its label says."""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.controllers.conftest import StepRunner
from tests.tiny import bright_spot, write_tiny_model, write_tiny_segmentation
from tests.tiny_volume import write_tiny_volume_model
from viewer.controllers import engine
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import WhySliceError
from viewer.state.map_view import is_difference, opponent
from viewer.state.method import method_of
from viewer.state.screen import Presenter

EXPLAINERS = {
    "grad-cam": ({},),
    "layer-cam": ({},),
    "gradient": ({},),
    "eigen-cam": ({},),
    "integrated-gradients": ({"steps": 40}, {"steps": 70}, {"steps": 40, "baseline": "mean"}),
    "smoothgrad": (
        {"samples": 40},
        {"samples": 40, "noise": 0.3},
        {"samples": 40, "of": "grad-cam"},
        {"samples": 40, "seed": 7},
    ),
    "seg-grad-cam": ({},),
}
MODELS = {"tiny": 2, "other": 2, "tiny3d": 3, "tiny-seg": 2}
IMAGES = (bright_spot(4, at=(2, 8, 20)), bright_spot(4, at=(1, 18, 3)))


@pytest.fixture
def models(user_folder: Path) -> None:
    write_tiny_model(user_folder)
    folder = write_tiny_model(user_folder, "other")
    torch.manual_seed(5)
    weights = {
        name: w + 0.2 * torch.randn_like(w) for name, w in load_file(folder / "weights.safetensors").items()
    }
    save_file(weights, folder / "weights.safetensors")
    write_tiny_volume_model(user_folder)
    write_tiny_segmentation(user_folder)
    engine.classifier.cache_clear()
    _answers.cache_clear()


@lru_cache(maxsize=4096)
def _answers(
    model: str, image: int, index: int, mirror: bool, crop: str, score: str, explainer: str, layer: str, target: int,
    region: str, given: tuple[tuple[str, Any], ...],
) -> dict[int, tuple[np.ndarray, np.ndarray | None]]:  # fmt: skip
    """Rounds -> map and deviation, made alone and from the beginning."""
    request = engine.ExplainRequest(
        model,
        "auto",
        IMAGES[image],
        index,
        mirror,
        crop,
        score,
        explainer,
        layer,
        target,
        dict(given),
        region,
    )
    return {reply.done: (reply.signed, reply.deviation) for reply in engine.explain_steps(request)}


def wanted(bench: Workbench, image: int, target: int, done: int) -> np.ndarray | None:
    session, choice, method = bench.session, bench.session.choice, method_of(bench.session)
    segments = MODELS[session.model_id] == 2 and session.model.card.task == "segmentation"
    found = _answers(
        session.model_id,
        image,
        session.view.slice if session.model.card.dims == 2 else 0,
        choice.mirror,
        choice.crop,
        choice.score,
        choice.explainer,
        method.layer if method.info.needs_layer else "",
        target,
        choice.region if segments else "all",
        tuple(sorted(choice.parameters.get(choice.explainer, {}).items())),
    )[done]
    return found[1] if method.deviation else found[0]


def check(bench: Workbench, presenter: Presenter) -> bool:
    """Whether a map is on screen; it is the right one."""
    session = bench.session
    shown = presenter.screen().map
    if shown is None:
        return False
    image = next(i for i, each in enumerate(IMAGES) if each is session.case.image)
    method, target, reading = method_of(session), session.target_index, session.reading
    targets, done = [target], 1
    if is_difference(session):
        targets.append(opponent(session.model, reading, session.view.slice, target))
    if method.on_demand:
        question = reading.question(session.view.slice)
        rounds = [r for place, r in reading.rounds.items() if place.key == method.key and place.slice == question
                  and place.layer == method.layer and place.target in targets]  # fmt: skip
        if len(rounds) < len(targets) or len({r.done for r in rounds}) > 1:
            return True  # a difference of two maps that are not equally far, which the line says
        done = rounds[0].done
        assert ("unfinished" in shown.may_read.line) == (not rounds[0].complete)
    signed = [wanted(bench, image, each, done) for each in targets]
    one = signed[0] if method.info.diverging else np.maximum(signed[0], 0)
    expected = signed[0] - signed[1] if len(signed) == 2 else one
    size = max(float(np.abs(each).max()) for each in signed)
    np.testing.assert_allclose(
        shown.raw, expected, atol=2e-4 * size + 1e-12, err_msg=str((session.choice, done))
    )
    return True


def move(bench: Workbench, rng: random.Random) -> None:
    """Something that a user does."""
    session, explaining = bench.session, bench.explaining
    kind = rng.choice(
        ("slice", "slice", "slice", "target", "layer", "explainer", "explainer", "explainer", "parameters", "mirror",
         "crop", "score", "model", "case", "cancel", "compute", "series", "region", "deviation", "forget", "budget")
    )  # fmt: skip
    if kind == "slice":
        bench.viewing.select_slice(rng.randrange(4))
    elif kind == "target" and (names := explaining.targets()):
        explaining.select_target(rng.choice(names))
    elif kind == "layer" and session.model is not None:
        explaining.select_layer(rng.choice([la.name for la in session.model.layers if la.differentiable]))
    elif kind in ("explainer", "parameters"):
        name = rng.choice(list(EXPLAINERS)) if kind == "explainer" else session.choice.explainer
        explaining.set_parameters(name, rng.choice(EXPLAINERS[name]))
        explaining.asking.want()
        explaining.select_explainer(name)
    elif kind == "mirror":
        explaining.toggle_mirror()
    elif kind == "crop":
        explaining.step_crop()
    elif kind == "score":
        explaining.select_score(rng.choice(("logit", "logit", "probability", "margin")))
    elif kind == "model":
        explaining.select_model(rng.choice(list(MODELS)))
    elif kind == "case":
        bench.opening.show(rng.choice(IMAGES))
        explaining.confirm_applicability()
    elif kind == "cancel":
        bench.cancel()
    elif kind == "compute":
        explaining.asking.compute()
    elif kind == "series":
        explaining.asking.compute_series()
    elif kind == "region":
        explaining.set_region(rng.choice(("all", "9,21", "6,16,20,28")))
    elif kind == "deviation":
        explaining.toggle_deviation()
    elif kind == "forget" and session.reading is not None:
        session.reading.atlas.store.set_budget(rng.choice((3000, 30_000)))
        session.reading.atlas.store.set_budget(session.atlas_budget)
        bench.viewing.select_slice((session.view.slice + 1) % 4)
    elif kind == "budget":
        session.overlay.scale = rng.choice(("reference", "series", "slice"))


@pytest.mark.parametrize("seed", range(4))
def test_no_stale_map_whatever_is_switched(models: None, steps: StepRunner, seed: int) -> None:
    rng = random.Random(seed)
    bench = Workbench(steps)
    presenter = Presenter(bench.session)
    bench.explaining.select_model("tiny")
    bench.opening.show(IMAGES[0])
    seen = 0
    for _ in range(120):
        try:
            move(bench, rng)
        except WhySliceError:
            pass
        seen += check(bench, presenter)
        for _ in range(rng.choice((0, 1, 1, 2, 5))):
            if steps.step():
                seen += check(bench, presenter)
        if rng.random() < 0.15:
            session = bench.session
            bench.viewing.select_slice((session.view.slice + 1) % 4)  # who has cancelled looks again
            bench.explaining.asking.compute()
            steps.drain()
            stopped = session.notice is not None or bench.explaining._filling._stopped
            if session.reading is not None and session.asking is None and not stopped:
                assert check(bench, presenter), (session.choice, session.notice)
    assert seen > 50
