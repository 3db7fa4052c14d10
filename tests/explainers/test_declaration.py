from __future__ import annotations

import subprocess
import sys

import pytest

from viewer.explainers.declaration import EXPLAINERS, cost, equals, resolved
from viewer.explainers.explainer_info import ExplainerInfo, Parameter
from viewer.explainers.layer_info import LayerInfo
from viewer.foundation.errors import UsageError

NAMES = (
    *("cam", "grad-cam", "grad-cam++", "hires-cam", "layer-cam", "xgrad-cam", "element-cam", "eigen-cam"),
    *("seg-grad-cam", "gradient", "input-x-gradient", "guided-backprop", "deconvnet", "guided-grad-cam"),
    *("smoothgrad", "integrated-gradients", "deep-lift", "gradient-shap"),
)
FROZEN = {"samples", "noise", "of", "steps", "baseline", "region", "seed"}


def test_every_explainer_is_declared_for_pictures_and_volumes() -> None:
    assert set(NAMES) <= set(EXPLAINERS)
    for name in NAMES:
        info = EXPLAINERS[name]
        assert info.dims == (2, 3)
        assert info.summary.endswith(".")
        assert info.formula
        assert info.source


def test_every_parameter_has_a_frozen_name_a_help_and_a_default_that_is_allowed() -> None:
    for name in NAMES:
        for parameter in EXPLAINERS[name].parameters:
            assert parameter.name in FROZEN
            assert parameter.help.endswith(".")
            assert parameter.checked(parameter.default, name) == parameter.default
        entry = EXPLAINERS[name].to_json()
        for parameter in entry["parameters"]:
            assert set(parameter) >= {"name", "type", "default", "minimum", "maximum", "unit"}


def test_the_two_that_do_not_depend_on_the_weights_warn() -> None:
    warned = [name for name in EXPLAINERS if "Adebayo" in EXPLAINERS[name].warning]
    assert "every class" in EXPLAINERS["eigen-cam"].warning
    assert warned == ["guided-backprop", "deconvnet", "guided-grad-cam"]
    assert resolved("smoothgrad", {"of": "deconvnet"}).warning == EXPLAINERS["deconvnet"].warning


@pytest.mark.parametrize(
    ("explainer", "given", "sentence"),
    [
        ("smoothgrad", {"samples": 1}, "a whole number from 2 to 1000"),
        ("smoothgrad", {"samples": "2.5"}, "a whole number from 2 to 1000"),
        ("smoothgrad", {"samples": True}, "a whole number"),
        ("smoothgrad", {"noise": "nan"}, "a number from 0 to 1"),
        ("smoothgrad", {"noise": -0.1}, "a number from 0 to 1"),
        ("smoothgrad", {"seed": -1}, "a whole number from 0"),
        ("integrated-gradients", {"baseline": "white"}, "minimum, zero, mean, blur or a number"),
        ("integrated-gradients", {"step": 5}, "nearest: steps"),
        ("grad-cam", {"samples": 5}, "has no parameter 'samples'"),
        ("lime", {"parameters": {"segments": 20}}, "each is given by its own name, e.g. segments=50"),
        ("grad-cam", {"parameters": {}}, "has no parameter 'parameters'; there is none"),
        ("smoothgrad", {"of": "smoothgrad"}, "explainer to smooth"),
        ("smoothgrad", {"of": "gradients"}, "nearest: gradient"),
        ("smoothgrad", {"steps": 5}, "has no parameter 'steps'"),
    ],
)
def test_what_is_not_allowed_is_one_sentence(explainer: str, given: dict, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        resolved(explainer, given).checked(given)
    assert caught.value.sentence.endswith((".", sentence)) or sentence in caught.value.sentence


def test_texts_are_read_as_the_command_line_gives_them() -> None:
    info = resolved("smoothgrad", {"of": "integrated-gradients"})
    values = info.checked({"samples": "7", "noise": "0.2", "of": "integrated-gradients", "baseline": "-0.5"})
    assert values == {
        "samples": 7, "noise": 0.2, "of": "integrated-gradients", "seed": 0, "steps": 50, "baseline": "-0.5",
    }  # fmt: skip
    flag = Parameter("flag", "bool", False)
    assert [flag.checked(word, "x") for word in ("yes", "off", True)] == [True, False, True]
    with pytest.raises(UsageError, match="yes or no"):
        flag.checked("perhaps", "x")
    assert EXPLAINERS["integrated-gradients"].checked({"baseline": 0})["baseline"] == "0"


@pytest.mark.parametrize(
    ("name", "parameters", "passes"),
    [
        ("grad-cam", {}, 1),
        ("eigen-cam", {}, 0.5),
        ("guided-grad-cam", {}, 2),
        ("integrated-gradients", {"steps": 30}, 30),
        ("gradient-shap", {}, 50),
        ("smoothgrad", {"samples": "20"}, 20),
        ("smoothgrad", {"samples": 20, "of": "integrated-gradients", "steps": 10}, 200),
    ],
)
def test_cost_counts_passes(name: str, parameters: dict, passes: float) -> None:
    assert cost(name, parameters) == passes


def test_equals() -> None:
    pooled = LayerInfo("a", "Conv2d", (3, 4, 4), ("before-global-pool",))
    assert equals("grad-cam", pooled) == ("hires-cam", "xgrad-cam")
    assert equals("cam", pooled) == ("grad-cam", "hires-cam", "xgrad-cam")
    assert equals("layer-cam", pooled) == ()
    rectified = LayerInfo("b", "ReLU", (3, 4, 4))
    assert equals("layer-cam", rectified) == ("element-cam",)
    assert equals("grad-cam", rectified) == ()
    assert equals("gradient", pooled) == ()


def test_declarations_load_no_torch() -> None:
    rooms = "viewer.explainers.declaration, viewer.explainers.added_explainers"
    code = f"import sys, {rooms}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_declaration_of_ones_own_counts_its_rounds() -> None:
    rounds = Parameter("samples", "int", 4, 1, 9)
    info = ExplainerInfo("mine", "Mine", "own", False, (2,), "Mine.", parameters=(rounds,), repeats="samples")
    assert info.checked({"samples": 9}) == {"samples": 9}
