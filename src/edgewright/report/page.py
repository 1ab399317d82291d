"""The page around the sections: no script, no file besides itself, readable on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_STYLE = """\
:root{--ink:#1c2430;--soft:#5b6675;--line:#d9dee6;--page:#fff;--bar:#2f6fde;--mark:#e0672f;
--pale:#eef2f8;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--soft:#9aa5b4;--line:#36404e;--page:#151a21;
--bar:#6ea0ff;--mark:#ff9a63;--pale:#1f2630}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.2rem;max-width:60rem;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.15rem;margin:2rem 0 .4rem}
p{margin:.3rem 0 .8rem;color:var(--soft)}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem;width:100%}
th,td{padding:.25rem .5rem;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}
th{color:var(--soft);font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums}
svg{display:block;width:100%;height:auto;font:11px system-ui,sans-serif}
svg text{fill:var(--ink)}svg .soft{fill:var(--soft)}svg .axis{stroke:var(--line)}
"""


@dataclass(frozen=True)
class Section:
    """A heading, a sentence that says how to read it, and its HTML."""

    title: str
    lead: str
    body: str


def page(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """The whole document; the same sections give the same bytes."""
    parts = [
        f"<section><h2>{escape(s.title)}</h2><p>{escape(s.lead)}</p>{s.body}</section>"
        for s in sections
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1><p>{escape(subtitle)}</p>{''.join(parts)}</body></html>\n"
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int]) -> str:
    """A table that scrolls sideways where it must; `numeric` columns stand to the right."""

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{' class=n' if i in numeric else ''}>{escape(cell)}</{tag}>"
            for i, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    head = cells("th", columns)
    return f"<div class=scroll><table><tr>{head}</tr>{body}</table></div>"
