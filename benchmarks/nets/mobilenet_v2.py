"""MobileNet V2 (Sandler et al., 2018)."""

from __future__ import annotations

from benchmarks.nets.net import Net

#: Expansion, output channels, repeats, stride of the first.
STAGES = [
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
    (6, 320, 1, 1),
]  # fmt: skip


def inverted_residual(
    net: Net, x: str, expansion: int, out: int, stride: int, kernel: int = 3, dilation: int = 1
) -> str:
    """Expand, filter each channel, project; add where the shapes allow it."""
    channels = net.shapes[x][1]
    hidden = channels * expansion
    y = net.conv(x, hidden, act="relu6") if expansion > 1 else x
    y = net.conv(y, hidden, kernel, stride, groups=hidden, dilation=dilation, act="relu6")
    y = net.conv(y, out)
    return net.add(x, y) if stride == 1 and channels == out else y


def mobilenet_v2(net: Net) -> None:
    """224x224, width 1.0."""
    x = net.conv(net.input(1, 3, 224, 224), 32, 3, 2, act="relu6")
    for expansion, out, repeats, stride in STAGES:
        for index in range(repeats):
            x = inverted_residual(net, x, expansion, out, 1 if index else stride)
    net.classifier(net.conv(x, 1280, act="relu6"))


NETS = {"mobilenet_v2": mobilenet_v2}
