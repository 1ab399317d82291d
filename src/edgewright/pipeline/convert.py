"""Convert a model to another format: write, run, compare, and only then put it in place."""

from __future__ import annotations

import importlib
import json
import math
import os
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy.typing as npt

from edgewright import exporters
from edgewright.artifact.manifest import OracleInfo
from edgewright.errors import (
    EdgewrightError,
    InvalidOption,
    OracleError,
    VerificationFailed,
    raise_all,
)
from edgewright.exporters import Exported
from edgewright.pipeline.contents import Contents, contents_of
from edgewright.pipeline.destination import workshop
from edgewright.pipeline.model import Model, load_model
from edgewright.pipeline.prove import (
    SIZES_TRIED,
    draw_vectors,
    prove_source,
    ranges_of,
    source_file,
)
from edgewright.verify.exported import EndToEnd, Written, by_operator, end_to_end
from edgewright.verify.oracles import OracleRefused
from edgewright.verify.reference import reference_outputs
from edgewright.verify.samples import draw, has_run_time_sizes, vector_count
from edgewright.verify.source import source_outputs

Array = npt.NDArray[Any]
Progress = Callable[[str], None]
WEIGHTS = ("as_is", "float16", "dynamic_range")


def _silent(_: str) -> None:
    pass


@dataclass(frozen=True)
class Layer:
    """One operator in the file's runtime against its reference; errors as in `verify.compare`."""

    index: int
    op: str
    name: str
    error: float
    tolerance: float

    @property
    def good(self) -> bool:
        """Whether it is within its tolerance."""
        return self.error <= self.tolerance


@dataclass
class Conversion:
    """What `convert` wrote, and how it was proven; see `to_json`.

    `proof` is None for a file that was not verified, else it compares the file with `against`: the
    source model's own runtime, or our reference, for which `source` says how far it is from that
    runtime. `names` maps the file's tensors to those of the source.
    """

    path: Path
    format: str
    minimum: str
    bytes_before: int
    bytes_after: int
    contents: Contents
    names: dict[str, str]
    layouts: dict[str, tuple[int, ...]]
    notes: list[str]
    proof: EndToEnd | None = None
    against: str = "the reference"
    source: OracleInfo | None = None
    layers: list[Layer] = field(default_factory=list)
    operators: int = 0

    def name_map(self) -> dict[str, Any]:
        """Tensor of the file -> tensor of the source, with the permutation where there is one."""
        return {
            tensor: {"source": source, "permutation": list(self.layouts[tensor])}
            if tensor in self.layouts
            else {"source": source}
            for tensor, source in sorted(self.names.items())
        }

    def to_json(self) -> dict[str, Any]:
        """One document; sizes in bytes, errors as shares of the range (layers: or in steps)."""
        return {
            "file": str(self.path),
            "format": self.format,
            "minimum": self.minimum,
            "bytes_before": self.bytes_before,
            "bytes_after": self.bytes_after,
            "operators": self.contents.operators,
            "transposes": {"inside": self.contents.inside, "interface": self.contents.interface},
            "verified": None if self.proof is None else self._proof(),
            "source": None if self.source is None else self.source.model_dump(),
            "layers": [{**vars(layer), "good": layer.good} for layer in self.layers],
            "names": self.name_map(),
            "notes": self.notes,
        }

    def _proof(self) -> dict[str, Any]:
        return {**vars(self.proof), "against": self.against}


@dataclass
class _Job:
    """A conversion while it runs."""

    model: Model
    format: str
    exported: Exported
    temporary: Path
    weights: str
    tolerance: float | None
    progress: Progress
    result: Conversion

    @property
    def written(self) -> Written:
        """The file as `verify` sees it."""
        return Written(self.model.module, self.exported, self.format, self.temporary)


