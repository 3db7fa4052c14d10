"""An atlas of one volume: every slice has the same answer, and memory is kept as in any other atlas."""

from __future__ import annotations

import numpy as np

from viewer.explainers.map_store import MapStore
from viewer.explainers.volume_atlas import VolumeAtlas


def atlas(budget: int = 1 << 20) -> VolumeAtlas:
    return VolumeAtlas(MapStore(budget), "variant", ("no", "yes"), 7)


def test_every_slice_has_the_one_answer() -> None:
    made, map_ = atlas(), np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    made.put(3, 1, "conv", "grad-cam", map_)
    made.put_probabilities(5, [0.25, 0.75])
    for slice_ in range(7):
        np.testing.assert_allclose(made.signed("conv", "yes", "grad-cam", slice_), map_, atol=1e-3)
        np.testing.assert_allclose(made.probabilities(slice_), [0.25, 0.75])
        assert made.has(slice_, layer="conv")
        assert made.facts("conv", 1, "grad-cam", slice_).maximum == map_.max()
    assert made.slices == 1, "there is one question"
    assert made.map("conv", "yes", "grad-cam").shape == (2, 3, 4)
    assert made.probabilities(0) is not None
    assert atlas().probabilities(0) is None


def test_a_better_map_takes_the_place_of_the_one_that_was_read() -> None:
    made = atlas()
    made.put(0, 1, "conv", "smoothgrad", np.ones((2, 2, 2)))
    assert made.signed("conv", 1, "smoothgrad", 0).max() == 1
    made.put(0, 1, "conv", "smoothgrad", np.full((2, 2, 2), 3.0))
    assert made.signed("conv", 1, "smoothgrad", 0).max() == 3


def test_mass_of_the_slices_follows_the_positive_values() -> None:
    made = atlas()
    assert np.isnan(made.mass("conv", 1, "grad-cam")).all()
    made.spread = lambda positive: np.full(7, positive.sum() / 7)
    made.put(0, 1, "conv", "grad-cam", np.array([[[2.0, -5.0]]]))
    np.testing.assert_allclose(made.mass("conv", 1, "grad-cam"), 2 / 7)
    assert made.mass("conv", 0, "grad-cam").shape == (7,)


def test_what_is_looked_at_stays_and_what_has_left_is_gone() -> None:
    made = atlas(budget=2 * (2 * 64 + 256))  # two maps of 4 x 4 x 4
    for layer in ("a", "b"):
        made.put(0, 0, layer, "grad-cam", np.ones((4, 4, 4)))
    for layer in ("a", "b", "a"):
        assert made.signed(layer, 0, "grad-cam", 0) is not None
    made.put(0, 0, "c", "grad-cam", np.ones((4, 4, 4)))
    assert made.signed("a", 0, "grad-cam", 0) is not None, "it was used last"
    assert made.signed("b", 0, "grad-cam", 0) is None
    assert not made.has(0, layer="b")
