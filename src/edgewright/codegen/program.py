"""`model.c`: the kernels that a model uses, its entry points, and the choice of the ISA level."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from edgewright.codegen.emitter import Function, Program
from edgewright.codegen.header import Entry, Sizes, Tensor, header_text, symbols_of
from edgewright.codegen.kernels import paste
from edgewright.codegen.names import identifier, identifiers, is_reserved
from edgewright.codegen.weights import HEADER_BYTES, Weights
from edgewright.errors import InvalidOption, raise_all
from edgewright.graph import Graph, Module, Symbol
from edgewright.ops.emit import Packing
from edgewright.plan import Plan, make_plan, separate_plan
from edgewright.plan.check import check_plan


class Levels(Packing, Protocol):
    """A target as the generator sees it."""

    @property
    def detect(self) -> str:
        """How the CPU is asked: "cpuid", "hwcap" or "fixed"."""

    @property
    def macros(self) -> Sequence[str]:
        """`NAME VALUE` lines for `#define`."""

    @property
    def level_names(self) -> Sequence[str]:
        """The ISA levels, baseline first."""


@dataclass
class Code:
    """What is generated for one target; `marked` nodes note the time, in instrumented code."""

    name: str
    model_c: str
    model_h: str
    weights: bytes
    sizes: Sizes
    entries: list[Entry]
    plans: dict[str, Plan]
    state_offsets: dict[str, int] = field(default_factory=dict)
    marked: int = 0


def generate(
    module: Module, target: Levels, name: str, stepwise: bool = False, profiled: bool = False
) -> Code:
    """C for a module that is optimised and verified.

    With `stepwise`, every value has memory of its own and `NAME_run_step` runs one node; this is
    for layer-by-layer verification and never shipped. With `profiled`, the first entry point notes
    the time after each of its nodes (kernels/profile.h); not shipped either.
    """
    name = identifier(name)
    planner = separate_plan if stepwise else make_plan
    plans = {key: planner(graph, target) for key, graph in module.graphs.items()}
    if not stepwise:
        for plan in plans.values():
            check_plan(plan)
    entries = [_entry(name, key, graph, i) for i, (key, graph) in enumerate(module.graphs.items())]
    interface = [t.type.quant for e in entries for t in [*e.inputs, *e.outputs]]
    offsets, state_bytes = _states(module)
    program = Program(target, Weights(interface), module.requantization, offsets)
    bodies = [_function(program, e, plans[e.graph.name], stepwise, profiled) for e in entries]
    raise_all(program.problems)
    reset = _reset(name, module, program)
    arena = max((plan.arena_bytes for plan in plans.values()), default=0)
    text = _assemble(name, program, entries, bodies, reset, target, stepwise)
    sizes = Sizes(arena, program.weights.file_bytes, state_bytes, _layout(text))
    model_h = header_text(name, entries, sizes, stepwise)
    data = program.weights.data(sizes.layout_hash)
    first = plans[entries[0].graph.name]
    marked = len(first.order[first.graph]) if profiled else 0
    return Code(name, text, model_h, data, sizes, entries, plans, offsets, marked)


def _layout(text: str) -> int:
    """A hash of the code without its comments: what the weights must fit."""
    plain = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return int.from_bytes(hashlib.sha256(plain.encode()).digest()[:8], "little")


def _entry(name: str, key: str, graph: Graph, index: int) -> Entry:
    stem = name if index == 0 else f"{name}_{identifier(key)}"
    values = [*graph.inputs, *graph.outputs]
    symbols = symbols_of(graph)
    ids = identifiers([v.name for v in values], [*_SIZES, *_symbol_names(symbols)])
    tensors = [Tensor(v.name, i, v.type) for v, i in zip(values, ids, strict=True)]
    split = len(graph.inputs)
    io = f"{stem}_io"
    return Entry(f"{stem}_run", io, graph, tensors[:split], tensors[split:], symbols)


#: the constants of every `model.h`, beside which a tensor's own must stay apart
_SIZES = ("arena_bytes", "weights_bytes", "state_bytes", "layout_hash", "model_h")


def _symbol_names(symbols: Sequence[Symbol]) -> list[str]:
    """The fields and constants of run-time dims. Raises InvalidOption for what C cannot spell."""
    names: list[str] = []
    for symbol in symbols:
        if is_reserved(symbol.name) or symbol.name.upper() in map(str.upper, names):
            raise InvalidOption(
                f"{symbol.name!r} cannot be the name of a run-time size in C",
                help="choose another name in --shape",
            )
        names += [symbol.name, f"{symbol.name}_min", f"{symbol.name}_max"]
    return names


def _states(module: Module) -> tuple[dict[str, int], int]:
    offsets, end = {}, 0
    for key, state in module.states.items():
        offsets[key] = end
        end += -(-state.type.max_bytes // 16) * 16
    return offsets, -(-end // 64) * 64


def _function(
    program: Program, entry: Entry, plan: Plan, stepwise: bool, profiled: bool
) -> list[str]:
    fields = {("input", i): f"io->{t.identifier}" for i, t in enumerate(entry.inputs)}
    fields |= {("output", i): f"io->{t.identifier}" for i, t in enumerate(entry.outputs)}
    function = Function(program, plan, fields)
    locals_ = [f"  const int32_t d_{s.name} = io->{s.name};" for s in entry.symbols]
    locals_ += [f"  (void)d_{s.name};" for s in entry.symbols]
    if stepwise:
        return [*_steps(function, entry, locals_)]
    if profiled:
        _marked(function, plan)
    else:
        function.nodes(plan.graph)
    lines = [f"int EW_LEVEL_NAME({entry.function})(const {entry.io} *io, void *arena,",
             "    const void *weights, const ew_env *env);",
             f"int EW_LEVEL_NAME({entry.function})(const {entry.io} *io, void *arena,",
             "    const void *weights, const ew_env *env) {",
             "  (void)io, (void)arena, (void)weights, (void)env;"]  # fmt: skip
    return [*lines, *locals_, *function.lines, *_copies(function, plan), "  return EW_OK;", "}"]


def _copies(function: Function, plan: Plan) -> list[str]:
    """Outputs that are an input, a constant or another output as well."""
    from edgewright.codegen.emitter import NodeEmit, size_text
    from edgewright.graph import Node

    reader = NodeEmit(function, Node("copy", [], []), "  ")
    lines = []
    for value, index in plan.copies:
        size = f"(size_t)({size_text(value.type.count)}) * {value.type.dtype.itemsize}"
        source = reader.ptr(value)
        lines.append(f"  memcpy({function.fields['output', index]}, {source}, {size});")
    return lines


def _marked(function: Function, plan: Plan) -> None:
    """The nodes in order, with a mark before the first and after each."""
    if "profile.h" not in function.program.headers:
        function.program.headers.append("profile.h")
    function.lines.append("  ew_mark(env, 0);")
    for index, node in enumerate(plan.order[plan.graph]):
        function.node(node, "  ")
        function.lines.append(f"  ew_mark(env, {index + 1});")


def _steps(function: Function, entry: Entry, locals_: list[str]) -> list[str]:
    plan = function.plan
    lines = [f"EW_EXPORT int {entry.function}_step(int step, const {entry.io} *io, void *arena,",
             "    const void *weights) {", "  (void)io, (void)arena, (void)weights;", *locals_,
             "  switch (step) {"]  # fmt: skip
    for index, node in enumerate(plan.order[plan.graph]):
        function.lines = []
        function.node(node, "    ")
        lines += [f"  case {index}: {{", *function.lines, "    break;", "  }"]
    return [*lines, "  default: return EW_ERROR_SHAPE;", "  }", "  return EW_OK;", "}"]


def _reset(name: str, module: Module, program: Program) -> list[str]:
    if not module.states:
        return []
    lines = []
    for key, state in module.states.items():
        offset, dtype = program.weights.add(state.init, f"state {key}")
        size = state.type.max_bytes
        where = f"(char *)state + {program.state_offsets[key]}"
        lines.append(f"  memcpy({where}, W({dtype.c}, {offset}), {size});")
    head = f"EW_EXPORT int {name}_reset(void *state, const void *weights) {{"
    return [head, "  if (!state || !weights) return EW_ERROR_NULL;", *lines, "  return EW_OK;", "}"]


_TOP = """\
/* {name}: made by Edgewright. The functions of this model are at the end of the file.

   Compile it once per ISA level with -DEW_LEVEL=NAME and once with -DEW_DISPATCH, and link the
   objects; or compile it once with neither, for the level that the compiler's flags name. */
