from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam, NoiseTunnel, Saliency
from torch import Tensor

from viewer.explainers import question as question_module
from viewer.explainers.asking import last_answer
from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.explaining import explain
from viewer.explainers.noise import noisy

pytestmark = pytest.mark.filterwarnings("ignore:.*(hooks|requires_grad|required_grads)")


def by_captum(
    monkeypatch: pytest.MonkeyPatch, method: object, x: Tensor, copies: Tensor, **how: object
) -> np.ndarray:
    """NoiseTunnel over the noise that is in given copies of an input."""
    with monkeypatch.context() as patched:
        patched.setattr(torch, "normal", lambda mean, std, *_, **__: copies - x)
        found = NoiseTunnel(method).attribute(
            x.clone(), nt_type="smoothgrad", nt_samples=len(copies), stdevs=1.0, **how
        )
    return found[0].sum(0).detach().numpy()


@pytest.mark.parametrize("name", ["pooled", "flat", "residual", "branched"])
def test_equals_captum_on_the_same_noise(
    build, batch: Tensor, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = build(name)
    copies = noisy(batch[:1], 0.15, 3)(6)
    wishes = {"target": 1, "samples": 6, "noise": 0.15, "seed": 3}

    made = explain(classifier, batch[0].numpy(), explainer="smoothgrad", **wishes)
    expected = by_captum(monkeypatch, Saliency(classifier.module), batch[:1], copies, target=1, abs=False)
    assert np.abs(made.signed - expected).max() <= 1e-6 * max(1, np.abs(expected).max())
    assert made.layer == "input"

    layer = {"pooled": "relu2", "flat": "body.2", "residual": "conv2", "branched": "join"}[name]
    cam = explain(classifier, batch[0].numpy(), explainer="smoothgrad", of="grad-cam", layer=layer, **wishes)
    captum = LayerGradCam(classifier.module, classifier.module.get_submodule(layer))
    expected = by_captum(monkeypatch, captum, batch[:1], copies, target=1)
    assert np.abs(cam.signed - expected).max() <= 1e-6 * max(1, np.abs(expected).max())
    assert cam.layer == layer


def test_noise_is_a_fraction_of_the_range_of_the_input(build, batch: Tensor) -> None:
    classifier, x = build("pooled"), 300 * batch[:1]
    seen: list[Tensor] = []
    handle = classifier.module.register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))
    explain(classifier, x[0].numpy(), explainer="smoothgrad", target=1, samples=8, noise=0.2)
    handle.remove()
    copies = torch.cat(seen)[-8:]
    expected = 0.2 * float(x.max() - x.min())
    assert float((copies - x).std()) == pytest.approx(expected, rel=0.03)
    assert float((copies - x).mean(0).std()) == pytest.approx(expected / 8**0.5, rel=0.05), "each its own"


def test_deviation_is_that_of_the_samples(build, batch: Tensor) -> None:
    classifier = build("flat")
    copies = noisy(batch[:1], 0.15, 3)(7)
    maps = np.stack(
        [
            explain(classifier, c.numpy(), explainer="layer-cam", layer="body.2", target=1).signed
            for c in copies
        ]
    )
    made = explain(
        classifier, batch[0].numpy(), explainer="smoothgrad", of="layer-cam", layer="body.2", target=1, samples=7,
        noise=0.15, seed=3,
    )  # fmt: skip
    np.testing.assert_allclose(made.signed, maps.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(made.deviation, maps.std(0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("together", [1, 3, 32])
def test_copies_do_not_depend_on_how_many_go_together(
    build, batch: Tensor, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = build("flat")
    whole = explain(classifier, batch[0].numpy(), explainer="smoothgrad", target=0, samples=7)
    monkeypatch.setattr(question_module, "_MOST", together)
    parts = explain(classifier, batch[0].numpy(), explainer="smoothgrad", target=0, samples=7)
    np.testing.assert_allclose(parts.signed, whole.signed, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(parts.deviation, whole.deviation, rtol=1e-3, atol=1e-6)


def test_same_seed_same_map_another_seed_another_and_nobodys_random_numbers_are_touched(build, batch) -> None:
    classifier = build("flat")

    def made(seed: int) -> np.ndarray:
        return explain(
            classifier, batch[0].numpy(), explainer="smoothgrad", target=0, samples=3, seed=seed
        ).signed

    torch.manual_seed(11)
    first = made(1)
    assert torch.rand(1).item() == torch.rand(1, generator=torch.Generator().manual_seed(11)).item()
    np.testing.assert_array_equal(first, made(1))
    assert np.abs(first - made(2)).max() > 0


def test_without_noise_it_is_the_explainer_inside(build, batch: Tensor) -> None:
    classifier = build("pooled")
    plain = explain(classifier, batch[0].numpy(), explainer="grad-cam", layer="relu1", target=0)
    smooth = explain(
        classifier,
        batch[0].numpy(),
        explainer="smoothgrad",
        of="grad-cam",
        layer="relu1",
        target=0,
        samples=3,
        noise=0,
    )
    assert np.abs(smooth.signed - plain.signed).max() <= 1e-6 * np.abs(plain.signed).max()
    assert np.abs(smooth.deviation).max() <= 1e-6 * np.abs(plain.signed).max()


@pytest.mark.parametrize("of", [name for name in EXPLAINERS if name not in ("smoothgrad", "seg-grad-cam")])
def test_of_every_explainer(build, batch: Tensor, asked_of, of: str) -> None:
    given = {"samples": 2} if of != "integrated-gradients" else {"samples": 2, "steps": 4}
    asked = asked_of(build("pooled"), batch[0], "smoothgrad", of=of, target=1, **given)
    found = last_answer(asked)
    assert (found.done, found.total) == (2, 2)
    assert found.deviation is not None
    assert found.deviation.shape == found.signed.shape
    if of != "deconvnet":  # which does not look at the input where a network pools by means
        assert found.deviation.max() > 0


def test_the_explainer_inside_follows_the_seed(build, batch: Tensor) -> None:
    """Of an explainer that draws numbers too: another seed outside, without any noise there, is another map."""

    def made(seed: int) -> np.ndarray:
        return explain(
            build("flat"), batch[0].numpy(), explainer="smoothgrad", of="gradient-shap", target=1, samples=2,
            noise=0.0, seed=seed,
        ).signed  # fmt: skip

    np.testing.assert_array_equal(made(3), made(3))
    assert np.abs(made(3) - made(4)).max() > 0
