"""The planner on random graphs, watched by the independent checker; the checker on broken plans."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgewright import ops, targets
from edgewright.errors import InternalError
from edgewright.graph import Graph, parse_module
from edgewright.plan import make_plan
from edgewright.plan.check import check_plan
from edgewright.plan.plan import Place, Plan

HOST = targets.get("host")
M4 = targets.get("cortex-m4")
STEPS = ("neg", "add", "concat", "slice", "view", "softmax", "if", "loop")


class Writer:
    """Writes a random graph in text form; values are one-dimensional float32."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.sizes: dict[str, int] = {"x": 16, "y": 16}
        self.lines: list[str] = []

    def pick(self, size: int | None = None) -> str:
        names = [n for n, s in self.sizes.items() if size in (None, s)]
        return self.draw(st.sampled_from(names))

    def name(self, size: int) -> str:
        name = f"v{len(self.lines)}"
        self.sizes[name] = size
        return name

    def step(self, kind: str) -> None:
        a = self.pick()
        size = self.sizes[a]
        b = self.pick(size)
        if kind == "concat" and size <= 64:
            self.lines.append(f"%{self.name(2 * size)} = concat(%{a}, %{b}) {{axis=0}}")
        elif kind == "slice" and size > 4:
            begin = self.draw(st.integers(0, size // 2))
            self.lines.append(
                f"%{self.name(size // 2)} = slice(%{a}) "
                f"{{begin=[{begin}], size=[{size // 2}], stride=[1]}}"
            )
        elif kind == "add":
            self.lines.append(f"%{self.name(size)} = add(%{a}, %{b})")
        elif kind == "softmax":
            self.lines.append(f"%{self.name(size)} = softmax(%{a})")
        elif kind == "view":
            new = self.name(size)
            self.lines.append(
                f"%{new}m = reshape(%{a}) {{shape=[{size}, 1]}} %{new}n = neg(%{new}m) "
                f"%{new} = reshape(%{self.draw(st.sampled_from([f'{new}m', f'{new}n']))}) "
                f"{{shape=[{size}]}}"
            )
        elif kind == "if":
            self.branch(a, b, size)
        elif kind == "loop":
            self.loop(a, b, size)
        else:
            self.lines.append(f"%{self.name(size)} = neg(%{a})")

    def branch(self, a: str, b: str, size: int) -> None:
        new = self.name(size)
        self.lines.append(f"""%{new}: float32[{size}] = if(%c)
          region then() -> (%{new}t) {{ %{new}s = neg(%{a}) %{new}t = add(%{new}s, %{b}) }}
          region else() -> (%{new}e) {{ %{new}e = neg(%{b}) }}""")

    def loop(self, a: str, b: str, size: int) -> None:
        new = self.name(size)
        self.lines.append(f"""%{new}: float32[{size}] = loop(%n, none, %{a})
          region body(%{new}i: int64[], %{new}c: bool[], %{new}h: float32[{size}])
              -> (%{new}c, %{new}u) {{
            %{new}d = neg(%{new}h) %{new}u = add(%{new}d, %{b})
          }}""")

    def text(self) -> str:
        outputs = self.draw(st.lists(st.sampled_from(list(self.sizes)), min_size=1, max_size=3))
        names = ", ".join(f"%{n}" for n in dict.fromkeys([list(self.sizes)[-1], *outputs]))
        body = "\n  ".join(self.lines)
        return f"""module requantization="float"
graph main(%x: float32[16], %y: float32[16], %c: bool[], %n: int64[]) -> ({names}) {{
  {body}
}}
"""


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A graph of up to twelve steps, with views, in-place operators and regions."""
    writer = Writer(draw)
    for kind in draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=12)):
        writer.step(kind)
    return parse_module(writer.text(), infer=ops.infer).main


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs())
def test_no_value_is_read_after_its_memory_was_given_away(graph: Graph) -> None:
    for target in (HOST, M4):  # on a microcontroller, slices and joins share memory too
        plan = make_plan(graph, target)
        check_plan(plan)
        assert plan.arena_bytes >= plan.lower_bound
        assert sorted(map(id, plan.order[graph])) == sorted(map(id, graph.nodes))


CHAIN = """module requantization="float"
graph main(%x: float32[64]) -> (%d) {
  %a = neg(%x)
  %b = concat(%a, %a) {axis=0}
  %c = concat(%b, %b) {axis=0}
  %s = slice(%c) {begin=[64], size=[64], stride=[1]}
  %d = add(%s, %a)
}
"""


def plan_of(text: str) -> Plan:
    plan = make_plan(parse_module(text, infer=ops.infer).main, HOST)
    check_plan(plan)
    return plan


def test_two_values_alive_at_one_place_are_caught() -> None:
    plan = plan_of(CHAIN)
    values = {v.name: v for v in plan.places}
    plan.places[values["a"]] = plan.places[values["b"]]
    with pytest.raises(InternalError, match="operand"):
        check_plan(plan)


def test_a_place_outside_of_the_arena_is_caught() -> None:
    plan = plan_of(CHAIN)
    values = {v.name: v for v in plan.places}
    plan.places[values["c"]] = Place("arena", plan.arena_bytes - 16)
    with pytest.raises(InternalError, match="outside the arena"):
        check_plan(plan)


def test_an_order_that_reads_too_early_is_caught() -> None:
    plan = plan_of(CHAIN)
    plan.order[plan.graph].reverse()
    with pytest.raises(InternalError, match="before it is made"):
        check_plan(plan)


def test_a_forgotten_node_is_caught() -> None:
    plan = plan_of(CHAIN)
    plan.order[plan.graph].pop()
    with pytest.raises(InternalError, match="is not its nodes"):
        check_plan(plan)


def test_scratch_over_an_operand_is_caught() -> None:
    plan = plan_of(CHAIN)
    values = {v.name: v for v in plan.places}
    node = values["c"].producer
    assert node is not None
    plan.scratch[node], plan.scratch_bytes[node] = plan.places[values["b"]].offset, 64
    with pytest.raises(InternalError, match="overwritten|scratch"):
        check_plan(plan)


LOOP = """module requantization="float"
graph main(%x: float32[8], %n: int64[]) -> (%r) {
  %k = neg(%x)
  %r: float32[8] = loop(%n, none, %x)
    region body(%i: int64[], %c: bool[], %h: float32[8]) -> (%c, %u) {
      %d = neg(%h)
      %u = add(%d, %k)
    }
}
"""


def test_what_a_second_iteration_would_miss_is_caught() -> None:
    """A value from outside of a loop must outlive the iterations, not only its last reader."""
    plan = plan_of(LOOP)
    values = {v.name: v for v in plan.places}
    plan.places[values["u"]] = plan.places[values["k"]]
    with pytest.raises(InternalError, match="overwritten"):
        check_plan(plan)


def test_moving_any_value_of_a_full_arena_is_caught() -> None:
    """In a chain without slack every other place of a value collides with something."""
    plan = plan_of(CHAIN)
    caught = 0
    for value, place in list(plan.places.items()):
        if place.kind != "arena":
            continue
        for other in {p.offset for p in plan.places.values()} - {place.offset}:
            broken = replace(plan, places={**plan.places, value: Place("arena", other)})
            try:
                check_plan(broken)
            except InternalError:
                caught += 1
    assert caught > 0