def convert(
    model: Model | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    weights: str = "as_is",
    opset: int | None = None,
    channels_first: bool | None = None,
    layers: bool = False,
    verified: bool = True,
    tolerance: float | None = None,
    names: str | os.PathLike[str] | None = None,
    progress: Progress = _silent,
    **options: Any,
) -> Conversion:
    """Write a model in the format that the suffix of `out` names, once it is proven.

    The file is run by LiteRT or ONNX Runtime and compared with the source model in its own runtime;
    a quantised one with the reference, end to end and, within one step, operator by operator.

    Args:
        model: a file, or what `load_model` returned.
        out: `.tflite` or `.onnx`; an earlier file is replaced.
        weights: "as_is", "float16" or "dynamic_range": how float weights are stored.
        opset: of an `.onnx` file; default: 18, or what the model needs.
        channels_first: order of the axes of images at the interface; default: as the source has
            it for `.onnx`, channels-last for `.tflite`.
        layers: compare operator by operator, for float models too.
        verified: False writes the file without running it, and notes that.
        tolerance: of the end-to-end comparison, as a share of the outputs' range.
        names: where to write the map from the file's tensors to the source's, as JSON.
        progress: called with a line at each step.
        options: those of `load_model`, when `model` is a file.

    Raises:
        VerificationFailed: the file answers differently; nothing is written.
        InvalidOption: `out` has another suffix, or cannot be written.
        and what `load_model` and the exporters raise.
    """
    destination = Path(out)
    format, exporter = _exporter(destination)
    given = _options(format, weights, opset, channels_first)
    loaded = model if isinstance(model, Model) else load_model(model, **options, lookups=False)
    _check(loaded, destination, tolerance, names)
    with workshop(destination, "the file", "another place") as place:
        progress(f"writing {format}")
        exported = exporter.export(loaded.module, contract=loaded.contract, **given)
        result = _result(loaded, destination, format, exported)
        temporary = place / destination.name
        _write(temporary, exported.data)
        job = _Job(loaded, format, exported, temporary, weights, tolerance, progress, result)
        if verified:
            _prove(job, layers or loaded.is_quantised)
        else:
            result.notes.append("NOT VERIFIED: the file was never run")
        if names is not None:
            _write_names(Path(names), result)
        temporary.replace(destination.resolve())
    return result


# -- options ---------------------------------------------------------------------------------------


def _check(
    model: Model,
    destination: Path,
    tolerance: float | None,
    names: str | os.PathLike[str] | None,
) -> None:
    """Raise InvalidOption before any work where an option cannot be followed."""
    _check_place(destination, model.path)
    if names is not None:
        _check_names(Path(names), destination, model.path)
    if tolerance is not None and not 0 <= tolerance < math.inf:
        raise InvalidOption(f"{tolerance} is no tolerance", help="give a share, such as 0.01")
    if model.original is not None:
        raise InvalidOption(f"{model.narrowing} is how a package stores weights",
                            help="convert the model itself")  # fmt: skip


def formats() -> dict[str, ModuleType]:
    """The exporters by suffix, sorted: every folder of `exporters` that has one."""
    found = {}
    for name in sorted(m.name for m in pkgutil.iter_modules(exporters.__path__) if m.ispkg):
        module = importlib.import_module(f"{exporters.__name__}.{name}")
        if hasattr(module, "SUFFIX"):
            found[str(module.SUFFIX)] = module
    return found


def export(model: Model, suffix: str) -> Exported:
    """The model in the format of a suffix such as ".onnx", not proven. Raises UnsupportedModel."""
    given = _options(suffix[1:], "as_is", None, None)
    exported: Exported = formats()[suffix].export(model.module, contract=model.contract, **given)
    return exported


def _exporter(destination: Path) -> tuple[str, ModuleType]:
    known = formats()
    suffix = destination.suffix.lower()
    if suffix not in known:
        raise InvalidOption(
            f"{destination} has the suffix {suffix!r}, which names no format",
            help=f"use one of {', '.join(known)}",
        )
    return suffix[1:], known[suffix]


def _options(
    format: str, weights: str, opset: int | None, channels_first: bool | None
) -> dict[str, Any]:
    """The options of one exporter. Raises InvalidOption for those of another."""
    if weights not in WEIGHTS:
        raise InvalidOption(f"weights are {weights!r}", help=f"use one of {', '.join(WEIGHTS)}")
    given: dict[str, Any] = {"weights": weights}
    if format == "onnx":
        return {**given, "opset": opset, "channels_first": channels_first}
    if opset is not None:
        raise InvalidOption(f"a .{format} file has no opset", help="leave --opset out")
    return {**given, "channels_first": bool(channels_first)}


def _check_place(destination: Path, source: Path) -> None:
    try:
        if destination.is_dir():
            raise InvalidOption(f"{destination} is a folder", help="name a file")
        if destination.exists() and not destination.is_file():  # such as a device
            raise InvalidOption(f"{destination} is no regular file", help="choose another name")
        if destination.exists() and source.exists() and destination.samefile(source):
            raise InvalidOption(f"{destination} is the model itself", help="choose another name")
    except OSError as error:  # a folder that may not even be looked into
        raise InvalidOption(
            f"cannot write the file: {error.strerror or error}", destination, "choose another place"
        ) from error


def _check_names(names: Path, destination: Path, source: Path) -> None:
    _check_place(names, source)
    if names.resolve() == destination.resolve():
        raise InvalidOption(f"{names} is the converted file itself", help="choose another name")


# -- the file --------------------------------------------------------------------------------------


def _result(model: Model, destination: Path, format: str, exported: Exported) -> Conversion:
    return Conversion(
        path=destination,
        format=format,
        minimum=exported.minimum,
        bytes_before=model.path.stat().st_size if model.path.exists() else 0,
        bytes_after=len(exported.data),
        contents=contents_of(format, exported.data),
        names=dict(exported.names),
        layouts=dict(exported.layouts),
        notes=[*model.notes, *exported.notes],
        operators=len(list(model.module.main.walk())),
    )


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())  # a full disk is told here at the latest, not by the reader


