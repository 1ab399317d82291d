"""Tune a model for its targets, or take the choices of a tuning file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgewright import targets, toolchain
from edgewright.artifact.manifest import ChangeInfo, TuningInfo, TuningReport
from edgewright.bench.ceilings import cpu_model
from edgewright.codegen import generate
from edgewright.errors import InvalidTuning
from edgewright.pipeline.destination import write_file
from edgewright.pipeline.model import Model
from edgewright.pipeline.tune_here import NAME, Job, Progress, find_here, level_here
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
    tuning = read_tuning(file) if file.exists() else Tuning()
    keys: dict[str, list[str]] = {}
    tuned, reports = [], []
    for target in wanted:
        job = Job(model, target, _offers(model, target), compiler, progress)
        held = tuning.targets.get(target.name)
        found = _target(job, held, file)
        if found is not held and found is not None:
            tuning = tuning.with_target(target.name, found)
            write_file(file, tuning.text().encode())
        if found is not None:
            keys[target.name] = list(job.offers)
            target = replace(target, choices=_named(found.layers, file))
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


def _target(job: Job, held: TargetTuning | None, file: Path) -> TargetTuning | None:
    """The choices of one target: those of the file, and found now what it lacks."""
    known = held.layers if held else {}
    missing = {key: offer for key, offer in job.offers.items() if key not in known}
    named = _named(known, file)
    for offer in job.offers.values():
        named.pick(offer.nodes[0], offer.layer, offer.ways)  # raises where there is no such way
    if held is not None and job.target.is_native:
        _compare_machines(job, held.where, len(missing), file)
    if not missing:
        return held
    if job.target.is_native:
        found = find_here(job, missing, known)
        trials = job.found.trials + (held.trials if held else 0)
        layers = dict(sorted({**known, **found}.items()))
        return TargetTuning(where=_here(job), trials=trials, layers=layers)
    job.found.notes.append(f"{job.target.name} is not tuned: there is no model of its CPUs")
    return held


def _here(job: Job) -> Where:
    """This machine and its compiler."""
    compiler = toolchain.find_compiler(job.target, job.compiler)
    level = level_here(job.target).name
    return Where(cpu=cpu_model(), level=level, compiler=compiler.version, method="measured")


def _compare_machines(job: Job, where: Where, missing: int, file: Path) -> None:
    """Another machine's times serve for a whole file, but not beside our own."""
    here = _here(job)
    if where == here:
        return
    if missing:
        layers = "1 layer" if missing == 1 else f"{missing} layers"
        raise InvalidTuning(
            f"{file.name} lacks {layers} of {job.target.name} and was {where.method} on {where}; "
            f"this is {here}",
            where=file,
            help="tune on that machine, or name another file for this one",
        )
    job.found.notes.append(f"{job.target.name} is tuned for {where}; this is {here}")


def _report(job: Job, found: TargetTuning | None) -> TuningReport:
    made = job.found
    return TuningReport(
        target=job.target.name,
        layers=len(job.offers),
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
    for key, offer in job.offers.items():
        layer = layers.get(key)
        if layer is None or layer.chosen == layer.default:
            continue
        costs = layer.microseconds or layer.cycles
        before, after = (len(offer.nodes) * costs[n] for n in (layer.default, layer.chosen))
        made.append(ChangeInfo(layer=key, default=layer.default, chosen=layer.chosen,
                               before=before, after=after))  # fmt: skip
    return sorted(made, key=lambda change: change.after - change.before)
