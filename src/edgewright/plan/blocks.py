"""Which convolutions run together, a few rows at a time (ops/block.py), so that less RAM is needed.

Members of a block are neighbours in a chain whose tensors nothing else reads. `goal` says how much
memory is worth the time that blocks take; beyond it, the block that lowers the highest peak is
made, then the next one, until none does. Tuning may decide otherwise for each of them, and for the
blocks of mobile nets that were not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from edgewright import ops
from edgewright.graph import DType, Graph, Node, Value
from edgewright.ops import Packing, conv_choice
from edgewright.ops.block import BlockNode, fits, is_chain, row_bytes, scratch_bytes, stages
from edgewright.ops.choice import DEFAULTS, Way, choose
from edgewright.ops.conv import Conv
from edgewright.plan.lifetimes import Buffer, Lifetimes, Scratch

#: rows of a strip that are tried. Each strip costs some calls, and the rows that are kept for the
#: next one are moved: 4 % for each row of a strip less, measured on MobileNet V2.
ROWS = (1, 2, 4, 8, 16)
#: rows that tuning tries
TUNED_ROWS = (4, 8, 16)
MOST_MEMBERS = 8
#: all blocks have to save this share of the peak: their code has a size, too
LEAST_SAVING = 0.05
#: peaks that differ by this share are about the same
SMALL = 0.02
#: second-level caches of the CPUs that models run on have a half to two megabytes
CACHE_BYTES = 1 << 20
#: what a strip costs for each member, in bytes that could be moved in the time
CALL_BYTES = 2000


@dataclass(frozen=True)
class Laid:
    """The lowest peak that the nodes can run with, their order, and lifetimes in it."""

    peak: int
    order: Sequence[Node]
    spans: Lifetimes


Lay = Callable[[Sequence[BlockNode]], Laid]


def goal(target: Packing) -> int:
    """Bytes of arena below which a block is not worth what it costs.

    Microcontrollers: every byte counts, and blocks cost 1 to 2 % of their instructions. Others have
    the memory, and what fits into the cache gains nothing: blocks took 1 to 5 % longer there, but
    up to 15 % less with the tensors of 1 to 5 MB of float32 mobile nets.
    """
    if target.lean_step:
        return 0
    return min(CACHE_BYTES, target.room) if target.room else CACHE_BYTES


def contract(nodes: Sequence[Node], blocks: Sequence[BlockNode]) -> list[Node]:
    """An order of nodes in which each block stands where its last member stood."""
    last = {block.chain[-1]: block for block in blocks}
    inner = {node for block in blocks for node in block.chain[:-1]}
    return [last.get(node, node) for node in nodes if node not in inner]


def find_blocks(graph: Graph, target: Packing, lay: Lay) -> list[BlockNode]:
    """The blocks of a graph; `lay` says what a plan with some blocks needs."""
    found = _runs(graph, target)
    wanted = [chain for chain in found if _may_lower(chain, target)]
    made = _lowered(wanted, untuned(target), lay) if wanted else []
    taken = {node for block in made for node in block.chain}
    chosen = [_choose(block.chain, block.attrs["rows"], target) for block in made]
    for chain in _mobile(found):
        if not taken & set(chain):
            chosen.append(_choose(chain, _rows_for_speed(chain, target), target))
    return [block for block in chosen if block]


# -- chains ----------------------------------------------------------------------------------------


class _Untuned:
    def __init__(self, target: Packing) -> None:
        self._target, self.choices = target, DEFAULTS

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)


def untuned(target: Packing) -> Packing:
    """A target without its choices: what could be a block does not depend on how layers are."""
    made: Any = _Untuned(target)
    return cast(Packing, made)


def _is_member(node: Node, target: Packing) -> bool:
    """Whether a node loses nothing in a block: other forms need all rows at once."""
    if not fits(node, target):
        return False
    op = ops.of(node)
    return not isinstance(op, Conv) or conv_choice.form(node, op, target) == conv_choice.DEFAULT


def _runs(graph: Graph, target: Packing) -> list[list[Node]]:
    """The longest chains of two and more nodes that could be members."""
    plain = untuned(target)
    members = {node for node in graph.nodes if _is_member(node, plain)}
    found: list[list[Node]] = []
    ends: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        if node not in members:
            continue
        before = node.input(0).producer
        chain = ends.pop(before, None) if before and _joins(graph, before, node) else None
        if chain is None:
            chain = []
            found.append(chain)
        chain.append(node)
        ends[node] = chain
    return [chain for chain in found if len(chain) > 1]


def _joins(graph: Graph, before: Node, node: Node) -> bool:
    """Whether a node alone reads what the one before it makes, and nothing was added to that."""
    alone = graph.only_user(before.output) is node and node.inputs.count(before.output) == 1
    return alone and not _skip(before) and is_chain([before, node])


def _skip(node: Node) -> Value | None:
    return node.inputs[3] if len(node.inputs) > 3 else None


def _mobile(runs: Sequence[Sequence[Node]]) -> Iterator[Sequence[Node]]:
    """Depthwise convolutions with the pointwise ones around them: what mobile nets are made of."""
    for run in runs:
        start = 0
        for index, node in enumerate(run[:-1]):
            if node.op != "depthwise_conv" or not _is_pointwise(run[index + 1]):
                continue
            expands = index > start and _is_pointwise(run[index - 1])
            yield run[index - 1 if expands else index : index + 2]
            start = index + 2


def _is_pointwise(node: Node) -> bool:
    return node.op == "conv" and node.input(1).type.dims[1:3] == (1, 1)


# -- the lowest peak -------------------------------------------------------------------------------


def _may_lower(chain: Sequence[Node], target: Packing) -> bool:
    """Whether a chain's blocks are worth what they cost to lower the peak.

    Where there are caches, 8-bit blocks take 2 to 5 % longer than their members: only --max-ram
    asks for them.
    """
    is_float = chain[0].output.type.dtype is DType.FLOAT32
    return is_float or target.lean_step > 0 or target.room > 0


def _lowered(runs: Sequence[Sequence[Node]], target: Packing, lay: Lay) -> list[BlockNode]:
    """Blocks until the peak is at the goal, or none lowers it.

    Several peaks may be as high, so that a step saves nothing as long as it is not the last.
    """
    steps: list[tuple[int, list[BlockNode]]] = []
    made: list[BlockNode] = []
    heights: list[int] = []
    while True:
        peak = _Peak(lay(made), target)
        if steps and peak.heights >= heights:
            break
        heights = peak.heights
        steps.append((heights[0], made))
        block = _best(peak, runs, made) if heights[0] > goal(target) else None
        if block is None:
            break
        made = [other for other in made if not set(other.chain) & set(block.chain)] + [block]
    if steps[-1][0] > steps[0][0] * (1 - LEAST_SAVING):
        return []
    enough = max(goal(target), steps[-1][0] * (1 + SMALL))
    return next(blocks for height, blocks in steps if height <= enough)


class _Peak:
    """What is alive at each step of an order."""

    def __init__(self, laid: Laid, target: Packing) -> None:
        self.target, self.spans = target, laid.spans
        steps = len(laid.order)
        self.step = {
            member: index
            for index, node in enumerate(laid.order)
            for member in (node.chain if isinstance(node, BlockNode) else (node,))
        }
        self.alive = [0] * (steps + 1)
        items: list[Buffer | Scratch] = [*self.spans.buffers, *self.spans.scratch]
        for item in items:
            for step in range(item.start, min(item.end, steps) + 1):
                self.alive[step] += item.bytes
        self.heights = sorted(self.alive, reverse=True)
        highest = self.alive.index(self.heights[0])
        self.nodes = {node for node, step in self.step.items() if step == highest}

    def outside(self, chain: Sequence[Node]) -> int:
        """The highest peak of the other steps."""
        own = {self.step[node] for node in chain}
        return max((held for step, held in enumerate(self.alive) if step not in own), default=0)

    def around(self, chain: Sequence[Node]) -> int:
        """Bytes of what is alive when the first member runs, and of the result."""
        step, made = self.step[chain[0]], {node.output for node in chain}
        result = chain[-1].output
        return sum(
            b.bytes
            for b in self.spans.buffers
            if result in b.values or (b.start <= step <= b.end and not _only(b, made))
        )


def _only(buffer: Buffer, made: set[Value]) -> bool:
    return all(value in made for value in buffer.values)


def _best(
    peak: _Peak, runs: Sequence[Sequence[Node]], made: Sequence[BlockNode]
) -> BlockNode | None:
    """The block that lowers the peak most, or does about as well and costs least."""
    rated: list[tuple[int, int, Sequence[Node], int]] = []
    for chain in _segments(runs, peak.nodes, made):
        outside, around = peak.outside(chain), peak.around(chain)
        for rows in _tried(peak.target):
            if rows < chain[-1].output.type.dims[1]:
                own = around + scratch_bytes(chain, rows, peak.target)
                if own < peak.heights[0] * (1 - SMALL):
                    cost = _cost(chain, rows, peak.target)
                    rated.append((max(outside, own), cost, chain, rows))
    if not rated:
        return None
    enough = min(needed for needed, *_ in rated) * (1 + SMALL)
    enough = max(enough, goal(peak.target))
    *_, chain, rows = min((r for r in rated if r[0] <= enough), key=lambda r: (r[1], r[0]))
    return BlockNode(chain, rows)


def _tried(target: Packing) -> Sequence[int]:
    """Rows of a strip; fewer than four cost 5 to 20 % of a block's time where there are caches."""
    return ROWS if target.lean_step or target.room else TUNED_ROWS


