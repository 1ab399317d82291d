"""Show a package in a browser, on this machine or on a phone."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from queue import Queue
from typing import Any

import click

from edgewright.cli.console import out, percent, table

_BROWSERS = (
    ("Edg", "Edge"), ("OPR", "Opera"), ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"),
    ("Version", "Safari"),
)  # fmt: skip


@click.command(name="serve")
@click.argument("package", type=click.Path(path_type=Path))
@click.option("-t", "--target", help="web, web-threads or web-relaxed; default: the first of them "
              "that the package has.")  # fmt: skip
@click.option("--lan", is_flag=True,
              help="Listen on the local network, and print a QR code for a phone.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True,
              help="0 takes any that is free.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True,
              help="Print one JSON document a line: the address, then each result.")  # fmt: skip
def command(package: Path, target: str | None, lan: bool, port: int, as_json: bool) -> None:
    """Open PACKAGE's page to browsers; what they measure is printed here. Stop it with Ctrl-C.

    It listens on this machine alone, unless --lan is given. Then the address in the code lets one
    browser in; a new one is printed when it was used.

    \b
    Examples:
      edgewright serve dist
      edgewright serve dist --lan
    """
    from edgewright.artifact import load_package
    from edgewright.pipeline.serve import Measurement, serve

    opened = load_package(package)
    news: Queue[Measurement | None] = Queue()
    with serve(opened, news.put, target=target, lan=lan, port=port,
               on_used=lambda: news.put(None)) as served:  # fmt: skip
        _show_address(served, as_json)
        while True:
            found = news.get()
            if found is not None:
                _show_result(found, as_json)
            elif not as_json:
                out.print(f"a browser came in; for another one: {served.url}")


def _show_address(served: Any, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"url": served.url, "target": served.target}))
        return
    if served.door.network:
        out.print(_code(served.url))
        out.print("whoever is on this network can see the package, once let in by this address")
    out.print(f"{served.target}: {served.url}")
    out.print("press Ctrl-C to stop")


def _code(address: str) -> str:
    """A QR code of half blocks, without colours."""
    import segno

    text = io.StringIO()
    segno.make(address, error="m", micro=False).terminal(out=text, compact=True)
    return text.getvalue()


def _show_result(found: Any, as_json: bool) -> None:
    result = found.result
    if as_json:
        document = {"address": found.address, "agent": found.agent, **result.model_dump()}
        click.echo(json.dumps(document))
        return
    checked = {"ok": "ok", "differs": "DIFFERS", "absent": "-"}[result.check]
    top = f"{_plain(result.top.label)} {percent(result.top.score)}" if result.top else "-"
    table(
        ["device", "median", "middle half", "runs", "test vector", "top class"],
        [[device(found.agent), _ms(result.median_ms),
          f"{_ms(result.low_ms)} to {_ms(result.high_ms)}", result.runs, checked, top]],
    )  # fmt: skip


def _plain(words: str) -> str:
    from edgewright.pipeline.serve import printable

    return printable(words)


def _ms(value: float) -> str:
    return f"{value:.4g} ms"


def device(agent: str) -> str:
    """Browser and system out of a user agent; the whole of it where they are not found."""
    system = re.search(r"\(([^);]+(?:; [^);]+)?)", agent)
    for word, name in _BROWSERS:
        version = re.search(rf"\b{word}/(\d+)", agent)
        if version and system:
            return f"{name} {version[1]} ({system[1]})"
    return agent or "unknown"
