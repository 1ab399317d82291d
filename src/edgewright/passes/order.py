"""The passes in the order in which they run; order is meaning, so this is the one list."""

from __future__ import annotations

from edgewright.passes import Pass
from edgewright.passes.fold_batch_norm import fold_batch_norm
from edgewright.passes.fold_constants import fold_constants
from edgewright.passes.fold_dequantize import fold_dequantize
from edgewright.passes.fuse_activation import fuse_activation
from edgewright.passes.fuse_bias import fuse_bias
from edgewright.passes.fuse_depth_to_space import fuse_depth_to_space
from edgewright.passes.fuse_qdq import fuse_qdq
from edgewright.passes.fuse_residual import fuse_residual
from edgewright.passes.hoist_quantize import hoist_quantize
from edgewright.passes.merge_pad import merge_pad
from edgewright.passes.merge_quantize import merge_quantize
from edgewright.passes.merge_reshapes import merge_reshapes
from edgewright.passes.permute_weights import permute_weights
from edgewright.passes.remove_dead_nodes import remove_dead_nodes
from edgewright.passes.remove_identity import remove_identity
from edgewright.passes.replace_grouped_conv import replace_grouped_conv
from edgewright.passes.replace_matmul import replace_matmul
from edgewright.passes.replace_unit_transpose import replace_unit_transpose
from edgewright.passes.sink_dequantize import sink_dequantize
from edgewright.passes.sink_reshapes import sink_reshapes
from edgewright.passes.sink_transposes import sink_transposes

ORDER: list[Pass] = [
    # Fewer nodes first, so that the rest meets its patterns.
    remove_dead_nodes,
    fold_constants,
    remove_identity,
    replace_matmul,
    # Transposes: patterns that contain some before anything moves, then all of them down.
    fuse_depth_to_space,
    replace_unit_transpose,
    merge_reshapes,
    sink_transposes,
    # Sinking leaves reshapes and constants behind, and cancels make way for more.
    replace_unit_transpose,
    merge_reshapes,
    remove_identity,
    sink_reshapes,
    sink_transposes,
    replace_unit_transpose,
    merge_reshapes,
    remove_identity,
    permute_weights,
    # Integers: move them instead of floats, then compute on them.
    fuse_bias,
    fuse_activation,
    sink_dequantize,
    hoist_quantize,
    merge_quantize,
    fuse_qdq,
    merge_quantize,
    fold_dequantize,
    fold_constants,
    # Convolutions take in their neighbours.
    replace_grouped_conv,
    fold_batch_norm,
    fuse_bias,
    fuse_activation,
    merge_pad,
    fuse_residual,
    remove_dead_nodes,
]
