"""EfficientNet-Lite0 (Tan and Le, 2019; no squeeze-and-excitation, ReLU6)."""

from __future__ import annotations

from benchmarks.nets.mobilenet_v2 import inverted_residual
from benchmarks.nets.net import Net

#: Expansion, output channels, repeats, stride of the first, kernel.
STAGES = [
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5), (6, 320, 1, 1, 3),
]  # fmt: skip


def efficientnet_lite0(net: Net) -> None:
    """224x224."""
    x = net.conv(net.input(1, 3, 224, 224), 32, 3, 2, act="relu6")
    for expansion, out, repeats, stride, kernel in STAGES:
        for index in range(repeats):
            x = inverted_residual(net, x, expansion, out, 1 if index else stride, kernel)
    net.classifier(net.conv(x, 1280, act="relu6"))


NETS = {"efficientnet_lite0": efficientnet_lite0}
