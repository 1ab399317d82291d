"""Run a compiled model outside this process: under an emulator, in a browser, on a board."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright.artifact import runners
from edgewright.artifact.manifest import EntryInfo, TargetInfo
from edgewright.artifact.runners import Job, Outcome, RunTime
from edgewright.artifact.tensors import Shapes, check_inputs
from edgewright.errors import InternalError, InvalidOption
from edgewright.targets import Runner, Target, require_runner

Array = npt.NDArray[Any]


class RemoteModel:
    """One entry point of a target's code, run by a runner that gets its inputs as a stream.

    Args:
        folder: `targets/NAME` of the package.
        name: prefix of the C functions.
        info: the target's entry of the manifest.
        entry: the entry point.
        target: where the code runs.
        runner: how; default: the first one of the target that this machine has.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        info: TargetInfo,
        entry: EntryInfo,
        target: Target,
        runner: Runner | None = None,
    ) -> None:
        self.entry, self.info, self.target, self.shapes = entry, info, target, Shapes(entry)
        self.runner = runner or require_runner(target)
        #: instructions that the last run took, where the runner counts them
        self.instructions: int | None = None
        self._folder, self._name = folder, name
        self._isa = len(info.levels) - 1
        self._history: list[dict[str, Array]] = []

    @property
    def level(self) -> str:
        """The ISA level in use."""
        return self.info.levels[self._isa]

    def levels_here(self) -> list[str]:
        """All levels where the runner has a CPU for each, else those of the CPU behind it."""
        if not self.runner.detects:
            return list(self.info.levels)
        best = self._execute(b"", 0, count=False, detect=True).isa
        return list(self.info.levels[: (best or 0) + 1])

    def use_level(self, name: str) -> None:
        """Run on the emulator's CPU for a level. Raises InvalidOption."""
        if name not in self.info.levels:
            known = ", ".join(self.info.levels)
            raise InvalidOption(f"there is no ISA level {name!r}", help=f"one of: {known}")
        self._isa = self.info.levels.index(name)

    def reset(self) -> None:
        """Forget earlier runs: each process starts from the initial state."""
        self._history = []

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Array]:
        """Outputs by name. With state, earlier inputs are replayed first."""
        if self.info.memory.state_bytes:
            self._history.append(dict(inputs))
            return self.run_all(self._history)[-1]
        return self.run_all([inputs])[0]

    def run_all(
        self, samples: Sequence[Mapping[str, Any]], count: bool = False
    ) -> list[dict[str, Array]]:
        """Many inputs in one process, in order, from the initial state.

        With `count`, `instructions` is set afterwards where the runner can count.
        """
        checked = [check_inputs(self.entry, s, self.shapes) for s in samples]
        outcome = self.execute(checked, count)
        self.instructions = outcome.instructions
        position, outputs = 0, []
        for _, dims in checked:
            sample, position = self._decode(outcome.data, position, dims)
            outputs.append(sample)
        return outputs

    def execute(
        self, samples: Sequence[tuple[Sequence[Array], Mapping[str, int]]], count: bool
    ) -> Outcome:
        """Hand checked samples (arrays and run-time sizes) to the runner."""
        stream = b"".join(self._encode(arrays, dims) for arrays, dims in samples)
        if not self.entry.inputs:
            stream = b"\0" * len(samples)
        return self._execute(stream, len(samples), count)

    def time(self, inputs: Mapping[str, Any], seconds: float, threads: int = 0) -> RunTime:
        """Repeat a run for so long where the code runs: on a real CPU, never on an emulator.

        Raises InvalidOption for runners that do not measure time.
        """
        found = self.repeat(inputs, seconds, threads).timing
        if found is None:
            raise InternalError(f"{self.runner.name} did not say what a run took")
        return found

    def repeat(self, inputs: Mapping[str, Any], seconds: float, threads: int = 0) -> Outcome:
        """All that the runner says of runs for so long; as `time` otherwise."""
        if runners.measures(self.runner) != "time":
            raise InvalidOption(f"{self.runner.name} measures no time",
                                help="time is measured on this machine and on devices")  # fmt: skip
        arrays, dims = check_inputs(self.entry, inputs, self.shapes)
        stream = self._encode(arrays, dims) if self.entry.inputs else b"\0"
        return self._execute(stream, 1, False, seconds=seconds, threads=threads)

    def _execute(
        self,
        stream: bytes,
        samples: int,
        count: bool,
        detect: bool = False,
        seconds: float = 0.0,
        threads: int = 0,
    ) -> Outcome:
        job = Job(
            folder=self._folder,
            name=self._name,
            info=self.info,
            entry=self.entry,
            target=self.target,
            runner=self.runner,
            isa=self._isa,
            stream=stream,
            samples=samples,
            count=count,
            detect=detect,
            seconds=seconds,
            threads=threads,
        )
        return runners.find(self.runner).run(job)

    def _encode(self, arrays: Sequence[Array], dims: Mapping[str, int]) -> bytes:
        head = b"".join(struct.pack("<i", dims[d.name]) for d in self.entry.dims)
        return head + b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)

    def _decode(
        self, data: bytes, position: int, dims: Mapping[str, int]
    ) -> tuple[dict[str, Array], int]:
        found = {}
        for info in self.entry.outputs:
            shape, dtype = self.shapes.of(info, dims), np.dtype(info.dtype)
            size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
            if position + size > len(data):
                raise InternalError(f"{self.runner.name} gave back too little")
            flat = np.frombuffer(data[position : position + size], dtype)
            found[info.name] = flat.reshape(shape).copy()
            position += size
        return found, position
