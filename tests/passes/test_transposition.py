"""Every rule: the operator on untransposed operands, transposed, is the operator."""

import numpy as np
import pytest

from edgewright import ops
from edgewright.graph import Module, parse_graph
from edgewright.ops.interpreter import Interpreter
from edgewright.passes import run_pass
from edgewright.passes.sink_transposes import sink_transposes
from edgewright.passes.transposition import RULES, squeezed

#: the operator, on %t: float32[5,2,4,3]
NODES = {
    "concat": "concat(%n, %c) {axis=2}",
    "split": "split(%t) {axis=2, sizes=[1, 3]}",
    "argmax": "argmax(%t) {axis=1, keepdims=false}",
    "argmin": "argmin(%t) {axis=0, keepdims=true}",
    "slice": "slice(%t) {begin=[1, 1, 0, 2], size=[2, 1, 2, 3], stride=[2, 1, 2, -1]}",
    "pad": "pad(%t) {pads=[[0, 1], [2, 0], [0, 0], [1, 1]], value=7.0}",
    "tile": "tile(%t) {repeats=[1, 2, 1, 3]}",
    "expand": "expand(%u) {shape=[5, 6, 4, 3]}",
    "gather": "gather(%t, %i) {axis=2}",
    "softmax": "softmax(%l)",
    "log_softmax": "log_softmax(%l)",
    "fully_connected": "fully_connected(%l, %w, none)",
    "reshape": "reshape(%t) {shape=[5, 2, 2, 2, 3]}",
    **{f"reduce_{n}": f"reduce_{n}(%t) {{axes=[1, 3], keepdims=false}}"
       for n in ("mean", "sum", "prod", "max", "min")},
}  # fmt: skip


def test_every_rule_is_tried() -> None:
    assert set(NODES) == set(RULES)


@pytest.mark.parametrize("keep", ["false", "true"])
@pytest.mark.parametrize("name", sorted(NODES))
def test_rule(name: str, keep: str) -> None:
    node = NODES[name].replace("keepdims=false", f"keepdims={keep}")
    results = "%y, %z" if name == "split" else "%y"
    text = f"""graph main(%x: float32[2,3,4,5], %x1: float32[1,3,4,5], %x3: float32[2,5,4,3])
        -> ({results}) {{
      const %w: float32[2,3] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
      const %c: float32[5,2,1,1] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
      const %i: int64[3] = [3, 0, 1]
      %t = transpose(%x) {{perm=[3, 0, 2, 1]}}
      %u = transpose(%x1) {{perm=[3, 0, 2, 1]}}
      %n = reduce_max(%t) {{axes=[3], keepdims=true}}
      %l = transpose(%x3) {{perm=[1, 0, 2, 3]}}
      {results} = {node}
    }}"""
    module = Module({"main": parse_graph(text, infer=ops.infer)})
    rng = np.random.default_rng(1)
    x = {v.name: rng.normal(size=v.type.dims).astype(np.float32) for v in module.main.inputs}
    expected = Interpreter(module).run(x)
    assert run_pass(sink_transposes, module)
    for key, value in Interpreter(module).run(x).items():
        np.testing.assert_allclose(value, expected[key], rtol=1e-6)


def test_squeezed() -> None:
    assert squeezed((3, 0, 2, 1), [0]) == (0, 2, 1)
    assert squeezed((3, 0, 2, 1), [1, 3]) == (1, 0)
