"""Where a batch normalisation cannot go into weights."""

import numpy as np
import pytest

from edgewright import ops
from edgewright.graph import parse_module
from edgewright.ops.interpreter import Interpreter
from edgewright.passes import run_pass
from edgewright.passes.fold_batch_norm import fold_batch_norm
from tests.passes.conftest import Apply

CONSTANTS = """const %w: float32[1,1,1,1] = [2.0]
  const %s: float32[1] = [3.0]
  const %o: float32[1] = [5.0]
  const %m: float32[1] = [1.0]
  const %v: float32[1] = [1.0]"""
NORM = "{epsilon=0.0}"


def body(text: str) -> str:
    return f"(%x: float32[1,3,3,1], %t: float32[1]) -> (%z) {{ {CONSTANTS} {text} }}"


def test_before_a_convolution_with_padding(apply: Apply) -> None:
    text = f"""%y = batch_norm(%x, %s, %o, %m, %v) {NORM}
      %z = conv(%y, %w, none) {{pad=[[1, 1], [0, 0]]}}"""
    assert apply(fold_batch_norm, body(text)).ops == ["mul", "add", "conv"]


def test_before_a_convolution(apply: Apply) -> None:
    text = f"%y = batch_norm(%x, %s, %o, %m, %v) {NORM} %z = conv(%y, %w, none)"
    (conv,) = apply(fold_batch_norm, body(text)).graph.nodes
    weight, bias = conv.input(1).data, conv.input(2).data
    assert weight is not None
    assert bias is not None
    assert (weight.item(), bias.item()) == (6.0, 4.0)


def test_after_a_clamp(apply: Apply) -> None:
    text = f"""%y = conv(%x, %w, none) {{clamp=[0.0, 1.0]}}
      %z = batch_norm(%y, %s, %o, %m, %v) {NORM}"""
    assert apply(fold_batch_norm, body(text)).ops == ["conv", "mul", "add"]


def test_the_sum_is_also_read(apply: Apply) -> None:
    text = f"""%y = conv(%x, %w, none)
      %n = batch_norm(%y, %s, %o, %m, %v) {NORM} %z = add(%n, %y)"""
    assert apply(fold_batch_norm, body(text)).ops == ["conv", "mul", "add", "add"]


def test_computed_parameters(apply: Apply) -> None:
    outcome = apply(fold_batch_norm, body(f"%z = batch_norm(%x, %s, %t, %m, %v) {NORM}"))
    assert not outcome.changed
    assert "not constants" in outcome.why


@pytest.mark.parametrize(
    ("weight", "node"),
    [
        ([6, 1, 1, 2], "conv(%y, %w, %b) {groups=2}"),
        ([6, 2, 1, 4], "conv(%y, %w, %b)"),
        ([2, 2, 8], "depthwise_conv(%y, %w, none)"),
        ([3, 4], "fully_connected(%y, %w, none)"),
    ],
)
def test_before_keeps_the_answer(weight: list[int], node: str) -> None:
    text = f"""graph main(%x: float32[1,3,3,4]) -> (%z) {{
      const %w: float32{weight} = sha256:{"0" * 64}
      const %b: float32[6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
      const %s: float32[4] = [1.0, 2.0, -1.0, 0.5]
      const %o: float32[4] = [0.1, 0.2, 0.3, 0.4]
      const %m: float32[4] = [0.5, 0.0, 1.0, -1.0]
      const %v: float32[4] = [1.0, 4.0, 0.25, 2.0]
      %y = batch_norm(%x, %s, %o, %m, %v) %z = {node}
    }}"""
    rng = np.random.default_rng(3)
    held = rng.normal(size=weight).astype(np.float32)
    module = parse_module(
        f'module requantization="float"\n{text}', {"0" * 64: held}, infer=ops.infer
    )
    x = {"x": rng.normal(size=(1, 3, 3, 4)).astype(np.float32)}
    expected = Interpreter(module).run(x)["z"]
    assert run_pass(fold_batch_norm, module)
    assert "batch_norm" not in [n.op for n in module.main.nodes]
    assert len(module.main.nodes) == 1
    np.testing.assert_allclose(Interpreter(module).run(x)["z"], expected, rtol=1e-5, atol=1e-5)
