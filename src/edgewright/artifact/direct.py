"""Calls on a caller's own arrays: what `NativeModel.run` does where all sizes are fixed.

Inputs are read where they lie; an array that was given in the call before is known already. Results
lie in memory that is used again once nobody holds an array on it any more: a copy of 5 MB into
fresh memory takes half a millisecond, most of it the system's handing out of pages.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright.artifact.memory import aligned_array

Array = npt.NDArray[Any]
#: `NAME_io`, as model.h declares it.
IoBytes = ctypes.Array[ctypes.c_char]
#: Results that a caller may hold before others are copied for it, or larger ones get new memory.
MOST_HELD = 3
#: Results of at most so many bytes together are copied.
COPIED_BYTES = 1 << 14

_NOTHING = object()
_address = ctypes.addressof
_view: Any = ctypes.c_char.from_buffer  # its stub knows no arrays
_references = sys.getrefcount


@dataclass(frozen=True)
class Form:
    """An input or output of a fixed size: the user's name for it, and how it lies in memory."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    def array(self) -> Array:
        """Memory for one."""
        return aligned_array(self.shape, self.dtype)

    @property
    def size(self) -> int:
        """In bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


class _Place:
    """Memory for one set of results, and the arguments of a call that writes them there."""

    def __init__(
        self,
        io: IoBytes,
        inputs: int,
        outputs: Sequence[Form],
        rest: tuple[Any, ...],
    ) -> None:
        self.arguments = (ctypes.byref(io), *rest)
        self.pointers = (ctypes.c_void_p * (inputs + len(outputs))).from_buffer(io)
        self.results = [(form.name, form.array()) for form in outputs]
        for index, (_, array) in enumerate(self.results, inputs):
            self.pointers[index] = array.ctypes.data
        # Views of an array refer to the array that owns its memory, and to none between.
        owners = [(array.base, 0) for _, array in self.results]
        counts = [_references(owner) for owner, _ in owners]
        #: what owns the memory of each result, and how many references it has without a caller's
        self.owners = [(owner, count) for (owner, _), count in zip(owners, counts, strict=True)]

    def is_free(self) -> bool:
        """Whether no array of a caller lies in this memory."""
        for owner, count in self.owners:  # noqa: SIM110 - a generator takes three times as long
            if _references(owner) > count:
                return False
        return True


class Direct:
    """The calls of one thread.

    Args:
        make_io: makes the io structure, whose first fields are the inputs' and outputs' pointers.
        inputs: in order.
        outputs: in order.
        function: of the entry point.
        rest: its arguments behind the io structure.
        fail: raises the error of a status.
    """

    def __init__(
        self,
        make_io: Callable[[], IoBytes],
        inputs: Sequence[Form],
        outputs: Sequence[Form],
        function: Callable[..., int],
        rest: tuple[Any, ...],
        fail: Callable[[int], None],
    ) -> None:
        self._make_io, self._outputs, self._rest = make_io, outputs, rest
        self._function, self._fail = function, fail
        self._inputs = [(i, f.name, f.dtype, f.shape) for i, f in enumerate(inputs)]
        self._copies = [form.array() for form in inputs]
        self._known: list[Any] = [_NOTHING] * len(inputs)
        self._addresses = [0] * len(inputs)
        self._are_small = sum(form.size for form in outputs) <= COPIED_BYTES
        self._place = self._new_place()
        self._places = [self._place]
        self._own: _Place | None = None

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Array] | None:
        """Results by name; None for inputs that are not arrays just as they must be.

        Written for speed: what is looked up or called here counts, with caches that the model has
        filled with its weights. Raises what `fail` raises.
        """
        if type(inputs) is not dict or len(inputs) != len(self._inputs):
            return None
        known = self._known
        for index, name, dtype, shape in self._inputs:
            array: Any = inputs.get(name)
            if array is not known[index]:
                if not self._take(index, array):
                    return None
            elif array.shape != shape or array.dtype != dtype:  # they may be set in place
                return None
        place = self._place
        for owner, count in place.owners:
            if _references(owner) > count:
                place = self._free_place()
                break
        if status := self._function(*place.arguments):
            self._fail(status)
        results = {}
        for name, held in place.results:
            results[name] = held.view()
        if place is self._own:
            return {name: array.copy() for name, array in results.items()}
        return results

    def _take(self, index: int, array: object) -> bool:
        """Find out where an input lies, and copy it where C cannot read it there."""
        _, _, dtype, shape = self._inputs[index]
        if type(array) is not np.ndarray or array.dtype != dtype or array.shape != shape:
            return False
        try:
            address = _address(_view(array))
        except (TypeError, ValueError):  # not contiguous, or read-only
            address = 0
        self._known[index] = array
        if not address or address % dtype.alignment:
            self._known[index] = _NOTHING
            np.copyto(self._copies[index], array)
            address = self._copies[index].ctypes.data
        self._addresses[index] = address
        for place in (*self._places, self._own):
            if place is not None:
                place.pointers[index] = address
        return True

    def _new_place(self) -> _Place:
        place = _Place(self._make_io(), len(self._inputs), self._outputs, self._rest)
        for index, address in enumerate(self._addresses):
            place.pointers[index] = address
        return place

    def _free_place(self) -> _Place:
        """Memory that nobody holds; `_own` is never given to anybody."""
        for place in self._places:
            if place.is_free():
                self._place = place
                return place
        if self._are_small and len(self._places) == MOST_HELD:
            self._own = self._own or self._new_place()
            return self._own
        self._place = self._new_place()
        self._places = [self._place, *self._places[: MOST_HELD - 1]]
        return self._place
