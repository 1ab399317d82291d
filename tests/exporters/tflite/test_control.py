"""Loops unrolled and branches selected, against the reference; what cannot be unrolled."""

from __future__ import annotations

import numpy as np
import pytest

from edgewright import ops
from edgewright.errors import UnsupportedModel
from edgewright.exporters.tflite import export
from edgewright.graph import Module, parse_module
from edgewright.importers.tflite.reader import parse
from tests.exporters.tflite.harness import check_module, codes, floats

SCAN = """graph main(%x: float32[4,2], %c: float32[2]) -> (%last, %rows) {
  %last, %rows = scan(%c, %x) {scan_input_directions=[IN], scan_output_directions=[OUT]}
    region body(%held: float32[2], %row: float32[2]) -> (%sum, %twice) {
      %sum = add(%held, %row)
      %twice = add(%sum, %sum)
    }
}"""
LOOP = """graph main(%x: float32[2]) -> (%last, %rows) {
  const %trips: int64[] = [3]
  %last, %rows = loop(%trips, none, %x) {trips=3}
    region body(%i: int64[], %go: bool[], %held: float32[2]) -> (%go, %sum, %item) {
      %f = cast(%i) {to="float32"}
      %sum = add(%held, %f)
      %item = mul(%sum, %held)
    }
}"""
IF = """graph main(%x: float32[2,3], %c: bool[1]) -> (%y) {
  %s = abs(%x)
  %y = if(%c)
    region then() -> (%a) {
      %a = neg(%s)
    }
    region else() -> (%b) {
      %b = square(%x)
    }
}"""


def module(text: str, head: str = "") -> Module:
    return parse_module(f'module requantization="float"\n{head}{text}', infer=ops.infer)


@pytest.mark.parametrize("directions", [("0", "0"), ("1", "0"), ("0", "1")])
def test_a_scan_is_unrolled(directions: tuple[str, str]) -> None:
    text = SCAN.replace("[IN]", f"[{directions[0]}]").replace("[OUT]", f"[{directions[1]}]")
    made = check_module(module(text), {"x": floats(4, 2), "c": floats(2)})
    assert codes(parse(made.data, "x")) == ["UNPACK", *["ADD"] * 8, "RESHAPE", "PACK"]


def test_a_loop_of_known_length_is_unrolled() -> None:
    made = check_module(module(LOOP), {"x": floats(2)})
    assert codes(parse(made.data, "x")).count("MUL") == 3


@pytest.mark.parametrize("condition", [True, False])
def test_both_branches_are_computed(condition: bool) -> None:
    feeds = {"x": floats(2, 3), "c": np.array([condition])}
    made = check_module(module(IF), feeds)
    assert made.notes == ("both branches of an if are computed, and one is selected",)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("(%x: float32[2])", "(%x: float32[2], %trips: int64[])", "only run time tells"),
        ("-> (%go, %sum", "-> (%less, %sum", "a condition may end"),
        ("[3]", "[1000]", "a loop of 1000 iterations"),
    ],
)
def test_loops_that_run_time_ends_are_refused(old: str, new: str, why: str) -> None:
    text = LOOP.replace(old, new).replace("  %f = cast", "  %less = less(%i, %i)\n      %f = cast")
    if "%trips:" in new:
        text = text.replace("  const %trips: int64[] = [3]\n", "")
    text = text.replace("%last, %rows =", "%last =").replace("(%last, %rows)", "(%last)")
    text = text.replace(", %item)", ")").replace("{trips=3}", "{}")
    with pytest.raises(UnsupportedModel, match=why):
        export(module(text))


def test_a_branch_that_writes_a_state_is_refused() -> None:
    text = IF.replace("%a = neg(%s)", '%a = neg(%s)\n      write_state(%a) {state="s"}')
    head = "state %s: float32[2,3] = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]\n"
    with pytest.raises(UnsupportedModel, match="writes a state"):
        export(module(text, head))
