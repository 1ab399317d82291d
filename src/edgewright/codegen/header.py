"""`model.h`: the C interface of one model."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgewright.codegen.kernels import read_kernel
from edgewright.graph import Graph, Symbol, TensorType
from edgewright.graph.dims import Dim


@dataclass(frozen=True)
class Tensor:
    """An input or output: the user's name, its C identifier, its type."""

    name: str
    identifier: str
    type: TensorType


@dataclass
class Entry:
    """One entry point: its function's name and what its `io` holds."""

    function: str
    io: str
    graph: Graph
    inputs: list[Tensor]
    outputs: list[Tensor]
    symbols: list[Symbol] = field(default_factory=list)


@dataclass(frozen=True)
class Sizes:
    """The numbers of `model.h`, in bytes."""

    arena: int
    weights: int
    state: int
    layout_hash: int


def symbols_of(graph: Graph) -> list[Symbol]:
    """The run-time dims of the inputs, by name."""
    found: set[Symbol] = set()
    for value in graph.inputs:
        for size in value.type.shape:
            if isinstance(size, Dim):
                found |= size.symbols()
    return sorted(found, key=lambda s: s.name)


def header_text(name: str, entries: list[Entry], sizes: Sizes, stepwise: bool) -> str:
    """The file."""
    upper = name.upper()
    parts = [
        f"/* {name}: made by Edgewright. Use it as main.c shows. */",
        f"#ifndef {upper}_MODEL_H\n#define {upper}_MODEL_H",
        read_kernel("interface.h").strip(),
        '#ifdef __cplusplus\nextern "C" {\n#endif',
        _sizes(upper, sizes),
        *[_entry(name, upper, entry, bool(sizes.state)) for entry in entries],
        _common(name, upper, entries, sizes, stepwise),
        "#ifdef __cplusplus\n}\n#endif",
        "#endif",
    ]
    return "\n\n".join(parts) + "\n"


def _sizes(upper: str, sizes: Sizes) -> str:
    return f"""\
/* Memory that the caller provides: 64-byte aligned; inputs and outputs need not be. */
#define {upper}_ARENA_BYTES {sizes.arena}
#define {upper}_WEIGHTS_BYTES {sizes.weights}
#define {upper}_STATE_BYTES {sizes.state}
#define {upper}_LAYOUT_HASH 0x{sizes.layout_hash:016x}ull"""


def _entry(name: str, upper: str, entry: Entry, has_state: bool) -> str:
    lines = []
    for symbol in entry.symbols:
        stem = f"{upper}_{symbol.name.upper()}"
        lines += [f"#define {stem}_MIN {symbol.low}", f"#define {stem}_MAX {symbol.high}"]
    lines.append(f"typedef struct {entry.io} {{")
    lines += [_field(t, "const ") for t in entry.inputs]
    lines += [_field(t, "") for t in entry.outputs]
    if has_state:
        lines.append(f"  void *state; /* {upper}_STATE_BYTES bytes, made ready by {name}_reset */")
    lines += [f"  int32_t {s.name}; /* {s.low} .. {s.high} */" for s in entry.symbols]
    lines.append("  int32_t *out_dims; /* unused: no size of this model depends on data */")
    lines.append(f"}} {entry.io};")
    run = f"int {entry.function}(const {entry.io} *io, void *arena, const void *weights,"
    pad = " " * (len(entry.function) + 5)
    return "\n".join([*lines, "", "/* Runs once. Returns EW_OK or an ew_error. */", run,
                      f"{pad}const ew_env *env);"])  # fmt: skip


def _field(tensor: Tensor, qualifier: str) -> str:
    shape = ", ".join(str(d) for d in tensor.type.shape)
    quant = " quantised" if tensor.type.quant else ""
    plain = "" if tensor.name == tensor.identifier else f" '{_safe(tensor.name)}'"
    about = f"/* {tensor.type.dtype.value} [{shape}]{quant}{plain} */"
    return f"  {qualifier}{tensor.type.dtype.c} *{tensor.identifier}; {about}"


def _safe(text: str) -> str:
    return text.replace("*/", "* /").replace("/*", "/ *").replace("\n", " ")


def _common(name: str, upper: str, entries: list[Entry], sizes: Sizes, stepwise: bool) -> str:
    tensors = [(e, t) for e in entries for t in [*e.inputs, *e.outputs]]
    lines = [
        "/* EW_OK when the weights are whole and belong to this code. */",
        f"int {name}_check_weights(const void *weights, size_t bytes);",
        "",
        "/* The best level of this CPU, for ew_env.isa; ask once, it may be slow. */",
        f"int {name}_detect_isa(void);",
        "",
        "/* Scale and zero point of interface tensors: real = scale * (stored - zero). */",
        f"enum {{ {', '.join(_tensor_enum(upper, e, t) for e, t in tensors)} }};",
        f"float {name}_scale(const void *weights, int tensor);",
        f"int32_t {name}_zero(const void *weights, int tensor);",
    ]
    if sizes.state:
        lines += ["", "/* Puts the state back to its beginning. */",
                  f"int {name}_reset(void *state, const void *weights);"]  # fmt: skip
    if stepwise:
        lines += ["", "/* For tests: one node alone, every value in memory of its own. */"]
        lines += [
            f"int {e.function}_step(int step, const {e.io} *io, void *arena, const void *weights);"
            for e in entries
        ]
    return "\n".join(lines)


def _tensor_enum(upper: str, entry: Entry, tensor: Tensor) -> str:
    stem = entry.function.upper().removesuffix("_RUN")
    return f"{stem}_{tensor.identifier.upper()}"
