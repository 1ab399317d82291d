"""List the targets: what can be built, and what can be run and verified on this machine."""

from __future__ import annotations

from typing import Any

import click

from edgewright.cli.console import json_option, show, table


@click.command(name="targets")
@json_option
def command(as_json: bool) -> None:
    """List what can be built, and what of it can be run and verified here.

    \b
    Example:
      edgewright targets
    """
    from edgewright import targets

    rows: list[dict[str, Any]] = []
    for name, target in targets.registry().items():
        found = targets.available(target)
        rows.append(
            {
                "name": name,
                "description": target.description,
                "levels": [level.name for level in targets.levels_here(target)],
                "all_levels": list(target.level_names),
                "runs_here": bool(found),
                "runner": found.runner.name if found.runner else "",
                "missing": list(found.missing),
                "install": found.install if not found else "",
            }
        )

    def render() -> None:
        table(
            ["target", "runs here", "ISA levels here", "makes code for"],
            [
                [
                    row["name"],
                    row["runner"] if row["runs_here"] else f"no: {row['install']}",
                    ", ".join(row["levels"]) or "-",
                    row["description"],
                ]
                for row in rows
            ],
        )

    show(as_json, {"targets": rows}, render)
