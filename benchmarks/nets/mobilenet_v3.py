"""MobileNet V3, small and large (Howard et al., 2019)."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.nets.net import Net

#: Kernel, hidden channels, output channels, squeeze-and-excitation, activation, stride.
Block = tuple[int, int, int, bool, str, int]
SMALL: list[Block] = [
    (3, 16, 16, True, "relu", 2), (3, 72, 24, False, "relu", 2), (3, 88, 24, False, "relu", 1),
    (5, 96, 40, True, "hardswish", 2), (5, 240, 40, True, "hardswish", 1),
    (5, 240, 40, True, "hardswish", 1), (5, 120, 48, True, "hardswish", 1),
    (5, 144, 48, True, "hardswish", 1), (5, 288, 96, True, "hardswish", 2),
    (5, 576, 96, True, "hardswish", 1), (5, 576, 96, True, "hardswish", 1),
]  # fmt: skip
LARGE: list[Block] = [
    (3, 16, 16, False, "relu", 1), (3, 64, 24, False, "relu", 2), (3, 72, 24, False, "relu", 1),
    (5, 72, 40, True, "relu", 2), (5, 120, 40, True, "relu", 1), (5, 120, 40, True, "relu", 1),
    (3, 240, 80, False, "hardswish", 2), (3, 200, 80, False, "hardswish", 1),
    (3, 184, 80, False, "hardswish", 1), (3, 184, 80, False, "hardswish", 1),
    (3, 480, 112, True, "hardswish", 1), (3, 672, 112, True, "hardswish", 1),
    (5, 672, 160, True, "hardswish", 2), (5, 960, 160, True, "hardswish", 1),
    (5, 960, 160, True, "hardswish", 1),
]  # fmt: skip


def squeeze_excite(net: Net, x: str) -> str:
    """Scale each channel by what two small layers make of all the means."""
    channels = net.shapes[x][1]
    squeezed = max(8, (channels // 4 + 4) // 8 * 8)
    y = net.conv(net.global_pool(x), squeezed, act="relu", norm=False)
    return net.op("Mul", x, net.conv(y, channels, act="hardsigmoid", norm=False))


def block(net: Net, x: str, spec: Block) -> str:
    """An inverted residual of this family."""
    kernel, hidden, out, excite, act, stride = spec
    channels = net.shapes[x][1]
    y = net.conv(x, hidden, act=act) if hidden != channels else x
    y = net.conv(y, hidden, kernel, stride, groups=hidden, act=act)
    y = net.conv(squeeze_excite(net, y) if excite else y, out)
    return net.add(x, y) if stride == 1 and channels == out else y


def mobilenet_v3(net: Net, blocks: Sequence[Block], last: int, features: int) -> None:
    """224x224."""
    x = net.conv(net.input(1, 3, 224, 224), 16, 3, 2, act="hardswish")
    for spec in blocks:
        x = block(net, x, spec)
    x = net.global_pool(net.conv(x, last, act="hardswish"))
    x = net.linear(net.op("Flatten", x, shape=(1, last), axis=1), features)
    net.output(net.linear(net.act(x, "hardswish"), 1000))


def mobilenet_v3_small(net: Net) -> None:
    """224x224, width 1.0."""
    mobilenet_v3(net, SMALL, 576, 1024)


def mobilenet_v3_large(net: Net) -> None:
    """224x224, width 1.0."""
    mobilenet_v3(net, LARGE, 960, 1280)


NETS = {"mobilenet_v3_small": mobilenet_v3_small, "mobilenet_v3_large": mobilenet_v3_large}
