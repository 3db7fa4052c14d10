from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.tiny import bright_spot, tiny_network
from viewer import api
from viewer.foundation.errors import Cancelled, ModelError, UsageError
from viewer.foundation.progress import ProgressToken
from viewer.imaging.geometry import Geometry
from viewer.models.classifier import Classifier
from viewer.models.input_view import InputView


def wrapped(module: nn.Module | None = None, **options: object) -> Classifier:
    options = {"classes": ["no stroke", "stroke"], "dims": 2, "input_size": (32, 32), **options}
    return api.wrap_module(module or tiny_network(), **options)  # type: ignore[arg-type]


def test_borrowing_leaves_the_network_as_it_was() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ).train()
    net[0].eval()
    net[0].weight.requires_grad_(False)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    modes = [m.training for m in net.modules()]
    model = wrapped(net)

    def use() -> None:
        with model.borrowed() as module:
            assert not any(m.training for m in module.modules())
            module[0].weight.requires_grad_(True)
            module(torch.randn(4, 1, 8, 8)).sum().backward()
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        use()
    assert [m.training for m in net.modules()] == modes
    assert not net[0].weight.requires_grad
    assert all(p.grad is None for p in net.parameters())
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


def test_one_logit_is_two_classes() -> None:
    model = wrapped(task="binary")
    logits = torch.tensor([[2.0], [-1.0]])
    np.testing.assert_allclose(model.probabilities(logits).sum(1).numpy(), 1, atol=1e-6)
    assert model.scores(logits, 1).tolist() == [2.0, -1.0]
    assert model.scores(logits, 0).tolist() == [-2.0, 1.0]
    assert model.scores(logits, 0, "margin").tolist() == [-4.0, 2.0]


def test_scores_of_several_classes() -> None:
    model = wrapped(classes=["a", "b", "c"])
    logits = torch.tensor([[1.0, 3.0, 2.0]])
    assert model.scores(logits, 1, "margin").item() == 1.0
    assert model.scores(logits, 0, "margin").item() == -2.0
    assert model.scores(logits, 2, "probability").item() == pytest.approx(
        float(torch.softmax(logits, 1)[0, 2])
    )


def test_prediction_of_a_series_finds_the_bright_slice() -> None:
    found = api.predict(wrapped(), bright_spot(at=(3, 4, 4)))
    positive = [s.probabilities[1] for s in found.slices]
    assert int(np.argmax(positive)) == 3
    assert found.case == pytest.approx(found.slices[found.peak].probabilities)
    assert found.to_json()["classes"] == ["no stroke", "stroke"]


def test_dropout_intervals_hold_the_spread_and_are_repeatable() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(32 * 32, 2))
    model = wrapped(net)
    state = torch.random.get_rng_state()
    first = api.predict(model, bright_spot(), mc_samples=20, seed=3)
    again = api.predict(model, bright_spot(), mc_samples=20, seed=3)
    assert torch.equal(state, torch.random.get_rng_state())
    assert first == again
    low, high = first.slices[0].interval[1]
    assert low < high
    assert api.predict(model, bright_spot()).slices[0].interval == ()


def test_prediction_can_be_cancelled() -> None:
    token = ProgressToken()
    token.cancel()
    with pytest.raises(Cancelled):
        api.predict(wrapped(), bright_spot(), progress=token)


def test_an_input_that_the_network_cannot_take_is_one_sentence() -> None:
    with pytest.raises(ModelError, match=r"cannot take an input of shape \(3, 32, 32\)"):
        wrapped().logits(np.zeros((1, 3, 32, 32), np.float32))


@pytest.mark.parametrize(
    "options",
    [
        {"dims": 3},  # with the size of a picture
        {"input_size": (32,)},
        {"task": "regression"},
        {"classes": ["stroke", "stroke"]},
        {"classes": ["a", "b", "c"], "task": "binary"},
        {"normalise": {"name": "none"}, "dims": 4},
    ],
)
def test_contradictory_descriptions_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        wrapped(**options)


@pytest.mark.parametrize("where", ["array", "image"])
def test_softmax_inside_is_not_applied_twice(where: str) -> None:
    """The same network with and without a softmax of its own gives the same probabilities, and explain agrees."""
    plain, squashed = wrapped(tiny_network()), wrapped(nn.Sequential(tiny_network(), nn.Softmax(dim=1)))
    image = bright_spot() if where == "image" else np.ones((1, 32, 32), np.float32)
    for _ in range(2):  # the first pass of a network is watched, later ones are not
        np.testing.assert_allclose(
            api.predict(squashed, image).case, api.predict(plain, image).case, rtol=1e-5
        )
    explained = api.explain(
        squashed, image, explainer="grad-cam", target="stroke", slice=2 if where == "image" else None
    )
    index = explained.slice or 0
    assert explained.probability == pytest.approx(
        api.predict(squashed, image).slices[index].probabilities[1], rel=1e-4
    )


