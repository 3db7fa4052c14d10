"""One patient of 30 slices, from the file to all maps of both classes and both methods at the last layer.

The peers get the same file, the same preparation and all slices in one batch each, which is the fastest way of asking
them. captum has no Grad-CAM++, so it makes half of the maps.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from captum.attr import LayerGradCam
from numpy.typing import NDArray
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from benchmarks.measuring import Agreement, Report, best_of, compared
from viewer import api
from viewer.foundation import paths
from viewer.imaging.reading import read_image
from viewer.imaging.writing import write_nifti
from viewer.models.input_view import slice_input

_MODEL, _LAYER, _SLICES = "stroke-gap", "relu5", 30
_METHODS = ("grad-cam", "grad-cam++")


def one_patient() -> Report:
    """From file to maps, ours, grad-cam's and captum's."""
    classifier = api.load_model(_MODEL, "cpu")
    module, layer = classifier.module, classifier.module.get_submodule(_LAYER)
    classes = range(len(classifier.classes))
    with tempfile.TemporaryDirectory() as folder:
        path = _patient(Path(folder))

        def inputs() -> torch.Tensor:
            image = read_image(path)
            rule = classifier.card.input
            ready = [slice_input(rule, image, index)[1] for index in range(_SLICES)]
            return classifier.tensor(np.stack(ready))

        def ours() -> Mapping[int, NDArray[np.float32]]:
            atlas = api.atlas(classifier, read_image(path), layers=[_LAYER], methods=list(_METHODS))
            return {target: atlas.map(_LAYER, target, "grad-cam") for target in classes}

        def captum() -> Mapping[int, NDArray[np.float32]]:
            batch, explainer = inputs(), LayerGradCam(module, layer)
            raw = {k: explainer.attribute(batch, target=k, relu_attributions=True) for k in classes}
            return {k: values.detach()[:, 0].numpy() for k, values in raw.items()}

        def grad_cam() -> None:
            batch = inputs()
            for method in (GradCAM, GradCAMPlusPlus):
                with method(module, [layer]) as explainer:
                    for k in classes:
                        explainer(batch, [ClassifierOutputTarget(k)] * _SLICES)

        mine, theirs = ours(), captum()
        apart = max(float(np.abs(mine[k] - theirs[k]).max() / theirs[k].max()) for k in classes)
        own, peer, half = best_of((ours, grad_cam, captum), repeats=3)
    what = f"{_SLICES} slices, file to maps of 2 classes and 2 methods at {_LAYER}"
    return Report(
        # An atlas keeps maps in 16 bits: 1/65000 of the largest magnitude, which may be that of evidence against.
        (Agreement("Grad-CAM of both classes on every slice, kept in 16 bits, with captum's", apart, 1e-4),),
        (
            compared(what, own, "grad-cam 1.5.7", peer),
            compared(f"{what}; captum makes Grad-CAM alone", own, "captum", half),
        ),
    )


def _patient(folder: Path) -> Path:
    """The demo patient with some slices of the middle twice, so that there are 30."""
    image = read_image(paths.resources() / "demo" / "stroke-demo" / "image.nii.gz")
    count = len(image.voxels)
    voxels = image.voxels[[*range(count), *range(10, 10 + _SLICES - count)]]
    path = folder / "patient.nii.gz"
    write_nifti(path, voxels, replace(image.geometry, shape=voxels.shape))
    return path


BENCHMARKS: Mapping[str, Callable[[], Report]] = {"one-patient": one_patient}
