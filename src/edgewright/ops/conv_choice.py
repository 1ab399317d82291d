"""How a convolution or a product is computed: by which algorithm, and how many rows at once.

The order of the ways is the table of defaults (`ops/choice.py`). Rows (output pixels, or Winograd's
tiles) pass a few columns of the weights in blocks: small ones keep what they read in the first
cache while the weights come from the second; large ones read the weights seldom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgewright.graph import DType, Node, upper
from edgewright.ops import (
    half,
    lean,
    live_taps,
    parallel,
    strassen,
    strips,
    winograd,
    winograd_q8,
)
from edgewright.ops.choice import Way, choose

if TYPE_CHECKING:
    from edgewright.ops.conv import Conv
    from edgewright.ops.depthwise_conv import DepthwiseConv
    from edgewright.ops.emit import Packing

_ATTRIBUTES = ("stride", "dilation", "pad", "groups")
#: Rows of a block that are tried beside the kernel's own estimate, which is one tile where all
#: weights fit into half of the second cache, and what fits there otherwise (ew_conv_block).
BLOCKS = {1: "weights stay in the second cache", 48: "rows stay in the first cache",
          168: "rows and columns share the second cache", 504: "rows fill the second cache",
          1 << 24: "weights are read once"}  # fmt: skip
#: Tiles of Winograd's that are tried beside what fits into BLOCK_BYTES of the second cache.
TILE_BLOCKS = {24: "what is transformed stays in the first cache",
               60: "it shares the second cache with the weights",
               168: "weights are read seldom"}  # fmt: skip


class Form(NamedTuple):
    """One way; numbers as in `ew_conv_shape`, where 0 is the kernel's own estimate."""

    winograd: bool = False
    block: int = 0
    tile: int = 0
    share: int = 0
    live: bool = False
    strip: bool = False
    strassen: bool = False

    @property
    def expands(self) -> bool:
        """Whether its weights take more room than the model's own."""
        return self.winograd or self.strip or self.strassen


DEFAULT = Form()


def form(node: Node, op: Conv, target: Packing) -> Form:
    """How a convolution is computed; only the sixteen-lane kernels have a choice."""
    x = node.input(0)
    if x.type.dtype is DType.INT16 or half.applies(node) or lean.applies(target, x):
        return Form()
    kernel = "conv_f32" if node.input(0).type.dtype is DType.FLOAT32 else "conv_q8"
    ways = _allowed(_ways(node, op, target), target)
    return choose(node, target, kernel, ways, _ATTRIBUTES)


def _allowed(ways: list[Way[Form]], target: Packing) -> list[Way[Form]]:
    """The ways that leave weights as they are, where size goes before speed."""
    return [way for way in ways if not (target.small and way.value.expands)]


def _ways(node: Node, op: Conv, target: Packing) -> list[Way[Form]]:
    direct = _direct(node)
    if node.input(0).type.dtype is DType.FLOAT32 and target.dot == "us" and len(direct) > 1:
        direct.append(Way("direct tile=8", Form(tile=8), "tiles of twelve leave much over"))
    direct += _shared("direct", node, op, target)
    if live_taps.fits(node, op, target):
        way = Way("live", Form(live=True), "much of what the windows see is padding")
        direct = [way, *direct] if live_taps.saves(node, op) else [*direct, way]
    if strips.fits(node, op, target):
        way = Way("strip", Form(strip=True), "multiplications are saved, more tiles share weights")
        direct = [way, *direct] if strips.saves(node) else [*direct, way]
    if strassen.fits_conv(node, op, target):
        direct = _with_strassen(node, target, direct)
    if winograd_q8.fits(node, op, target):
        saves, tiles = winograd_q8.saves(node), winograd_q8.tiles(node)
    elif winograd.fits(node, op, target):
        saves, tiles = winograd.saves(node, op), winograd.tiles(node, op)
    else:
        return direct
    saving = [
        Way("winograd", Form(winograd=True), "multiplications are saved"),
        *_shared("winograd", node, op, target),
        *(
            Way(f"winograd block={block}", Form(winograd=True, block=block), why)
            for block, why in TILE_BLOCKS.items()
            if block < tiles
        ),
    ]
    return [*saving, *direct] if saves else [*direct, *saving]


def product_form(node: Node, target: Packing) -> Form:
    """How a fully connected layer is computed."""
    x = node.input(0)
    plain = x.type.dtype is DType.FLOAT32 and not half.applies(node)
    if not plain or lean.applies(target, x) or not strassen.fits(node, target):
        return DEFAULT
    direct = [Way("direct", DEFAULT, "the estimate of ew_conv_block")]
    ways = _allowed(_with_strassen(node, target, direct), target)
    return choose(node, target, "fully_connected_f32", ways)


def _with_strassen(node: Node, target: Packing, direct: list[Way[Form]]) -> list[Way[Form]]:
    """Seven products of halves instead of eight, where sums of halves take less time than one."""
    way = Way("strassen", Form(strassen=True), "one product of eight is saved")
    return [way, *direct] if strassen.saves(node, target) else [*direct, way]


def _shared(name: str, node: Node, op: Conv, target: Packing) -> list[Way[Form]]:
    """What threads share, where there are several: ew_chunks_share_columns says otherwise."""
    if op.groups != 1 or not parallel.applies(node, op, target):
        return []
    winograd = name == "winograd"
    return [
        Way(
            f"{name} share=columns",
            Form(winograd, share=1),
            "the weights are larger than the input",
        ),
        Way(f"{name} share=rows", Form(winograd, share=2), "the input is larger than the weights"),
    ]


def _direct(node: Node) -> list[Way[Form]]:
    """The direct form; blocks of all rows are the same however many rows they could hold."""
    batch, height, width, _ = node.output.type.shape
    pixels = upper(batch) * upper(height) * upper(width)
    inner = [rows for rows in BLOCKS if rows < pixels]
    blocks = [*inner, *list(BLOCKS)[len(inner) : len(inner) + 1]] if len(inner) > 1 else []
    return [
        Way("direct", Form(), "the estimate of ew_conv_block"),
        *(Way(f"direct block={rows}", Form(block=rows), BLOCKS[rows]) for rows in blocks),
    ]


def depthwise_form(node: Node, op: DepthwiseConv, target: Packing) -> Form:
    """How a depthwise convolution is computed: `block` is the pixels of its register tiles.

    What is chosen concerns the ISA levels that have such tiles (float32), or dot products that four
    taps fit into (8 bits); others walk over the taps one by one in any case.
    """
    x, (kh, kw, outputs) = node.input(0).type, node.input(1).type.dims
    special = kh == kw and kh in (3, 5) and op.dilation == (1, 1) and x.shape[3] == outputs
    if x.dtype is DType.INT16 or lean.applies(target, node.input(0)) or not special:
        return DEFAULT
    is_float = x.dtype is DType.FLOAT32
    kernel, pixels = ("depthwise_f32", (4, 5, 6, 7)) if is_float else ("depthwise_q8", ())
    ways = [
        Way("tiles", DEFAULT, "the pixels that waste least of a line (ew_depthwise_tile_pixels)"),
        *(
            Way(f"tiles pixels={n}", Form(block=n), "the line has a multiple of them")
            for n in pixels
        ),
        Way("taps", Form(block=1), "the borders are most of the image"),
    ]
    return choose(node, target, kernel, ways, ("stride", "dilation", "pad"))
