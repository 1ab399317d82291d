"""Convolutions one after the other, a few rows at a time: what lies between them stays small.

An inverted residual block (1x1, depthwise 3x3, 1x1) makes two tensors that are several times as
large as its input and its result. Here each convolution makes a few rows, the next one reads them,
and rows that a later window needs again are kept: nothing is computed twice. Each member's own code
does the work, so results do not differ by a bit.

A block is made by the plan (plan/blocks.py), not by a pass: the graph keeps its convolutions, and
the meaning of a block is theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewright.graph import Node, Symbol, TensorType, Value
from edgewright.ops import Emit, Op, Packing, half, lean, op
from edgewright.ops.packing import round_up

if TYPE_CHECKING:
    import numpy.typing as npt

WINDOWED = ("conv", "depthwise_conv")
#: buffers and scratch begin at multiples of it
ALIGNMENT = 64
#: multiply-accumulates from which on threads share a block; as in ops/parallel.py
LEAST_MACS = 200_000


class BlockNode(Node):
    """The node of a block: `chain` has its members, in order; the graph still owns these."""

    def __init__(self, chain: Sequence[Node], rows: int) -> None:
        constants = [v for node in chain for v in node.inputs[1:3]]
        #: what is added to the result
        self.skip = chain[-1].inputs[3] if len(chain[-1].inputs) > 3 else None
        x = chain[0].inputs[0]
        inputs = [x, *constants, None if self.skip is x else self.skip]
        attrs = {"rows": rows, "members": tuple(map(_member_text, chain))}
        super().__init__("block", inputs, list(chain[-1].outputs), attrs, origin=chain[-1].origin)
        self.graph, self.chain = chain[-1].graph, tuple(chain)


def _member_text(node: Node) -> str:
    """What the speed of a member depends on beside its operands: as in ops/choice.py."""
    held = {k: node.attrs[k] for k in ("stride", "dilation", "pad", "groups") if k in node.attrs}
    return f"{node.op}" + "".join(f",{k}={v}".replace(" ", "") for k, v in sorted(held.items()))


# -- geometry --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """One member: where its rows are in each strip.

    Strip number i of a run from row `first` of the result on makes the rows from
    `scale * first + rows * i - delay` on, `rows` of them. Of these are needed those from
    `scale * first - before` to `scale * end + after`.

    Attributes:
        node: the member.
        kernel, stride, pad: of its window, from top to bottom.
        height: rows of its result.
        rows, delay, scale, before, after: see above.
        held: rows of its input that are kept, of which the last `fresh` are new in each strip; 0
            where it reads the block's own input.
        fresh: see held.
    """

    node: Node
    kernel: int
    stride: int
    pad: int
    height: int
    rows: int
    delay: int
    scale: int
    before: int
    after: int
    held: int
    fresh: int

    @property
    def row_bytes(self) -> int:
        """Of its result."""
        return row_bytes(self.node.output.type)

    @property
    def buffer_bytes(self) -> int:
        """Of the rows of its input."""
        return round_up(self.held * row_bytes(self.node.input(0).type), ALIGNMENT)


def row_bytes(type: TensorType) -> int:
    """Bytes of a row of an image."""
    _, _, width, channels = type.dims
    return width * channels * type.dtype.itemsize


def window(node: Node) -> tuple[int, int, int]:
    """Height of the window, stride and padding from top to bottom."""
    kernel = node.input(1).type.dims[1 if node.op == "conv" else 0]
    stride: int = node.attrs.get("stride", (1, 1))[0]
    dilation: int = node.attrs.get("dilation", (1, 1))[0]
    pad: int = node.attrs.get("pad", ((0, 0), (0, 0)))[0][0]
    return (kernel - 1) * dilation + 1, stride, pad


def stages(chain: Sequence[Node], rows: int) -> list[Stage]:
    """Where the rows of a block are, when each strip makes `rows` rows of its result."""
    windows = [window(node) for node in chain]
    needs = _needs(windows)
    made: list[Stage] = []
    fresh = delay = 0
    for index, (node, (kernel, stride, pad)) in enumerate(zip(chain, windows, strict=True)):
        scale, before, after = needs[index]
        own = max(0, -((kernel - stride - pad + delay) // -stride)) if index else 0
        held = fresh + own * stride + pad - delay if index else 0
        height = node.output.type.dims[1]
        stage = Stage(node, kernel, stride, pad, height, rows * scale, own, scale, before, after,
                      held, fresh)  # fmt: skip
        made.append(stage)
        fresh, delay = stage.rows, own
    return made


def _needs(windows: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """`scale`, `before` and `after` of each member."""
    found = [(1, 0, 0)]
    for kernel, stride, pad in reversed(windows[1:]):
        scale, before, after = found[0]
        found.insert(0, (scale * stride, before * stride + pad,
                         after * stride + kernel - stride - pad))  # fmt: skip
    return found


def warm_up(made: Sequence[Stage]) -> int:
    """Strips before the first one, for the rows above that the first window sees."""
    return -min(0, *((stage.delay - stage.before) // stage.rows for stage in made))


def is_chain(chain: Sequence[Node]) -> bool:
    """Whether windows overlap or touch, as the buffers between the members expect."""
    return all(kernel >= stride for kernel, stride, _ in map(window, chain[1:]))


# -- members ---------------------------------------------------------------------------------------


def _part(stage: Stage, index: int, whole: bool) -> Node:
    """The member for a run-time number of rows; `whole`: it reads the whole of the input."""
    rows = Symbol(f"rows{index}", 1, stage.rows)
    node = stage.node
    x, y = node.input(0), node.output
    height = x.type.dims[1] if whole else (rows - 1) * stage.stride + stage.kernel
    operands: list[Value | None] = list(node.inputs)
    operands[0] = Value(x.name, x.type.with_shape(1, height, *x.type.shape[2:]))
    if len(operands) > 3 and operands[3] is not None:
        operands[3] = Value(operands[3].name, _of_rows(operands[3].type, rows))
    attrs = dict(node.attrs)
    sides = attrs.get("pad", ((0, 0), (0, 0)))[1]
    top = Symbol(f"top{index}", -stage.height * stage.stride, stage.pad) if whole else 0
    attrs["pad"] = ((top, 0), sides)
    result = Value(y.name, _of_rows(y.type, rows))
    return Node(node.op, operands, [result], attrs, origin=node.origin)


def _of_rows(type: TensorType, rows: Any) -> TensorType:
    return type.with_shape(1, rows, *type.shape[2:])


def _parts(made: Sequence[Stage]) -> list[Node]:
    return [_part(s, i, i == 0 and s.kernel > 1) for i, s in enumerate(made)]


class _MemberEmit:
    """What a member sees as `Emit`: its statements are kept in `lines`."""

    def __init__(self, outer: Emit, node: Node, pointers: dict[Value, str], scratch: str) -> None:
        self.outer, self.node = outer, node
        self.inputs: list[Value | None] = list(node.inputs)
        self.outputs: list[Value] = list(node.outputs)
        self.target, self.requantization = outer.target, outer.requantization
        self.pointers, self._scratch = pointers, scratch
        self.lines: list[str] = []

    def ptr(self, value: Value | None) -> str:
        if value is None:
            return "NULL"
        if value in self.pointers:
            const = "" if value in self.outputs else "const "
            return f"({const}{value.type.dtype.c} *)({const}void *)({self.pointers[value]})"
        return self.outer.ptr(value)

    def dim(self, value: Value, axis: int) -> str:
        return self.outer.size(value.type.shape[axis])

    def count(self, value: Value) -> str:
        return self.outer.size(value.type.count)

    def size(self, size: Any) -> str:
        return self.outer.size(size)

    def weight(self, array: npt.NDArray[Any]) -> str:
        return self.outer.weight(array)

    def scratch(self) -> str:
        return f"(void *)({self._scratch})"

    def header(self, name: str) -> None:
        self.outer.header(name)

    def define(self, name: str, text: str) -> None:
        self.outer.define(name, text)

    def line(self, text: str) -> None:
        self.lines.append(text)

    def call(self, function: str, *args: str | int) -> None:
        texts = [str(a) for a in args]
        if texts[0].startswith("&("):  # one shape on the stack, and not one for each member
            self.lines.append(f"shape = {texts[0][1:]};")
            texts[0] = "&shape"
        self.lines += _wrapped(function, texts)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.outer, name)


def _wrapped(function: str, args: Sequence[str], width: int = 90) -> list[str]:
    """A call over as many lines as it needs."""
    lines, line = [], f"{function}("
    for arg in args:
        if len(line) + len(arg) > width and not line.endswith("("):
            lines.append(line.rstrip())
            line = "    "
        line += f"{arg}, "
    return [*lines, line.removesuffix(", ") + ");"]


# -- the operator ----------------------------------------------------------------------------------


@op("block")
class Block(Op):
    """Convolutions one after the other, `rows` rows of the last one's result at a time.

    The memory plan makes them, so that no file and no graph holds any. `members` says what they
    are; the result is that of the members one by one.
    """

    rows: int = 1
    members: tuple[str, ...] = ()

    def infer_node(self, node: Node) -> TensorType:
        return node.output.type

    def inplace_operands(self, node: Node, target: Packing) -> tuple[int, ...]:
        """The residual, whose rows were read before they are overwritten.

        Not where threads share the rows: one would overwrite what another one reads.
        """
        held = _of(node)
        if held.skip is None or shares(held, self, target):
            return ()
        if held.skip is not held.inputs[0]:
            return (len(node.inputs) - 1,)
        return (0,) if window(held.chain[0]) == (1, 1, 0) else ()

    def macs(self, node: Node) -> int:
        from edgewright import ops

        return sum(ops.of(member).macs(member) for member in _of(node).chain)

    def scratch_bytes(self, node: Node, target: Packing) -> int:
        held = _of(node)
        needed = scratch_bytes(held.chain, self.rows, target)
        return target.chunks * needed if shares(held, self, target) else needed

    def emit(self, e: Emit) -> None:
        _emit(e, _of(e.node), self)


def _of(node: Node) -> BlockNode:
    assert isinstance(node, BlockNode)
    return node


def scratch_bytes(chain: Sequence[Node], rows: int, target: Packing) -> int:
    """Bytes of the buffers, and of what the members need beside them."""
    made = stages(chain, rows)
    return sum(stage.buffer_bytes for stage in made) + _members_scratch(made, target)


def _members_scratch(made: Sequence[Stage], target: Packing) -> int:
    from edgewright import ops

    needed = max(ops.of(part).scratch_bytes(part, target) for part in _parts(made))
    return round_up(needed, ALIGNMENT)


def shares(node: BlockNode, op: Block, target: Packing) -> bool:
    """Whether threads share the rows of a block."""
    many = node.output.type.dims[1] >= 2 * target.chunks
    return target.chunks > 1 and not target.lean_step and many and op.macs(node) >= LEAST_MACS


def _emit(e: Emit, node: BlockNode, op: Block) -> None:
    """A function for the strips of a range of rows, and its call."""
    made = stages(node.chain, op.rows)
    e.header("block.h")
    body = "".join(f"{line}\n" for line in _body(e, node, made))
    name = f"block_{hashlib.sha256(body.encode()).hexdigest()[:8]}"
    e.define(name, f"{_HEAD.format(name=name)} {{\n{body}}}\n")
    x, y, skip = e.ptr(node.inputs[0]), e.ptr(node.output), e.ptr(node.skip)
    rows = node.output.type.dims[1]
    if not shares(node, op, e.target):
        e.call(name, "weights", x, skip, y, e.scratch(), 0, rows)
        return
    e.header("parallel.h")
    task = _TASK.format(name=name, rows=rows, step=op.rows)
    e.define(f"{name}_chunk", task)
    needed = scratch_bytes(node.chain, op.rows, e.target)
    fields = {"x": x, "w": "weights", "skip": skip, "y": y, "scratch": e.scratch(),
              "scratch_bytes": str(needed)}  # fmt: skip
    work = ", ".join(f".{field} = {value}" for field, value in fields.items() if value != "NULL")
    e.call("ew_parallel", "env", f"{name}_chunk", f"(ew_work){{{work}}}")


_HEAD = """\
static void {name}(const void *weights, const void *input, const void *residual, void *result,
    void *scratch, int32_t first, int32_t end)"""

_TASK = """\
static void {name}_chunk(void *context, int32_t chunk) {{
  const ew_work *const work = (const ew_work *)context;
  const int32_t first = ew_chunk_start({rows}, {step}, chunk);
  const int32_t end = ew_chunk_start({rows}, {step}, chunk + 1);
  if (first < end)
    {name}(work->w, work->x, work->skip, work->y, ew_work_scratch(work, chunk), first, end);
}}
"""


def _body(e: Emit, node: BlockNode, made: Sequence[Stage]) -> list[str]:
    starts = [sum(s.buffer_bytes for s in made[:i]) for i in range(len(made) + 1)]
    last, before = made[-1], warm_up(made)
    lines = [
        "  const char *const x = (const char *)input;",
        "  char *const y = (char *)result, *const room = (char *)scratch;",
        "  const char *const skip = (const char *)residual;",
        *(["  ew_conv_shape shape;"] if lean.applies(e.target, made[0].node.input(0)) else []),
        *([] if node.skip else ["  (void)skip;"]),
    ]
    strip = f"first ? -{before} : 0" if before else "0"
    more = f"{_linear(last.rows, 'strip', 0)} < {_minus('end - first', -last.delay)}"
    lines.append(f"  for (int32_t strip = {strip}; {more}; ++strip) {{")
    for index in range(len(made)):
        lines += [f"    {line}" for line in _stage(e, made, starts, index)]
    return [*lines, "  }"]


def _padding(e: Emit, stage: Stage) -> str:
    """The byte that padding of a member's input is made of."""
    quant = stage.node.input(0).type.quant
    if quant is None:
        return "0"
    dtype = stage.node.input(0).type.dtype.numpy
    return f"*{e.weight(np.array([quant.zero[0]], dtype))}"


