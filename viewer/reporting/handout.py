"""A handout of a lesson: one HTML file with the cases, what the class said and what the answers are. Printable.

Cases have numbers. There is no place in it for names of files or patients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from viewer.foundation.progress import SILENT, Progress
from viewer.reporting.content import FigureContent
from viewer.reporting.web_page import MARK, page, picture, rule, section, table, text

_STYLE = """
div.pictures{display:flex;flex-wrap:wrap;gap:.8rem}div.pictures figure{margin:0;flex:1 1 18rem;max-width:28rem}
figure{margin:.6rem 0}div.pictures img{width:100%}p.answer{font-weight:600;margin:.3rem 0}
td.bar{min-width:12rem}span.bar{display:inline-block;height:.6rem;background:#2f6db5;border-radius:3px}
section{break-inside:auto}
@media print{body{font-size:12px}table{font-size:10.5px}td.wide{min-width:0}h2{margin-top:1rem}
section.case>figure img{max-height:9cm;width:auto}section.case table{break-inside:auto}tr{break-inside:avoid}
section.case{break-before:page}section.case:first-of-type{break-before:auto}
span.bar{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""
_DPI = 110


@dataclass(frozen=True)
class Vote:
    """A question with the hands that were counted.

    Attributes
    ----------
    rows : (answer, hands, what is said of it afterwards, whether it is right).
    """

    question: str
    rows: tuple[tuple[str, int, str, bool], ...]


@dataclass(frozen=True, eq=False)
class Leaf:
    """A case of the handout.

    Attributes
    ----------
    number : of the case in the lesson, from 1.
    figure : the slice with its map; without a map the slice alone. Its facts are written beside it.
    answers : what the model says and what is known, a sentence each.
    vote : on the case; None where nobody voted.
    maps : of a decoy question, each with its title.
    map_vote : on the maps; None where nobody voted.
    how : which map is the decoy, and how every map was made.
    record : provenance of the map.
    """

    number: int
    figure: FigureContent
    answers: tuple[str, ...]
    vote: Vote | None = None
    maps: tuple[FigureContent, ...] = ()
    map_vote: Vote | None = None
    how: tuple[str, ...] = ()
    record: Mapping[str, Any] | None = None


def handout_page(leaves: Sequence[Leaf], title: str, note: str = "", progress: Progress = SILENT) -> str:
    """The handout as HTML; takes about a second a case.

    Parameters
    ----------
    note : what is to be said of the whole, such as how many cases are left out.
    """
    parts = [MARK, rule(note) if note else ""]
    for number, leaf in enumerate(leaves):
        progress.report(number, len(leaves), "drawing the handout")
        parts.append(_case(leaf))
    parts.append(_made(leaves))
    return page(title, parts, _STYLE)


def _case(leaf: Leaf) -> str:
    from viewer.reporting.figure import figure_png  # matplotlib comes when something is drawn

    content = leaf.figure
    # What the figure would print below itself stands beside it as text, which can be searched and read aloud.
    drawn = replace(content, facts=(), title="", verdict="")
    parts = [f"<p class='answer'>{text(words)}</p>" for words in leaf.answers]
    parts.append(_vote(leaf.vote))
    parts.append(f"<p>{text(content.verdict)}</p>" if content.verdict else "")
    parts.append(picture(figure_png(drawn, dpi=_DPI), content.title))
    parts.append(table(("", ""), content.facts, wide=(1,)) if content.facts else "")
    if leaf.maps:
        parts.append("<h3>Which map is the decoy?</h3>")
        parts.append(_vote(leaf.map_vote))
        pictures = [
            picture(figure_png(replace(each, title="", facts=()), dpi=_DPI), each.title) for each in leaf.maps
        ]
        parts.append(f"<div class='pictures'>{''.join(pictures)}</div>")
        parts.append("<ul>" + "".join(f"<li>{text(words)}</li>" for words in leaf.how) + "</ul>")
    return section(f"Case {leaf.number}", parts).replace("<section>", "<section class='case'>", 1)


def _vote(vote: Vote | None) -> str:
    if vote is None:
        return ""
    total = max(sum(hands for _, hands, _, _ in vote.rows), 1)
    rows = []
    for name, hands, words, right in vote.rows:
        bar = f"<span class='bar' style='width:{round(160 * hands / total)}px'></span>"
        mark = " \u2713" if right else ""
        rows.append(
            f"<tr><td>{text(name)}{mark}</td><td>{hands}</td><td class='bar'>{bar}</td><td>{text(words)}</td></tr>"
        )
    head = "<tr><th>answer</th><th>hands</th><th></th><th></th></tr>"
    return f"<p>{text(vote.question)}</p><table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _made(leaves: Sequence[Leaf]) -> str:
    """What made the maps: that of the first case, and where others differ."""
    records = [leaf.record for leaf in leaves if leaf.record is not None]
    if not records:
        return ""
    first = records[0]
    rows = [
        (name.replace("_", " "), first[name])
        for name in ("program", "version", "made_at", "model", "weights_sha256", "device", "use")
        if name in first
    ]
    rows += [(name, version) for name, version in first.get("libraries", {}).items()]
    return section("How this was made", [table(("", ""), rows, wide=(1,))])
