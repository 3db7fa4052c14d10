"""Tracing against grad-cam and captum: one layer after the other, all layers, a series."""

from __future__ import annotations

import numpy as np
import torch
from captum.attr import LayerAttribution, LayerGradCam
from numpy.typing import NDArray
from pytorch_grad_cam import GradCAM, GradCAMElementWise, GradCAMPlusPlus, HiResCAM, LayerCAM, XGradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from benchmarks.measuring import Agreement, Report, Row, best_of, compared
from benchmarks.subjects import Subject, gap, resnet
from viewer.explainers.atlas import Atlas
from viewer.explainers.explaining import atlas
from viewer.explainers.fill import put_traced
from viewer.explainers.map_store import MapStore
from viewer.explainers.reductions import ATLAS_METHODS
from viewer.explainers.trace import trace
from viewer.imaging.pixel_box import PixelBox
from viewer.models.card import InputRule
from viewer.models.input_view import InputView

GRAD_CAM, CAPTUM = "grad-cam 1.5.7", "captum"
TARGET = 1
_PEERS = {
    "grad-cam": GradCAM,
    "grad-cam++": GradCAMPlusPlus,
    "layer-cam": LayerCAM,
    "hires-cam": HiResCAM,
    "xgrad-cam": XGradCAM,
    "element-cam": GradCAMElementWise,
}


def switching() -> Report:
    """The next layer of an explained slice, and all layers of a new one."""
    reports = [_of(subject) for subject in (gap(), resnet())]
    return Report(
        tuple(a for report in reports for a in report.agreements),
        tuple(row for report in reports for row in report.rows),
    )


def series() -> Report:
    """Thirty slices, Grad-CAM on the last layer before the pool, one class.

    The forward pass is nearly all of it and the same for everybody: the goal is captum's speed, 5% being noise.
    """
    subject = gap()
    layer, count = "relu5", 30
    batch = np.random.default_rng(1).normal(size=(count, 1, 192, 192)).astype(np.float32)
    tensor = torch.from_numpy(batch)
    part = 2  # measured: the fastest for all three, because two slices still fit the cache

    def ours() -> NDArray[np.float32]:
        made = [
            trace(
                subject.classifier,
                batch[i : i + part],
                layers=[layer],
                targets=[TARGET],
                methods=["grad-cam"],
            )
            for i in range(0, count, part)
        ]
        return np.concatenate([result.maps[TARGET, layer, "grad-cam"] for result in made])

    captum_ = LayerGradCam(subject.module, subject.module.get_submodule(layer))

    def captum() -> NDArray[np.float32]:
        made = [
            captum_.attribute(tensor[i : i + part], target=TARGET).detach().numpy()[:, 0]
            for i in range(0, count, part)
        ]
        return np.concatenate(made)

    def grad_cam() -> None:
        for i in range(0, count, part):
            with GradCAM(subject.module, [subject.module.get_submodule(layer)]) as cam:
                cam(tensor[i : i + part], [ClassifierOutputTarget(TARGET)] * part)

    difference = np.abs(ours() - captum()).max() / np.abs(ours()).max()
    mine, theirs, others = best_of([ours, captum, grad_cam], repeats=5)
    what = f"{count} slices, last layer, {subject.name}"
    return Report(
        (
            Agreement(
                f"raw Grad-CAM of {count} slices, {subject.name}, against captum", float(difference), 1e-5
            ),
        ),
        (compared(what, mine, CAPTUM, theirs, 0.95), compared(what, mine, GRAD_CAM, others)),
    )


def filling() -> Report:
    """What one slice costs when everything is kept, against the passes alone."""
    rows = []
    for subject in (gap(), resnet()):
        classes = range(len(subject.classifier.classes))
        store = Atlas(MapStore(1 << 30), "bench", subject.classifier.classes, 1)

        def everything(subject: Subject = subject, store: Atlas = store) -> None:
            put_traced(subject.classifier, subject.picture[None], store, [0])

        def passes(subject: Subject = subject, classes: range = classes) -> None:
            x = subject.tensor.requires_grad_()
            with subject.classifier.borrowed() as module:
                for parameter in module.parameters():
                    parameter.requires_grad_(False)
                logits = module(x)
                for target in classes:
                    torch.autograd.grad(logits[:, target].sum(), x, retain_graph=True)

        ours, bare = best_of([everything, passes], repeats=5)
        layers = len(store.layers)
        what = f"one slice of {subject.name}: {layers} layers x {len(classes)} classes x {len(ATLAS_METHODS)} methods"
        rows.append(Row(what, ours, "the bare passes", bare))
    return Report((), tuple(rows))


