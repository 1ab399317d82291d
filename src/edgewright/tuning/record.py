"""The tuning file: for each target, which way was found best for each layer, and why."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edgewright.errors import InvalidTuning


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LayerTuning(_Strict):
    """What was found for one layer.

    Attributes:
        chosen: the way that it is computed in.
        default: the one without tuning.
        microseconds: of each way, when measured: the mean over the layers of this key.
        cycles: of each way, when a model of the CPU says so.
    """

    chosen: str
    default: str
    microseconds: dict[str, float] = Field(default_factory=dict)
    cycles: dict[str, float] = Field(default_factory=dict)


class Where(_Strict):
    """What times and cycles hold for.

    Attributes:
        cpu: its model, as the system or llvm-mca calls it.
        level: instruction set level.
        compiler: name and version.
        method: "measured" here, or "modelled" by llvm-mca.
    """

    cpu: str
    level: str
    compiler: str
    method: Literal["measured", "modelled"]

    def __str__(self) -> str:
        return f"{self.cpu} ({self.level}) with {self.compiler}"


class TargetTuning(_Strict):
    """All layers of one target, by their key; `trials` counts the ways that were tried."""

    where: Where
    trials: int
    layers: dict[str, LayerTuning]


class Tuning(_Strict):
    """A whole file."""

    schema_version: Literal[1] = 1
    targets: dict[str, TargetTuning] = Field(default_factory=dict)

    def text(self) -> str:
        """The content of the file: sorted, so that it depends on nothing but what was found."""
        data = self.model_dump(mode="json", exclude_defaults=True)
        data = {"schema_version": self.schema_version, "targets": {}, **data}
        return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    def with_target(self, name: str, found: TargetTuning) -> Tuning:
        """The same, with one target's layers replaced."""
        return self.model_copy(update={"targets": {**self.targets, name: found}})

    def used(self, keys: Mapping[str, Collection[str]]) -> Tuning:
        """Only the layers of some targets, by target and key: what one package was built with.

        Their trials are those of these layers alone, so that it does not matter which other models
        share a file.
        """
        kept = {}
        for name, wanted in keys.items():
            held = self.targets[name]
            layers = {key: layer for key, layer in held.layers.items() if key in wanted}
            trials = sum(len(layer.microseconds or layer.cycles) for layer in layers.values())
            kept[name] = held.model_copy(update={"layers": layers, "trials": trials})
        return Tuning(targets=kept)


def read_tuning(path: Path) -> Tuning:
    """A tuning file. Raises InvalidTuning when it cannot be read or is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidTuning(f"the tuning file cannot be read: {error}", where=path) from None
    except ValueError as error:
        raise InvalidTuning(
            f"the tuning file is not JSON: {error}",
            where=path,
            help="delete it: `build --tune` then measures anew; or name another file",
        ) from None
    try:
        return Tuning.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"]) or "the document"
        raise InvalidTuning(
            f"the tuning file does not follow its schema: {place}: {first['msg']}",
            where=path,
            help="give a file that `edgewright build --tune` wrote",
        ) from None
