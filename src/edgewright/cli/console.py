"""What commands print: tables, one JSON document with `--json`, progress on terminals."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 160  # columns: nobody wraps a pipe

# No markup: names of tensors and files may hold brackets, which are no styles.
out = Console(
    highlight=False, markup=False, soft_wrap=True,
    width=None if sys.stdout.isatty() else _PIPE_WIDTH,
)  # fmt: skip
err = Console(stderr=True, highlight=False, markup=False)

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def show(as_json: bool, document: Any, render: Callable[[], None]) -> None:
    """Print the document, or let `render` print for people."""
    if as_json:
        click.echo(json.dumps(_strict(document), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        render()


def _strict(value: Any) -> Any:
    """The document with `"nan"`, `"inf"`, `"-inf"` for the numbers that JSON does not have."""
    if isinstance(value, dict):
        return {k: _strict(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], title: str | None = None
) -> None:
    """A table; columns whose cells are all numbers are aligned to the right."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        cells = [row[index] for row in rows]
        numeric = bool(cells) and all(_is_number(c) for c in cells)
        made.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*[_cell(c) for c in row])
    out.print(made)


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float) or cell in ("", "-")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.3g}"
    return str(value)


@contextmanager
def progress(what: str) -> Iterator[Callable[[str], None]]:
    """A spinner on a terminal, nothing in a pipe; the yielded function names the current step."""
    if not err.is_terminal:
        yield lambda _: None
        return
    with err.status(Text(what)) as status:
        yield lambda step: status.update(Text(f"{what}: {step}"))


def kilobytes(size: int) -> str:
    """Bytes as people read them."""
    return f"{size} B" if size < 10_000 else f"{size / 1024:,.1f} KiB"


def percent(share: float) -> str:
    """A share as a percentage with one decimal."""
    return f"{100 * share:.1f} %"