def _write_names(path: Path, result: Conversion) -> None:
    """The tensor-name map, put in place in one step, too."""
    with workshop(path, "the tensor names", "another place") as place:
        _write(place / path.name, (json.dumps(result.name_map(), indent=2) + "\n").encode())
        (place / path.name).replace(path.resolve())


# -- the proof -------------------------------------------------------------------------------------


def _prove(job: _Job, layers: bool) -> None:
    """Compare the file with the source model. Raises VerificationFailed."""
    problems: list[EdgewrightError] = []
    samples, expected = _vectors(job, problems)
    job.progress(f"running the {job.format} file")
    quantised, weights = job.model.is_quantised, job.weights
    try:
        proof = end_to_end(job.written, samples, expected, quantised=quantised, weights=weights)
    except OracleRefused as error:
        raise VerificationFailed(
            f"the {job.format} file cannot be run: {error.what}",
            job.model.path,
            "this is a bug in Edgewright or a limit of that runtime; please report the model",
        ) from error
    if job.tolerance is not None:
        proof = EndToEnd(proof.runtime, proof.samples, proof.error, job.tolerance)
    job.result.proof = proof
    if layers:
        job.progress("comparing operator by operator")
        job.result.layers = _layers(job, samples[0])
        problems += [_departure(layer, job) for layer in job.result.layers if not layer.good]
    if not proof.good:
        problems.append(_failure(job, proof.runtime, proof.error, proof.tolerance))
    raise_all(problems)


def _vectors(
    job: _Job, problems: list[EdgewrightError]
) -> tuple[list[dict[str, Array]], list[dict[str, Array]]]:
    """Samples and what they lead to: by the source's own runtime, or by the reference.

    Integers that are made up may lead past the end of a table, and integer arithmetic differs
    between runtimes: there the reference decides, and is compared with the source itself.
    """
    model = job.model
    plain = all(v.type.dtype.is_float for v in model.module.main.inputs)
    if plain and not model.is_quantised:
        job.progress("running the source model")
        sized = has_run_time_sizes(model.module.main)
        count = SIZES_TRIED if sized else vector_count(model.macs)
        samples = draw(model.module.main, count, ranges_of(model))
        names = [v.name for v in model.module.main.outputs]
        try:
            mode = model.module.requantization
            answer = source_outputs(source_file(model), mode, names, samples)
        except OracleError as error:
            job.result.notes.append(f"compared with the reference: {error.what}")
            return samples, reference_outputs(model.module, samples)
        job.result.against = answer.oracle
        return samples, answer.outputs
    job.progress("computing the reference outputs")
    samples, expected = draw_vectors(model)
    job.result.against = "the reference"
    _prove_source(job, samples, expected, problems)
    return samples, expected


def _layers(job: _Job, sample: Mapping[str, Array]) -> list[Layer]:
    try:
        errors = by_operator(job.written, sample)
    except OracleError as error:
        job.result.notes.append(f"not compared operator by operator: {error.what}")
        return []
    return [
        Layer(index, node.op, _name(node), *errors[node.outputs[0].name])
        for index, node in enumerate(job.model.module.main.nodes)
        if node.outputs and node.outputs[0].name in errors
    ]


def _name(node: Any) -> str:
    return (node.origin.tensor if node.origin else "") or str(node.outputs[0].name)


def _prove_source(
    job: _Job,
    samples: list[dict[str, Array]],
    expected: list[dict[str, Array]],
    problems: list[EdgewrightError],
) -> None:
    job.progress("comparing with the source model")
    try:
        info = prove_source(job.model, samples, expected)
    except OracleError as error:
        job.result.notes.append(f"not compared with the source: {error.what}")
        return
    job.result.source = info
    if info.max_error > info.tolerance:
        problems.append(_failure(job, info.oracle, info.max_error, info.tolerance))


def _failure(job: _Job, runtime: str, error: float, tolerance: float) -> VerificationFailed:
    return VerificationFailed(
        f"the {job.format} file differs in {runtime}: error {error:.3g}, tolerance {tolerance:g} "
        "of the range",
        where=job.model.path,
        help="run again with --layers to see which operator departs; --tolerance allows for more",
    )


def _departure(layer: Layer, job: _Job) -> VerificationFailed:
    return VerificationFailed(
        f"operator #{layer.index} {layer.op} '{layer.name}' of the {job.format} file differs from "
        f"its reference: error {layer.error:.3g}, tolerance {layer.tolerance:g}",
        where=job.model.path,
        help="this is a bug in Edgewright or in that runtime; please report the model",
    )