def _stage(e: Emit, made: Sequence[Stage], starts: Sequence[int], index: int) -> list[str]:
    """One member's rows of a strip."""
    s = made[index]
    reader = made[index + 1] if index + 1 < len(made) else None
    start, stop = _linear(s.scale, "first", -s.before), _linear(s.scale, "end", s.after)
    at = f"{_linear(s.scale, 'first', 0)} + {_linear(s.rows, 'strip', -s.delay)}"
    high = f"ew_min_i32(at + {s.rows}, ew_min_i32({s.height}, {stop}))"
    lines = [
        f"const int32_t at = {at};",
        f"const int32_t low = ew_max_i32(ew_max_i32(at, 0), {start});",
        f"const int32_t d_rows{index} = {high} - low;",
    ]
    if reader:
        base, kept = f"room + {starts[index + 1]}", reader.held - reader.fresh
        target = f"{base} + {_minus('(low - at', -kept)}) * {s.row_bytes}"
        if kept:
            step = s.rows * s.row_bytes
            lines.append(f"ew_block_shift({base}, {step}, {kept * s.row_bytes});")
    else:
        target = f"y + low * {s.row_bytes}"
    lines += _member(e, made, starts, index, target)
    if reader and reader.kernel > 1:
        sizes = [reader.held, s.height, reader.pad, reader.kernel - 1, s.row_bytes]
        rows = f"(ew_block_rows){{{_minus('at', kept)}, {', '.join(map(str, sizes))}}}"
        lines += [f"if (at < {kept} || at + {s.rows} > {s.height})",
                  f"  ew_block_pad({rows},", f"      {base}, {_padding(e, reader)});"]  # fmt: skip
    return [f"{{ /* {s.node.op} */", *(f"  {line}" for line in lines), "}"]