#include "model.h"

#define EW_JOIN_(a, b) a##__##b
#define EW_JOIN(a, b) EW_JOIN_(a, b)
#if defined(EW_LEVEL)
#define EW_LEVEL_NAME(function) EW_JOIN(function, EW_LEVEL)
#else
#define EW_LEVEL_NAME(function) EW_JOIN(function, only)
#endif
#if defined(_WIN32)
#define EW_EXPORT __declspec(dllexport)
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wdll-attribute-on-redeclaration"
#endif
#else
#define EW_EXPORT __attribute__((visibility("default")))
#endif
#define W(type, offset) ((const type *)((const char *)weights + (offset)))
#define A(type, offset) ((type *)((char *)arena + (offset)))
"""


def _assemble(
    name: str,
    program: Program,
    entries: list[Entry],
    bodies: list[list[str]],
    reset: list[str],
    target: Levels,
    stepwise: bool,
) -> str:
    parts = [_TOP.replace("{name}", name)]
    macros = [*target.macros, *([f"EW_LEAN_STEP {target.lean_step}"] if target.lean_step else [])]
    parts += ["\n".join(f"#define {macro}" for macro in macros)] if macros else []
    parts.append("#if !defined(EW_DISPATCH)")
    parts.append(paste(["ew.h", *program.headers], given=["interface.h"]))
    parts += list(program.definitions.values())
    parts.append(f"/* ======== {name} ======== */")
    parts += ["\n".join(body) for body in bodies]
    parts.append("#endif /* !EW_DISPATCH */\n\n#if !defined(EW_LEVEL)")
    parts.append("\n\n".join(_interface(name, program, entries, target, stepwise)))
    if reset:
        parts.append(
            "#if defined(EW_DISPATCH)\n" + paste(["ew.h"], given=["interface.h"]) + "#endif"
        )
        parts.append("\n".join(reset))
    parts.append("#endif /* !EW_LEVEL */")
    return "\n\n".join(parts) + "\n"


def _interface(
    name: str, program: Program, entries: list[Entry], target: Levels, stepwise: bool
) -> list[str]:
    upper = name.upper()
    parts = [_WEIGHTS.replace("NAME", name).replace("UPPER", upper)]
    parts.append(_detect(name, target))
    if not stepwise:
        parts += [_dispatch(upper, e, target.level_names, bool(program.state_offsets))
                  for e in entries]  # fmt: skip
    return parts


_WEIGHTS = f"""\
EW_EXPORT int NAME_check_weights(const void *weights, size_t bytes) {{
  const char magic[4] = {{'E', 'W', 'W', 'T'}};
  const char *head = (const char *)weights;
  if (!weights) return EW_ERROR_NULL;
  if ((uintptr_t)weights % 64) return EW_ERROR_ALIGNMENT;
  if (bytes < {HEADER_BYTES} || bytes < UPPER_WEIGHTS_BYTES) return EW_ERROR_WEIGHTS;
  for (int i = 0; i < 4; ++i)
    if (head[i] != magic[i]) return EW_ERROR_WEIGHTS;
  if (*W(uint32_t, 4) != EW_INTERFACE_VERSION) return EW_ERROR_VERSION;
  if (*W(uint64_t, 8) != UPPER_LAYOUT_HASH) return EW_ERROR_WEIGHTS;
  return *W(uint64_t, 16) == UPPER_WEIGHTS_BYTES ? EW_OK : EW_ERROR_WEIGHTS;
}}

