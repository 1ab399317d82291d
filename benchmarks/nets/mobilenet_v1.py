"""MobileNet V1 (Howard et al., 2017)."""

from __future__ import annotations

from benchmarks.nets.net import Net

#: Output channels and stride of each separable convolution.
BLOCKS = [
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2),
    (1024, 1),
]  # fmt: skip


def mobilenet_v1(net: Net) -> None:
    """224x224, width 1.0."""
    x = net.conv(net.input(1, 3, 224, 224), 32, 3, 2, act="relu")
    for out, stride in BLOCKS:
        channels = net.shapes[x][1]
        x = net.conv(x, channels, 3, stride, groups=channels, act="relu")
        x = net.conv(x, out, act="relu")
    net.classifier(x)


NETS = {"mobilenet_v1": mobilenet_v1}
