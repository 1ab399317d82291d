"""Verify a package: its files, its code and, with the source model at hand, its meaning."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from edgewright import targets
from edgewright.artifact import Package, load_package
from edgewright.artifact.devices import Device
from edgewright.artifact.manifest import EntryInfo, OracleInfo, VerdictInfo
from edgewright.data import contract as contracts
from edgewright.errors import InvalidOption, MissingRunner
from edgewright.importers.model_file import load_bytes
from edgewright.passes.precision import Narrowing
from edgewright.pipeline.model import Model, load_model
from edgewright.pipeline.prove import (
    draw_vectors,
    original_outputs,
    prove_source,
    prove_target,
    source_file,
)
from edgewright.tuning.choices import Named
from edgewright.verify.layers import LayerResult, check_layers
from edgewright.verify.reference import passed
from edgewright.verify.source_layers import layers_against_source

Array = npt.NDArray[Any]
Sample = dict[str, Array]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class TargetVerdict:
    """One ISA level of one target, and what the target's files say of its sizes in bytes."""

    target: str
    verdict: VerdictInfo
    library_bytes: int
    arena_bytes: int

    @property
    def good(self) -> bool:
        """Whether it is within its tolerance."""
        return passed(self.verdict)


@dataclass(frozen=True)
class LayerVerdict:
    """One operator: C against the reference, and the reference against the source's runtime.

    Errors as in `verify.compare.Difference`; `source_error` is None where the runtime does not show
    the tensors.
    """

    index: int
    op: str
    name: str
    error: float
    tolerance: float
    source_error: float | None
    source_tolerance: float | None

    @property
    def good(self) -> bool:
        """Whether both comparisons are within their tolerances."""
        within = self.error <= self.tolerance
        if self.source_error is not None and self.source_tolerance is not None:
            within = within and self.source_error <= self.source_tolerance
        return within


