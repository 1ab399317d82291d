"""Tune a model for its targets, or take the choices of a tuning file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgewright import targets, toolchain
from edgewright.artifact.manifest import ChangeInfo, KernelInfo, TuningInfo, TuningReport
from edgewright.bench.ceilings import cpu_model
from edgewright.codegen import generate
from edgewright.errors import EdgewrightError, InvalidTuning, MissingCompiler
from edgewright.ops.choice import Defaults
from edgewright.pipeline.destination import check_file, write_file
from edgewright.pipeline.model import Model
from edgewright.pipeline.tune_here import NAME, Job, Progress, find_here, level_here
from edgewright.tuning import cost_model, cycles
from edgewright.tuning.choices import Named, Offer, Offered
from edgewright.tuning.record import LayerTuning, TargetTuning, Tuning, Where, read_tuning

FILE_NAME = "tuning.json"


@dataclass
class Tuned:
    """The targets with their choices, the part of the file that they use, and the reports."""

    targets: list[targets.Target]
    tuning: Tuning
    reports: list[TuningReport]

    @property
    def infos(self) -> dict[str, TuningInfo]:
        """What the manifest records."""
        return {
            name: TuningInfo(
                **held.where.model_dump(),
                choices={key: layer.chosen for key, layer in held.layers.items()},
            )
            for name, held in self.tuning.targets.items()
        }


def tune(
    model: Model,
    wanted: Sequence[targets.Target],
    file: Path,
    compiler: str | None,
    progress: Progress,
) -> Tuned:
    """Read the tuning file, measure the layers that it lacks, and write it if it lacked any.

    Args:
        model: what is built.
        wanted: the targets, with their threads.
        file: the tuning file; it may be absent.
        compiler: as `build` takes it.
        progress: called with a line at each step.

    Raises:
        InvalidTuning: the file is damaged, names a way that there is not, or lacks layers and was
            made on another machine.
        InvalidOption: it cannot be written.
    """
    check_file(file)
    tuning = read_tuning(file) if file.exists() else Tuning()
    keys: dict[str, list[str]] = {}
    tuned, reports = [], []
    for target in wanted:
        offers = _offers(model, target) if target.is_native else {}
        job = Job(model, target, offers, compiler, progress, list(offers))
        held = tuning.targets.get(target.name)
        found = _target(job, held, file)
        if found is not held and found is not None:
            tuning = tuning.with_target(target.name, found)
            write_file(file, tuning.text().encode())
        if found is not None:
            keys[target.name] = job.keys
            target = _with_choices(job, found, file)
        tuned.append(target)
        reports.append(_report(job, found))
    return Tuned(tuned, tuning.used(keys), reports)


def _offers(model: Model, target: targets.Target) -> dict[str, Offer]:
    """What there is to choose from, by the layer's key."""
    offered = Offered()
    generate(model.module, replace(target, choices=offered), NAME)
    return dict(sorted(offered.offers.items()))


def _named(layers: Mapping[str, LayerTuning], file: Path) -> Named:
    return Named({key: layer.chosen for key, layer in layers.items()}, str(file))


def _with_choices(job: Job, found: TargetTuning, file: Path) -> targets.Target:
    """The target that takes the choices for this model."""
    used = {key: layer for key, layer in found.layers.items() if key in job.keys}
    macros = (*job.target.macros, *cost_model.macros(used))
    return replace(job.target, choices=_named(used, file), macros=macros)


def _target(job: Job, held: TargetTuning | None, file: Path) -> TargetTuning | None:
    """The choices of one target: those of the file, and found now what it lacks."""
    known = held.layers if held else {}
    missing = {key: offer for key, offer in job.offers.items() if key not in known}
    named = _named(known, file)
    for offer in job.offers.values():
        named.pick(offer.nodes[0], offer.layer, offer.ways)  # raises where there is no such way
    if held is not None and job.target.is_native:
        _compare_machines(job, held.where, len(missing), file)
    if not job.target.is_native:
        return _model(job, held, file)
    if not missing:
        return held
    found = find_here(job, missing, known)
    trials = job.found.trials + (held.trials if held else 0)
    layers = dict(sorted({**known, **found}.items()))
    return TargetTuning(where=_here(job), trials=trials, layers=layers)


def _here(job: Job) -> Where:
    """This machine and its compiler."""
    compiler = toolchain.find_compiler(job.target, job.compiler)
    level = level_here(job.target).name
    return Where(cpu=cpu_model(), level=level, compiler=compiler.version, method="measured")


