from __future__ import annotations

import numpy as np
import pytest
import torch

from viewer.explainers import reductions
from viewer.explainers.reductions import (
    ATLAS_METHODS,
    element_cam,
    grad_cam,
    grad_cam_plus_plus,
    layer_cam,
    reduce_together,
    xgrad_cam,
)


def pair(
    shape: tuple[int, ...], seed: int = 0, *, rectified: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    activation = torch.randn(shape, generator=generator)
    return (activation.relu() if rectified else activation), torch.randn(shape, generator=generator) * 0.01


def by_hand(activation: torch.Tensor, gradient: torch.Tensor, method: str) -> np.ndarray:
    """The formulas of the papers, channel by channel and cell by cell, in float64."""
    maps = []
    for a_image, g_image in zip(activation.double().numpy(), gradient.double().numpy(), strict=True):
        total = np.zeros(a_image.shape[1:])
        for a, g in zip(a_image, g_image, strict=True):
            if method == "grad-cam":
                total += g.mean() * a
            elif method == "layer-cam":
                total += np.where(g > 0, g, 0) * a
            elif method == "hires-cam":
                total += g * a
            elif method == "element-cam":
                total += np.maximum(g * a, 0)
            elif method == "xgrad-cam":
                total += (g * a).sum() / a.sum() * a
            else:
                weight = 0.0
                for value in g.ravel():
                    if value == 0:
                        continue
                    alpha = value**2 / (2 * value**2 + a.sum() * value**3)
                    weight += alpha * max(value, 0)
                total += weight * a
        maps.append(total)
    return np.stack(maps)


@pytest.mark.parametrize("method", ATLAS_METHODS)
@pytest.mark.parametrize("shape", [(2, 5, 6, 7), (1, 4, 3, 5, 4), (1, 3, 9)])
@pytest.mark.parametrize("rectified", [True, False])
def test_equals_its_formula_in_any_number_of_dimensions(
    method: str, shape: tuple[int, ...], rectified: bool
) -> None:
    activation, gradient = pair(shape, rectified=rectified)

    made = ATLAS_METHODS[method](activation, gradient).numpy()

    expected = by_hand(activation, gradient, method)
    assert made.dtype == np.float32
    assert made.shape == (shape[0], *shape[2:])
    # The weights of XGrad-CAM divide by a sum that may all but cancel where values have both signs.
    share = 1e-3 if method == "xgrad-cam" and not rectified else 1e-5
    assert np.abs(made - expected).max() <= share * np.abs(expected).max()


def test_channels_in_blocks_give_the_same_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    activation, gradient = pair((2, 13, 8, 8), rectified=True)
    whole = reduce_together(activation, gradient, list(ATLAS_METHODS))
    monkeypatch.setattr(reductions, "_BLOCK", 200)  # three channels of 64 cells

    blocks = reduce_together(activation, gradient, list(ATLAS_METHODS))

    for method in ATLAS_METHODS:
        torch.testing.assert_close(blocks[method], whole[method], rtol=1e-5, atol=1e-7)


def test_inputs_are_not_altered() -> None:
    activation, gradient = pair((1, 4, 5, 5))
    before = activation.clone(), gradient.clone()
    reduce_together(activation, gradient, list(ATLAS_METHODS))
    assert torch.equal(activation, before[0])
    assert torch.equal(gradient, before[1])


def test_plus_plus_term_with_a_zero_denominator_counts_as_zero() -> None:
    # The channel sums to -4, so a gradient of 0.5 makes 2 + sum(A) G zero; the other channel stands alone.
    activation = torch.tensor([[[[-2.0, -2.0]], [[1.0, 3.0]]]])
    gradient = torch.tensor([[[[0.5, 0.0]], [[1.0, 0.0]]]])
    weight = 1.0 / (2 + 4.0)
    torch.testing.assert_close(
        grad_cam_plus_plus(activation, gradient), torch.tensor([[[weight, 3 * weight]]])
    )


def test_tiny_gradients_survive_where_their_squares_would_vanish() -> None:
    activation, gradient = pair((1, 3, 4, 4), rectified=True)
    gradient = gradient.abs() * 1e-28
    expected = (gradient.double() / 2).sum((2, 3), keepdim=True).mul(activation.double()).sum(1)
    made = grad_cam_plus_plus(activation, gradient).double()
    assert float((made - expected).abs().max() / expected.max()) < 1e-5


def test_maps_are_signed() -> None:
    activation, gradient = pair((1, 3, 4, 4), rectified=True)
    assert float(grad_cam(activation, -gradient.abs()).max()) <= 0
    assert float(layer_cam(-activation, gradient.abs()).max()) <= 0


def test_half_precision_is_computed_in_single() -> None:
    activation, gradient = pair((1, 6, 8, 8), rectified=True)
    half = grad_cam(activation.half(), gradient.half())
    assert half.dtype == torch.float32
    correlation = torch.corrcoef(torch.stack([half.ravel(), grad_cam(activation, gradient).ravel()]))[0, 1]
    assert correlation > 0.999


def test_xgrad_cam_adds_up_to_what_the_layer_adds() -> None:
    activation, gradient = pair((2, 5, 6, 7), rectified=True)
    made = xgrad_cam(activation, gradient).flatten(1).sum(1)
    torch.testing.assert_close(made, (activation * gradient).flatten(1).sum(1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_xgrad_cam_does_not_depend_on_the_scale_of_the_activations(scale: float) -> None:
    activation, gradient = pair((1, 5, 6, 7))
    made = xgrad_cam(activation * scale, gradient)
    torch.testing.assert_close(made / scale, xgrad_cam(activation, gradient), rtol=1e-4, atol=1e-6)


def test_xgrad_cam_of_dead_and_of_cancelling_channels_is_finite() -> None:
    activation = torch.zeros((1, 2, 2, 2))
    activation[0, 1] = torch.tensor([[1.0, -1.0], [2.0, -2.0]])
    made = xgrad_cam(activation, torch.ones((1, 2, 2, 2)))
    assert made.isfinite().all()
    assert not made.any()  # what cancels in the sum cancels in sum(G A) too


def test_element_cam_is_never_negative_and_equals_layer_cam_where_nothing_is_negative() -> None:
    activation, gradient = pair((1, 5, 6, 7))
    assert (element_cam(activation, gradient) >= 0).all()
    assert not torch.allclose(element_cam(activation, gradient), layer_cam(activation, gradient))
    rectified = activation.relu()
    together = reduce_together(rectified, gradient, list(ATLAS_METHODS))
    torch.testing.assert_close(together["layer-cam"], layer_cam(rectified, gradient))
    torch.testing.assert_close(together["element-cam"], layer_cam(rectified, gradient))


def test_a_gradient_constant_in_space_makes_three_methods_one() -> None:
    activation, _ = pair((1, 5, 6, 7), rectified=True)
    gradient = torch.randn((1, 5, 1, 1)).expand_as(activation)
    made = reduce_together(activation, gradient, list(ATLAS_METHODS))
    for other in ("hires-cam", "xgrad-cam"):
        torch.testing.assert_close(made[other], made["grad-cam"], rtol=1e-4, atol=1e-5)