def _segments(
    runs: Sequence[Sequence[Node]], wanted: set[Node], made: Sequence[BlockNode]
) -> Iterator[Sequence[Node]]:
    """Parts of chains with a wanted node, and with blocks that were made whole or not at all."""
    for run in runs:
        for start in range(len(run)):
            for end in range(start + 2, min(len(run), start + MOST_MEMBERS) + 1):
                chain = run[start:end]
                held = set(chain)
                whole = all(not held & set(b.chain) or held >= set(b.chain) for b in made)
                if held & wanted and whole:
                    yield chain


def _cost(chain: Sequence[Node], rows: int, target: Packing) -> int:
    """What the strips cost, in bytes that are moved, less what they save where there are caches."""
    made = stages(chain, rows)
    strips = -(-chain[-1].output.type.dims[1] // rows)
    kept = sum((s.held - s.fresh) * row_bytes(s.node.input(0).type) for s in made[1:])
    saved = 0 if target.lean_step else sum(n.output.type.max_bytes for n in chain[:-1])
    return strips * (kept + CALL_BYTES * len(chain)) - saved


# -- choosing --------------------------------------------------------------------------------------


def _rows_for_speed(chain: Sequence[Node], target: Packing) -> int:
    """Rows of a block that is faster than its members one by one, or 0.

    float32 tensors that the cache does not hold: 1.15 to 1.01 times as fast on MobileNet V2. 8-bit
    ones of the same nets are a quarter as large, and gained nothing.
    """
    largest = max(node.output.type.max_bytes for node in chain[:-1])
    wins = chain[0].output.type.dtype is DType.FLOAT32 and largest > CACHE_BYTES
    return 4 if wins and not target.lean_step else 0


def _choose(chain: Sequence[Node], rows: int, target: Packing) -> BlockNode | None:
    """A block, or None where its members run one by one; `rows` is the default, 0 for no block."""
    height = chain[-1].output.type.dims[1]
    others = [n for n in TUNED_ROWS if n != rows and n < height]
    apart = Way("apart", 0, "what lies between stays in the cache")
    strips = [Way(f"rows={n}", n, "strips stay in the cache") for n in others]
    first = [Way(f"rows={rows}", rows, "less memory is needed")] if rows else [apart]
    ways = [*first, *strips, *([apart] if rows else [])]
    kind = "f32" if chain[0].output.type.dtype is DType.FLOAT32 else "q8"
    taken = choose(BlockNode(chain, 0), target, f"block_{kind}", ways, ("members",))
    return BlockNode(chain, taken) if taken else None
