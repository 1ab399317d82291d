"""`manifest.json`: what a package holds and what was proved about it; schema version 1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from edgewright.errors import InvalidPackage

SCHEMA_VERSION = 1
FILE_NAME = "manifest.json"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class QuantInfo(_Strict):
    """real = scale * (stored - zero)."""

    scale: float
    zero: int


def _dtype(name: str) -> str:
    """The name of a dtype that NumPy has."""
    try:
        return np.dtype(name).name
    except TypeError as error:
        raise ValueError(f"{name!r} is no dtype") from error


class TensorInfo(_Strict):
    """An input or output: the user's name, its C field, dtype, shape (numbers or expressions)."""

    name: str
    identifier: str
    dtype: Annotated[str, AfterValidator(_dtype)]
    shape: tuple[int | str, ...]
    quant: QuantInfo | None = None


class DimInfo(_Strict):
    """A size chosen at run time."""

    name: str
    low: int
    high: int


class EntryInfo(_Strict):
    """An entry point: the graph it came from and its C function."""

    graph: str
    function: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    dims: tuple[DimInfo, ...] = ()


class SourceInfo(_Strict):
    """The model that was built."""

    file: str
    format: str
    sha256: str
    shapes: dict[str, tuple[int | str, ...]] = Field(default_factory=dict)
    states: dict[str, str] = Field(default_factory=dict)


class MemoryInfo(_Strict):
    """Bytes that the caller provides; `arena_lower_bound` is the largest set alive at once."""

    arena_bytes: int
    arena_lower_bound: int
    weights_bytes: int
    state_bytes: int


class VerdictInfo(_Strict):
    """What was compared and how far it was apart, for one target or one ISA level of it."""

    ran_on: str
    level: str
    vectors: int
    crc32: str
    max_error: float
    tolerance: float
    exact: bool


class OracleInfo(_Strict):
    """The comparison with the source model; errors relative to each output's range."""

    oracle: str
    samples: int
    max_error: float
    tolerance: float
    exact: bool


class TargetInfo(_Strict):
    """One folder of `targets/`."""

    levels: tuple[str, ...]
    compiler: str
    library: str
    library_bytes: int
    code_bytes: int
    layout_hash: str
    memory: MemoryInfo
    verdicts: tuple[VerdictInfo, ...] = ()


class Manifest(_Strict):
    """The whole file."""

    schema_version: int = SCHEMA_VERSION
    edgewright: str
    name: str
    source: SourceInfo
    requantization: str
    entries: tuple[EntryInfo, ...] = Field(min_length=1)
    parameters: int
    macs: int
    targets: dict[str, TargetInfo] = Field(min_length=1)
    oracles: tuple[OracleInfo, ...] = ()
    contract: dict[str, Any] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)

    def text(self) -> str:
        """The file's content: sorted keys, so that it depends on the content only."""
        data = self.model_dump(mode="json")
        return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a package folder. Raises InvalidPackage."""
    path = folder / FILE_NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPackage(f"there is no readable manifest: {error}", where=path,
                             help="give what `edgewright build` wrote") from None  # fmt: skip
    except ValueError as error:
        raise InvalidPackage(f"the manifest is not JSON: {error}", where=path) from None
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version != SCHEMA_VERSION:
        raise InvalidPackage(
            f"the package has schema version {version}, this Edgewright reads {SCHEMA_VERSION}",
            where=path,
            help="build it again with this version",
        )
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"])
        raise InvalidPackage(f"manifest: {place}: {first['msg']}", where=path) from None