def _member(
    e: Emit, made: Sequence[Stage], starts: Sequence[int], index: int, target: str
) -> list[str]:
    """The call of a member's own code."""
    s, lines = made[index], []
    part = _part(s, index, index == 0 and s.kernel > 1)
    step = s.stride * row_bytes(s.node.input(0).type)
    source = f"x + low * {step}" if index == 0 else f"room + {starts[index]} + (low - at) * {step}"
    if index == 0 and s.kernel > 1:
        source = "x"
        top = f"{s.pad} - low * {s.stride}" if s.stride > 1 else f"{s.pad} - low"
        lines.append(f"const int32_t d_top{index} = {top};")
    pointers = {part.input(0): source, part.output: target}
    if len(part.inputs) > 3 and part.inputs[3] is not None:
        pointers[part.inputs[3]] = f"skip + low * {s.row_bytes}"
    out = _MemberEmit(e, part, pointers, f"room + {starts[-1]}")
    from edgewright import ops

    ops.of(part).emit(out)
    return [*lines, f"if (d_rows{index} > 0) {{", *(f"  {line}" for line in out.lines), "}"]


def _linear(factor: int, name: str, more: int) -> str:
    """`factor * name + more`."""
    return _minus(name if factor == 1 else f"{factor} * {name}", -more)


def _minus(text: str, less: int) -> str:
    """`text - less`."""
    return text if not less else f"{text} {'-' if less > 0 else '+'} {abs(less)}"


def fits(node: Node, target: Packing) -> bool:
    """Whether a node can be a member of a block."""
    if node.op not in WINDOWED or node.regions or node.input(1).data is None:
        return False
    types = [value.type for value in (*node.arguments, *node.outputs)]
    if not all(t.is_static for t in types) or types[0].dims[0] != 1 or half.applies(node):
        return False
    return types[0].dtype.itemsize != 2 and (
        types[0].dtype.itemsize == 4 or lean.applies(target, node.input(0)) or not target.lean_step
    )