@dataclass
class Report:
    """What `verify` found; `not_run` has the advice for each target that could not be run."""

    targets: list[TargetVerdict] = field(default_factory=list)
    not_run: dict[str, str] = field(default_factory=dict)
    sources: list[OracleInfo] = field(default_factory=list)
    layers: list[LayerVerdict] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether everything that was compared is within its tolerance."""
        sources = all(s.max_error <= s.tolerance for s in self.sources)
        layers = all(layer.good for layer in self.layers)
        return sources and layers and self.same_bits and all(v.good for v in self.targets)

    @property
    def same_bits(self) -> bool:
        """Whether all integer results, wherever they were computed, have one checksum."""
        return len({v.verdict.crc32 for v in self.targets if v.verdict.exact}) <= 1

    def to_json(self) -> dict[str, Any]:
        """One document."""
        return {
            "good": self.good,
            "targets": [
                {
                    "target": v.target,
                    "good": v.good,
                    "library_bytes": v.library_bytes,
                    "arena_bytes": v.arena_bytes,
                    **v.verdict.model_dump(),
                }
                for v in self.targets
            ],
            "same_bits": self.same_bits,
            "not_run": self.not_run,
            "sources": [s.model_dump() for s in self.sources],
            "layers": [{**vars(layer), "good": layer.good} for layer in self.layers],
        }


def verify(
    package: Package | str | os.PathLike[str],
    against: str | os.PathLike[str] | None = None,
    *,
    layers: bool = False,
    every_runner: bool = False,
    device: Device | None = None,
    progress: Progress = lambda _: None,
) -> Report:
    """Run the package's vectors on every target that runs here and compare.

    Args:
        package: a package, or where it is.
        against: the source model; the package's graph must come from it, and its meaning is
            compared with another runtime's.
        layers: also compare operator by operator, on the source runtime's own tensors.
        every_runner: use every emulator, browser and virtual machine that a target can run on
            here, not only the quickest, and count instructions where one can.
        device: run there, the targets that fit it; instead of here.
        progress: called with a line at each step.

    Raises:
        InvalidPackage: a file is missing or changed. InvalidOption: `against` is another model.
    """
    opened = package if isinstance(package, Package) else load_package(package)
    opened.check_files()
    report = Report()
    vectors = [_by_name(opened.manifest.entries[0], *pair) for pair in opened.vectors()]
    names = list(opened.manifest.targets)
    for name in device.choose(names) if device else names:
        target = targets.get(name)
        found = targets.available(target)
        runners = [device.runner] if device else target.runners_here[: None if every_runner else 1]
        for runner in runners:
            progress(f"{name}: {runner.name}")
            try:
                report.targets += _run_target(opened, target, runner, vectors, every_runner)
            except MissingRunner as error:  # there is one, but it is too small for this model
                if device is not None:
                    raise
                report.not_run[name] = error.what
        if not runners:
            report.not_run[name] = found.install or f"needs {', '.join(found.missing)}"
    if against is not None:
        _against(opened, Path(against), layers, report, progress)
    return report


def _run_target(
    package: Package,
    target: targets.Target,
    runner: targets.Runner,
    vectors: Sequence[tuple[Sample, Sample]],
    count: bool,
) -> list[TargetVerdict]:
    """The verdicts of one target under one runner, for each ISA level."""
    manifest, name = package.manifest, target.name
    info, folder = manifest.targets[name], package.folder / "targets" / name
    inputs, outputs = [v[0] for v in vectors], [v[1] for v in vectors]
    verdicts = prove_target(
        folder, manifest.name, info, manifest.entries[0], target, inputs, outputs, [runner], count,
        _narrowing(package).rounds,
    )  # fmt: skip
    sizes = info.library_bytes, info.memory.arena_bytes
    return [TargetVerdict(name, verdict, *sizes) for verdict in verdicts]


def _by_name(
    entry: EntryInfo, inputs: dict[str, Array], outputs: dict[str, Array]
) -> tuple[dict[str, Array], dict[str, Array]]:
    return (
        {t.name: inputs[t.identifier] for t in entry.inputs},
        {t.name: outputs[t.identifier] for t in entry.outputs},
    )


def _against(
    package: Package, path: Path, layers: bool, report: Report, progress: Progress
) -> None:
    manifest = package.manifest
    if hashlib.sha256(load_bytes(path)).hexdigest() != manifest.source.sha256:
        raise InvalidOption(f"{path} is not the model that the package was built from",
                            help=f"that was {manifest.source.file}")  # fmt: skip
    narrowing = _narrowing(package)
    model = load_model(
        path,
        requantization=manifest.requantization,
        shapes=manifest.source.shapes,
        states=manifest.source.states,
        contract=contracts.validated(manifest.contract, package.folder),
        precision=narrowing.precision,
        weights=narrowing.weights,
    )
    progress("comparing with the source model")
    samples, expected = draw_vectors(model, seed=1)
    wanted = original_outputs(model, samples, expected)
    report.sources.append(prove_source(model, samples, wanted))
    if layers:
        progress("comparing operator by operator")
        report.layers = layer_verdicts(model, samples[0], model.built_for(_host(package)))


def _narrowing(package: Package) -> Narrowing:
    """How the package's weights are stored."""
    info = package.manifest.precision
    return Narrowing(info.precision, info.weights) if info else Narrowing()


def _host(package: Package) -> targets.Target:
    """The host, with the choices that the package was built with."""
    manifest = package.manifest
    host = replace(targets.get("host"), small=manifest.optimize == "size")
    tuning = manifest.tuning.get("host")
    return replace(host, choices=Named(tuning.choices)) if tuning else host


def layer_verdicts(
    model: Model, sample: dict[str, Array], host: targets.Target
) -> list[LayerVerdict]:
    """Every operator of `main`, alone."""
    results = check_layers(model.module, host, sample)
    source = layers_against_source(model.original or model.module, source_file(model), sample)
    return [_layer(result, source.get(result.node.outputs[0].name)) for result in results]


def _layer(result: LayerResult, source: tuple[float, float] | None) -> LayerVerdict:
    origin = result.node.origin
    return LayerVerdict(
        index=result.index,
        op=result.node.op,
        name=(origin.tensor if origin else "") or result.node.outputs[0].name,
        error=result.against_reference.error,
        tolerance=result.tolerance,
        source_error=source[0] if source else None,
        source_tolerance=source[1] if source else None,
    )
