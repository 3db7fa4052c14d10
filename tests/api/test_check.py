"""`viewer.api.check` for scripts."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tiny import bright_spot
from viewer import api


def test_a_script_checks_an_image_and_an_array(wrapped):
    found = api.check(wrapped, bright_spot(), target="stroke", checks=["mirror", "class-overlap"])
    assert [each.name for each in found] == ["class-overlap", "mirror"]
    assert all(isinstance(each, api.Finding) for each in found)
    assert found[1].value == pytest.approx(1, abs=0.1)
    array = np.zeros((1, 32, 32), dtype=np.float32)
    array[0, 8:12, 18:22] = 1
    [found] = api.check(wrapped, array, explainer="smoothgrad", samples=3, target=1, checks=["mirror"])
    assert found.value is not None


def test_what_explain_refuses_check_refuses(wrapped):
    with pytest.raises(api.WhySliceError, match="class"):
        api.check(wrapped, bright_spot(), target="strok")
