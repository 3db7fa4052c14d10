"""What a figure and its record say of several findings on one picture."""

from __future__ import annotations

from typing import Any

from viewer.state.findings_view import FindingsView


def findings_words(findings: FindingsView) -> str:
    """How many findings are drawn."""
    count = len(findings.drawn)
    if not count:
        return "no finding"
    return "1 finding" if count == 1 else f"{count} findings together"


def findings_record(findings: FindingsView) -> dict[str, Any]:
    """Every probable finding: its probability, whether its map is drawn, on which scale, and what may be said of it."""
    return {
        "least_probability": findings.least,
        "maps": [
            {
                "class": entry.name,
                "colour": entry.colour,
                "probability": entry.probability,
                "shown": entry.shown and entry.values is not None,
                "scale": entry.scale,
                "scale_name": entry.scale_label,
                "may_read": entry.may_read.line if entry.may_read else "",
                "missing": entry.missing,
            }
            for entry in findings.entries
        ],
    }
