"""A segmentation net in the manner of DeepLab v3: MobileNet V2 at stride 16, dilated pyramid."""

from __future__ import annotations

from benchmarks.nets.mobilenet_v2 import inverted_residual
from benchmarks.nets.net import Net

#: Expansion, output channels, repeats, stride of the first, dilation.
STAGES = [
    (1, 16, 1, 1, 1), (6, 24, 2, 2, 1), (6, 32, 3, 2, 1), (6, 64, 4, 2, 1), (6, 96, 3, 1, 1),
    (6, 160, 3, 1, 2), (6, 320, 1, 1, 2),
]  # fmt: skip


def deeplab(net: Net) -> None:
    """256x256, 21 classes."""
    image = net.input(1, 3, 256, 256)
    x = net.conv(image, 32, 3, 2, act="relu6")
    for expansion, out, repeats, stride, dilation in STAGES:
        for index in range(repeats):
            step = 1 if index else stride
            x = inverted_residual(net, x, expansion, out, step, dilation=dilation)
    height, width = net.shapes[x][2:]
    pooled = net.conv(net.global_pool(x), 256, act="relu", norm=False)
    parts = [net.conv(x, 256, act="relu")]
    parts += [net.conv(x, 256, 3, dilation=rate, act="relu") for rate in (6, 12, 18)]
    parts.append(net.resize(pooled, height, width, "linear"))
    x = net.conv(net.conv(net.concat(parts), 256, act="relu"), 21, norm=False)
    net.output(net.resize(x, 256, 256, "linear"))


NETS = {"deeplab": deeplab}
