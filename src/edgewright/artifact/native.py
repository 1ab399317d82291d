"""Call a compiled model in this process, through ctypes."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgewright.artifact.direct import Direct, Form, IoBytes
from edgewright.artifact.manifest import EntryInfo, TargetInfo, TensorInfo
from edgewright.artifact.memory import Bytes, aligned, aligned_array, arena, mapped
from edgewright.artifact.pool import Pool, count_cpus
from edgewright.artifact.tensors import Shapes, check_inputs
from edgewright.codegen.weights import CRC_OFFSET, HEADER_BYTES
from edgewright.errors import InternalError, InvalidInput, InvalidOption, InvalidPackage

Array = npt.NDArray[Any]
LEVEL_VARIABLE = "EDGEWRIGHT_ISA"

_ERRORS = {
    1: "a pointer is null", 2: "memory is not aligned", 3: "the interface version differs",
    4: "the weights belong to another model or are cut short",
    5: "the library lacks this ISA level",
    6: "a run-time size is out of bounds", 7: "an input value is outside the table that it indexes",
    8: "an output is larger than its stated maximum",
}  # fmt: skip


class _Env(ctypes.Structure):
    _fields_ = [
        ("version", ctypes.c_int32),
        ("isa", ctypes.c_int32),
        ("parallel_for", ctypes.c_void_p),
        ("pool", ctypes.c_void_p),
    ]


class _Memory:
    """What one thread needs: arena, io structure, buffers for inputs and outputs."""

    def __init__(self, model: NativeModel) -> None:
        self.io = model.new_io()
        self.arena = arena(model.info.memory.arena_bytes)
        self.buffers: dict[str, Array] = {}


class NativeModel:
    """One entry point of a shared library, loaded with its weights.

    `run` is thread-safe: each thread has an arena of its own. A model with state has one state per
    `NativeModel`; `reset` puts it back.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        info: TargetInfo,
        entry: EntryInfo,
        threads: int | None = None,
    ) -> None:
        """Load it; `threads` as in `load_package`. Raises InvalidPackage, InvalidOption."""
        self.entry, self.info, self.shapes = entry, info, Shapes(entry)
        self._fields = _io_fields(entry, info)
        self._local = threading.local()
        self._library = _load(folder / info.library)
        self._weights = _map_weights(folder / "weights.bin", info.memory.weights_bytes)
        self._function = _function(self._library, entry.function)
        self._name = name
        self._check(
            self._library[f"{name}_check_weights"](
                ctypes.c_void_p(self._weights.ctypes.data), ctypes.c_size_t(self._weights.size)
            )
        )
        self._env = _Env(1, self._pick_level(), None, None)
        self.threads = _threads(info, threads)
        if self.threads > 1:
            self._pool = Pool(folder / f"lib{name}_threads.so", self.threads)
            self._env.parallel_for, self._env.pool = self._pool.function, self._pool.handle
        self.state: Array | None = None
        if info.memory.state_bytes:
            self.state = aligned(info.memory.state_bytes)
            self.reset()

    @property
    def level(self) -> str:
        """The ISA level in use."""
        return self.info.levels[int(self._env.isa)]

    def use_level(self, name: str) -> None:
        """Use an ISA level, which the CPU must have. Raises InvalidOption."""
        if name not in self.info.levels:
            known = ", ".join(self.info.levels)
            raise InvalidOption(f"there is no ISA level {name!r}", help=f"one of: {known}")
        if self.info.levels.index(name) > self._library[f"{self._name}_detect_isa"]():
            raise InvalidOption(f"this CPU does not have the ISA level {name!r}")
        self._env.isa = self.info.levels.index(name)

    def levels_here(self) -> list[str]:
        """The levels that this CPU can run."""
        return list(self.info.levels[: self._library[f"{self._name}_detect_isa"]() + 1])

    def instrument(self, marks: int) -> npt.NDArray[np.uint64]:
        """Where instrumented code (`generate(..., profiled=True)`) puts its marks, in ticks."""
        self._marks = np.zeros(marks, np.uint64)
        self._env.pool = self._marks.ctypes.data
        return self._marks

    def _pick_level(self) -> int:
        best: int = self._library[f"{self._name}_detect_isa"]()
        wanted = os.environ.get(LEVEL_VARIABLE)
        if wanted is None:
            return best
        if wanted not in self.info.levels[: best + 1]:
            raise InvalidOption(
                f"{LEVEL_VARIABLE}={wanted}, but this CPU and library have "
                + ", ".join(self.info.levels[: best + 1])
            )
        return self.info.levels.index(wanted)

    def reset(self) -> None:
        """Put the state back to its beginning."""
        if self.state is not None:
            weights = ctypes.c_void_p(self._weights.ctypes.data)
            state = ctypes.c_void_p(self.state.ctypes.data)
            self._check(self._library[f"{self._name}_reset"](state, weights))

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Array]:
        """Outputs by name. Raises InvalidInput for missing, extra or ill-shaped inputs."""
        direct = getattr(self._local, "direct", None)
        if direct is not None and (done := direct.run(inputs)) is not None:
            return done  # type: ignore[no-any-return]
        memory = self._memory()
        arrays, dims = check_inputs(self.entry, inputs, self.shapes)
        for info, array in zip(self.entry.inputs, arrays, strict=True):
            held = self._buffer(memory, info.identifier, array.shape, array.dtype)
            held[...] = array
        for dim in self.entry.dims:
            self.set_field(memory.io, dim.name, dims[dim.name])
        outputs = {}
        for info in self.entry.outputs:
            shape = self.shapes.of(info, dims)
            outputs[info.name] = self._buffer(memory, info.identifier, shape, np.dtype(info.dtype))
        self._call(memory)
        return {name: array.copy() for name, array in outputs.items()}

    def bind(self, inputs: Mapping[str, Any]) -> Bound:
        """A call without copies: change the arrays in `inputs` in place, then call it."""
        arrays, dims = check_inputs(self.entry, inputs, self.shapes)
        for info, array in zip(self.entry.inputs, arrays, strict=True):
            given = next(v for k, v in inputs.items() if k in (info.name, info.identifier))
            if array is not given or not array.flags.c_contiguous:
                raise InvalidInput(
                    f"input {info.name!r} cannot be bound without a copy",
                    help="give a C-contiguous array of the right dtype",
                )
        return Bound(self, arrays, dims)

    def new_io(self) -> IoBytes:
        """An io structure, with the state in it."""
        io = (ctypes.c_char * self._fields[""].offset)()
        if self.state is not None:
            self.set_field(io, "state", self.state.ctypes.data)
        return io

    def set_field(self, io: IoBytes, name: str, number: int) -> None:
        """Set a pointer or a size of an io structure, by the name that it has in model.h."""
        field = self._fields[name]
        struct.pack_into(field.format, io, field.offset, number)

    def _memory(self) -> _Memory:
        memory: _Memory | None = getattr(self._local, "memory", None)
        if memory is None:
            memory = self._local.memory = _Memory(self)
            if not self.entry.dims:
                self._local.direct = self._direct(memory)
        return memory

    def _direct(self, memory: _Memory) -> Direct:
        def form(info: TensorInfo) -> Form:
            return Form(info.name, np.dtype(info.dtype), self.shapes.of(info, {}))

        inputs, outputs = map(form, self.entry.inputs), map(form, self.entry.outputs)
        rest = self._arguments(memory)[1:]
        return Direct(self.new_io, [*inputs], [*outputs], self._function, rest, self._check)

    def _buffer(
        self, memory: _Memory, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Array:
        held = memory.buffers.get(name)
        if held is None or held.shape != shape:
            held = memory.buffers[name] = aligned_array(shape, dtype)
            self.set_field(memory.io, name, held.ctypes.data)
        return held

    def _call(self, memory: _Memory) -> None:
        self._check(self._function(*self._arguments(memory)))

    def _arguments(self, memory: _Memory) -> tuple[Any, ...]:
        return (
            ctypes.byref(memory.io),
            _reference(memory.arena),
            _reference(self._weights),
            ctypes.byref(self._env),
        )

    @staticmethod
    def _check(error: int) -> None:
        if error in (6, 7, 8):
            raise InvalidInput(_ERRORS[error])
        if error == 4:
            raise InvalidPackage(_ERRORS[error], help="build the package again")
        if error:
            raise InternalError(f"the compiled model failed: {_ERRORS.get(error, error)}")


class Bound:
    """A prepared call on arrays of the caller; `outputs` are overwritten by each call.

    `function` and `arguments` are those of the call in C.
    """

    def __init__(self, model: NativeModel, inputs: list[Array], dims: Mapping[str, int]) -> None:
        self._memory = _Memory(model)
        self._inputs = inputs  # keeps the arrays alive
        self.outputs: dict[str, Array] = {}
        for info, array in zip(model.entry.inputs, inputs, strict=True):
            model.set_field(self._memory.io, info.identifier, array.ctypes.data)
        for dim in model.entry.dims:
            model.set_field(self._memory.io, dim.name, dims[dim.name])
        for out in model.entry.outputs:
            shape = model.shapes.of(out, dims)
            held = model._buffer(self._memory, out.identifier, shape, np.dtype(out.dtype))
            self.outputs[out.name] = held
        self._model = model
        self.arguments = model._arguments(self._memory)
        self.function = model._function

    def __call__(self) -> dict[str, Array]:
        """Run once; returns `outputs`."""
        error = self.function(*self.arguments)
        if error:
            NativeModel._check(error)
        return self.outputs


def _reference(memory: Array) -> Any:
    """A pointer as an argument, which ctypes passes on as it is; others it converts each time."""
    return ctypes.byref(ctypes.c_char.from_address(memory.ctypes.data))


class _Field(NamedTuple):
    """How `struct` writes a field of `NAME_io`, and where."""

    format: str
    offset: int


def _io_fields(entry: EntryInfo, info: TargetInfo) -> dict[str, _Field]:
    """The fields of `NAME_io` as model.h declares it; "" ends it.

    A class of ctypes would say so too; making one takes as long as loading the library.
    """
    names = [t.identifier for t in (*entry.inputs, *entry.outputs)]
    names += ["state"] if info.memory.state_bytes else []
    pointer, size = struct.calcsize("P"), struct.calcsize("i")
    fields = {name: _Field("P", index * pointer) for index, name in enumerate(names)}
    start = len(names) * pointer
    for index, dim in enumerate(entry.dims):
        fields[dim.name] = _Field("i", start + index * size)
    last = -(-(start + len(entry.dims) * size) // pointer) * pointer
    return fields | {"out_dims": _Field("P", last), "": _Field("", last + pointer)}


def _threads(info: TargetInfo, wanted: int | None) -> int:
    """How many threads to use: at most what was built for, by default as many as there are CPUs.

    One where packages bring no compiled pool (`products/sources.py`).
    """
    if wanted is not None and wanted < 1:
        raise InvalidOption(f"{wanted} threads: it takes one at least")
    if sys.platform != "linux":
        return 1
    available = wanted if wanted is not None else count_cpus()
    return min(info.threads, available)


def _load(path: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(os.path.abspath(path))  # noqa: PTH100 - Path.resolve asks for each link
    except OSError as error:
        if not path.is_file():
            raise InvalidPackage(f"the library {path.name} is missing", where=path) from None
        raise InvalidPackage(f"the library cannot be loaded: {error}", where=path) from None


def _function(library: ctypes.CDLL, name: str) -> Any:
    try:
        return library[name]
    except AttributeError:
        raise InvalidPackage(f"the library has no function {name!r}",
                             help="build the package again") from None  # fmt: skip


def _map_weights(path: Path, size: int) -> Bytes:
    """The file, mapped read-only.

    Only its header is checked (by the code itself): reading 14 MB for a checksum would take longer
    than a first run. `check_weights` does that.
    """
    try:
        weights = mapped(path)
    except (OSError, ValueError) as error:
        raise InvalidPackage(f"the weights cannot be read: {error}", where=path) from None
    if weights.size < size:
        raise InvalidPackage(f"the weights have {weights.size} bytes, expected {size}", where=path)
    return weights


def check_weights(path: Path) -> None:
    """Compare the weights with their own checksum, which retrained ones bring along.

    Raises:
        InvalidPackage: they are damaged, or cannot be read.
    """
    weights = _map_weights(path, HEADER_BYTES)
    stated = int.from_bytes(weights[CRC_OFFSET : CRC_OFFSET + 4].tobytes(), "little")
    if zlib.crc32(weights[HEADER_BYTES:].data) != stated:
        raise InvalidPackage("the weights are damaged: their checksum differs", where=path,
                             help="build the package again, or copy the file again")  # fmt: skip
