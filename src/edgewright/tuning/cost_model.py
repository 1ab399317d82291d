"""Rows of the register tiles of 64-bit Arm, where nothing can be measured: by modelled cycles.

A product of M rows takes M / rows tiles, and a smaller kernel for what is left: a net whose layers
have 49 pixels may do better with tiles of 5 rows than with the largest, which are 6. All layers of
a net share one set of micro-kernels, so one number is chosen for each kind of them. Not modelled
are caches, the gathering of rows, and what a kernel does before and after its loop.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from edgewright import ops
from edgewright.graph import DType, Module, Node, upper
from edgewright.ops import Packing, conv_choice, half, strassen, winograd
from edgewright.ops.conv import Conv
from edgewright.targets import Level, Target
from edgewright.toolchain import Compiler
from edgewright.tuning import cycles
from edgewright.tuning.record import LayerTuning

#: Rows that are tried, the default first (simd/neon.h). With more, sums spill to memory.
ROWS = (6, 5, 4)
#: by how much other rows have to be better, on all CPUs together
LEAST_GAIN = 0.02
MACROS = {"tile_f32": "EW_F32_ROWS", "tile_q8": "EW_Q8_ROWS"}
_LANES = 16


@dataclass(frozen=True)
class Product:
    """So many products of [rows, depth] and [depth, columns] matrices."""

    rows: int
    columns: int
    depth: int
    count: int = 1


@dataclass(frozen=True)
class Kernel:
    """A micro-kernel's inner loop: cycles of a pass that advances `steps` along the depth."""

    name: str
    level: str
    cpu: str
    macs: int
    cycles: float
    bound: float
    steps: int


def products(module: Module, target: Packing) -> dict[str, list[Product]]:
    """The products of a net by the kind of their micro-kernels, in the order of their nodes."""
    found: dict[str, list[Product]] = {}
    for graph in module.graphs.values():
        for node in graph.walk():
            if node.op in ("conv", "fully_connected") and not half.applies(node):
                kind = _kind(node)
                found.setdefault(kind, []).append(_product(node, target)) if kind else None
    return found


def _kind(node: Node) -> str:
    dtype = node.input(0).type.dtype
    if dtype is DType.FLOAT32:
        return "tile_f32"
    return "tile_q8" if dtype in (DType.INT8, DType.UINT8) else ""


def _product(node: Node, target: Packing) -> Product:
    outputs, *window = node.input(1).type.dims
    rows, depth = upper(node.output.type.count) // outputs, math.prod(window)
    op = ops.of(node)
    if not isinstance(op, Conv):
        halves = conv_choice.product_form(node, target).strassen
        return _halves(rows, outputs, depth) if halves else Product(rows, outputs, depth)
    form = conv_choice.form(node, op, target)
    if form.strassen:
        return _halves(rows, outputs, depth)
    if form.winograd:
        return Product(winograd.tiles(node, op), outputs, window[-1], count=16)
    return Product(rows, outputs // op.groups, depth, op.groups)


def _halves(rows: int, outputs: int, depth: int) -> Product:
    return Product((rows + 1) // 2, outputs // 2, depth // 2, strassen.PRODUCTS)


def key(kind: str, held: Sequence[Product]) -> str:
    """What the products of a net are called in tuning files."""
    digest = hashlib.sha256(repr([vars(p) for p in held]).encode()).hexdigest()[:12]
    return f"{kind} of {len(held)} layers {digest}"


def kernels(
    kind: str, rows: int, target: Target, compiler: Compiler, cpus: Iterable[str] = cycles.CPUS
) -> list[Kernel]:
    """The micro-kernels of a kind for tiles of so many rows, on each CPU."""
    level = level_of(kind, target)
    made = {f"ew_{kind}_full": rows, f"ew_{kind}_half": rows // 2, f"ew_{kind}_row_4": 4}
    macros = [f"{MACROS[kind]} {rows}"]
    text = cycles.functions(cycles.assembly(target, level, compiler, list(made), macros))
    attributes = cycles.features(level)
    found = []
    for name, tiles in made.items():  # tiles of one row and 16 columns
        loop = cycles.main_loop(text[name])
        for cpu in cpus:
            bound = cycles.bound(name, level.name, cpu, attributes) * loop.products
            passed = cycles.cycles(loop.text, cpu, attributes)
            steps = loop.products // (_LANES * tiles)
            found.append(Kernel(name, level.name, cpu, loop.products, passed, bound, steps))
    return found


def level_of(kind: str, target: Target) -> Level:
    """The level that is modelled: what the CPUs in `cycles.CPUS` have."""
    named = [level for level in target.levels if level.name == "dotprod"]
    return named[0] if named and kind == "tile_q8" else target.baseline


def cost(product: Product, rows: int, loops: Mapping[str, Kernel]) -> float:
    """Cycles of all passes of the inner loops.

    Args:
        product: of one layer.
        rows: of a full tile.
        loops: of one CPU, by the ending of their kernels' names.
    """
    each = {name: k.cycles / k.steps * product.depth for name, k in loops.items()}
    whole, left = divmod(product.rows, rows)
    blocks = -(-product.columns // _LANES)
    total = whole * blocks * each["full"]
    if left == 1:
        total += -(-blocks // 4) * each["row_4"]
    elif left:
        total += blocks * each["half" if left <= rows // 2 else "full"]
    return total * product.count


def decide(
    kind: str, held: Sequence[Product], found: Mapping[int, Sequence[Kernel]]
) -> LayerTuning:
    """The rows with the fewest cycles: the geometric mean of the CPUs, all layers together.

    Args:
        kind: of the kernels.
        held: the products of a net.
        found: the kernels by the rows of their full tile, as `kernels` gives them.
    """
    means = {rows: _mean(held, rows, loops) for rows, loops in found.items()}
    best = min(means, key=lambda rows: (means[rows], -rows))
    wins = means[best] < (1 - LEAST_GAIN) * means[ROWS[0]]
    return LayerTuning(
        chosen=_name(best if wins else ROWS[0]),
        default=_name(ROWS[0]),
        cycles={_name(rows): float(f"{mean:.6g}") for rows, mean in means.items()},
    )


def _name(rows: int) -> str:
    return f"rows={rows}"


def _mean(held: Sequence[Product], rows: int, loops: Sequence[Kernel]) -> float:
    totals = []
    for cpu in dict.fromkeys(kernel.cpu for kernel in loops):
        own = {k.name.split("_", 3)[-1]: k for k in loops if k.cpu == cpu}
        totals.append(sum(cost(product, rows, own) for product in held))
    return math.exp(sum(map(math.log, totals)) / len(totals))


def macros(layers: Mapping[str, LayerTuning]) -> tuple[str, ...]:
    """What `Target.macros` gets, for rows that are not the default."""
    return tuple(
        f"{MACROS[name.split()[0]]} {layer.chosen.removeprefix('rows=')}"
        for name, layer in layers.items()
        if name.split()[0] in MACROS and layer.chosen != layer.default
    )
