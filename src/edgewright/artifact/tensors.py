"""Check a user's arrays against an entry point's inputs, and work out run-time shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright.artifact.manifest import EntryInfo, TensorInfo
from edgewright.errors import EdgewrightError, InvalidGraph, InvalidInput, InvalidPackage, Problems
from edgewright.graph import Symbol, evaluate
from edgewright.graph.dims import Size
from edgewright.graph.parse import parse_size

Array = npt.NDArray[Any]


class Shapes:
    """The shapes of an entry point, parsed once. Raises InvalidPackage."""

    def __init__(self, entry: EntryInfo) -> None:
        self.symbols = {d.name: Symbol(d.name, d.low, d.high) for d in entry.dims}
        tensors = [*entry.inputs, *entry.outputs]
        self._parsed = {t.identifier: self._parse(t) for t in tensors}

    def _parse(self, info: TensorInfo) -> tuple[Size, ...]:
        try:
            return tuple(
                d if isinstance(d, int) else parse_size(d, self.symbols) for d in info.shape
            )
        except InvalidGraph as error:
            raise InvalidPackage(
                f"the manifest's shape of {info.name!r} is wrong: {error.what}",
                help="build the package again",
            ) from error

    def sizes(self, info: TensorInfo) -> tuple[Size, ...]:
        """The shape with its expressions."""
        return self._parsed[info.identifier]

    def of(self, info: TensorInfo, dims: Mapping[str, int]) -> tuple[int, ...]:
        """The shape once the run-time dims are known."""
        return tuple(evaluate(d, dims) for d in self._parsed[info.identifier])


def check_inputs(
    entry: EntryInfo, inputs: Mapping[str, Any], shapes: Shapes
) -> tuple[list[Array], dict[str, int]]:
    """Arrays in the order of the entry's inputs, and the run-time dims read off their shapes.

    Names may be the user's tensor names or the C identifiers. Raises InvalidInput, or Problems
    with all of them.
    """
    if not isinstance(inputs, Mapping):
        raise InvalidInput(f"inputs must be a dict of arrays, not {type(inputs).__name__}")
    problems: list[EdgewrightError] = []
    given = dict(inputs)
    arrays: list[Array] = []
    dims: dict[str, int] = {}
    for info in entry.inputs:
        key = info.name if info.name in given else info.identifier
        if key not in given:
            problems.append(InvalidInput(f"input {info.name!r} is missing", help=_wanted(info)))
            continue
        array = np.asarray(given.pop(key))
        problem = _mismatch(info, array, shapes.sizes(info), dims)
        if problem:
            problems.append(InvalidInput(problem, help=_wanted(info)))
        arrays.append(array)
    known = ", ".join(repr(t.name) for t in entry.inputs)
    for extra in given:
        problems.append(
            InvalidInput(f"there is no input {extra!r}", help=f"the inputs are {known or 'none'}")
        )
    if problems:
        raise problems[0] if len(problems) == 1 else Problems(problems)
    return arrays, dims


def _wanted(info: TensorInfo) -> str:
    shape = ", ".join(str(d) for d in info.shape)
    return f"give {info.dtype} of shape [{shape}]"


def _mismatch(
    info: TensorInfo, array: Array, sizes: tuple[Size, ...], dims: dict[str, int]
) -> str | None:
    if array.dtype != np.dtype(info.dtype):
        return f"input {info.name!r} has dtype {array.dtype}, expected {info.dtype}"
    wrong = f"input {info.name!r} has shape {list(array.shape)}"
    if array.ndim != len(sizes):
        return wrong
    for actual, size in zip(array.shape, sizes, strict=True):
        if isinstance(size, Symbol):
            if not size.low <= actual <= size.high:
                return f"{wrong}: {size.name} = {actual} is not in {size.low}..{size.high}"
            if dims.setdefault(size.name, actual) != actual:
                return f"{wrong}: {size.name} was {dims[size.name]} before"
        elif isinstance(size, int) and actual != size:
            return wrong
    return None
