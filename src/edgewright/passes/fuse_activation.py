"""Let the operator before a clip do the clipping."""

from __future__ import annotations

import dataclasses

from edgewright import ops
from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.editing import absorb, feeder

Clamp = tuple[float, float]


@rewrite("clip")
def fuse_activation(graph: Graph, clip: Node) -> bool:
    """Turn a clip into the `clamp` of the operator before it: one pass over memory less.

    Given:
        graph main(%x: float32[1,4,4,2], %w: float32[3,1,1,2]) -> (%z) {
          %y = conv(%x, %w, none)
          %z = clip(%y) {lo=0.0, hi=6.0}
        }
    Result:
        graph main(%x: float32[1,4,4,2], %w: float32[3,1,1,2]) -> (%z) {
          %z = conv(%x, %w, none) {clamp=[0.0, 6.0]}
        }
    """
    producer = feeder(clip, 0, *_clamping())
    if producer is None:
        return False
    if graph.only_user(producer.output) is not clip:
        return graph.keep(clip, f"{producer.output} is also read before the clip")
    if not (clip.output.type.dtype.is_float or clip.output.type.quant):
        return graph.keep(clip, "it clips plain integers")
    if producer.output.type.quant != clip.output.type.quant:
        return graph.keep(clip, "it also changes the quantisation")
    bounds = (float(clip.attrs.get("lo", -float("inf"))), float(clip.attrs.get("hi", float("inf"))))
    producer.attrs["clamp"] = merged(producer.attrs.get("clamp"), bounds)
    absorb(graph, clip, producer.output)
    return True


def merged(first: Clamp | None, then: Clamp) -> Clamp:
    """One clamp that does what two do in turn."""
    if first is None:
        return then
    low, high = then
    return min(max(first[0], low), high), min(max(first[1], low), high)


def _clamping() -> list[str]:
    """The operators whose last step can be a clamp."""
    found = []
    for name, cls in ops.registry().items():
        if "clamp" in {f.name for f in dataclasses.fields(cls)}:  # type: ignore[arg-type]
            found.append(name)
    return found
