"""Where the head is in a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from viewer.imaging.body import body_mask, brain_box, percentile_box
from viewer.imaging.reading import read_image


def a_head(*, lesion: float = 0.0, noise: float = 5.0, speck: bool = False) -> NDArray[np.float32]:
    """A disc of tissue (100) around (100, 90) with radii 60 and 45 in noise; a lesion in one third of it."""
    rows, columns = np.mgrid[:192, :192]
    inside = ((rows - 100) / 60.0) ** 2 + ((columns - 90) / 45.0) ** 2 <= 1
    picture = np.abs(np.random.default_rng(0).normal(0, noise, (192, 192)))
    picture[inside] += 100
    if lesion:
        picture[inside & (columns > 105)] *= lesion
    if speck:
        picture[5:8, 180:184] = 400
    return picture.astype(np.float32)


TRUTH = (40, 45, 161, 136)


def distance(box: tuple[int, ...], truth: tuple[int, ...] = TRUTH) -> int:
    return int(np.abs(np.asarray(box) - truth).max())


def test_the_papers_rule_is_the_box_of_what_lies_above_the_70th_percentile() -> None:
    picture = np.zeros((10, 10))
    picture[2:5, 3:9] = 7
    assert percentile_box(picture) == (2, 3, 5, 9)
    above = np.argwhere(a_head() > np.percentile(a_head(), 70))
    assert percentile_box(a_head()) == (*above.min(axis=0), *(above.max(axis=0) + 1))


def test_a_speck_far_away_moves_the_papers_box_but_not_the_brain_box() -> None:
    assert distance(brain_box(a_head(speck=True))) <= 8
    assert percentile_box(a_head(noise=0, speck=True))[0] == 5


def test_a_head_smaller_than_30_percent_leaves_the_papers_box_to_the_noise() -> None:
    """Why the brain box exists."""
    assert distance(percentile_box(a_head())) > 30
    assert distance(brain_box(a_head())) <= 8


@pytest.mark.parametrize("lesion", [0.0, 1.5, 3.0, 5.0])
def test_a_bright_lesion_does_not_split_the_brain(lesion: float) -> None:
    picture = a_head(lesion=lesion)
    assert distance(brain_box(picture)) <= 8
    mask = body_mask(picture)
    rows, columns = np.mgrid[:192, :192]
    inside = ((rows - 100) / 60.0) ** 2 + ((columns - 90) / 45.0) ** 2 <= 1
    assert 2 * (mask & inside).sum() / (mask.sum() + inside.sum()) > 0.95


@pytest.mark.parametrize("noise", [0.5, 5.0, 12.0])
def test_noise_does_not_move_the_brain_box(noise: float) -> None:
    assert distance(brain_box(a_head(noise=noise))) <= 8


def test_holes_inside_are_filled() -> None:
    picture = a_head()
    picture[90:110, 85:95] = 0
    assert body_mask(picture)[100, 90]


def test_padding_outside_a_ct_is_not_body() -> None:
    rows, columns = np.mgrid[:256, :256]
    radius = np.hypot(rows - 128, columns - 128)
    picture = np.where(radius < 125, -1000.0, -2000.0) + np.random.default_rng(0).normal(0, 10, (256, 256))
    picture[radius < 70] = 40
    mask = body_mask(picture)
    assert abs(int(mask.sum()) - int((radius < 70).sum())) < 0.08 * (radius < 70).sum()


@pytest.mark.parametrize("value", [0.0, 37.0, np.nan])
def test_an_empty_picture_is_kept_whole(value: float) -> None:
    picture = np.full((20, 30), value, dtype=np.float32)
    assert percentile_box(picture) == (0, 0, 20, 30)
    assert brain_box(picture) == (0, 0, 20, 30)
    assert body_mask(picture).all()


def test_boxes_of_a_real_head_hold_the_brain(shared_data: Path) -> None:
    image = read_image(shared_data / "dcm_qa_xa30/In/20_DWI_dir80_AP")
    for index in (8, 15, 22, 30):
        picture = image.grey(image.plane.picture(image.voxels, index))
        row_min, column_min, row_max, column_max = brain_box(picture)
        bright = np.argwhere(picture > 60)
        middle = np.percentile(bright, (2, 98), axis=0)
        assert row_min <= middle[0][0]
        assert row_max > middle[1][0]
        assert column_min <= middle[0][1]
        assert column_max > middle[1][1]
        assert (row_max - row_min) * (column_max - column_min) < 0.85 * picture.size
