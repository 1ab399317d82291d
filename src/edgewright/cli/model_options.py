"""Options that several commands share: how a model is imported and what its numbers mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from edgewright.errors import InvalidOption

_Function = TypeVar("_Function", bound=Callable[..., Any])


def model_options(function: _Function) -> _Function:
    """`--requantization`, `--shape`, `--state`, `--contract`; read them with `import_options`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS = (
    click.option(
        "--requantization", type=click.Choice(["float", "fixed"]),
        help="How integer sums become 8 bits again: float equals LiteRT's default kernels, fixed "
        "its reference kernels and TFLite Micro. Default: float, unless a target has no FPU.",
    ),
    click.option(
        "--shape", "shapes", multiple=True, metavar="INPUT=SIZES",
        help="Sizes of an input, such as x=1,224,224,3; a size chosen at run time is h:64..512.",
    ),
    click.option(
        "--state", "states", multiple=True, metavar="INPUT=OUTPUT",
        help="An input that is what an output was in the call before; both become state.",
    ),
    click.option(
        "--contract", type=click.Path(path_type=Path, dir_okay=False), metavar="TOML",
        help="What the numbers mean; default: model.toml beside the model.",
    ),
)  # fmt: skip


def precision_options(function: _Function) -> _Function:
    """`--precision` and `--weights`; `import_options` reads them."""
    function = click.option(
        "--weights", type=click.Choice(["int8", "int4"]),
        help="Store the weights of fully connected layers of a float model in integers: int8 with "
        "a scale per channel, int4 with one per 32 weights.",
    )(function)  # fmt: skip
    return click.option(
        "--precision", default="float32", show_default=True,
        type=click.Choice(["float32", "float16", "bfloat16", "bfloat16-math"]),
        help="How float weights are stored. 16 bits are half the bytes; what they cost "
        "in accuracy is measured and reported. bfloat16-math rounds the activations of "
        "large layers, too: CPUs with AVX512_BF16 multiply these twice as fast.",
    )(function)  # fmt: skip


def import_options(given: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of `load_model`, taken out of a command's arguments."""
    path = given.pop("contract")
    return {
        "requantization": given.pop("requantization"),
        "shapes": {k: v.split(",") for k, v in _pairs("--shape", given.pop("shapes")).items()},
        "states": _pairs("--state", given.pop("states")),
        "contract": _contract(path) if path else None,
        **{name: given.pop(name) for name in ("precision", "weights") if name in given},
    }


def _contract(path: Path) -> Any:
    from edgewright.data import contract  # a schema, and so slow to import

    return contract.load(path)


def _pairs(option: str, entries: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for entry in entries:
        name, found, value = entry.partition("=")
        if not found or not name or not value:
            raise InvalidOption(f"{option} {entry!r} is not NAME=VALUE")
        if name in pairs:
            raise InvalidOption(f"{option} names {name!r} twice", help="give it once")
        pairs[name] = value
    return pairs


class _Seconds(click.FloatRange):
    """A time to measure; "nan" is in no range, though click thinks so."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found: float = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value} is no number of seconds", param, ctx)
        return found


def seconds_option(text: str) -> Callable[[_Function], _Function]:
    """`--seconds`; `text` is its help."""
    return click.option("--seconds", type=_Seconds(0.05, 600), default=1.0, show_default=True,
                        help=text)  # fmt: skip


def target_option(function: _Function) -> _Function:
    """`-t`, repeatable."""
    return click.option(
        "-t", "--target", "targets", multiple=True, default=("host",), show_default=True,
        metavar="NAME", help="Build for this target; repeatable; `all` for every one. "
        "`edgewright targets` lists them.",
    )(function)  # fmt: skip


def device_option(function: _Function) -> _Function:
    """`--device` and `--cores`; read them with `device_of`."""
    function = click.option(
        "--cores", default="", metavar="LIST",
        help="Pin to these cores of the device, such as 4-7 for the big ones of many phones.",
    )(function)  # fmt: skip
    return click.option(
        "--device", metavar="ADDRESS",
        help="Run on a board or phone: ssh://user@host[:port], adb:// or adb://SERIAL.",
    )(function)  # fmt: skip


def device_of(given: dict[str, Any]) -> Any:
    """The device that `--device` names, or None; taken out of a command's arguments.

    Raises:
        InvalidOption, MissingRunner.
    """
    from edgewright.artifact.devices import connect

    address, cores = given.pop("device"), given.pop("cores")
    if address is None and cores:
        raise InvalidOption("--cores pins on a device", help="add --device")
    return connect(address, cores) if address is not None else None


def compiler_option(function: _Function) -> _Function:
    """`--compiler`."""
    return click.option(
        "--compiler", type=click.Choice(["zig", "clang", "gcc"]),
        help="Default: zig where it is installed, else clang or gcc.",
    )(function)  # fmt: skip
