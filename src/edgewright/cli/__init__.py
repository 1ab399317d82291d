"""The command line: one file per command, found by listing this folder.

A module with a click command called `command` is a command of the same name.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from edgewright import __version__
from edgewright.errors import EdgewrightError, InternalError, Interrupted, InvalidOption


class _Commands(click.Group):
    """Imports a command's module when it is asked for: `--help` of one does not load all."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = sorted(m.name for m in pkgutil.iter_modules(__path__))
        return [n for n in names if hasattr(_module(n), "command")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        known = {m.name for m in pkgutil.iter_modules(__path__)}
        if cmd_name not in known:
            return None
        command = getattr(_module(cmd_name), "command", None)
        return command if isinstance(command, click.Command) else None


def _module(name: str) -> Any:
    return importlib.import_module(f"{__name__}.{name}")


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="edgewright")
@click.option("--debug", is_flag=True, help="Show the Python traceback of errors.")
def cli(debug: bool) -> None:
    """Turn a trained model into small native code, proven against the original.

    Start with `edgewright demo`, or with `edgewright inspect MODEL`.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status (docs/reference/errors.md)."""
    args = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in args
    args = ["--debug", *(a for a in args if a != "--debug")] if debug else args
    sys.exit(_status(args, debug))


def _status(args: list[str], debug: bool) -> int:
    try:
        result = cli.main(args, prog_name="edgewright", standalone_mode=False)
        return int(result) if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "")
        return 0
    except (click.Abort, KeyboardInterrupt):
        return _report(Interrupted("interrupted; nothing was written"), args, debug)
    except click.ClickException as error:
        return _report(InvalidOption(error.format_message(), help=_usage(error)), args, debug)
    except EdgewrightError as error:
        return _report(error, args, debug)
    except BrokenPipeError:
        return 0
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        help_ = "run again with --debug and report what it prints"
        return _report(InternalError(what, help=help_), args, debug)


def _usage(error: click.ClickException) -> str | None:
    context = getattr(error, "ctx", None)
    return f"see `{context.command_path} --help`" if context else None


def _report(error: EdgewrightError, args: Sequence[str], debug: bool) -> int:
    """Print an error: on stderr for people, as the JSON document with `--json`."""
    if debug:
        traceback.print_exc()
    click.echo(error.render(), err=True)
    if "--json" in args:
        click.echo(json.dumps({"error": error.to_json()}, indent=2))
    return error.status
