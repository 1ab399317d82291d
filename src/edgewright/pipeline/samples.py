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
from edgewright.data import preprocess, samples
from edgewright.errors import EdgewrightError, InvalidInput, Problems, raise_all

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
        if aliases.get(name, name) in given:
            problems.append(InvalidInput(f"input {name!r} is given twice", help="give one file"))
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
    """Read and prepare one file per input. Raises InvalidInput, or all of them as Problems."""
    found, problems = {}, []
    for index, info in enumerate(package.inputs):
        known, tensor = contract.input(info.name, index), tensor_of(info)
        try:
            _check_array(files[info.name], known, tensor)
            found[info.name] = preprocess.load(files[info.name], known, tensor)
        except InvalidInput as error:
            problems.append(error)
    raise_all(problems)
    return found


def _check_array(path: Path, known: contracts.Input, tensor: preprocess.Tensor) -> None:
    """Hold a stored array that needs no preparing to the tensor's own dtype and shape.

    Other shapes of as many elements, and numbers that would have to be converted, are more often
    a mistake than meant. Quantised tensors also take real numbers.
    """
    if path.suffix.lower() not in (".npy", ".npz"):
        return
    array = samples.read(path)
    raw = array.dtype == np.uint8 if known.kind == "image" else known.is_normalised
    if raw or known.sample_dtype:
        return
    dtypes = [tensor.dtype, *([np.dtype(np.float32)] if tensor.scale is not None else [])]
    wanted = f"give {tensor.dtype} of shape {list(tensor.shape)}"
    if array.dtype not in dtypes:
        raise InvalidInput(f"input {tensor.name!r} has dtype {array.dtype}", path, wanted)
    without_batch = tensor.shape[1:] if tensor.shape[:1] == (1,) else tensor.shape
    if not any(_fits(array.shape, shape) for shape in (tensor.shape, without_batch)):
        raise InvalidInput(f"input {tensor.name!r} has shape {list(array.shape)}", path, wanted)


def _fits(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether a shape is the one wanted; -1 is any size."""
    return len(shape) == len(wanted) and all(
        w in (-1, s) for s, w in zip(shape, wanted, strict=True)
    )


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
    output = outputs[info.name]
    if known.kind == "classes" and output.size == 1 and output.dtype.kind in "iu":
        index = int(output.ravel()[0])  # a model that names the class itself
        return [{"label": known.label(index), "score": 1.0, "index": index}]
    values = scores(info, output).ravel()
    if known.kind != "classes" or not values.size:
        return []
    if values.min() < 0 or abs(float(numerics.sum(values)) - 1) > 0.05:
        e = numerics.exp(values - values.max())
        values = e / numerics.sum(e)
    order = sorted(range(values.size), key=lambda i: (-values[i], i))[:top]
    return [{"label": known.label(i), "score": float(values[i]), "index": i} for i in order]
