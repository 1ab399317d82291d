"""ResNet-18 and ResNet-50 (He et al., 2015; stride in the 3x3 layer, as torchvision has it)."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.nets.net import Net


def residual(net: Net, x: str, width: int, stride: int, expansion: int) -> str:
    """Two 3x3 layers, or a bottleneck where the expansion is 4."""
    out = width * expansion
    if expansion == 1:
        y = net.conv(net.conv(x, width, 3, stride, act="relu"), out, 3)
    else:
        y = net.conv(x, width, act="relu")
        y = net.conv(net.conv(y, width, 3, stride, act="relu"), out)
    skip = x if stride == 1 and net.shapes[x][1] == out else net.conv(x, out, 1, stride)
    return net.act(net.add(y, skip), "relu")


def resnet(net: Net, repeats: Sequence[int], expansion: int) -> None:
    """224x224."""
    x = net.conv(net.input(1, 3, 224, 224), 64, 7, 2, act="relu")
    x = net.pool(x, "MaxPool", 3, 2, pad=1)
    for stage, count in enumerate(repeats):
        for index in range(count):
            stride = 2 if stage and not index else 1
            x = residual(net, x, 64 << stage, stride, expansion)
    net.classifier(x)


def resnet18(net: Net) -> None:
    """11.7 million weights."""
    resnet(net, (2, 2, 2, 2), 1)


def resnet50(net: Net) -> None:
    """25.6 million weights."""
    resnet(net, (3, 4, 6, 3), 4)


NETS = {"resnet18": resnet18, "resnet50": resnet50}
