"""Run a compiled model under an emulator: a small program reads inputs from a pipe."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright import toolchain
from edgewright.artifact.manifest import EntryInfo, TargetInfo
from edgewright.artifact.tensors import Shapes, check_inputs
from edgewright.errors import InternalError, InvalidInput
from edgewright.targets import Target, require_runner

Array = npt.NDArray[Any]
TIMEOUT_S = 600
_CODE = re.compile(r"error (\d+)")


class EmulatedModel:
    """One entry point of a library of another platform, run by qemu with the package's `main.c`."""

    def __init__(
        self, folder: Path, name: str, info: TargetInfo, entry: EntryInfo, target: Target
    ) -> None:
        self.entry, self.info, self.target, self.shapes = entry, info, target, Shapes(entry)
        self._folder, self._name = folder, name
        self._isa: int | None = None
        self._history: list[dict[str, Array]] = []
        require_runner(target)

    @property
    def level(self) -> str:
        """The ISA level in use."""
        return self.info.levels[-1 if self._isa is None else self._isa]

    def levels_here(self) -> list[str]:
        """All levels: the emulator has a CPU for each."""
        return list(self.info.levels)

    def use_level(self, name: str) -> None:
        """Run on the emulator's CPU for a level."""
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

    def run_all(self, samples: Sequence[Mapping[str, Any]]) -> list[dict[str, Array]]:
        """Many inputs in one process, in order, from the initial state."""
        checked = [check_inputs(self.entry, s, self.shapes) for s in samples]
        stream = b"".join(self._encode(arrays, dims) for arrays, dims in checked)
        if not self.entry.inputs:
            stream = b"\0" * len(samples)
        result = self._execute(stream)
        position, outputs = 0, []
        for _, dims in checked:
            sample, position = self._decode(result, position, dims)
            outputs.append(sample)
        return outputs

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
                raise InternalError("the emulated program wrote too little")
            flat = np.frombuffer(data[position : position + size], dtype)
            found[info.name] = flat.reshape(shape).copy()
            position += size
        return found, position

    def _execute(self, stream: bytes) -> bytes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            shutil.copy(self._folder / self.info.library, folder)
            program = self._program(folder / self.info.library)
            isa = len(self.info.levels) - 1 if self._isa is None else self._isa
            level = self.target.level(self.info.levels[isa])
            run = [*self.target.active_runner.command(level), "-E", f"LD_LIBRARY_PATH={folder}"]
            weights = str(self._folder / "weights.bin")
            command = [*run, str(program), weights, "--isa", str(isa)]
            done = subprocess.run(
                command, input=stream, capture_output=True, timeout=TIMEOUT_S, check=False,
                env={k: v for k, v in os.environ.items() if not k.startswith("LD_")},
            )  # fmt: skip
        if done.returncode:
            self._fail(done.stderr.decode(errors="replace"))
        return done.stdout

    def _program(self, library: Path) -> Path:
        sources = {n: (self._folder / n).read_text("utf-8") for n in ("main.c", "model.h")}
        return toolchain.link_program(sources, self.target, objects=[library])

    @staticmethod
    def _fail(message: str) -> None:
        match = _CODE.search(message)
        if match and int(match[1]) in (6, 7):
            raise InvalidInput(f"the model refused the input (error {match[1]})")
        last = message.strip().splitlines()[-1:] or ["no message"]
        raise InternalError(f"the emulated program failed: {last[0]}")
