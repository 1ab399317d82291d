"""Devices that the user names: `ssh://user@board`, `adb://` for the phone on the cable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, cast

from edgewright import targets
from edgewright.artifact import runners
from edgewright.errors import InvalidOption
from edgewright.targets import Runner, Target

_SCHEMES = ("ssh", "adb")


class _Connected(Protocol):
    def platform(self, runner: Runner) -> tuple[str, str]:
        """System and CPU family."""


@dataclass(frozen=True)
class Device:
    """A board or phone that answered.

    Attributes:
        runner: how code gets there.
        system: what it runs, as `Target.system` has it.
        arch: its CPU family, as `Target.arch` has it.
    """

    runner: Runner
    system: str
    arch: str

    def fits(self, target: Target) -> bool:
        """Whether code for `target` runs on it."""
        return (target.system, target.arch) == (self.system, self.arch)

    def choose(self, names: Iterable[str]) -> list[str]:
        """Those of the targets called `names` that fit. Raises InvalidOption when none does."""
        given = list(names)
        if fitting := [name for name in given if self.fits(targets.get(name))]:
            return fitting
        able = [name for name, target in targets.registry().items() if self.fits(target)]
        advice = f"build with -t {able[0]}" if able else "there is no target for it"
        raise InvalidOption(
            f"{self.runner.name} is {self.arch} {self.system}; "
            f"the package has code for {', '.join(given)}",
            help=advice,
        )


def connect(address: str, cores: str = "") -> Device:
    """Ask the device at `address` what it is.

    Args:
        address: `ssh://user@host[:port]`, `adb://` or `adb://SERIAL`.
        cores: the cores to pin runs to, as `taskset -c` takes them ("4-7"); "" for any.

    Raises:
        InvalidOption: the address is of no known kind.
        MissingRunner: it does not answer; the help says what to do.
    """
    scheme = address.split("://", 1)[0]
    if "://" not in address or scheme not in _SCHEMES:
        raise InvalidOption(
            f"{address!r} names no device", help="ssh://user@host[:port], adb:// or adb://SERIAL"
        )
    runner = Runner(scheme, scheme, options=(address, cores), label=address, detects=True)
    system, arch = cast(_Connected, runners.find(runner)).platform(runner)
    return Device(runner, system, arch)
