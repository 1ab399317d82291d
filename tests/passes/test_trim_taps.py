"""Windows that lose their dead taps, and those that must keep them."""

import pytest

from edgewright.passes.trim_taps import trim_taps
from tests.passes.conftest import Apply

WEIGHT = "const %w: float32[1,3,3,1] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]"


@pytest.mark.parametrize(
    ("size", "attrs"),
    [
        ("4,4", "{pad=[[1, 1], [1, 1]]}"),  # every tap sees something
        ("4,4", "{dilation=[3, 3], pad=[[3, 3], [3, 3]]}"),  # at the corners alone
        ("3,3", ""),
    ],
)
def test_live_taps_stay(apply: Apply, size: str, attrs: str) -> None:
    text = f"(%x: float32[1,{size},1]) -> (%y) {{ {WEIGHT}\n %y = conv(%x, %w, none) {attrs} }}"
    assert not apply(trim_taps, text).changed


def test_dead_taps_on_one_side(apply: Apply) -> None:
    """The window starts at the top: only the rows below it lie outside."""
    text = f"""(%x: float32[1,1,3,1]) -> (%y) {{ {WEIGHT}
      %y = conv(%x, %w, none) {{pad=[[0, 2], [0, 0]]}} }}"""
    result = apply(trim_taps, text)
    (node,) = result.graph.nodes
    data = node.input(1).data
    assert data is not None
    assert data.tolist() == [[[[1.0], [2.0], [3.0]]]]
    assert node.attrs["pad"] == ((0, 0), (0, 0))
    assert node.output.type.shape == (1, 1, 1, 1)


def test_one_axis_alone(apply: Apply) -> None:
    text = f"""(%x: float32[1,2,9,1]) -> (%y) {{ {WEIGHT}
      %y = conv(%x, %w, none) {{dilation=[2, 2], pad=[[2, 2], [2, 2]]}} }}"""
    (node,) = apply(trim_taps, text).graph.nodes
    assert node.input(1).type.shape == (1, 1, 3, 1)
    assert node.attrs["pad"] == ((0, 0), (2, 2))
    assert node.output.type.shape == (1, 2, 9, 1)


def test_depthwise_and_quantised_windows(apply: Apply) -> None:
    text = """(%x: int8[1,2,2,2]<0.5:3>) -> (%y) {
      const %w: int8[3,3,2]<axis=2 0.5:0, 0.25:0> = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
        15, 16, 17, 18]
      %y: int8[1,2,2,2]<0.5:0> = depthwise_conv(%x, %w, none) {dilation=[4, 4],
        pad=[[4, 4], [4, 4]]}
    }"""
    (node,) = apply(trim_taps, text).graph.nodes
    assert str(node.input(1).type) == "int8[1,1,2]<axis=2 0.5:0, 0.25:0>"


def test_a_window_that_would_start_inside_keeps_its_taps(apply: Apply) -> None:
    """Its only live tap sees row 2 of the image: to leave the others, the padding were -2."""
    text = f"""(%x: float32[1,3,3,1]) -> (%y) {{ {WEIGHT}
      %y = conv(%x, %w, none) {{dilation=[3, 3], pad=[[1, 4], [1, 4]], stride=[9, 9]}} }}"""
    (node,) = (result := apply(trim_taps, text)).graph.nodes
    assert not result.changed
    assert node.attrs["pad"] == ((1, 4), (1, 4))
