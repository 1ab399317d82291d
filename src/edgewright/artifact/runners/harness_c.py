"""The `main` of a test program on a microcontroller: inputs from a file, outputs to a file."""

from __future__ import annotations

from math import prod

import numpy as np

from edgewright.artifact.manifest import EntryInfo, MemoryInfo, TensorInfo
from edgewright.artifact.tensors import Shapes
from edgewright.codegen.emitter import size_text
from edgewright.graph import DType
from edgewright.graph.dims import Size

_TEXT = """\
#include "model.h"
#include "semihosting.h"

extern const unsigned char test_weights[];
__asm__(
    ".section .rodata.weights,\\"a\\"\\n"
    ".balign 64\\n"
    ".globl test_weights\\n"
    "test_weights: .incbin \\"weights.bin\\"\\n"
    ".text\\n");

static _Alignas(64) unsigned char arena[{arena}];
{state_memory}{buffers}

__attribute__((noreturn, used)) void report_fault(void);
__attribute__((noreturn, used)) void report_fault(void) {{
  ew_host_print("a fault: the program left its memory\\n");
  ew_host_exit(4);
}}

/* The stack may be what overflowed: begin a new one. */
__attribute__((naked, aligned(4))) void board_fault(void);
__attribute__((naked, aligned(4))) void board_fault(void) {{
#if defined(__arm__)
  __asm__("ldr r0, =board_stack_top\\n\\tmov sp, r0\\n\\tbl report_fault\\n\\t.ltorg");
#else
  __asm__("la sp, board_stack_top\\n\\tj report_fault");
#endif
}}

__attribute__((noreturn)) static void stop(const char *step, int error) {{
  char text[] = "error 00\\n";
  text[6] = (char)('0' + error / 10);
  text[7] = (char)('0' + error % 10);
  ew_host_print(step);
  ew_host_print(text);
  ew_host_exit(1);
}}

int main(void) {{
  const intptr_t in = ew_host_open("input", 5, EW_READ_BINARY);
  const intptr_t out = ew_host_open("output", 6, EW_WRITE_BINARY);
  int error = {name}_check_weights(test_weights, {weights});
{reset}  if (error) stop("weights: ", error);
  {io} io = {{{fields}}};
  for (int32_t run = 0; run < {samples}; ++run) {{
{reads}    error = {run}(&io, arena, test_weights, 0);
    if (error) stop("run: ", error);
{writes}  }}
  ew_host_exit(0);
}}
"""


def harness_text(name: str, entry: EntryInfo, memory: MemoryInfo, samples: int) -> str:
    """The file for one entry point."""
    tensors = [*entry.inputs, *entry.outputs]
    shapes, sizes = Shapes(entry), _counts(entry)
    state = f"static _Alignas(64) unsigned char state[{memory.state_bytes}];\n"
    reset = f"  if (!error) error = {name}_reset(state, test_weights);\n"
    fields = [f".{t.identifier} = buffer_{t.identifier}" for t in tensors]
    fields += [".state = state"] if memory.state_bytes else []
    read = '    if (ew_host_read(in, {}, {})) stop("input: ", 0);\n'
    reads = [read.format(f"&io.{d.name}", 4) for d in entry.dims]
    reads += [read.format(f"buffer_{t.identifier}", _bytes(t, shapes)) for t in entry.inputs]
    writes = [
        f"    ew_host_write(out, buffer_{t.identifier}, {_bytes(t, shapes)});\n"
        for t in entry.outputs
    ]
    return _TEXT.format(
        name=name,
        io=f"{entry.function.removesuffix('_run')}_io",
        run=entry.function,
        arena=max(1, memory.arena_bytes),
        weights=memory.weights_bytes,
        samples=samples,
        state_memory=state if memory.state_bytes else "",
        reset=reset if memory.state_bytes else "",
        buffers="\n".join(
            f"static {_c_type(t)} buffer_{t.identifier}[{sizes[t.identifier]}];" for t in tensors
        ),
        fields=", ".join(fields),
        reads="".join(reads),
        writes="".join(writes),
    )


def buffer_bytes(entry: EntryInfo) -> int:
    """What inputs and outputs take at their largest."""
    counts = _counts(entry)
    tensors = [*entry.inputs, *entry.outputs]
    return sum(counts[t.identifier] * np.dtype(t.dtype).itemsize for t in tensors)


def _counts(entry: EntryInfo) -> dict[str, int]:
    """Elements of each input and output at the largest run-time sizes, by identifier."""
    shapes, dims = Shapes(entry), {d.name: d.high for d in entry.dims}
    tensors = [*entry.inputs, *entry.outputs]
    return {t.identifier: max(1, prod(shapes.of(t, dims))) for t in tensors}


def _c_type(tensor: TensorInfo) -> str:
    return DType.of(np.dtype(tensor.dtype)).c


def _bytes(tensor: TensorInfo, shapes: Shapes) -> str:
    """A tensor's size as a C expression over the run-time dims in `io`."""
    count: Size = 1
    for size in shapes.sizes(tensor):
        count = count * size
    return f"{np.dtype(tensor.dtype).itemsize} * {size_text(count).replace('d_', 'io.')}"
