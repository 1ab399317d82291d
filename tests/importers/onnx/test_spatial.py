from typing import Any

import pytest

from tests.importers.onnx.harness import check, floats, node


@pytest.mark.parametrize("attrs", [{}, {"mode": "DCR"}, {"mode": "CRD"}])
def test_depth_to_space(attrs: dict[str, Any]) -> None:
    check(node("DepthToSpace", ["x"], ["y"], blocksize=2, **attrs), {"x": floats(2, 12, 3, 4)})


def test_space_to_depth() -> None:
    check(node("SpaceToDepth", ["x"], ["y"], blocksize=2), {"x": floats(2, 3, 4, 6)})
