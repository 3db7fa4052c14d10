"""Names are taken once, and a wrong name is met with the right ones."""

from __future__ import annotations

import pytest

from viewer.foundation.errors import PluginError, UsageError
from viewer.foundation.registry import Registry, nearest


def test_the_second_taker_of_a_name_is_told() -> None:
    registry: Registry[object] = Registry("explainer")
    thing = object()
    registry.add("grad-cam", thing)
    registry.add("grad-cam", thing)
    with pytest.raises(PluginError, match="two explainers named 'grad-cam'"):
        registry.add("grad-cam", object())
    assert registry["grad-cam"] is thing
    assert (list(registry), len(registry), "grad-cam" in registry) == (["grad-cam"], 1, True)


def test_an_unknown_name_is_met_with_the_nearest() -> None:
    registry: Registry[int] = Registry("explainer")
    with pytest.raises(UsageError, match="there is none"):
        registry.find("grad-cam")
    registry.add("grad-cam", 1)
    registry.add("layer-cam", 2)
    with pytest.raises(UsageError) as caught:
        registry.find("gradcam")
    assert "nearest: grad-cam" in caught.value.sentence
    assert caught.value.code == "no-such-explainer"
    assert registry.find("layer-cam") == 2


def test_when_nothing_is_close_everything_is_offered() -> None:
    assert nearest("zzz", ["one", "two"]).endswith("one, two")
