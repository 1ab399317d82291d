"""Accuracy on labelled samples: in total, per class, and per value of any column."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgewright.artifact import Package, is_package, load_package
from edgewright.data import contract as contracts
from edgewright.data import preprocess
from edgewright.data.contract import Output
from edgewright.data.tables import Row, Table, class_index, read_table
from edgewright.errors import InvalidInput, InvalidOption
from edgewright.pipeline.build import build
from edgewright.pipeline.samples import contract_of, tensor_of

Progress = Callable[[str], None]


@dataclass
class Group:
    """Samples that share a class or a value of a column."""

    name: str
    correct: int = 0
    total: int = 0

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return self.correct / self.total if self.total else 0.0

    def count(self, right: bool) -> None:
        """Add a sample."""
        self.total += 1
        self.correct += right


@dataclass
class Evaluation:
    """The result; `predictions` holds one class index per sample, in the table's order."""

    correct: int = 0
    total: int = 0
    classes: list[Group] = field(default_factory=list)
    slices: dict[str, list[Group]] = field(default_factory=dict)
    predictions: list[int] = field(default_factory=list)

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return self.correct / self.total if self.total else 0.0

    @property
    def worst(self) -> tuple[str, Group]:
        """The column and value with the lowest accuracy; classes count as a column."""
        groups = [("class", g) for g in self.classes]
        groups += [(column, g) for column, gs in self.slices.items() for g in gs]
        return min(groups, key=lambda item: (item[1].accuracy, -item[1].total))

    def to_json(self) -> dict[str, Any]:
        """One document."""

        def group(g: Group) -> dict[str, Any]:
            return {"name": g.name, "correct": g.correct, "total": g.total, "accuracy": g.accuracy}

        column, worst = self.worst
        return {
            "accuracy": self.accuracy,
            "correct": self.correct,
            "total": self.total,
            "classes": [group(g) for g in self.classes],
            "slices": {c: [group(g) for g in gs] for c, gs in self.slices.items()},
            "worst": {"column": column, **group(worst)},
        }


def evaluate(
    model: Path,
    data: Path,
    *,
    label: str | None = None,
    folder: Path | None = None,
    slices: Sequence[str] = (),
    limit: int | None = None,
    target: str | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Progress = lambda _: None,
) -> Evaluation:
    """Measure the accuracy of a package, or of a model file, which is built for the host first.

    Args:
        model: package or model file.
        data: table of samples (see `data.tables.read_table`).
        label: column of labels.
        folder: where the samples' files are.
        slices: columns by whose values the accuracy is also given.
        limit: only the first samples.
        target: of the package.
        options: those of `load_model`, for a model file; `contract` wins over a package's own.
        progress: called with a line now and then.

    Raises:
        InvalidInput, InvalidContract, InvalidOption, and what `build` raises.
    """
    given = dict(options or {})
    table = read_table(data, label=label, folder=folder)
    _check_columns(table, slices)
    with tempfile.TemporaryDirectory() as place:
        if is_package(model):
            package = load_package(model, target)
            package.check_weights()
        else:
            package = build(
                model, [target or "host"], Path(place) / "p", progress=progress, **given
            )
        contract = contracts.combined(
            [contract_of(package), *filter(None, [given.get("contract")])]
        )
        return _measure(package, contract, table, slices, limit, progress)


def _check_columns(table: Table, slices: Sequence[str]) -> None:
    known = sorted(table.rows[0].columns)
    for column in slices:
        if column not in known:
            raise InvalidOption(f"there is no column {column!r} to slice by",
                                help=f"the columns are {', '.join(known)}")  # fmt: skip


def _measure(
    package: Package,
    contract: contracts.Contract,
    table: Table,
    slices: Sequence[str],
    limit: int | None,
    progress: Progress,
) -> Evaluation:
    if len(package.inputs) != 1:
        raise InvalidInput(f"the model has {len(package.inputs)} inputs; evaluate needs one")
    rows = table.rows[:limit]
    wanted = contract.output(package.outputs[0].name, 0)
    result = Evaluation()
    classes: dict[int, Group] = {}
    groups: dict[str, dict[str, Group]] = {column: {} for column in slices}
    for index, row in enumerate(rows):
        if index % 25 == 0:
            progress(f"{index} of {len(rows)}")
        truth = _truth(row, wanted)
        answer = _predict(package, contract, row)
        right = answer == truth
        result.predictions.append(answer)
        result.total += 1
        result.correct += right
        classes.setdefault(truth, Group(wanted.label(truth))).count(right)
        for column, found in groups.items():
            name = row.columns[column]
            found.setdefault(name, Group(name)).count(right)
    result.classes = [classes[k] for k in sorted(classes)]
    result.slices = {c: [g[k] for k in sorted(g)] for c, g in groups.items()}
    return result


def _truth(row: Row, wanted: Output) -> int:
    index = class_index(row.label, wanted.labels, wanted.label_offset)
    if index is None:
        raise InvalidInput(f"row {row.number}: the model has no class {row.label!r}",
                           help="state the labels in model.toml, or use numbers")  # fmt: skip
    return index


def _predict(package: Package, contract: contracts.Contract, row: Row) -> int:
    info = package.inputs[0]
    array = preprocess.load_row(row, contract.input(info.name, 0), tensor_of(info))
    package.reset()
    output = package.run({info.name: array})[package.outputs[0].name]
    if output.size == 1 and output.dtype.kind in "iu":
        return int(output.ravel()[0])  # a model that names the class itself
    return int(np.argmax(output.ravel()))
