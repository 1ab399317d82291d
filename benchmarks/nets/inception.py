"""Inception v3 (Szegedy et al., 2015), without the auxiliary head."""

from __future__ import annotations

from benchmarks.nets.net import Net

Kernel = int | tuple[int, int]


def _relu(
    net: Net, x: str, out: int, kernel: Kernel = 1, stride: int = 1, pad: int | None = None
) -> str:
    return net.conv(x, out, kernel, stride, pad=pad, act="relu")


def _pooled(net: Net, x: str, out: int) -> str:
    return _relu(net, net.pool(x, "AveragePool", 3, 1, 1), out)


def block_a(net: Net, x: str, pool: int) -> str:
    """35x35: 1x1, 5x5, two 3x3, pooling."""
    return net.concat([
        _relu(net, x, 64),
        _relu(net, _relu(net, x, 48), 64, 5),
        _relu(net, _relu(net, _relu(net, x, 64), 96, 3), 96, 3),
        _pooled(net, x, pool),
    ])  # fmt: skip


def block_b(net: Net, x: str) -> str:
    """35x35 to 17x17."""
    return net.concat([
        _relu(net, x, 384, 3, 2, 0),
        _relu(net, _relu(net, _relu(net, x, 64), 96, 3), 96, 3, 2, 0),
        net.pool(x, "MaxPool", 3, 2),
    ])  # fmt: skip


def block_c(net: Net, x: str, width: int) -> str:
    """17x17: 1x1, and 7x7 layers in two strips."""
    wide, tall = (1, 7), (7, 1)
    single = _relu(net, _relu(net, _relu(net, x, width), width, wide), 192, tall)
    double = _relu(net, x, width)
    for kernel in (tall, wide, tall):
        double = _relu(net, double, width, kernel)
    return net.concat([
        _relu(net, x, 192), single, _relu(net, double, 192, wide), _pooled(net, x, 192)
    ])  # fmt: skip


def block_d(net: Net, x: str) -> str:
    """17x17 to 8x8."""
    strips = _relu(net, _relu(net, _relu(net, x, 192), 192, (1, 7)), 192, (7, 1))
    return net.concat([
        _relu(net, _relu(net, x, 192), 320, 3, 2, 0),
        _relu(net, strips, 192, 3, 2, 0),
        net.pool(x, "MaxPool", 3, 2),
    ])  # fmt: skip


def block_e(net: Net, x: str) -> str:
    """8x8: 1x1, forked strips twice, pooling."""
    single = _relu(net, x, 384)
    double = _relu(net, _relu(net, x, 448), 384, 3)
    forks = [
        net.concat([_relu(net, y, 384, (1, 3)), _relu(net, y, 384, (3, 1))])
        for y in (single, double)
    ]
    return net.concat([_relu(net, x, 320), *forks, _pooled(net, x, 192)])


def inception_v3(net: Net) -> None:
    """299x299."""
    x = _relu(net, net.input(1, 3, 299, 299), 32, 3, 2, 0)
    x = _relu(net, _relu(net, x, 32, 3, 1, 0), 64, 3)
    x = _relu(net, net.pool(x, "MaxPool", 3, 2), 80)
    x = net.pool(_relu(net, x, 192, 3, 1, 0), "MaxPool", 3, 2)
    for pool in (32, 64, 64):
        x = block_a(net, x, pool)
    x = block_b(net, x)
    for width in (128, 160, 160, 192):
        x = block_c(net, x, width)
    x = block_d(net, x)
    net.classifier(block_e(net, block_e(net, x)))


NETS = {"inception_v3": inception_v3}
