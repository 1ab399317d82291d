"""Which convolutions become blocks: those that lower the peak, where that is worth their time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.ops.test_block import EXPAND, PROJECT, Member, Net, depthwise

from edgewright import targets
from edgewright.graph import DType, Graph
from edgewright.ops import Packing
from edgewright.ops.block import BlockNode
from edgewright.plan import Plan, blocks, make_plan
from edgewright.plan.check import check_plan
from edgewright.plan.patches import fit
from edgewright.plan.plan import lowest_peak
from edgewright.tuning.choices import Named, Offered

HOST = targets.get("host")
M4 = targets.get("cortex-m4")
WIDE: Member = ("conv", 1, 1, 1, (0, 0), 96)


def mobile(dtype: DType, size: int = 24, expand: Member = WIDE) -> Net:
    """Two inverted residual blocks between pointwise convolutions."""
    net = Net(1, dtype, "fixed")
    members = [PROJECT, expand, depthwise(3), PROJECT, expand, depthwise(3, 2), PROJECT]
    net.chain((size, size, 8), members, 0)
    return net


def made(plan: Plan) -> list[BlockNode]:
    return [node for node in plan.order[plan.graph] if isinstance(node, BlockNode)]


def planned(graph: Graph, target: Packing) -> Plan:
    plan = make_plan(graph, target)
    check_plan(plan)
    return plan


def test_a_microcontroller_needs_less() -> None:
    graph = mobile(DType.INT8).graph
    plan = planned(graph, M4)
    members = [node for block in made(plan) for node in block.chain]
    assert len(members) == len(set(members)) > 3
    assert plan.arena_bytes < lowest_peak(graph, M4) / 2
    assert set(members) <= set(graph.nodes)  # which still has its own nodes


def test_elsewhere_only_float_tensors_beyond_the_cache() -> None:
    """What the cache holds gains nothing; 8-bit blocks cost time, so that they are asked for."""
    small, large = mobile(DType.FLOAT32), mobile(DType.FLOAT32, 112)
    assert not made(planned(small.graph, HOST))
    plan = planned(large.graph, HOST)
    assert made(plan)
    assert plan.arena_bytes < lowest_peak(large.graph, HOST) / 2
    quantised = mobile(DType.INT8, 112).graph
    assert not made(planned(quantised, HOST))
    asked = planned(quantised, replace(HOST, room=700_000))
    assert made(asked)
    assert asked.arena_bytes <= 700_000 < lowest_peak(quantised, HOST)


def test_members_lose_nothing() -> None:
    """Winograd's form needs all rows: such a convolution is no member where it is taken."""
    net = Net(1, DType.FLOAT32)
    net.chain((96, 96, 32), [("conv", 3, 3, 1, (1, 1), 64), ("conv", 3, 3, 1, (1, 1), 64)], 0)
    assert not made(planned(net.graph, HOST))
    assert made(planned(net.graph, M4))


@pytest.mark.parametrize("is_output", [True, False])
def test_what_others_read_is_made_whole(is_output: bool) -> None:
    net = mobile(DType.INT8)
    shared = net.graph.nodes[1].output
    net.graph.outputs.append(shared if is_output else net.member(shared, EXPAND).output)
    plan = planned(net.graph, M4)
    inner = {node.output for block in made(plan) for node in block.chain[:-1]}
    assert inner
    assert shared not in inner


def test_a_residual_ends_a_block() -> None:
    net = Net(1, DType.INT8, "fixed")
    net.chain((24, 24, 20), [WIDE, depthwise(3), PROJECT], 0, skip=True)
    value = net.graph.outputs.pop()
    for member in (WIDE, depthwise(3), PROJECT):
        value = net.member(value, member).output
    net.graph.outputs.append(value)
    plan = planned(net.graph, M4)
    assert [len(block.chain) for block in made(plan)] == [3, 3]
    assert [block.skip for block in made(plan)] == [net.graph.inputs[0], None]


def test_little_is_not_worth_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """All blocks together have to save a share of the peak."""
    graph = mobile(DType.INT8).graph
    share = make_plan(graph, M4).arena_bytes / lowest_peak(graph, M4)
    monkeypatch.setattr(blocks, "LEAST_SAVING", 1 - share - 0.01)
    assert made(planned(graph, M4))
    monkeypatch.setattr(blocks, "LEAST_SAVING", 1 - share + 0.01)
    assert not made(planned(graph, M4))


def test_tuning_decides() -> None:
    """Blocks that are not the default are offered, too; and members are not asked in a block."""
    graph = mobile(DType.FLOAT32, 112).graph
    offered = Offered()
    default = make_plan(graph, replace(HOST, choices=offered))
    names = {key: offer.names for key, offer in offered.offers.items() if "block" in key}
    assert names
    assert all("apart" in ways and "rows=8" in ways for ways in names.values())
    members = {node for block in made(default) for node in block.chain}
    asked = {node for o in offered.offers.values() for node in o.nodes}
    assert not members & asked
    apart = make_plan(graph, replace(HOST, choices=Named(dict.fromkeys(names, "apart"))))
    assert not made(apart)
    strips = make_plan(graph, replace(HOST, choices=Named(dict.fromkeys(names, "rows=8"))))
    assert {block.attrs["rows"] for block in made(strips)} == {8}
    small = mobile(DType.FLOAT32).graph
    offered = Offered()
    assert not made(make_plan(small, replace(HOST, choices=offered)))
    ways = [offer.names for offer in offered.offers.values() if "block" in offer.key]
    assert {names[0] for names in ways} == {"apart"}


def test_patches_only_where_blocks_do_not_suffice() -> None:
    """A block computes nothing twice."""
    net = mobile(DType.INT8)
    least = make_plan(net.graph, M4).arena_bytes
    assert fit(net.module, [M4], least) is None
    fitted = fit(net.module, [M4], least - 100)
    assert fitted is not None
    assert fitted.ram_before == least
    assert fitted.ram_after <= least - 100


def test_the_goal() -> None:
    assert blocks.goal(M4) == 0
    assert blocks.goal(HOST) == blocks.CACHE_BYTES
    assert blocks.goal(replace(HOST, room=5)) == 5
    assert blocks.goal(replace(HOST, room=1 << 30)) == blocks.CACHE_BYTES


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_plan_each_time(threads: int) -> None:
    (target,) = targets.with_threads([HOST], threads)
    graph = mobile(DType.FLOAT32, 112).graph
    first, second = planned(graph, target), planned(graph, target)
    assert [b.chain for b in made(first)] == [b.chain for b in made(second)] != []
    assert first.arena_bytes == second.arena_bytes
