"""Find the best way of each layer on this machine: builds side by side, timed in turns."""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgewright import ops, targets, toolchain
from edgewright.artifact.manifest import KernelInfo
from edgewright.artifact.native import LEVEL_VARIABLE, NativeModel
from edgewright.artifact.pool import Pool, count_cpus
from edgewright.artifact.products import Built
from edgewright.codegen import Code, generate, threads
from edgewright.graph import Node
from edgewright.pipeline.files import entry_infos, target_info
from edgewright.pipeline.model import Model
from edgewright.pipeline.prove import draw_vectors
from edgewright.tuning import decide, measure
from edgewright.tuning.choices import Named, Offer, Offered, variants, within
from edgewright.tuning.record import LayerTuning

Progress = Callable[[str], None]
#: ways of layers that are tried for a whole net at most
MOST_TRIALS = 500
#: How often each of two nets that are compared is loaded. Where code and memory happen to lie makes
#: a difference of up to 1 %, which no number of rounds levels out.
COPIES = 3
#: what the code that is timed is called
NAME = "tuned"


@dataclass
class Found:
    """What is told of the tuning of one target; see `TuningReport`."""

    trials: int = 0
    before_us: float = 0.0
    after_us: float = 0.0
    spread: float = 0.0
    kernels: list[KernelInfo] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Job:
    """The tuning of one target; `compiler` as `build` takes it.

    `offers` has the layers to be measured by their keys, `keys` all that a file may decide.
    """

    model: Model
    target: targets.Target
    offers: dict[str, Offer]
    compiler: str | None
    progress: Progress
    keys: list[str]
    found: Found = field(default_factory=Found)

    def say(self, text: str) -> None:
        """Show a step."""
        self.progress(f"{self.target.name}: {text}")


def level_here(target: targets.Target) -> targets.Level:
    """The level that is measured: the best that this CPU has, unless $EDGEWRIGHT_ISA says other."""
    here = targets.levels_here(target)
    wanted = os.environ.get(LEVEL_VARIABLE)
    return next((level for level in here if level.name == wanted), here[-1])


def find_here(
    job: Job, missing: Mapping[str, Offer], known: Mapping[str, LayerTuning]
) -> dict[str, LayerTuning]:
    """Time the ways of some layers, the others being as they are known, and confirm what wins.

    Layers without a time of their own are left out: those inside regions, and in entry points
    other than the first; so are the smallest where MOST_TRIALS do not suffice for all.
    """
    macs = {key: sum(ops.of(n).macs(n) for n in o.nodes) for key, o in missing.items()}
    tried = within(list(missing.values()), MOST_TRIALS, macs)
    if len(tried) < len(missing):
        job.found.notes.append(f"{len(missing) - len(tried)} layers keep their default: "
                               f"{MOST_TRIALS} trials are the limit")  # fmt: skip
    if job.target.chunks > count_cpus():
        job.found.notes.append(f"{job.target.name}: tuned for {job.target.chunks} threads with "
                               f"{count_cpus()} CPUs")  # fmt: skip
    with ExitStack() as stack:
        bench = _Bench(job, stack)
        names = {key: layer.chosen for key, layer in known.items()}
        blocks = [offer for offer in tried if offer.layer.kernel.startswith("block_")]
        found = _try(bench, [offer for offer in tried if offer not in blocks], names)
        names |= {key: layer.chosen for key, layer in found.items()}
        found |= _try(bench, blocks, names)  # in builds of their own: they take in other layers
        job.found.trials = sum(len(layer.microseconds) for layer in found.values())
        return {**found, **_confirm(bench, {**known, **found}, found)}


class _ThreadedModel(NativeModel):
    """Instrumented code with a pool of threads, which shares `env->pool` with the marks."""

    def give(self, pool: Pool, library: Path) -> None:
        """Use the pool that `library` (marked_threads.c) has made from now on."""
        self._pool = pool
        self._marked_for = ctypes.CDLL(str(library)).ew_marked_for

    def instrument(self, marks: int) -> npt.NDArray[np.uint64]:
        """The marks, with the pool's address before them."""
        held = np.zeros(1 + marks, np.uint64)
        held[0] = self._pool.handle
        self._marks = held[1:]
        self._env.pool = self._marks.ctypes.data
        self._env.parallel_for = ctypes.cast(self._marked_for, ctypes.c_void_p).value
        return self._marks


