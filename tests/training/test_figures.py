"""The figures on a card: slices and patients are counted apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from viewer.foundation.progress import SILENT
from viewer.models.loading import wrap_module
from viewer.training.figures import prediction_figures


class Brightness(nn.Module):
    """Says *finding* where the picture is bright."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        mean = pictures.mean(dim=(1, 2, 3))
        return torch.stack([-mean, mean], dim=1)


def test_a_patient_is_as_suspect_as_the_most_suspect_slice() -> None:
    classifier = wrap_module(Brightness(), classes=["none", "finding"], dims=2, input_size=(4, 4))
    values = [-3.0, 2.0, -1.0, 1.0, -2.0, -2.5]
    held = {
        "inputs": np.array(values, dtype=np.float32)[:, None, None, None] * np.ones((1, 1, 4, 4), np.float32),
        "labels": np.array([0, 1, 0, 0, 1, 0]),
        "patients": np.array([5, 5, 7, 7, 9, 9]),
    }
    figures = prediction_figures(classifier, held, SILENT)
    assert figures["sensitivity"] == pytest.approx(0.5)
    assert figures["specificity"] == pytest.approx(0.75)
    patients = figures["patients"]
    assert (patients["n"], patients["n_positive"]) == (3, 2)
    assert patients["sensitivity"] == pytest.approx(0.5)
    assert patients["specificity"] == 0.0, "one bright slice makes a healthy patient suspect"
    assert patients["auc"] == pytest.approx(0.5)


def test_volumes_are_patients_already() -> None:
    classifier = wrap_module(Brightness(), classes=["none", "finding"], dims=2, input_size=(4, 4))
    held = {
        "inputs": np.ones((2, 1, 4, 4), np.float32),
        "labels": np.array([0, 1]),
        "patients": np.array([0, 1]),
    }
    assert "patients" not in prediction_figures(classifier, held, SILENT)