def _of(subject: Subject) -> Report:
    layers, x, classifier = subject.layers, subject.tensor, subject.classifier
    modules = {name: subject.module.get_submodule(name) for name in layers}
    view = _whole(subject)
    made = atlas(classifier, subject.picture)

    def next_layer() -> None:
        for layer in layers:
            view.back(made.map(layer, TARGET, "grad-cam"))

    def captum(layer: str) -> NDArray[np.float32]:
        raw = LayerGradCam(subject.module, modules[layer]).attribute(x, target=TARGET)
        LayerAttribution.interpolate(raw, x.shape[2:], "bilinear")
        return np.asarray(raw.detach().numpy()[0, 0])

    def peer(layer: str, method: str = "grad-cam", target: int = TARGET) -> NDArray[np.float32]:
        with _PEERS[method](subject.module, [modules[layer]]) as cam:
            return np.asarray(cam(x, [ClassifierOutputTarget(target)])[0])

    def sweep() -> None:
        result = trace(classifier, x, layers=layers, targets=[TARGET], methods=["grad-cam"])
        for layer in layers:
            view.back(np.maximum(result.maps[TARGET, layer, "grad-cam"][0], 0))

    def sweep_everything() -> None:
        result = trace(classifier, x, layers=layers)
        for map_ in result.maps.values():
            view.back(np.maximum(map_[0], 0))

    raw = trace(classifier, x, layers=layers, targets=[TARGET], methods=["grad-cam"]).maps
    from_captum = max(
        float(
            np.abs(raw[TARGET, la, "grad-cam"][0] - captum(la)).max()
            / np.abs(raw[TARGET, la, "grad-cam"]).max()
        )
        for la in layers
    )
    # grad-cam reads a layer after a later step has overwritten it: compared where none does.
    from_grad_cam = max(
        float(
            np.abs(
                _scaled(view.back(_scaled(np.maximum(raw[TARGET, la, "grad-cam"][0], 0)))) - peer(la)
            ).max()
        )
        for la in layers
    )

    count = len(layers)
    [switch] = best_of([next_layer], repeats=20)
    all_ours, all_captum, all_peer = best_of(
        [sweep, lambda: [captum(la) for la in layers], lambda: [peer(la) for la in layers]], repeats=3
    )
    classes = len(classifier.classes)
    extrapolated = f"(peer: one class measured, times {classes})"
    combined = (
        f"{count} layers x {classes} classes x {len(ATLAS_METHODS)} methods, {subject.name} {extrapolated}"
    )
    [everything] = best_of([sweep_everything], repeats=3)
    # One class and all methods are measured and multiplied: the other classes cost the same.
    [part] = best_of([lambda: [peer(la, m) for la in layers for m in ATLAS_METHODS]], repeats=1, warm=0)
    return Report(
        (
            Agreement(f"raw Grad-CAM on {count} layers, {subject.name}, against captum", from_captum, 1e-5),
            Agreement(
                f"final Grad-CAM on {count} layers, {subject.name}, against grad-cam", from_grad_cam, 1e-4
            ),
        ),
        (
            compared(
                f"next layer of an explained slice, {subject.name}",
                switch / count,
                GRAD_CAM,
                all_peer / count,
                100,
            ),
            compared(
                f"next layer of an explained slice, {subject.name}",
                switch / count,
                CAPTUM,
                all_captum / count,
            ),
            compared(f"all {count} layers of a new slice, {subject.name}", all_ours, GRAD_CAM, all_peer, 20),
            compared(f"all {count} layers of a new slice, {subject.name}", all_ours, CAPTUM, all_captum),
            compared(combined, everything, GRAD_CAM, part * classes),
        ),
    )


def _whole(subject: Subject) -> InputView:
    rows, columns = subject.picture.shape[1:]
    rule = InputRule(size=(rows, columns), channels=subject.picture.shape[0])
    return InputView((rows, columns), PixelBox(0, 0, rows, columns), rule)


def _scaled(map_: NDArray[np.float32]) -> NDArray[np.float32]:
    """What grad-cam does to its maps, before and after drawing them: from the minimum to the maximum."""
    moved = map_ - map_.min()
    return np.asarray(moved / (1e-7 + moved.max()), dtype=np.float32)


BENCHMARKS = {"switching": switching, "series": series, "filling": filling}
