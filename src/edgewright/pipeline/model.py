"""A model that was loaded: its optimised graph and what is known about its file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgewright import ops, passes, targets
from edgewright.data import contract as contracts
from edgewright.errors import InvalidOption
from edgewright.graph import Graph, Module, upper
from edgewright.importers import Imported, ImportOptions, import_model
from edgewright.importers import Interface as SourceInterface
from edgewright.passes.precision import Narrowing, store_weights

MODES = ("float", "fixed")


@dataclass
class Model:
    """What `load_model` returns.

    `module` is optimised; `imported_transposes` counts those of the source; `notes` says what was
    assumed while importing; `labels` holds the file's own class labels by output; `narrowing`
    says how weights are stored.
    """

    module: Module
    path: Path
    format: str
    sha256: str
    interface: SourceInterface
    contract: contracts.Contract
    notes: list[str] = field(default_factory=list)
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    imported_transposes: int = 0
    shapes: dict[str, tuple[str | int, ...]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    narrowing: Narrowing = field(default_factory=Narrowing)
    #: the same before its weights were stored in fewer bits; None where they were not
    original: Module | None = None

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run of `main`."""
        return sum(ops.of(n).macs(n) for n in self.module.main.walk())

    @property
    def parameters(self) -> int:
        """Elements of all constants that are computed with."""
        constants = [v for g in self.module.graphs.values() for v in g.constants()]
        return sum(upper(v.type.count) for v in dict.fromkeys(constants))

    def built_for(self, target: targets.Target) -> targets.Target:
        """The target with all levels that this model's code has."""
        return targets.with_bfloat16(target) if self.narrowing.rounds else target

    @property
    def is_quantised(self) -> bool:
        """Whether it computes on quantised tensors."""
        nodes = [n for g in self.module.graphs.values() for n in g.walk()]
        return any(v.type.quant and v.type.dtype.bits <= 16 for n in nodes for v in n.outputs)


def load_model(
    path: str | os.PathLike[str],
    *,
    requantization: str | None = None,
    shapes: Mapping[str, Sequence[str | int]] | None = None,
    states: Mapping[str, str] | None = None,
    contract: contracts.Contract | None = None,
    precision: str = "float32",
    weights: str | None = None,
    optimize: bool = True,
    lookups: bool = True,
) -> Model:
    """Import a model file (.tflite, .onnx) and optimise it.

    Args:
        path: the file; a `model.toml` beside it is read too.
        requantization: "float" or "fixed" (docs/reference/integer.md); default: "float".
        shapes: sizes of inputs, such as `{"input": [1, "h:64..512", "w:64..512", 3]}`.
        states: input name -> output name of pairs that become state between calls.
        contract: what the numbers mean; wins over the file and `model.toml`.
        precision: "float32", or "float16" or "bfloat16" to store float weights in 16 bits, or
            "bfloat16-math" to multiply in these, too (docs/how-to/precision.md).
        weights: "int8" or "int4" to store those of fully connected layers so; default: as they are.
        optimize: False leaves the graph as it was imported.
        lookups: False leaves chains of 8-bit functions as they are, which other formats can say.

    Raises:
        InvalidModel, UnsupportedModel, Problems, InvalidOption, InvalidContract.
    """
    requantization = requantization or "float"
    if requantization not in MODES:
        raise InvalidOption(f"requantization is {requantization!r}", help="use float or fixed")
    where = Path(path)
    options = ImportOptions(shapes=shapes or {}, states=states or {})
    imported = import_model(where, options)
    module = imported.module
    module.requantization = requantization
    transposes = count_transposes(module)
    if optimize:
        passes.optimize(module, without=() if lookups else ("fold_lookups",))
    narrowing, original = _narrow(module, Narrowing(precision, weights), where, options)
    known = _contract(where, imported, options.labels, contract)
    digest = hashlib.sha256(where.read_bytes()).hexdigest()
    return Model(module, where, imported.format, digest, imported.interface, known,
                 list(options.notes), dict(options.labels), transposes,
                 {k: tuple(v) for k, v in options.shapes.items()},
                 dict(options.states), narrowing, original)  # fmt: skip


def _narrow(
    module: Module, narrowing: Narrowing, path: Path, options: ImportOptions
) -> tuple[Narrowing, Module | None]:
    """Store the weights of a module as the user asks.

    Returns what became of it, which is nothing where there are no such weights, and the module as
    it was before.
    """
    if not narrowing.asked:
        return narrowing, None
    fresh = ImportOptions(shapes=options.shapes, states=options.states)
    original = import_model(path, fresh).module
    original.requantization = module.requantization
    passes.optimize(original)
    if not store_weights(module, narrowing):
        options.note(f"{narrowing}: the model has no float weights that this applies to")
        return Narrowing(), None
    return narrowing, original


def _contract(
    path: Path,
    imported: Imported,
    labels: Mapping[str, tuple[str, ...]],
    given: contracts.Contract | None,
) -> contracts.Contract:
    """What the source file knows, then `model.toml`, then what the caller says."""
    parts = []
    main = imported.module.main
    inputs, outputs = ([v.name for v in values] for values in (main.inputs, main.outputs))
    if imported.format == "tflite":
        from edgewright.importers.tflite import metadata

        parts.append(metadata.contract_of(path, inputs, outputs))
    if imported.format == "onnx":
        from edgewright.importers.onnx import metadata as properties

        parts.append(properties.contract_of(path))
    parts.append(_labelled(main, labels))
    beside = contracts.path_beside(path)
    if beside is not None:
        parts.append(contracts.load(beside))
    if given is not None:
        parts.append(given)
    known = contracts.combined(parts)
    known.check_names(inputs, outputs, beside or path)
    return known


def _labelled(main: Graph, labels: Mapping[str, tuple[str, ...]]) -> contracts.Contract:
    """The labels that the operators of a classifier carry.

    An integer output holds positions among text labels, but numeric labels themselves.
    """
    outputs = []
    for value in main.outputs:
        known = labels.get(value.name, ())
        if known and (value.type.dtype.is_float or not all(text.isdecimal() for text in known)):
            outputs.append(contracts.Output(name=value.name, kind="classes", labels=known))
        else:  # keeps the order, by which tables without a name are matched
            outputs.append(contracts.Output(name=value.name))
    return contracts.Contract(outputs=tuple(outputs) if labels else ())


def count_transposes(module: Module) -> int:
    """Transposes that move data, in all graphs."""
    nodes = [n for g in module.graphs.values() for n in g.walk() if n.op == "transpose"]
    return sum(moves(n.input(0).type.shape, n.attrs["perm"]) for n in nodes)


def moves(shape: Sequence[object], perm: Sequence[int]) -> bool:
    """Whether a permutation changes the order of bytes: unit axes may go anywhere."""
    kept = [p for p in perm if shape[p] != 1]
    return kept != sorted(kept)
