"""Operators that hand elements on, drop or compare them, and compute nothing."""

MOVERS = (
    "reshape", "transpose", "slice", "split", "gather", "expand", "tile", "max_pool",
    "depth_to_space", "space_to_depth", "resize_nearest", "space_to_batch", "batch_to_space",
    "reduce_max", "reduce_min",
)  # fmt: skip
