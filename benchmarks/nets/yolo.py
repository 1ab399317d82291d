"""A detector in the manner of YOLO v5 nano: CSP backbone, SiLU, path aggregation, three scales."""

from __future__ import annotations

from benchmarks.nets.net import Net

SIZE, CLASSES, ANCHORS = 320, 80, 3


def csp(net: Net, x: str, out: int, repeats: int, shortcut: bool = True) -> str:
    """Half of the channels go through bottlenecks, half go past them."""
    y = net.conv(x, out // 2, act="silu")
    past = net.conv(x, out // 2, act="silu")
    for _ in range(repeats):
        z = net.conv(net.conv(y, out // 2, act="silu"), out // 2, 3, act="silu")
        y = net.add(y, z) if shortcut else z
    return net.conv(net.concat([y, past]), out, act="silu")


def pyramid(net: Net, x: str) -> str:
    """Three poolings in a row, joined."""
    out = net.shapes[x][1]
    parts = [net.conv(x, out // 2, act="silu")]
    for _ in range(3):
        parts.append(net.pool(parts[-1], "MaxPool", 5, 1, 2))
    return net.conv(net.concat(parts), out, act="silu")


def head(net: Net, x: str) -> str:
    """Boxes and scores of one scale, [1, anchors * (5 + classes), cells]."""
    y = net.op("Sigmoid", net.conv(x, ANCHORS * (CLASSES + 5), norm=False))
    return net.reshape(y, 1, ANCHORS * (CLASSES + 5), net.shapes[y][2] * net.shapes[y][3])


def yolo(net: Net) -> None:
    """320x320; [1,255,2100]."""
    x = net.conv(net.input(1, 3, SIZE, SIZE), 16, 6, 2, pad=2, act="silu")
    kept = []
    for out, repeats in ((32, 1), (64, 2), (128, 3), (256, 1)):
        x = csp(net, net.conv(x, out, 3, 2, act="silu"), out, repeats)
        kept.append(x)
    x = pyramid(net, x)
    ways = []
    for skip in (kept[2], kept[1]):
        channels, height, width = net.shapes[skip][1:]
        x = net.conv(x, channels, act="silu")
        ways.append(x)
        x = net.concat([net.resize(x, height, width, "nearest"), skip])
        x = csp(net, x, channels, 1, shortcut=False)
    heads = [head(net, x)]
    for way in reversed(ways):
        channels = net.shapes[x][1]
        x = net.concat([net.conv(x, channels, 3, 2, act="silu"), way])
        x = csp(net, x, 2 * channels, 1, shortcut=False)
        heads.append(head(net, x))
    net.output(net.concat(heads, axis=2))


NETS = {"yolo": yolo}
