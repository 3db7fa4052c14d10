"""Windows over an input: where they stand, in which order, and what map their values make."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.explainers.windows import Windows
from viewer.foundation.errors import UsageError


@st.composite
def grids(draw: st.DrawFn) -> Windows:
    dims = draw(st.sampled_from([2, 3]))
    space = tuple(draw(st.integers(1, 20)) for _ in range(dims))
    patch = tuple(draw(st.integers(1, n)) for n in space)
    stride = tuple(draw(st.integers(1, p)) for p in patch)
    return Windows(space, patch, stride)


@given(grids())
def test_every_voxel_is_covered_and_every_window_is_visited_once(windows: Windows) -> None:
    levels = list(windows.levels())
    cells = np.concatenate([cells for _, cells in levels])
    assert len(cells) == windows.total
    assert len(np.unique(cells, axis=0)) == windows.total
    assert levels[-1][0] == 1
    covered = np.zeros(windows.space, bool)
    for low, high in zip(*windows.edges(cells), strict=True):
        assert (low < high).all()
        covered[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
    assert covered.all()


@given(grids(), st.integers(0, 100))
def test_the_map_is_the_mean_over_the_windows_that_cover_a_voxel(windows: Windows, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=windows.counts)
    values[rng.random(windows.counts) < 0.2] = np.nan
    total, weight = np.zeros(windows.space), np.zeros(windows.space)
    for cell in np.ndindex(*windows.counts):
        if np.isfinite(values[cell]):
            low, high = windows.edges(np.array([cell]))
            there = tuple(slice(a, b) for a, b in zip(low[0], high[0], strict=True))
            total[there] += values[cell]
            weight[there] += 1
    expected = np.divide(total, weight, out=np.zeros(windows.space), where=weight > 0)
    made = windows.map(values, np.ones(windows.counts, bool), 1)
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-6)


@given(grids())
def test_a_coarse_map_takes_what_is_not_known_from_a_neighbour_that_is(windows: Windows) -> None:
    values, known = np.full(windows.counts, np.nan), np.zeros(windows.counts, bool)
    for step, cells in windows.levels():
        values[tuple(cells.T)], known[tuple(cells.T)] = 3.0, True
        np.testing.assert_allclose(windows.map(values, known, step), 3.0)


def test_the_coarsest_map_needs_few_windows() -> None:
    for space in ((224, 224), (192, 192), (64, 64, 64), (20, 128, 128)):
        _, cells = next(Windows.over(space, 16, 8).levels())
        assert len(cells) <= 8


@pytest.mark.parametrize(
    ("space", "patch", "stride", "sentence"),
    [
        ((32, 40), 41, 8, "A patch of 41 rows is larger than the network's input of 32: choose at most 32."),
        (
            (40, 32),
            33,
            8,
            "A patch of 33 columns is larger than the network's input of 32: choose at most 32.",
        ),
        (
            (32, 40),
            4,
            5,
            "A stride of 5 rows with a patch of 4 leaves voxels that no window covers: choose at most 4.",
        ),
        ((32, 40), "4,8,8", 2, "The patch '4,8,8' has 3 numbers, and the network's input has 2 axes"),
        ((6, 32, 32), "7,8,8", 2, "A patch of 7 slices is larger than the network's input of 6"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(space, patch, stride, sentence: str) -> None:
    with pytest.raises(UsageError, match="^" + sentence.replace("(", r"\(")):
        Windows.over(space, patch, stride)


def test_one_number_means_at_most_the_slices_of_a_thin_volume() -> None:
    assert Windows.over((6, 32, 32), 16, 8).patch == (6, 16, 16)
    assert Windows.over((6, 32, 32), 16, 8).stride == (6, 8, 8)
    assert Windows.over((6, 32, 32), "3,16,16", "1,8,8").counts == (4, 3, 3)