EW_EXPORT float NAME_scale(const void *weights, int tensor) {{
  return *W(float, {HEADER_BYTES} + 8 * tensor);
}}

EW_EXPORT int32_t NAME_zero(const void *weights, int tensor) {{
  return *W(int32_t, {HEADER_BYTES + 4} + 8 * tensor);
}}"""


def _detect(name: str, target: Levels) -> str:
    """`NAME_detect_isa`: the header of the CPU family answers with the index of the best level."""
    head = "#if defined(EW_DISPATCH)\n"
    tail = f"EW_EXPORT int {name}_detect_isa(void) {{ return 0; }}\n#endif"
    if target.detect == "fixed" or len(target.level_names) == 1:
        return tail.removesuffix("\n#endif")
    tests = "".join(
        f"  if (ew_cpu_has_{level}()) return {index};\n"
        for index, level in reversed(list(enumerate(target.level_names)))
        if index
    )
    body = f"EW_EXPORT int {name}_detect_isa(void) {{\n{tests}  return 0;\n}}\n#else\n"
    return head + paste([f"detect_{target.detect}.h"], given=["interface.h", "ew.h"]) + body + tail


def _dispatch(upper: str, entry: Entry, levels: Sequence[str], has_state: bool) -> str:
    proto = f"(const {entry.io} *io, void *arena, const void *weights,\n    const ew_env *env)"
    declared = "".join(f"int {entry.function}__{level}{proto};\n" for level in levels)
    cases = "".join(
        f"  case {i}: return {entry.function}__{level}(io, arena, weights, env);\n"
        for i, level in enumerate(levels)
    )
    return f"""\
#if defined(EW_DISPATCH)
{declared}#endif

EW_EXPORT int {entry.function}{proto} {{
{_checks(upper, entry, has_state)}
#if defined(EW_DISPATCH)
  switch (env ? env->isa : 0) {{
{cases}  default: return EW_ERROR_ISA;
  }}
#else
  if (env && env->isa) return EW_ERROR_ISA;
  return EW_LEVEL_NAME({entry.function})(io, arena, weights, env);
#endif
}}"""


def _checks(upper: str, entry: Entry, has_state: bool) -> str:
    pointers = [f"!io->{t.identifier}" for t in [*entry.inputs, *entry.outputs]]
    if has_state:
        pointers.append("!io->state")
    lines = [f"  if (!io || !weights || (!arena && {upper}_ARENA_BYTES > 0)) return EW_ERROR_NULL;"]
    lines += [f"  if ({p}) return EW_ERROR_NULL;" for p in pointers]
    lines.append(
        "  if ((uintptr_t)arena % 64 || (uintptr_t)weights % 64) return EW_ERROR_ALIGNMENT;"
    )
    lines.append(f"  if (*W(uint64_t, 8) != {upper}_LAYOUT_HASH) return EW_ERROR_WEIGHTS;")
    lines.append("  if (env && env->version != EW_INTERFACE_VERSION) return EW_ERROR_VERSION;")
    lines += [
        f"  if (io->{s.name} < {s.low} || io->{s.name} > {s.high}) return EW_ERROR_SHAPE;"
        for s in entry.symbols
    ]
    return "\n".join(lines)
