from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from viewer.explainers.atlas import Atlas
from viewer.explainers.map_store import MapStore
from viewer.foundation.errors import ExplainError, UsageError


def new(slices: int = 3, budget: int = 1 << 20) -> Atlas:
    return Atlas(MapStore(budget), "variant", ("healthy", "stroke"), slices)


def ramp(scale: float = 1.0) -> np.ndarray:
    return (np.arange(12, dtype=np.float32).reshape(3, 4) - 4) * np.float32(scale)


@given(arrays(np.float32, (4, 5), elements=st.floats(-1, 1, width=32)), st.integers(-30, 30))
def test_a_stored_map_keeps_its_values_at_any_magnitude(values: np.ndarray, exponent: int) -> None:
    values = (values.astype(np.float64) * 10.0**exponent).astype(np.float32)
    store = MapStore(1 << 20)
    store.put("key", values)
    back = store.get("key")
    assert back.dtype == np.float32
    assert np.abs(back - values).max() <= np.abs(values).max() / 60000


def test_a_map_of_1e_9_survives() -> None:
    atlas = new()
    atlas.put(0, 1, "conv", "grad-cam", ramp(1e-9))
    np.testing.assert_allclose(atlas.map("conv", 1, "grad-cam", 0).max(), 7e-9, rtol=1e-4)


def test_values_that_are_not_finite_do_not_spoil_the_others() -> None:
    store = MapStore(1 << 20)
    store.put("key", np.array([[np.nan, np.inf, 2.0]]))
    np.testing.assert_allclose(store.get("key"), [[0, 0, 2]], rtol=1e-6)


def test_store_stays_within_its_budget_and_the_least_used_leaves() -> None:
    store = MapStore(1)
    store.put("a", ramp())
    assert "a" not in store
    assert store.bytes_used == 0

    one = MapStore(1 << 20)
    one.put("a", ramp())
    size = one.bytes_used
    store = MapStore(2 * size)
    store.put("a", ramp())
    store.put("b", ramp())
    store.get("a")
    store.put("c", ramp())
    assert [key in store for key in "abc"] == [True, False, True]
    assert store.bytes_used == 2 * size

    store.put("a", ramp(2))  # replaces, does not add
    assert store.bytes_used == 2 * size
    store.set_budget(size)
    assert [key in store for key in "ac"] == [True, False]
    store.discard(["a", "never there"])
    assert (len(store), store.bytes_used) == (0, 0)


def test_store_is_safe_from_several_threads() -> None:
    store = MapStore(40_000)
    failures = []

    def work(seed: int) -> None:
        random = np.random.default_rng(seed)
        try:
            for _ in range(300):
                key = int(random.integers(20))
                store.put(key, np.full((8, 8), key, dtype=np.float32))
                other = int(random.integers(20))
                values = store.get(other)
                if values is not None and not np.allclose(values, other):
                    failures.append((other, values))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert 0 < store.bytes_used <= 40_000


def test_map_is_rectified_and_signed_is_not() -> None:
    atlas = new()
    atlas.put(1, 0, "conv", "grad-cam", ramp())
    np.testing.assert_allclose(atlas.signed("conv", "healthy", "grad-cam", 1), ramp(), atol=1e-3)
    np.testing.assert_allclose(atlas.map("conv", "healthy", "grad-cam", 1), np.maximum(ramp(), 0), atol=1e-3)
    assert atlas.signed("conv", "stroke", "grad-cam", 1) is None


def test_map_without_a_slice_is_the_only_one_or_all_of_them() -> None:
    single = new(slices=1)
    single.put(0, 0, "conv", "grad-cam", ramp())
    assert single.map("conv", 0, "grad-cam").shape == (3, 4)

    series = new(slices=2)
    series.put(0, 0, "conv", "grad-cam", ramp())
    with pytest.raises(ExplainError, match="slice 1 on the layer 'conv' is not made yet"):
        series.map("conv", 0, "grad-cam")
    series.put(1, 0, "conv", "grad-cam", ramp(2))
    stacked = series.map("conv", 0, "grad-cam")
    assert stacked.shape == (2, 3, 4)
    np.testing.assert_allclose(stacked[1], 2 * stacked[0], rtol=1e-3)