def _model(job: Job, held: TargetTuning | None, file: Path) -> TargetTuning | None:
    """What a model of the target's CPUs says: the rows of register tiles, on 64-bit Arm."""
    if job.target.arch not in ("aarch64", "arm64"):
        job.found.notes.append(f"{job.target.name} is not tuned: nothing here can time its code, "
                               "and there is no model of its CPUs")  # fmt: skip
        return held
    products = cost_model.products(job.model.module, replace(job.target, choices=Defaults()))
    wanted = {cost_model.key(kind, of): (kind, of) for kind, of in sorted(products.items())}
    job.keys += list(wanted)
    known = held.layers if held else {}
    missing = {key: what for key, what in wanted.items() if key not in known}
    if not missing:
        return held
    try:
        cycles.program()
    except MissingCompiler as error:
        job.found.notes.append(f"{job.target.name} is not tuned: {error.what} ({error.help})")
        return held
    where = _models(job)
    if held is not None and held.where != where:
        raise _other_machine(job, held.where, where, len(missing), file)
    layers = {key: _modelled(job, *what) for key, what in missing.items()}
    job.found.trials = sum(len(layer.cycles) for layer in layers.values())
    trials = job.found.trials + (held.trials if held else 0)
    return TargetTuning(
        where=where, trials=trials, layers=dict(sorted({**known, **layers}.items()))
    )


def _models(job: Job) -> Where:
    """The CPUs that are modelled, and the compiler of the kernels."""
    compiler = toolchain.find_compiler(job.target, job.compiler)
    levels = [cost_model.level_of(kind, job.target).name for kind in cost_model.MACROS]
    return Where(cpu=", ".join(cycles.CPUS), level=", ".join(dict.fromkeys(levels)),
                 compiler=compiler.version, method="modelled")  # fmt: skip


def _modelled(job: Job, kind: str, held: Sequence[cost_model.Product]) -> LayerTuning:
    """The rows of one kind of tile; notes the cycles of its kernels for the report."""
    compiler = toolchain.find_compiler(job.target, job.compiler)
    found = {}
    for rows in cost_model.ROWS:
        job.say(f"asking llvm-mca about {kind} of {rows} rows")
        found[rows] = cost_model.kernels(kind, rows, job.target, compiler)
        job.found.kernels += [
            KernelInfo(
                kernel=f"{k.name}, {rows} rows", level=k.level, cpu=k.cpu, macs=k.macs,
                cycles=k.cycles, bound=k.bound,
            )
            for k in found[rows]
            if not k.name.endswith("row_4") or rows == cost_model.ROWS[0]
        ]  # fmt: skip
    return cost_model.decide(kind, held, found)


def _other_machine(
    job: Job, where: Where, here: Where, missing: int, file: Path
) -> EdgewrightError:
    layers = "1 layer" if missing == 1 else f"{missing} layers"
    return InvalidTuning(
        f"{file.name} lacks {layers} of {job.target.name} and was {where.method} on {where}; this "
        f"is {here}",
        where=file,
        help="tune on that machine, or name another file for this one",
    )


def _compare_machines(job: Job, where: Where, missing: int, file: Path) -> None:
    """Another machine's times serve for a whole file, but not beside our own."""
    here = _here(job)
    if where == here:
        return
    if missing:
        raise _other_machine(job, where, here, missing, file)
    job.found.notes.append(f"{job.target.name} is tuned for {where}; this is {here}")


def _report(job: Job, found: TargetTuning | None) -> TuningReport:
    made = job.found
    return TuningReport(
        target=job.target.name,
        layers=len(job.keys),
        trials=made.trials,
        changes=tuple(_changes(job, found.layers if found else {})),
        before_us=made.before_us,
        after_us=made.after_us,
        spread=made.spread,
        kernels=tuple(made.kernels),
        notes=tuple(made.notes),
    )


def _changes(job: Job, layers: Mapping[str, LayerTuning]) -> list[ChangeInfo]:
    """Layers of the model that do not take their default, the largest gain first."""
    made = []
    for key in job.keys:
        layer = layers.get(key)
        if layer is None or layer.chosen == layer.default:
            continue
        costs = layer.microseconds or layer.cycles
        count = len(job.offers[key].nodes) if key in job.offers else 1
        before, after = (count * costs[name] for name in (layer.default, layer.chosen))
        made.append(ChangeInfo(layer=key, default=layer.default, chosen=layer.chosen,
                               before=before, after=after))  # fmt: skip
    return sorted(made, key=lambda change: change.after - change.before)
