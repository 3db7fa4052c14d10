"""What the program knows itself is written in the pages as it is now, and no explainer or key is missing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs import generated
from viewer.actions.table import ACTIONS
from viewer.explainers.declaration import EXPLAINERS
from viewer.plugin_host import host

CHECKOUT = Path(__file__).resolve().parents[2]


def declared() -> set[str]:
    """Explainers of the program and of its plugins, without loading those."""
    return {*EXPLAINERS, *(name for state in host.states() for name in state.provides.explainers)}


def test_generated_parts_are_current() -> None:
    """If this fails: `python -m docs` writes them, and a new explainer wants a section in docs/explainers.md."""
    # A process of its own: the plugins are loaded for it.
    checked = subprocess.run(
        [sys.executable, "-m", "docs", "--check"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_explainer_has_a_section_with_its_pitfalls() -> None:
    assert generated.explained() == declared()
    page = (CHECKOUT / "docs" / "explainers.md").read_text(encoding="utf-8")
    for name in declared():
        assert re.search(
            rf"<!-- begin: explainer {re.escape(name)} -->.*?<!-- end -->\n\n\*\*Mind\.\*\*", page, re.DOTALL
        ), name


def test_every_key_is_on_the_card() -> None:
    page = (CHECKOUT / "docs" / "keys.md").read_text(encoding="utf-8")
    for action in ACTIONS:
        if action.shortcut:
            keys = " ".join(f"`{key}`" for key in (action.shortcut, action.second) if key)
            assert f"| {keys} | {action.text} |" in page, action.id


def test_a_changed_page_is_put_right() -> None:
    page = "before\n\n<!-- begin: mouse -->\noutdated\n<!-- end -->\n\nafter\n"
    put_right = generated.written(page)
    assert put_right.startswith("before\n")
    assert put_right.endswith("\nafter\n")
    assert "outdated" not in put_right
    assert "| wheel | slice |" in put_right
    assert generated.written(put_right) == put_right


def test_a_part_that_nobody_knows_is_refused() -> None:
    with pytest.raises(KeyError):
        generated.written("<!-- begin: nonsense -->\n<!-- end -->\n")
