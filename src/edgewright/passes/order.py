"""The passes in the order in which they run; order is meaning, so this is the one list."""

from __future__ import annotations

from edgewright.passes import Pass
from edgewright.passes.eliminate_common_subexpressions import eliminate_common_subexpressions
from edgewright.passes.fold_batch_norm import fold_batch_norm
from edgewright.passes.fold_constants import fold_constants
from edgewright.passes.fold_dequantize import fold_dequantize
from edgewright.passes.fold_lookups import fold_lookups
from edgewright.passes.fuse_activation import fuse_activation
from edgewright.passes.fuse_bias import fuse_bias
from edgewright.passes.fuse_depth_to_space import fuse_depth_to_space
from edgewright.passes.fuse_gelu import fuse_gelu
from edgewright.passes.fuse_hard_sigmoid import fuse_hard_sigmoid
from edgewright.passes.fuse_hard_swish import fuse_hard_swish
from edgewright.passes.fuse_layer_norm import fuse_layer_norm
from edgewright.passes.fuse_qdq import fuse_qdq
from edgewright.passes.fuse_residual import fuse_residual
from edgewright.passes.fuse_silu import fuse_silu
from edgewright.passes.fuse_softmax_scale import fuse_softmax_scale
from edgewright.passes.fuse_weight_scales import fuse_weight_scales
from edgewright.passes.hoist_quantize import hoist_quantize
from edgewright.passes.hoist_resized import hoist_resized
from edgewright.passes.hoist_transposes import hoist_transposes
from edgewright.passes.merge_concats import merge_concats
from edgewright.passes.merge_pad import merge_pad
from edgewright.passes.merge_quantize import merge_quantize
from edgewright.passes.merge_reshapes import merge_reshapes
from edgewright.passes.merge_scale import merge_scale
from edgewright.passes.merge_transpose import merge_transpose
from edgewright.passes.permute_weights import permute_weights
from edgewright.passes.remove_dead_nodes import remove_dead_nodes
from edgewright.passes.remove_identity import remove_identity
from edgewright.passes.replace_gather import replace_gather
from edgewright.passes.replace_grouped_conv import replace_grouped_conv
from edgewright.passes.replace_matmul import replace_matmul
from edgewright.passes.replace_minimum import replace_minimum
from edgewright.passes.replace_single_channel_depthwise import (
    replace_single_channel_depthwise,
)
from edgewright.passes.replace_unit_transpose import replace_unit_transpose
from edgewright.passes.simplify_arithmetic import simplify_arithmetic
from edgewright.passes.sink_dequantize import sink_dequantize
from edgewright.passes.sink_reshapes import sink_reshapes
from edgewright.passes.sink_transposes import sink_transposes
from edgewright.passes.split_transposes import split_transposes
from edgewright.passes.trim_taps import trim_taps

ORDER: list[Pass] = [
    # Fewer nodes first, so that the rest meets its patterns.
    remove_dead_nodes,
    fold_constants,
    remove_identity,
    eliminate_common_subexpressions,
    # What exporters write apart, before a transpose comes between or anything changes how.
    merge_pad,
    fuse_hard_swish,
    fuse_hard_sigmoid,
    fuse_silu,
    fuse_gelu,
    fuse_depth_to_space,
    replace_matmul,
    replace_gather,
    replace_minimum,
    # Transposes go down; what they leave makes way for more.
    replace_unit_transpose,
    merge_reshapes,
    sink_transposes,
    replace_unit_transpose,
    merge_reshapes,
    remove_identity,
    sink_reshapes,
    split_transposes,
    sink_transposes,
    replace_unit_transpose,
    merge_reshapes,
    remove_identity,
    permute_weights,
    merge_concats,
    eliminate_common_subexpressions,
    # Convolutions take in their neighbours.
    replace_grouped_conv,
    replace_single_channel_depthwise,
    simplify_arithmetic,
    fold_batch_norm,
    merge_scale,
    fuse_bias,
    simplify_arithmetic,
    fuse_activation,
    merge_pad,
    # Integers: move them instead of floats, then compute on them.
    sink_dequantize,
    hoist_quantize,
    merge_quantize,
    fuse_qdq,
    merge_quantize,
    # What no integer operator wanted becomes float, and may be fused as that.
    fold_dequantize,
    fold_constants,
    fuse_layer_norm,
    fuse_softmax_scale,
    fold_batch_norm,
    merge_scale,
    fuse_bias,
    fuse_activation,
    merge_pad,
    trim_taps,
    # What float products read stays small.
    fuse_weight_scales,
    # Last, as the sum takes the place of the clamp.
    fuse_residual,
    merge_reshapes,
    remove_identity,
    hoist_transposes,
    hoist_resized,
    merge_transpose,
    fold_lookups,
    eliminate_common_subexpressions,
    remove_dead_nodes,
]
