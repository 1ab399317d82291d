"""Source formats: one folder each, recognised by what a file begins with."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from edgewright import ops
from edgewright.errors import InvalidGraph, InvalidModel
from edgewright.graph import Module, Value, upper, verify_module
from edgewright.importers.model_file import load_bytes
from edgewright.importers.options import ImportOptions
from edgewright.importers.tie_states import tie_states

__all__ = ["ImportOptions", "Imported", "import_model"]
_HEAD_BYTES = 64
_MAX_TENSOR_BYTES = 2**31 - 1


@dataclass(frozen=True)
class Interface:
    """The tensors of the user's file that the inputs and outputs of `main` are, in order.

    `tied` maps the state inputs that `ImportOptions.states` named to their outputs.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tied: dict[str, str]


@dataclass(frozen=True)
class Imported:
    """A module straight from a file, before any rewrite."""

    module: Module
    format: str
    interface: Interface


@cache
def formats() -> dict[str, ModuleType]:
    """The importers by name, sorted: every folder here that has `sniff` and `load`."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if m.ispkg)
    return {name: importlib.import_module(f"{__name__}.{name}") for name in names}


def import_model(path: Path, options: ImportOptions) -> Imported:
    """Recognise and import a file.

    Raises:
        InvalidModel: it is not a model file, or damaged.
        UnsupportedModel, Problems: what cannot be built, all of it.
    """
    head = load_bytes(path)[:_HEAD_BYTES]
    for name, importer in formats().items():
        if importer.sniff(head, path):
            module: Module = importer.load(path, options)
            _check(module, path)
            interface = _interface(module, options, importer.KEEPS_NAMES)
            if options.states:
                tie_states(module, options.states)
            return Imported(module, name, interface)
    known = ", ".join(formats())
    raise InvalidModel("this is not a model file that Edgewright knows", where=path,
                       help=f"the formats are {known}")  # fmt: skip


def _check(module: Module, path: Path) -> None:
    """Check that what the file's tensors claim to be is what its operators make of them.

    Done before any pass runs: what a pass finds wrong later is the pass's own fault.
    """
    try:
        verify_module(module, ops.infer)
    except InvalidGraph as error:
        raise InvalidModel(f"the model contradicts itself: {error.what}", path) from error
    for graph in module.graphs.values():
        for node in graph.walk():
            for value in node.outputs:
                _check_size(value, node.origin or path)


def _check_size(value: Value, where: object) -> None:
    """Refuse a tensor that no 32-bit index can count the bytes of."""
    size = upper(value.type.count) * value.type.dtype.bits // 8
    if size > _MAX_TENSOR_BYTES:
        raise InvalidModel(
            f"{value.name} is {value.type} and would take {size} bytes",
            where,
            f"a tensor may take {_MAX_TENSOR_BYTES} bytes; correct the sizes that lead to it",
        )


def _interface(module: Module, options: ImportOptions, keeps_names: bool) -> Interface:
    """Our names are the file's, or (TFLite's signatures) the file's are the values' sources."""

    def tensor(value: Value) -> str:
        return value.name if keeps_names or not value.source else value.source.tensor

    inputs, outputs = module.main.inputs, module.main.outputs
    return Interface(tuple(map(tensor, inputs)), tuple(map(tensor, outputs)), dict(options.states))