@pytest.mark.parametrize("shape", ["squeezed", "flattened", "unsqueezed"])
def test_a_sigmoid_inside_is_found_through_a_change_of_axes(shape: str) -> None:
    """Probability 0.0025 must not become sigmoid(0.0025), which calls everything positive."""

    class Squashed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            inside = (
                torch.full((len(x), 1, 1), -6.0) if shape == "flattened" else torch.full((len(x), 1), -6.0)
            )
            p = torch.sigmoid(inside)
            return {"squeezed": p.squeeze(-1), "flattened": p.flatten(1), "unsqueezed": p.view(-1)[:, None]}[
                shape
            ]

    model = wrapped(Squashed(), task="binary")
    for _ in range(2):
        assert api.predict(model, bright_spot()).case[1] == pytest.approx(1 / (1 + np.exp(6)), rel=1e-4)


@pytest.mark.parametrize("shape", [(32, 32), (1, 1, 32, 32)])
def test_an_array_of_other_axes_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="channel, row, column"):
        api.predict(wrapped(), np.zeros(shape, np.float32))


def test_an_array_is_mirrored_but_never_cropped() -> None:
    array = np.random.default_rng(0).random((1, 32, 32), dtype=np.float32)
    net = nn.Sequential(nn.Flatten(), nn.Linear(32 * 32, 2))
    mirrored = api.predict(wrapped(net), array, mirror=True).case
    assert (
        mirrored == api.predict(wrapped(net), array[..., ::-1]).case != api.predict(wrapped(net), array).case
    )
    with pytest.raises(UsageError, match="cannot be cropped"):
        api.predict(wrapped(), array, crop="brain")


def test_words_that_mean_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match=r"no crop rule 'brian'.*brain"):
        api.predict(wrapped(), bright_spot(), crop="brian")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"no score 'logits'.*logit"):
        api.explain(wrapped(), bright_spot(), explainer="grad-cam", score="logits", slice=0)


def test_an_output_without_the_axis_of_images_is_refused() -> None:
    """Two scores of one image must not be taken for one score of two images."""

    class Squeezed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.stack([x.mean((1, 2, 3)), -x.mean((1, 2, 3))], dim=1).squeeze()

    with pytest.raises(ModelError, match="one row of class scores per image"):
        api.predict(wrapped(Squeezed(), task="binary"), np.ones((1, 32, 32), np.float32))


def test_what_a_network_ends_in_is_remembered_for_each_task() -> None:
    """A sigmoid over exclusive classes is told on every pass; the same network as multilabel is read rightly."""
    logits = torch.tensor([[1.0, -2.0]])

    class Squashed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(logits.repeat(len(x), 1) + 0 * x.mean((1, 2, 3))[:, None])

    net = nn.Sequential(nn.Conv2d(1, 1, 3), Squashed())
    array = np.ones((1, 32, 32), np.float32)
    exclusive, together = wrapped(net), wrapped(net, task="multilabel")
    for _ in range(3):
        assert api.explain(exclusive, array, explainer="grad-cam", layer="0").flags == ("squashed-output",)
        assert api.predict(together, array).case == pytest.approx(torch.sigmoid(logits[0]).tolist(), abs=1e-5)


def test_outputs_that_are_no_number_are_refused() -> None:
    class Broken(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.full((len(x), 2), float("nan"))

    with pytest.raises(ModelError, match="not a finite number"):
        api.predict(wrapped(Broken()), bright_spot())


@pytest.mark.parametrize(
    "options", [{}, {"mirror": True}, {"crop": "percentile"}, {"crop": "brain", "mirror": True}]
)
def test_predict_and_explain_give_the_network_what_the_view_says(options: dict[str, Any]) -> None:
    """Of pixels that are not square, mirrored and cropped: one input, whoever asks."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 30 * 30, 2))
    model, plain = wrapped(net), bright_spot()
    image = replace(plain, geometry=Geometry(np.diag([1.0, 2.0, 5.0, 1.0]), plain.voxels.shape))
    view = InputView.of(model.card.input, image, 2, **options)
    logits = torch.from_numpy(model.logits(view.network_input(image.voxels[2])[None]))
    wanted = model.probabilities(logits)[0].tolist()
    assert api.predict(model, image, **options).slices[2].probabilities == pytest.approx(wanted, abs=1e-5)
    explained = api.explain(model, image, explainer="grad-cam", target=1, slice=2, **options)
    assert explained.probability == pytest.approx(wanted[1], abs=1e-5)
    filled = api.atlas(model, image, targets=[1], methods=["grad-cam"], **options)
    assert filled.probabilities(2) == pytest.approx(wanted, abs=1e-5)