class _Bench:
    """Builds of one model at one level, loaded side by side."""

    def __init__(self, job: Job, stack: ExitStack) -> None:
        self.job = job
        self.compiler = toolchain.find_compiler(job.target, job.compiler)
        self.target = replace(job.target, levels=(level_here(job.target),), detect="fixed")
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.samples, _ = draw_vectors(job.model)
        self.pool = self._threads()
        self.count = 0

    def build(self, choices: Named) -> measure.Build:
        """Compile and load the net with these choices."""
        return self.copies(choices, 1)[0]

    def copies(self, choices: Named, count: int) -> list[measure.Build]:
        """The same so many times, each with code and memory of its own at other addresses."""
        offered = Offered(choices)
        target = replace(self.target, choices=offered)
        code = generate(self.job.model.module, target, NAME, profiled=True)
        main = self.job.model.module.main
        order = code.plans[main.name].order[main]
        nodes = {key: offer.nodes for key, offer in offered.offers.items()}
        return [self._copy(code, order, nodes) for _ in range(count)]

    def _copy(
        self, code: Code, order: Sequence[Node], nodes: Mapping[str, Sequence[Node]]
    ) -> measure.Build:
        self.count += 1
        folder = self.folder / str(self.count)
        folder.mkdir()
        native = self._load(code, folder)
        marks = native.instrument(len(order) + 1)
        call = native.bind({k: v.copy() for k, v in self.samples[0].items()})
        return measure.Build(call, marks, measure.places(order, nodes))

    def _load(self, code: Code, folder: Path) -> NativeModel:
        """The instrumented library at the one level."""
        library = f"lib{code.name}{self.target.library_suffix}"
        built = toolchain.build_library(
            code.model_c, self.target, soname=library, includes={"model.h": code.model_h},
            compiler=self.compiler,
        )  # fmt: skip
        (folder / library).write_bytes(built.read_bytes())
        (folder / "weights.bin").write_bytes(code.weights)
        made = target_info(code, self.target, Built(library, 0, 0), "")
        info = made.model_copy(update={"threads": 1})  # without the pool that packages bring
        if self.pool is None:
            return NativeModel(folder, code.name, info, entry_infos(code)[0])
        native = _ThreadedModel(folder, code.name, info, entry_infos(code)[0])
        native.give(*self.pool)
        return native

    def _threads(self) -> tuple[Pool, Path] | None:
        """A pool for as many threads as the target is built for, and its library."""
        if self.target.chunks == 1:
            return None
        shim = Path(decide.__file__).with_name("marked_threads.c").read_text(encoding="utf-8")
        sources = {**threads.sources(), "marked_threads.c": shim}
        library = toolchain.link_hosted(
            sources, self.target, soname="libtuned_threads.so", compiler=self.compiler
        )
        return Pool(library, self.target.chunks), library


def _try(bench: _Bench, tried: Sequence[Offer], known: Mapping[str, str]) -> dict[str, LayerTuning]:
    """One build for the first ways of all layers, one for the second ways, and so on."""
    if not tried:
        return {}
    say = bench.job.say
    plans = variants(tried, known)
    builds = []
    for index, choices in enumerate(plans):
        say(f"compiling way {index + 1} of {len(plans)}, {len(tried)} layers")
        builds.append(bench.build(choices))
    trials = sum(len(offer.ways) for offer in tried)
    head = f"{len(tried)} layers, {trials} trials"

    def show(turn: int, rounds: int, best: float) -> None:
        say(f"{head}, round {turn} of {rounds}, best gain so far {best:.2f} times")

    found = measure.measure(builds, show)
    return {o.key: layer for o in tried for layer in _decided(o, found)}


def _decided(offer: Offer, found: measure.Measured) -> list[LayerTuning]:
    """What the times say of one layer; nothing where the layer has no time of its own."""
    times = found.layers.get(offer.key)
    if times is None:
        return []
    times = times[: len(offer.ways)]
    middle = np.median(times, axis=1)
    return [
        LayerTuning(
            chosen=offer.names[decide.decide(times).index],
            default=offer.names[0],
            microseconds={n: _rounded(t) for n, t in zip(offer.names, middle, strict=True)},
        )
    ]


def _rounded(value: float) -> float:
    """Four digits."""
    return float(f"{value:.4g}")


def _confirm(
    bench: _Bench, all_: Mapping[str, LayerTuning], found: Mapping[str, LayerTuning]
) -> dict[str, LayerTuning]:
    """Put the layers of `found` back to their default that lose in the net of all choices."""
    names = {key: layer.chosen for key, layer in all_.items()}
    if all(names[key] == layer.default for key, layer in all_.items()):
        return {}
    default = bench.copies(Named({key: layer.default for key, layer in all_.items()}), COPIES)
    back: dict[str, LayerTuning] = {}
    while True:
        changed = sum(names[key] != layer.default for key, layer in all_.items())
        bench.job.say(f"comparing the whole net, {changed} layers changed")
        pairs = zip(default, bench.copies(Named(names), COPIES), strict=True)
        times = measure.measure([b for pair in pairs for b in pair], lambda *_: None).mean(2)
        _compare(bench.job.found, times)
        lost = [] if back else _lost(times, found)
        if not lost:
            break
        back = {key: _default(found[key]) for key in lost}
        names.update({key: layer.chosen for key, layer in back.items()})
    if changed and bench.job.found.after_us >= bench.job.found.before_us:
        _give_up(bench.job.found, changed)
        return {key: _default(layer) for key, layer in found.items()}
    return back


def _give_up(found: Found, changed: int) -> None:
    """Say that the changes gain nothing together."""
    ratio = found.before_us / found.after_us
    found.notes.append(f"{changed} layers were faster in other ways, but the whole net was "
                       f"{ratio:.3f} times as fast with them: all keep their default")  # fmt: skip
    found.before_us = found.after_us = found.spread = 0.0


def _default(layer: LayerTuning) -> LayerTuning:
    return layer.model_copy(update={"chosen": layer.default})


def _lost(times: measure.Measured, found: Mapping[str, LayerTuning]) -> list[str]:
    """Changed layers that are not faster in the second measurement."""
    changed = [key for key, layer in found.items() if layer.chosen != layer.default]
    return [key for key in changed if not decide.wins_again(*times.layers[key])]


def _compare(found: Found, times: measure.Measured) -> None:
    """Before and after, of the whole net."""
    found.before_us, found.after_us = (_rounded(v) for v in np.median(times.whole, axis=1))
    _, spread = decide.ratios(times.whole)
    found.spread = _rounded(spread[1])
