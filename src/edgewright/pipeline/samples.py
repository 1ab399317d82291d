"""Files as inputs of a package, outputs as classes: what `run` and `evaluate` share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright import numerics
from edgewright.artifact import Package
from edgewright.artifact.manifest import TensorInfo
from edgewright.data import contract as contracts
from edgewright.data import preprocess
from edgewright.errors import EdgewrightError, InvalidInput, Problems

Array = npt.NDArray[Any]


def contract_of(package: Package) -> contracts.Contract:
    """The contract in the package's manifest."""
    return contracts.validated(package.manifest.contract, package.folder)


def tensor_of(info: TensorInfo) -> preprocess.Tensor:
    """What preprocessing needs to know of an input."""
    return preprocess.Tensor(
        name=info.name,
        dtype=np.dtype(info.dtype),
        shape=tuple(d if isinstance(d, int) else -1 for d in info.shape),
        scale=info.quant.scale if info.quant else None,
        zero=info.quant.zero if info.quant else 0,
    )


def assign_files(package: Package, arguments: Sequence[str]) -> dict[str, Path]:
    """`NAME=FILE` or, in the order of the inputs, `FILE`. Raises InvalidInput for what is wrong."""
    names = [t.name for t in package.inputs]
    aliases = {t.identifier: t.name for t in package.inputs} | {n: n for n in names}
    given: dict[str, Path] = {}
    problems: list[EdgewrightError] = []
    for argument in arguments:
        name, found, file = argument.partition("=")
        if not found or (name not in aliases and Path(argument).exists()):
            free = [n for n in names if n not in given]
            name, file = (free[0] if free else ""), argument
        if aliases.get(name, name) not in names:
            wanted = ", ".join(names) or "none"
            problems.append(
                InvalidInput(f"there is no input for {argument!r}", help=f"the inputs are {wanted}")
            )
            continue
        given[aliases.get(name, name)] = Path(file)
    problems += [
        InvalidInput(f"input {n!r} is missing", help=f"add {n}=FILE")
        for n in names
        if n not in given
    ]
    if problems:
        raise problems[0] if len(problems) == 1 else Problems(problems)
    return given


def load_inputs(
    package: Package, contract: contracts.Contract, files: Mapping[str, Path]
) -> dict[str, Array]:
    """Read and prepare one file per input."""
    return {
        info.name: preprocess.load(files[info.name], contract.input(info.name, i), tensor_of(info))
        for i, info in enumerate(package.inputs)
    }


def scores(info: TensorInfo, output: Array) -> Array:
    """An output in real units, float64."""
    real = output.astype(np.float64)
    return (real - info.quant.zero) * info.quant.scale if info.quant else real


def top_classes(
    package: Package,
    contract: contracts.Contract,
    index: int,
    outputs: Mapping[str, Array],
    top: int,
) -> list[dict[str, Any]]:
    """The highest scores of an output that holds classes; empty for other outputs."""
    info = package.outputs[index]
    known = contract.output(info.name, index)
    values = scores(info, outputs[info.name]).ravel()
    if known.kind != "classes" or not values.size:
        return []
    if values.min() < 0 or abs(float(numerics.sum(values)) - 1) > 0.05:
        e = numerics.exp(values - values.max())
        values = e / numerics.sum(e)
    order = sorted(range(values.size), key=lambda i: (-values[i], i))[:top]
    return [{"label": known.label(i), "score": float(values[i]), "index": i} for i in order]
