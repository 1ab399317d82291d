"""`manifest.json`: what a package holds; `verdict.json`: what was proved about it (version 1).

The manifest is the same bytes wherever the package is built. The verdict is not: it tells which
instruction set levels this machine could run, and how far off its float kernels were.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from edgewright.errors import InvalidPackage

SCHEMA_VERSION = 1
FILE_NAME = "manifest.json"
VERDICT_NAME = "verdict.json"
_PROVED: Any = {
    "oracles": True,
    "proof_notes": True,
    "tuned": True,
    "targets": {"__all__": {"verdicts"}},
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Model = TypeVar("_Model", bound=_Strict)


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
    """What was compared and how far it was apart, for one target or one ISA level of it.

    `instructions` is for all vectors together, where the runner counts them.
    """

    ran_on: str
    level: str
    vectors: int
    crc32: str
    max_error: float
    tolerance: float
    exact: bool
    instructions: int | None = None


class AccuracyInfo(_Strict):
    """What fewer bits cost one output: its error against the same model in float32.

    Attributes:
        output: its name.
        rms_error: root of the mean square, as a share of the output's range.
        max_error: the largest, as a share of the output's range.
        same_top: the share of rows whose largest entry is the same; None where rows are no classes.
    """

    output: str
    rms_error: float
    max_error: float
    same_top: float | None = None


class PrecisionInfo(_Strict):
    """How float weights are stored, and what that costs on the package's vectors."""

    precision: str
    weights: str | None = None
    samples: int
    outputs: tuple[AccuracyInfo, ...]


class OracleInfo(_Strict):
    """The comparison with the source model; errors relative to each output's range."""

    oracle: str
    samples: int
    max_error: float
    tolerance: float
    exact: bool


class TargetInfo(_Strict):
    """One folder of `targets/`; `flash_bytes` and `ram_bytes` are a microcontroller's.

    `threads` is how many its code can use. `library_crc32` is compared before each loading, which
    takes a quarter of the time of the SHA-256; packages of before have none.
    """

    levels: tuple[str, ...]
    compiler: str
    product: str
    library: str
    library_bytes: int
    library_crc32: str = ""
    code_bytes: int
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    notes: tuple[str, ...] = ()
    layout_hash: str
    memory: MemoryInfo
    threads: int = 1
    verdicts: tuple[VerdictInfo, ...] = ()


class TuningInfo(_Strict):
    """What `tuning.json` holds of one target: where it was found, and the way of each layer."""

    cpu: str
    level: str
    compiler: str
    method: str
    choices: dict[str, str]


class ChangeInfo(_Strict):
    """A layer that tuning takes another way, before and after: microseconds, or modelled cycles."""

    layer: str
    default: str
    chosen: str
    before: float
    after: float


class KernelInfo(_Strict):
    """Modelled cycles of the inner loop of a micro-kernel, and of its multiply-adds alone."""

    kernel: str
    level: str
    cpu: str
    macs: int
    cycles: float
    bound: float


class TuningReport(_Strict):
    """What tuning did for one target in this build.

    Attributes:
        target: its name.
        layers: how many have several ways, by kernel and shape.
        trials: ways that were tried; 0 where the file had every layer.
        changes: layers that do not take their default, the largest gain first.
        before_us: the whole net with defaults, in turns with the tuned one; 0 if not measured.
        after_us: the tuned net.
        spread: half the distance of the quartiles of their ratio over the rounds.
        kernels: what a model of the CPU said of the micro-kernels.
        notes: what else to know.
    """

    target: str
    layers: int
    trials: int = 0
    changes: tuple[ChangeInfo, ...] = ()
    before_us: float = 0.0
    after_us: float = 0.0
    spread: float = 0.0
    kernels: tuple[KernelInfo, ...] = ()
    notes: tuple[str, ...] = ()


class Manifest(_Strict):
    """Both files; `text` and `verdict_text` write them apart, `read_manifest` joins them."""

    schema_version: int = SCHEMA_VERSION
    edgewright: str
    name: str
    source: SourceInfo
    requantization: str
    optimize: str = "speed"
    precision: PrecisionInfo | None = None
    entries: tuple[EntryInfo, ...] = Field(min_length=1)
    parameters: int
    macs: int
    targets: dict[str, TargetInfo] = Field(min_length=1)
    oracles: tuple[OracleInfo, ...] = ()
    contract: dict[str, Any] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tuning: dict[str, TuningInfo] = Field(default_factory=dict)
    tuned: tuple[TuningReport, ...] = ()
    proof_notes: tuple[str, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)

    def text(self) -> str:
        """The content of `manifest.json`: sorted keys, so that it depends on the package only."""
        return _json_text(self.model_dump(mode="json", exclude=_PROVED))

    def verdict_text(self) -> str:
        """The content of `verdict.json`."""
        verdicts = {name: [v.model_dump() for v in t.verdicts] for name, t in self.targets.items()}
        oracles = [o.model_dump() for o in self.oracles]
        found = {"oracles": oracles, "notes": list(self.proof_notes), "targets": verdicts}
        tuned = {"tuned": [report.model_dump() for report in self.tuned]} if self.tuned else {}
        return _json_text({**found, **tuned})


def _json_text(data: Any) -> str:
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


class _Verdict(_Strict):
    """`verdict.json` as it is stored."""

    oracles: tuple[OracleInfo, ...] = ()
    notes: tuple[str, ...] = ()
    tuned: tuple[TuningReport, ...] = ()
    targets: dict[str, tuple[VerdictInfo, ...]] = Field(default_factory=dict)


def read_manifest(folder: Path, *, proof: bool = True) -> Manifest:
    """Manifest of a package folder, with its verdict if `proof`. Raises InvalidPackage."""
    path = folder / FILE_NAME
    data = _read_json(path, "manifest")
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version != SCHEMA_VERSION:
        raise InvalidPackage(
            f"the package has schema version {version}, this Edgewright reads {SCHEMA_VERSION}",
            where=path,
            help="build it again with this version",
        )
    manifest = _validated(Manifest, data, path)
    return with_proof(manifest, folder) if proof else manifest


def with_proof(manifest: Manifest, folder: Path) -> Manifest:
    """A manifest with the verdict beside it, which may be absent. Raises InvalidPackage."""
    if not (folder / VERDICT_NAME).exists():
        return manifest
    verdict_path = folder / VERDICT_NAME
    verdict = _validated(_Verdict, _read_json(verdict_path, "verdict"), verdict_path)
    targets = {
        name: info.model_copy(update={"verdicts": verdict.targets.get(name, ())})
        for name, info in manifest.targets.items()
    }
    proved = {"oracles": verdict.oracles, "proof_notes": verdict.notes, "tuned": verdict.tuned,
              "targets": targets}  # fmt: skip
    return manifest.model_copy(update=proved)


def _read_json(path: Path, what: str) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPackage(f"there is no readable {what}: {error}", where=path,
                             help="give what `edgewright build` wrote") from None  # fmt: skip
    except ValueError as error:
        raise InvalidPackage(f"the {what} is not JSON: {error}", where=path) from None


def _validated(model: type[_Model], data: Any, path: Path) -> _Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"])
        raise InvalidPackage(f"{path.stem}: {place}: {first['msg']}", where=path) from None
