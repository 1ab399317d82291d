"""wasmtime, a runtime for WebAssembly in this process: counts the instructions that a run takes.

Its fuel is one unit for each instruction of the module, whatever the machine makes of them.
Instrumented code (kernels/profile.h) calls out after each node; what it has burned by then is kept.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from edgewright.artifact.manifest import TensorInfo
from edgewright.artifact.runners import Job, Measures, Outcome
from edgewright.artifact.runners.failure import fail
from edgewright.artifact.tensors import Shapes

MEASURES: Measures = "instructions"

_PAGE_BYTES = 65536
_FUEL = 1 << 62
_POINTER_BYTES = 4


def run(job: Job) -> Outcome:
    """Run the job, sample by sample."""
    import wasmtime

    parts, instructions = [], 0
    try:
        machine = _Machine(job)
        for dims, inputs in _samples(job):
            outputs, spent = machine.run(dims, inputs)
            parts.append(outputs)
            instructions += spent
    except (wasmtime.WasmtimeError, wasmtime.Trap, KeyError) as error:
        fail(str(error))
    if not job.count:
        return Outcome(b"".join(parts))
    return Outcome(b"".join(parts), instructions, marks=machine.nodes())


def _bytes_of(info: TensorInfo, shapes: Shapes, dims: dict[str, int]) -> int:
    return int(np.prod(shapes.of(info, dims), dtype=np.int64)) * np.dtype(info.dtype).itemsize


def _samples(job: Job) -> Iterator[tuple[dict[str, int], list[bytes]]]:
    """Run-time sizes and inputs of each sample."""
    shapes, at = Shapes(job.entry), 0
    for _ in range(job.samples):
        names = [dim.name for dim in job.entry.dims]
        dims = dict(zip(names, struct.unpack_from(f"<{len(names)}i", job.stream, at), strict=True))
        at += 4 * len(names)
        inputs = []
        for info in job.entry.inputs:
            size = _bytes_of(info, shapes, dims)
            inputs.append(job.stream[at : at + size])
            at += size
        yield dims, inputs


class _Machine:
    """A module with its memory: weights, arena, state, io, and a buffer for each tensor."""

    def __init__(self, job: Job) -> None:
        import wasmtime

        config = wasmtime.Config()
        config.consume_fuel = True
        config.wasm_relaxed_simd = True
        self._engine = wasmtime.Engine(config)
        self._store = wasmtime.Store(self._engine)
        self._job, self._shapes = job, Shapes(job.entry)
        self._fuel, self._spent = _FUEL, dict[int, int]()
        self._open(wasmtime)
        self._place()

    def _open(self, wasmtime: Any) -> None:
        self._store.set_fuel(_FUEL)
        path = self._job.folder / self._job.info.library
        module = wasmtime.Module.from_file(self._engine, path)
        linker = wasmtime.Linker(self._engine)
        i32 = wasmtime.ValType.i32()
        linker.define_func("env", "ew_mark", wasmtime.FuncType([i32, i32], []), self._mark)
        instance = linker.instantiate(self._store, module)
        self._exports = instance.exports(self._store)
        self._memory = self._exports["memory"]

    def _mark(self, _: int, index: int) -> None:
        fuel = self._store.get_fuel()
        if index:
            self._spent[index] = self._spent.get(index, 0) + self._fuel - fuel
        self._fuel = fuel

    def nodes(self) -> tuple[int, ...]:
        """Instructions of each node over all runs; empty for code without marks."""
        return tuple(self._spent[index] for index in sorted(self._spent))

    def _place(self) -> None:
        """Lay everything out behind the module's own memory, and make it ready."""
        job, memory = self._job, self._job.info.memory
        most = {dim.name: dim.high for dim in job.entry.dims}
        tensors = [*job.entry.inputs, *job.entry.outputs]
        sizes = [memory.weights_bytes, memory.arena_bytes, memory.state_bytes]
        sizes.append(_POINTER_BYTES * (len(tensors) + len(most) + 2))
        sizes += [_bytes_of(info, self._shapes, most) for info in tensors]
        ends = np.cumsum([-(-max(size, 1) // 64) * 64 for size in sizes])
        base = -(-self._exports["__heap_base"].value(self._store) // 64) * 64
        starts = [base + int(at) for at in (0, *ends[:-1])]
        self._weights, self._arena, self._state, self._io, *self._buffers = starts
        lacking = base + int(ends[-1]) - self._memory.data_len(self._store)
        self._memory.grow(self._store, max(0, -(-lacking // _PAGE_BYTES)))
        self._write((job.folder / "weights.bin").read_bytes(), self._weights)
        self._call(f"{job.name}_check_weights", self._weights, memory.weights_bytes)
        if memory.state_bytes:
            self._call(f"{job.name}_reset", self._state, self._weights)

    def run(self, dims: dict[str, int], inputs: list[bytes]) -> tuple[bytes, int]:
        """The outputs, and how many instructions they took."""
        for at, data in zip(self._buffers, inputs, strict=False):
            self._write(data, at)
        state = [self._state] if self._job.info.memory.state_bytes else []
        fields = [*self._buffers, *state, *dims.values(), 0]
        self._write(struct.pack(f"<{len(fields)}i", *fields), self._io)
        before = self._store.get_fuel()
        self._call(self._job.entry.function, self._io, self._arena, self._weights, 0)
        spent = before - self._store.get_fuel()
        found = []
        outputs = self._buffers[len(inputs) :]
        for info, at in zip(self._job.entry.outputs, outputs, strict=True):
            size = _bytes_of(info, self._shapes, dims)
            found.append(bytes(self._memory.read(self._store, at, at + size)))
        return b"".join(found), spent

    def _write(self, data: bytes, at: int) -> None:
        self._memory.write(self._store, data, at)

    def _call(self, name: str, *arguments: int) -> None:
        if error := self._exports[name](self._store, *arguments):
            fail(f"error {error}")
