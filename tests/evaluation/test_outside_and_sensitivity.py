"""Mass outside the body, and how far a map moves: by hand, and against captum."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.metrics import sensitivity_max
from torch import nn

from viewer.evaluation.outside import mass_outside
from viewer.evaluation.sensitivity import max_sensitivity, relative_change


def test_mass_outside_by_hand():
    body = np.array([[True, True], [False, False]])
    mass, area = mass_outside([[3, 0], [-1, 0]], body)
    assert (mass.value, area.value) == (0.25, 0.5)
    empty, _ = mass_outside(np.zeros((2, 2)), body)
    assert not empty.defined
    assert "empty" in empty.rule
    with pytest.raises(ValueError, match="one grid"):
        mass_outside(np.zeros((3, 3)), body)


def test_relative_change_by_hand():
    assert relative_change([3, 4], [3, 4]).value == 0
    assert relative_change([3e-20, 4e-20], [0, 0]).value == pytest.approx(1)
    assert relative_change([1, 0], [0, 1]).value == pytest.approx(np.sqrt(2))
    assert not relative_change([0, 0], [1, 0]).defined
    assert max_sensitivity([3, 4], [[3, 4], [3, 0], [0, 0]]).value == pytest.approx(1)
    assert not max_sensitivity([0, 0], [[1, 1]]).defined


def test_max_sensitivity_equals_captums():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    ).eval()
    x = torch.rand(1, 1, 9, 9)
    noises = [0.3 * torch.rand(1, 1, 9, 9) for _ in range(4)]
    waiting = iter(noises)

    def gradient(inputs, target=1):
        leaf = (inputs[0] if isinstance(inputs, tuple) else inputs).detach().clone().requires_grad_()
        with torch.enable_grad():  # captum asks without
            return torch.autograd.grad(network(leaf)[:, target].sum(), leaf)[0]

    theirs = sensitivity_max(
        gradient,
        x,
        perturb_func=lambda inputs: tuple(each + next(waiting) for each in inputs),
        n_perturb_samples=4,
        max_examples_per_batch=1,
        target=1,
    )
    ours = max_sensitivity(gradient(x).numpy(), [gradient(x + noise).numpy() for noise in noises])
    assert ours.value == pytest.approx(float(theirs[0]), rel=1e-4)
