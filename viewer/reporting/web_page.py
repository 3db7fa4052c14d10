"""What the pages have in common: one file that opens anywhere, pictures inside, no script."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1b1f24;background:#fff;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0 0 .2rem}h2{font-size:1.15rem;margin:2.2rem 0 .5rem;border-bottom:1px solid #c9cfd6}
p.mark{color:#7a4b00;background:#fff1d6;padding:.3rem .6rem;border-radius:4px;display:inline-block}
p.rule,small{color:#5b6570}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums;
display:block;overflow-x:auto;margin:.6rem 0}
th,td{padding:.2rem .7rem .2rem 0;text-align:left;border-bottom:1px solid #e6eaee;white-space:nowrap}
td.wide{white-space:normal;min-width:18rem}th{color:#5b6570;font-weight:600}
tr.base td{color:#5b6570;font-style:italic}img{max-width:100%;height:auto;margin:.4rem 0}
@media print{body{margin:0;max-width:none}h2{break-after:avoid}img,table{break-inside:avoid}}
"""


def page(title: str, parts: Iterable[str], style: str = "") -> str:
    """A whole page; the mark of research use is below its heading."""
    return "\n".join(
        part
        for part in (
            "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>",
            "<meta name='viewport' content='width=device-width,initial-scale=1'>",
            f"<title>{text(title)}</title><style>{STYLE}{style}</style></head><body>",
            f"<h1>{text(title)}</h1>",
            *parts,
            "</body></html>",
        )
        if part
    )


MARK = "<p class='mark'>RESEARCH USE ONLY</p>"


def section(title: str, parts: Iterable[str]) -> str:
    """A heading and what stands below it; `title` is words of ours."""
    return f"<section><h2>{title}</h2>{''.join(parts)}</section>"


def picture(data: bytes, title: str) -> str:
    """A PNG with its caption."""
    encoded = base64.b64encode(data).decode()
    words = text(title)
    image = f"<img alt='{words}' src='data:image/png;base64,{encoded}'>"
    return f"<figure>{image}<figcaption><small>{words}</small></figcaption></figure>"


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    wide: tuple[int, ...] = (),
    base: Sequence[bool] = (),
) -> str:
    """A table.

    Parameters
    ----------
    wide : columns of long words, which are broken into lines.
    base : for each row, whether it is one to compare with; empty for none.
    """
    marks = list(base)
    body = []
    for number, row in enumerate(rows):
        cells = "".join(
            f"<td{' class=wide' if column in wide else ''}>{text(cell)}</td>"
            for column, cell in enumerate(row)
        )
        body.append(f"<tr{' class=base' if marks and marks[number] else ''}>{cells}</tr>")
    titles = "".join(f"<th>{text(each)}</th>" for each in head)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def rule(words: str) -> str:
    """How something was made, or what it means."""
    return f"<p class='rule'>{text(words[:1].upper() + words[1:])}</p>"


def text(words: Any) -> str:
    """Words that are shown as they are."""
    return escape(str(words), quote=True)
