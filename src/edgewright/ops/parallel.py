"""Large layers in chunks, which may run on several threads (kernels/parallel.h)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgewright.graph import Node
from edgewright.ops import storage
from edgewright.ops.packing import round_up

if TYPE_CHECKING:
    from edgewright.ops import Emit, Op, Packing

#: Multiply-accumulates from which on a layer is cut into chunks. One core does about 20 to 200 of
#: them in a nanosecond, so that this takes 1 to 10 microseconds; handing work to another thread
#: that is awake and waiting for all to finish takes 0.2 to 0.5.
LEAST_MACS = 200_000
#: chunks write their scratch at the same time, so no two of them may share a cache line
ALIGNMENT = 64


def applies(node: Node, op: Op, target: Packing) -> bool:
    """Whether a convolution or product is computed in chunks."""
    types = [value.type for value in (node.input(0), *node.outputs)]
    fits = target.chunks > 1 and not target.lean_step and all(t.is_static for t in types)
    fits = fits and not storage.is_half(node.input(1).type)  # those have no chunks yet
    return fits and types[0].dtype.itemsize != 2 and op.macs(node) >= LEAST_MACS


def scratch(node: Node, op: Op, target: Packing, needed: int) -> int:
    """Bytes of scratch of a layer whose kernel needs `needed` for each chunk."""
    return target.chunks * round_up(needed, ALIGNMENT) if applies(node, op, target) else needed


@dataclass(frozen=True)
class Memory:
    """The C expressions of `ew_work`."""

    x: str
    w: str
    bias: str
    y: str
    params: str = "NULL"
    skip: str = "NULL"


def emit(e: Emit, header: str, constants: list[str], memory: Memory, kernel: str = "") -> None:
    """A task that runs one chunk, and the call that runs all of them.

    Args:
        e: the layer.
        header: `kernels/HEADER_parallel.h` has the kernel.
        constants: the shape, and what stands between it and the memory in the kernel's arguments.
        memory: what the layer reads and writes.
        kernel: of `ew_KERNEL_chunk`; default: as the header.
    """
    from edgewright import ops

    e.header(f"{header}_parallel.h")
    name, text = _task(kernel or header, constants)
    e.define(name, text)
    needed = ops.of(e.node).scratch_bytes(e.node, e.target) // e.target.chunks
    fields = {**vars(memory), "scratch": e.scratch(), "scratch_bytes": str(needed)}
    work = ", ".join(f".{field} = {value}" for field, value in fields.items() if value != "NULL")
    e.call("ew_parallel", "env", name, f"(ew_work){{{work}}}")


def _task(kernel: str, constants: list[str]) -> tuple[str, str]:
    """A function for all layers of one shape; it is named after what it does."""
    shape, *others = constants
    arguments = ", ".join(["&shape", *others, "context", "chunk"])
    body = f"  const ew_conv_shape shape = {shape};\n  ew_{kernel}_chunk({arguments});\n"
    name = f"{kernel}_{hashlib.sha256(body.encode()).hexdigest()[:8]}"
    return name, f"static void {name}(void *context, int32_t chunk) {{\n{body}}}\n"
