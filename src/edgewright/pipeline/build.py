"""Build a package: generate, compile, run, compare, and only then put it in place."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy.typing as npt

import edgewright
from edgewright import targets as target_registry
from edgewright.artifact.manifest import (
    FILE_NAME,
    VERDICT_NAME,
    EntryInfo,
    Manifest,
    OracleInfo,
    SourceInfo,
    TargetInfo,
    VerdictInfo,
)
from edgewright.artifact.package import (
    Package,
    load_package,
    sha256,
    write_vectors,
)
from edgewright.codegen import Code, generate
from edgewright.codegen.names import identifier
from edgewright.errors import (
    InvalidOption,
    MissingRunner,
    OracleError,
    Problems,
    VerificationFailed,
)
from edgewright.graph import Module
from edgewright.pipeline.destination import check_destination, put, workshop
from edgewright.pipeline.files import entry_infos, write_target
from edgewright.pipeline.model import Model, load_model
from edgewright.pipeline.prove import (
    draw_vectors,
    narrowing_cost,
    original_outputs,
    prove_source,
    prove_target,
)
from edgewright.pipeline.tune import FILE_NAME as TUNING_NAME
from edgewright.pipeline.tune import Tuned
from edgewright.pipeline.tune import tune as tune_layers
from edgewright.plan import patches

Array = npt.NDArray[Any]
Progress = Callable[[str], None]


def _silent(_: str) -> None:
    pass


@dataclass
class _Build:
    """A build while it runs."""

    model: Model
    folder: Path
    name: str
    samples: list[dict[str, Array]]
    expected: list[dict[str, Array]]
    wanted: Sequence[dict[str, Array]]  # before weights were stored in fewer bits
    compiler: str | None
    optimize: str
    progress: Progress
    tuned: Tuned | None = None
    codes: dict[str, Code] = field(default_factory=dict)
    infos: dict[str, TargetInfo] = field(default_factory=dict)
    oracles: list[OracleInfo] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def build(
    model: Model | str | os.PathLike[str],
    targets: Sequence[str] = ("host",),
    out: str | os.PathLike[str] = "dist",
    *,
    name: str | None = None,
    compiler: str | None = None,
    max_ram: int | None = None,
    threads: int = 1,
    tune: str | os.PathLike[str] | None = None,
    optimize: Literal["speed", "size"] = "speed",
    progress: Progress = _silent,
    **options: Any,
) -> Package:
    """Build a verified package in folder (or `.ew` file) `out`, which is replaced if it is one.

    Args:
        model: a file, or what `load_model` returned.
        targets: names of targets; "all" for every one.
        out: where the package goes.
        name: the C prefix; default: the file's name.
        compiler: "zig", "clang" or "gcc"; default: the best there is for each target.
        max_ram: bytes of arena and state that every target may take; convolutions are run in
            strips of rows, and if need be the first layers in patches, until they suffice.
        threads: large layers are cut into so many pieces, which that many threads may work on;
            results do not depend on it.
        tune: a tuning file: layers that it has are computed as it says; the ways of others are
            measured on this machine, and written to it. It is made when it is absent.
        optimize: "size" leaves weights as they are where a quicker form would expand them.
        progress: called with a line at each step.
        options: those of `load_model`, when `model` is a file.

    Raises:
        VerificationFailed: the code, or the source model, answers differently; nothing is written.
        InvalidOption: `out` is no package, or cannot be written, or `max_ram` does not suffice,
            or a target has no threads, or `optimize` is no such word.
        InvalidTuning: the tuning file is damaged, or lacks layers and is another machine's.
        and what `load_model` raises, MissingCompiler, CompileFailed.
    """
    if optimize not in ("speed", "size"):
        raise InvalidOption(f"optimize={optimize!r}: it must be speed or size")
    wanted = target_registry.with_threads(target_registry.named(targets), threads)
    destination = Path(out)
    check_destination(destination)
    absolute = destination.absolute()  # the folder that we are in may be the one to be replaced
    loaded = model if isinstance(model, Model) else _load(model, wanted, options)
    wanted = _adapted(loaded, wanted, max_ram, optimize)
    loaded = _fit(loaded, wanted, max_ram)
    with workshop(destination) as place:
        folder = place / "package"
        folder.mkdir()
        for target in wanted[:1]:  # names everything that has no kernel, before any arithmetic
            generate(loaded.module, target, "model")
        run = _start(loaded, folder, name, compiler, optimize, progress)
        for target in _tune(run, wanted, tune):
            _build_target(run, target)
            _check_room(run, target.name, max_ram)
        _prove(run)
        _finish(run)
        put(folder, destination)
    return load_package(absolute)


def _load(
    path: str | os.PathLike[str],
    wanted: Sequence[target_registry.Target],
    options: Mapping[str, Any],
) -> Model:
    """The model in the mode that was asked for, or the one that suits every target."""
    without = [target.name for target in wanted if not target.fpu]
    if options.get("requantization") or not without:
        return load_model(path, **options)
    model = load_model(path, **{**options, "requantization": "fixed"})
    if model.is_quantised:
        model.notes.append(f"requantization is fixed, since {', '.join(without)} has no FPU")
    return model


def _adapted(
    model: Model, wanted: Sequence[target_registry.Target], max_ram: int | None, optimize: str
) -> list[target_registry.Target]:
    """The targets with the levels that the model needs, the room there is, and what goes first."""
    states = sum(s.type.max_bytes for s in model.module.states.values())
    room = 0 if max_ram is None else max(1, max_ram - states)
    small = optimize == "size"
    return [replace(model.built_for(target), room=room, small=small) for target in wanted]


def _fit(model: Model, wanted: Sequence[target_registry.Target], max_ram: int | None) -> Model:
    """The model, split into patches where it needs more RAM than it may."""
    if max_ram is None:
        return model
    held = model.module
    module = Module(dict(held.graphs), held.states, held.requantization)
    fitted = patches.fit(module, wanted, max_ram)
    notes = [*model.notes, str(fitted)] if fitted else model.notes
    return replace(model, module=module, notes=notes)


def _start(
    model: Model,
    folder: Path,
    name: str | None,
    compiler: str | None,
    optimize: str,
    progress: Progress,
) -> _Build:
    progress("computing the reference outputs")
    samples, expected = draw_vectors(model)
    stem = identifier(name or model.path.stem)
    wanted = original_outputs(model, samples, expected)
    return _Build(model, folder, stem, samples, expected, wanted, compiler, optimize, progress)


def _tune(
    run: _Build, wanted: list[target_registry.Target], file: str | os.PathLike[str] | None
) -> list[target_registry.Target]:
    """The targets with the choices of a tuning file, which is completed first."""
    if file is None:
        return wanted
    run.tuned = tune_layers(run.model, wanted, Path(file), run.compiler, run.progress)
    return run.tuned.targets


def _build_target(run: _Build, target: target_registry.Target) -> None:
    run.progress(f"{target.name}: compiling")
    folder = run.folder / "targets" / target.name
    contract = contract_data(run.model)
    code, info = write_target(run.model.module, target, run.name, folder, run.compiler, contract)
    run.progress(f"{target.name}: verifying")
    entry = entry_infos(code)[0]
    try:
        verdicts = prove_target(folder, code.name, info, entry, target, run.samples, run.expected,
                                rounds=run.model.narrowing.rounds)  # fmt: skip
    except MissingRunner as error:  # there is one, but it is too small for this model
        verdicts = []
        run.notes.append(f"not run here: {error.what}")
    run.codes[target.name] = code
    run.infos[target.name] = info.model_copy(update={"verdicts": tuple(verdicts)})


def _check_room(run: _Build, target: str, max_ram: int | None) -> None:
    """Raise InvalidOption where tuned layers need more scratch than there is room for."""
    memory = run.infos[target].memory
    needed = memory.arena_bytes + memory.state_bytes
    if run.tuned and max_ram is not None and needed > max_ram:
        raise InvalidOption(
            f"{target} needs {needed:,} bytes of RAM as it is tuned, more than --max-ram {max_ram}",
            help="choose ways with less scratch in the tuning file (direct ones), or do not tune",
        )


def _prove(run: _Build) -> None:
    """Compare with the source, and fail on any verdict that is out of tolerance."""
    problems = [
        _failure(target, verdict)
        for target, info in run.infos.items()
        for verdict in info.verdicts
        if verdict.max_error > verdict.tolerance
    ]
    run.progress("comparing with the source model")
    try:
        info = prove_source(run.model, run.samples, run.wanted)
        run.oracles.append(info)
        if info.max_error > info.tolerance:
            problems.append(
                VerificationFailed(
                    f"the model differs from {info.oracle}: error {info.max_error:.3g}, "
                    f"tolerance {info.tolerance:.3g}",
                    where=run.model.path,
                    help="this is a bug in Edgewright or in that runtime; please report the model",
                )
            )
    except OracleError as error:
        run.notes.append(f"not compared with the source: {error.what}")
    if problems:
        raise problems[0] if len(problems) == 1 else Problems(problems)


def _failure(target: str, verdict: VerdictInfo) -> VerificationFailed:
    return VerificationFailed(
        f"{target} ({verdict.level}) differs from the reference: error {verdict.max_error:.3g}, "
        f"tolerance {verdict.tolerance:.3g}",
        help="this is a bug in Edgewright; please report it with the model",
    )


def _finish(run: _Build) -> None:
    """Write graph, vectors and the manifest."""
    first = next(iter(run.codes.values()))
    entries = entry_infos(first)
    (run.folder / "graph.txt").write_text(str(run.model.module), encoding="utf-8")
    pairs = zip(run.samples, run.expected, strict=True)
    write_vectors(run.folder / "vectors", [_by_identifier(entries[0], *pair) for pair in pairs])
    if run.tuned:
        (run.folder / TUNING_NAME).write_text(run.tuned.tuning.text(), encoding="utf-8")
    files = sorted(p for p in run.folder.rglob("*") if p.is_file())
    manifest = Manifest(
        edgewright=edgewright.__version__,
        name=run.name,
        source=SourceInfo(
            file=run.model.path.name,
            format=run.model.format,
            sha256=run.model.sha256,
            shapes=run.model.shapes,
            states=run.model.states,
        ),
        requantization=run.model.module.requantization,
        optimize=run.optimize,
        precision=narrowing_cost(run.model, run.expected, run.wanted),
        entries=entries,
        parameters=run.model.parameters,
        macs=run.model.macs,
        targets=run.infos,
        oracles=tuple(run.oracles),
        contract=contract_data(run.model),
        notes=tuple(run.model.notes),
        tuning=run.tuned.infos if run.tuned else {},
        tuned=tuple(run.tuned.reports) if run.tuned else (),
        proof_notes=tuple(run.notes),
        files={p.relative_to(run.folder).as_posix(): sha256(p) for p in files},
    )
    (run.folder / FILE_NAME).write_text(manifest.text(), encoding="utf-8")
    (run.folder / VERDICT_NAME).write_text(manifest.verdict_text(), encoding="utf-8")


def contract_data(model: Model) -> dict[str, Any]:
    """The model contract as it stands in the manifest."""
    data: dict[str, Any] = json.loads(model.contract.model_dump_json(exclude_defaults=True))
    return data


def _by_identifier(
    entry: EntryInfo, inputs: Mapping[str, Array], outputs: Mapping[str, Array]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """A vector under C identifiers: an output may have the name of an input, which it then is."""
    return (
        {t.identifier: inputs[t.name] for t in entry.inputs},
        {t.identifier: outputs[t.name] for t in entry.outputs},
    )
