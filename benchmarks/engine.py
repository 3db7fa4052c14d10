"""The engine against grad-cam, captum and MONAI: everything at once from one trace, with the peak of memory beside it.

``python -m benchmarks.engine WHO WHAT`` runs one contender alone and prints by how much memory grew; `everything` asks
for that in processes of their own, because what one leaves behind would be another's.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import psutil
from captum.attr import LayerGradCam
from monai.visualize import GradCAM as MonaiGradCAM
from numpy.typing import NDArray
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from benchmarks.measuring import Agreement, Report, Row, best_of, compared
from benchmarks.subjects import Subject, gap, resnet, resnet_of_volumes
from viewer.explainers.reductions import ATLAS_METHODS
from viewer.explainers.trace import trace

_SUBJECTS = {"gap": gap, "resnet": resnet, "volumes": resnet_of_volumes}
_TARGET = 1
_PEERS = {"grad-cam": "grad-cam 1.5.7", "captum": "captum", "monai": "MONAI"}

Raw = dict[str, NDArray[np.float32]]


def _ours(subject: Subject) -> Raw:
    """Every layer, class and atlas method; of those, Grad-CAM of one class is what the others have."""
    made = trace(subject.classifier, subject.picture[None], layers=subject.layers)
    return {la: np.maximum(made.maps[_TARGET, la, "grad-cam"][0], 0) for la in subject.layers}


def _captum(subject: Subject) -> Raw:
    def one(layer: str) -> NDArray[np.float32]:
        explainer = LayerGradCam(subject.module, subject.module.get_submodule(layer))
        raw = explainer.attribute(subject.tensor, target=_TARGET, relu_attributions=True)
        return np.asarray(raw.detach()[0, 0].numpy())

    return {layer: one(layer) for layer in subject.layers}


def _monai(subject: Subject) -> Raw:
    def one(layer: str) -> NDArray[np.float32]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own backward hooks
            raw = MonaiGradCAM(subject.module, layer).compute_map(subject.tensor, class_idx=_TARGET)
        module = subject.module.get_submodule(layer)
        module._forward_hooks.clear()  # it leaves its hooks behind
        module._backward_hooks.clear()
        return np.asarray(raw.detach()[0, 0].numpy())

    return {layer: one(layer) for layer in subject.layers}


def _grad_cam(subject: Subject) -> Raw:
    """Its maps are drawn and scaled already, so they are not compared here; `switching` does."""
    for layer in subject.layers:
        with GradCAM(subject.module, [subject.module.get_submodule(layer)]) as cam:
            cam(subject.tensor, [ClassifierOutputTarget(_TARGET)])
    return {}


_WHO: dict[str, Callable[[Subject], Raw]] = {
    "ours": _ours,
    "captum": _captum,
    "monai": _monai,
    "grad-cam": _grad_cam,
}


def everything() -> Report:
    """All layers, classes and atlas methods; of the peers Grad-CAM alone, one class measured and multiplied."""
    agreements, rows = [], []
    for what, make in _SUBJECTS.items():
        subject = make()
        count, classes = len(subject.layers), len(subject.classifier.classes)
        mine = _ours(subject)
        for who in ("captum", "monai"):
            theirs = _WHO[who](subject)
            worst = max(
                float(np.abs(mine[la] - theirs[la]).max() / max(mine[la].max(), 1e-12)) for la in mine
            )
            agreements.append(
                Agreement(
                    f"raw Grad-CAM on {count} layers, {subject.name}, against {_PEERS[who]}", worst, 1e-5
                )
            )
        ours, *peers = best_of(
            [partial(_WHO[who], subject) for who in ("ours", *_PEERS)],
            repeats=2,
            warm=0,
        )
        memory = {who: grown("benchmarks.engine", who, what) for who in _WHO}
        for who, milliseconds in zip(_PEERS, peers, strict=True):
            words = (
                f"{count} layers x {classes} classes, {len(ATLAS_METHODS)} methods against Grad-CAM alone, "
                f"{subject.name}; memory +{memory['ours']} MB against +{memory[who]} MB"
            )
            rows.append(compared(words, ours, _PEERS[who], milliseconds * classes, 1))
    return Report(tuple(agreements), tuple(rows))


def series_of_layers() -> Report:
    """Thirty slices, twenty layers of the GAP model, one class: the goal is two seconds."""
    subject, count = gap(), 30
    batch = np.random.default_rng(1).normal(size=(count, 1, 192, 192)).astype(np.float32)

    def ours() -> None:
        for image in batch:
            trace(
                subject.classifier,
                image[None],
                layers=subject.layers,
                targets=[_TARGET],
                methods=["grad-cam"],
            )

    part = 2  # of thirty are measured of grad-cam, and multiplied

    def grad_cam() -> None:
        for image in batch[:part]:
            _grad_cam(Subject(subject.name, subject.classifier, image, subject.layers))

    mine, theirs = best_of([ours, grad_cam], repeats=3)
    words = f"{count} slices x {len(subject.layers)} layers, {subject.name}"
    return Report(
        (),
        (
            Row(words, mine, goal="<= 2 s", met=mine <= 2000),
            compared(words, mine, _PEERS["grad-cam"], theirs * count / part, 8),
        ),
    )


def grown(room: str, who: str, what: str) -> int:
    """Megabytes that a contender needs beside the network, in a process of its own."""
    words = [sys.executable, "-m", room, who, what]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[-1])


def memory_of(task: Callable[[], object]) -> int:
    """Megabytes by which this process grows at most while a task runs."""
    process = psutil.Process()
    before = peak = process.memory_info().rss
    done = threading.Event()

    def look() -> None:
        nonlocal peak
        while not done.is_set():
            peak = max(peak, process.memory_info().rss)
            time.sleep(0.001)

    watcher = threading.Thread(target=look)
    watcher.start()
    task()
    done.set()
    watcher.join()
    return (peak - before) >> 20


BENCHMARKS = {"everything": everything, "series_of_layers": series_of_layers}

if __name__ == "__main__":
    print(memory_of(partial(_WHO[sys.argv[1]], _SUBJECTS[sys.argv[2]]())))
