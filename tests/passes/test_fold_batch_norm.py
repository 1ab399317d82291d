"""Where a batch normalisation cannot go into weights."""

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
