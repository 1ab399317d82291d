"""What makes generated code a program for a bare microcontroller: an example to start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.codegen.header import Entry, Tensor

if TYPE_CHECKING:
    from edgewright.codegen.program import Code
    from edgewright.targets import Board

STACK_BYTES = 4096

_MAIN = """\
/* Runs {name} for ever: an example to start from. CMakeLists.txt builds it. */
#include "board.h"
#include "model.h"

/* Weights, in flash. */
extern const uint32_t {name}_weights[{upper}_WEIGHTS_BYTES / 4];

/* All memory that the model works in: nothing is allocated while it runs. */
static _Alignas(64) unsigned char arena[{upper}_ARENA_BYTES + 1];
{state_memory}{buffers}

_Static_assert({upper}_RAM_BYTES == {upper}_ARENA_BYTES + {upper}_STATE_BYTES,
               "board.h belongs to another build of the model");
_Static_assert({upper}_FLASH_BYTES == {upper}_CODE_BYTES + {upper}_WEIGHTS_BYTES,
               "board.h belongs to another build of the model");
_Static_assert({upper}_FLASH_BYTES <= BOARD_FLASH_BYTES,
               "the model's code and weights do not fit the board's flash");
_Static_assert({upper}_RAM_BYTES{sizes} + BOARD_STACK_BYTES <=
                   BOARD_RAM_BYTES,
               "the model's memory does not fit the board's RAM");

/* Replace it: blink a LED, print, stop. */
_Noreturn static void failed(int error) {{
  (void)error;
  for (;;) {{
  }}
}}

int main(void) {{
  int error = {name}_check_weights({name}_weights, sizeof {name}_weights);
{reset}  const {io} io = {{
{fields}
  }};
  while (!error) {{
    /* Put what the sensor gives into {inputs};
       quantised: stored = real / {name}_scale(...) + {name}_zero(...). */
    error = {run}(&io, arena, {name}_weights, NULL);
    /* Use {outputs}. */
  }}
  failed(error);
}}
"""


def main_text(code: Code) -> str:
    """`main.c` for the first entry point, with room for the largest run-time sizes."""
    entry, name = code.entries[0], code.name
    tensors = [*entry.inputs, *entry.outputs]
    state = f"static _Alignas(64) unsigned char state[{name.upper()}_STATE_BYTES];\n"
    reset = f"  if (!error) error = {name}_reset(state, {name}_weights);\n"
    has_state = bool(code.sizes.state)
    return _MAIN.format(
        name=name,
        upper=name.upper(),
        io=entry.io,
        run=entry.function,
        state_memory=state if has_state else "",
        reset=reset if has_state else "",
        buffers="\n".join(f"static {t.type.dtype.c} {_buffer(t)}[{_count(t)}];" for t in tensors),
        sizes="".join(f" + sizeof {_buffer(t)}" for t in tensors),
        fields="\n".join(_fields(entry, has_state)),
        inputs=", ".join(map(_buffer, entry.inputs)) or "nothing: there is no input",
        outputs=", ".join(map(_buffer, entry.outputs)),
    )


def _fields(entry: Entry, has_state: bool) -> list[str]:
    lines = [f"      .{t.identifier} = {_buffer(t)}," for t in [*entry.inputs, *entry.outputs]]
    lines += ["      .state = state,"] if has_state else []
    lines += [f"      .{s.name} = {s.high}, /* {s.low} .. {s.high} */" for s in entry.symbols]
    return lines


def _buffer(tensor: Tensor) -> str:
    return f"buffer_{tensor.identifier}"


def _count(tensor: Tensor) -> int:
    return max(1, tensor.type.max_bytes // tensor.type.dtype.itemsize)


def board_header(code: Code, board: Board, code_bytes: int) -> str:
    """`board.h`: what there is and what the model takes, in bytes."""
    upper, sizes = code.name.upper(), code.sizes
    return f"""\
/* The memory of the example board ({board.name}) and what the model takes of it. */
#ifndef {upper}_BOARD_H
#define {upper}_BOARD_H

#define BOARD_FLASH_BYTES {board.flash[1]}
#define BOARD_RAM_BYTES {board.ram[1]}
#define BOARD_STACK_BYTES {STACK_BYTES}

/* In flash: instructions and constants, and the weights. */
#define {upper}_CODE_BYTES {code_bytes}
#define {upper}_FLASH_BYTES {code_bytes + sizes.weights}
/* In RAM: the arena and the state. */
#define {upper}_RAM_BYTES {sizes.arena + sizes.state}

