"""SqueezeNet 1.1 (Iandola et al., 2016)."""

from __future__ import annotations

from benchmarks.nets.net import Net

#: Squeezed and expanded channels of each fire module; None: a pooling layer.
LAYERS = [
    None, (16, 64), (16, 64), None, (32, 128), (32, 128), None, (48, 192), (48, 192), (64, 256),
    (64, 256),
]  # fmt: skip


def squeezenet(net: Net) -> None:
    """224x224."""
    x = net.conv(net.input(1, 3, 224, 224), 64, 3, 2, pad=0, act="relu", norm=False)
    for layer in LAYERS:
        if layer is None:
            x = net.pool(x, "MaxPool", 3, 2, ceil_mode=True)
            continue
        squeezed = net.conv(x, layer[0], act="relu", norm=False)
        x = net.concat([net.conv(squeezed, layer[1], k, act="relu", norm=False) for k in (1, 3)])
    x = net.global_pool(net.conv(x, 1000, act="relu", norm=False))
    net.output(net.op("Flatten", x, shape=(1, 1000), axis=1))


NETS = {"squeezenet": squeezenet}
