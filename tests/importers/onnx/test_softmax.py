from typing import Any

import pytest

from tests.importers.onnx.harness import check, floats, node


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax", "Hardmax"])
@pytest.mark.parametrize("opset", [11, 12, 13])
@pytest.mark.parametrize("attrs", [{}, {"axis": 0}, {"axis": 1}, {"axis": 2}, {"axis": -1}])
def test_axis(op: str, opset: int, attrs: dict[str, Any]) -> None:
    check(node(op, ["x"], ["y"], **attrs), {"x": floats(2, 3, 4)}, opset=opset)
