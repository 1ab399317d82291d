"""Where a model is measured: in this process, by a runner with a real CPU, or by an emulator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from edgewright import targets
from edgewright.artifact import runners
from edgewright.artifact.devices import Device
from edgewright.errors import InternalError

Way = Literal["here", "time", "instructions"]


def how(target: str | None, device: Device | None) -> Way:
    """What can be measured of code for `target`: its time wherever that means anything.

    Args:
        target: the name of one; None for this machine's own, or the one that fits the device.
        device: where the code runs, if the user named one.

    Raises:
        InvalidOption: there is no such target.
    """
    if device is not None:
        return "time"
    if target is None or targets.get(target).is_native:
        return "here"
    able = [runner for runner in targets.get(target).runners if not runner.native]
    return "time" if any(runners.measures(r) == "time" for r in able) else "instructions"


def choose_target(
    target: str | None, device: Device | None, names: Iterable[str] | None = None
) -> str:
    """The name of the target to measure.

    Args:
        target: the one that the user named, if any.
        device: where it runs, if the user named one: then the target must fit.
        names: those to choose from; default: all that there are.

    Raises:
        InvalidOption: there is no such target, or none that fits the device.
    """
    if device is not None:
        return device.choose([target] if target else names or targets.registry())[0]
    if target is None:
        raise InternalError("neither a target nor a device to measure on")
    return targets.get(target).name
