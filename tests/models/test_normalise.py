from __future__ import annotations

import numpy as np
import pytest

from viewer.foundation.errors import ModelError
from viewer.models.normalise import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    NORMALISATIONS,
    in_channels,
    normalise,
    tissue_threshold,
)


def head() -> np.ndarray:
    """Air around 5, tissue around 100, one lesion at 300."""
    rng = np.random.default_rng(0)
    picture = rng.normal(5, 1, (64, 64))
    picture[12:52, 12:52] = rng.normal(100, 5, (40, 40))
    picture[20:26, 20:26] = 300
    return picture.astype(np.float32)


def test_threshold_lies_between_air_and_tissue() -> None:
    picture = head()
    threshold = tissue_threshold(picture)
    air = np.concatenate([picture[:12].ravel(), picture[52:].ravel()])
    assert (air > threshold).mean() < 0.01
    assert (picture[12:52, 12:52] < threshold).mean() < 0.01


def test_tissue_median_does_not_depend_on_the_scanner_or_the_lesion() -> None:
    values = normalise("tissue-median", head(), clip=5.0)
    assert abs(float(np.median(values[30:50, 30:50]))) < 0.03
    assert values[22, 22] == pytest.approx(2.0, abs=0.1)
    np.testing.assert_allclose(normalise("tissue-median", head() * 7, clip=5.0), values, atol=1e-3)


@pytest.mark.parametrize("name", sorted(set(NORMALISATIONS)))
@pytest.mark.parametrize("value", [0.0, 37.0])
def test_a_flat_picture_stays_finite(name: str, value: float) -> None:
    assert np.isfinite(normalise(name, np.full((8, 8), value, dtype=np.float32))).all()


def test_range_spans_minus_one_to_one() -> None:
    values = normalise("range", head())
    assert values.min() == -1
    assert values.max() == 1


def test_unknown_name_and_parameter_are_named() -> None:
    with pytest.raises(ModelError, match=r"tissue-medain.*tissue-median"):
        normalise("tissue-medain", head())
    with pytest.raises(ModelError, match="sharpness"):
        normalise("zscore", head(), sharpness=3)


def test_scales_by_values_and_in_channels() -> None:
    film = np.array([[0.0, 51.0], [102.0, 204.0]], dtype=np.float32)
    np.testing.assert_allclose(normalise("unit", film, black=0, white=255), film / 255)
    np.testing.assert_allclose(normalise("range", film, black=0, white=255), film / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(normalise("unit", film), film / 204)
    assert not normalise("unit", film, black=5, white=5).any()
    colours = normalise("imagenet", film, black=0, white=255)
    np.testing.assert_allclose(colours[1], (film / 255 - 0.456) / 0.224, rtol=1e-5)
    np.testing.assert_allclose(
        colours, normalise("channels", film, mean=IMAGENET_MEAN, std=IMAGENET_STD, white=255, black=0)
    )
    assert in_channels(film, 3, 2).shape == (3, 2, 2)
    assert in_channels(normalise("channels", film), 3, 2).shape == (3, 2, 2)
    assert in_channels(colours, 3, 2) is colours
    with pytest.raises(ModelError, match="makes 3 channels, and the network takes 1"):
        in_channels(colours, 1, 2)
