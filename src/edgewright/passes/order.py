"""The passes in the order in which they run; order is meaning, so this is the one list."""

from __future__ import annotations

from edgewright.passes import Pass
from edgewright.passes.fold_batch_norm import fold_batch_norm
from edgewright.passes.fold_constants import fold_constants
from edgewright.passes.fuse_activation import fuse_activation
from edgewright.passes.fuse_bias import fuse_bias
from edgewright.passes.merge_pad import merge_pad
from edgewright.passes.remove_dead_nodes import remove_dead_nodes
from edgewright.passes.remove_identity import remove_identity

ORDER: list[Pass] = [
    remove_dead_nodes,
    fold_constants,
    remove_identity,
    fold_batch_norm,
    fuse_bias,
    fuse_activation,
    merge_pad,
    remove_dead_nodes,
]