#endif
"""


def weights_text(name: str, weights: bytes) -> str:
    """`weights.c`: weights.bin as an array; its size is a multiple of 64 bytes."""
    words = [f"0x{int.from_bytes(weights[i : i + 4], 'little'):08x}," for i in
             range(0, len(weights), 4)]  # fmt: skip
    lines = "\n".join(" ".join(words[i : i + 8]) for i in range(0, len(words), 8))
    return f"""\
/* The weights of {name}: weights.bin as little-endian words, which the linker puts into flash. */
#include <stdint.h>

extern const uint32_t {name}_weights[{len(words)}];
_Alignas(64) const uint32_t {name}_weights[{len(words)}] = {{
{lines}
}};
"""


def linker_script(board: Board) -> str:
    """`board.ld`. The stack lies below everything else: where it overflows there is no memory."""
    flash, ram = ((f"0x{address:08x}", size) for address, size in (board.flash, board.ram))
    vectors = ""
    if board.vectors is not None:
        vectors = f"  VECTORS (rx) : ORIGIN = 0x{board.vectors:08x}, LENGTH = 1024\n"
    return f"""\
/* The memory of the example board ({board.name}): adapt MEMORY to yours. */
MEMORY {{
{vectors}  FLASH (rx) : ORIGIN = {flash[0]}, LENGTH = {flash[1]}
  RAM (rwx) : ORIGIN = {ram[0]}, LENGTH = {ram[1]}
}}

ENTRY(reset)

SECTIONS {{
  .vectors : {{ KEEP(*(.vectors)) }} > {"VECTORS" if vectors else "FLASH"}
  .text : {{
    *(.text .text.*)
    . = ALIGN(64);
    *(.rodata .rodata.* .srodata .srodata.*)
    . = ALIGN(4);
  }} > FLASH
  .ARM.exidx : {{ *(.ARM.exidx .ARM.exidx.*) }} > FLASH
  /* First in RAM: a stack that grows too large faults instead of overwriting something. */
  .stack (NOLOAD) : {{
    . += {STACK_BYTES};
    . = ALIGN(16);
    board_stack_top = .;
  }} > RAM
  .data : {{
    . = ALIGN(4);
    board_data_start = .;
    *(.data .data.* .sdata .sdata.*)
    . = ALIGN(4);
    board_data_end = .;
  }} > RAM AT > FLASH
  board_data_load = LOADADDR(.data);
  .bss (NOLOAD) : {{
    . = ALIGN(4);
    board_bss_start = .;
    *(.bss .bss.* .sbss .sbss.* COMMON)
    . = ALIGN(4);
    board_bss_end = .;
  }} > RAM
  /DISCARD/ : {{ *(.comment) *(.note .note.*) *(.eh_frame) }}
}}
"""


def cmake_text(name: str, library: str, options: str) -> str:
    """`CMakeLists.txt`; `options` is how model.c has to be compiled by another compiler."""
    return f"""\
# A program for the example board that board.ld describes:
#
#     cmake -B build -DCMAKE_TOOLCHAIN_FILE=toolchain.cmake
#     cmake --build build
#
# It links {library}, the code that was verified, or with -D{name.upper()}_FROM_SOURCE=ON
# compiles model.c.
cmake_minimum_required(VERSION 3.16)
project({name} C)

option({name.upper()}_FROM_SOURCE "Compile model.c instead of linking {library}" OFF)

add_executable({name}.elf main.c startup.c memory.c weights.c)
if({name.upper()}_FROM_SOURCE)
  target_sources({name}.elf PRIVATE model.c)
  set_source_files_properties(model.c PROPERTIES COMPILE_OPTIONS "{options}")
else()
  target_link_libraries({name}.elf PRIVATE ${{CMAKE_CURRENT_SOURCE_DIR}}/{library})
endif()
target_compile_options({name}.elf PRIVATE -std=c11 -Os -ffreestanding -Wall -Wextra)
target_link_options({name}.elf PRIVATE -nostdlib -Wl,-z,noexecstack
                    -T ${{CMAKE_CURRENT_SOURCE_DIR}}/board.ld)
# The compiler's own routines, for what the CPU has no instruction for.
target_link_libraries({name}.elf PRIVATE gcc)
set_target_properties({name}.elf PROPERTIES LINK_DEPENDS ${{CMAKE_CURRENT_SOURCE_DIR}}/board.ld)
"""


def toolchain_text(compiler: str, processor: str, flags: tuple[str, ...]) -> str:
    """`toolchain.cmake`: what cross-compiles for the board."""
    return f"""\
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR {processor})
set(CMAKE_C_COMPILER {compiler})
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY) # there is no C library to link programs with
set(CMAKE_C_FLAGS_INIT "{" ".join(flags)}")
"""