def test_a_map_that_left_the_budget_is_told_from_one_never_made() -> None:
    atlas = new(budget=1)
    atlas.put(0, 0, "conv", "grad-cam", ramp())
    assert not atlas.has(0)
    assert atlas.filled == {0}
    with pytest.raises(ExplainError, match="left the memory budget"):
        atlas.map("conv", 0, "grad-cam", 0)


def test_difference_of_classes_is_exact_where_both_are_negative() -> None:
    atlas = new()
    atlas.put(0, 0, "conv", "grad-cam", -ramp() - 10)
    atlas.put(0, 1, "conv", "grad-cam", ramp() - 10)
    difference = atlas.difference("conv", "stroke", "healthy", "grad-cam", 0)
    np.testing.assert_allclose(difference, 2 * ramp(), atol=2e-3)
    assert atlas.difference("conv", 1, 0, "grad-cam", 1) is None


def test_mass_and_maximum_outlive_the_maps() -> None:
    atlas = new(budget=1)
    assert atlas.series_maximum("conv", 1, "grad-cam") is None
    assert np.isnan(atlas.mass("conv", 1, "grad-cam")).all()
    atlas.put(0, 1, "conv", "grad-cam", ramp())
    atlas.put(2, 1, "conv", "grad-cam", -np.ones((3, 4)))
    np.testing.assert_allclose(atlas.mass("conv", "stroke", "grad-cam"), [28.0, np.nan, 0.0])
    assert atlas.series_maximum("conv", 1, "grad-cam") == 7.0
    facts = atlas.facts("conv", 1, "grad-cam", 2)
    assert (facts.maximum, facts.minimum, facts.mass) == (-1.0, -1.0, 0.0)


def test_maximum_of_a_series_without_positive_values_is_zero() -> None:
    atlas = new()
    atlas.put(0, 1, "conv", "grad-cam", -np.ones((3, 4)))
    assert atlas.series_maximum("conv", 1, "grad-cam") == 0.0


def test_has_knows_layers() -> None:
    atlas = new()
    atlas.put(0, 0, "conv", "grad-cam", ramp())
    assert atlas.has(0)
    assert atlas.has(0, layer="conv")
    assert not atlas.has(0, layer="pool")
    assert not atlas.has(1)


def test_probabilities_are_kept_per_slice() -> None:
    atlas = new()
    assert atlas.probabilities(1) is None
    atlas.put_probabilities(1, [0.25, 0.75])
    np.testing.assert_array_equal(atlas.probabilities(1), np.float32([0.25, 0.75]))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("conv", "strok", "grad-cam", 0), "no class 'strok'; nearest: stroke"),
        (("conv", 2, "grad-cam", 0), "no class '2'"),
        (("convv", 0, "grad-cam", 0), "no layer 'convv'; nearest: conv"),
        (("conv", 0, "gradcam", 0), "no maps of 'gradcam'; nearest: grad-cam"),
        (("conv", 0, "grad-cam", 3), "no slice 3: they run from 0 to 2"),
    ],
)
def test_unknown_names_offer_the_nearest(arguments, sentence: str) -> None:
    atlas = new()
    atlas.put(0, 0, "conv", "grad-cam", ramp())
    with pytest.raises(UsageError, match=sentence):
        atlas.map(*arguments)


def test_two_atlases_share_a_store_without_mixing() -> None:
    store = MapStore(1 << 20)
    one, other = Atlas(store, "plain", ("a", "b"), 1), Atlas(store, "mirrored", ("a", "b"), 1)
    one.put(0, 0, "conv", "grad-cam", ramp())
    assert other.signed("conv", 0, "grad-cam", 0) is None


def test_atlas_explanation_and_declarations_do_not_load_torch() -> None:
    code = (
        "import sys, viewer.explainers.atlas, viewer.explainers.explanation, viewer.explainers.declaration, "
        "viewer.explainers.layer_info; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
