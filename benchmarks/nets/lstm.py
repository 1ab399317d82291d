"""Two LSTM layers over 100 frames, as PyTorch exports `nn.LSTM(128, 256, 2, batch_first=True)`."""

from __future__ import annotations

import numpy as np

from benchmarks.nets.net import Net

STEPS, FEATURES, HIDDEN, CLASSES = 100, 128, 256, 40


def layer(net: Net, x: str) -> str:
    """x [T,1,I] -> [T,1,HIDDEN]."""
    inputs = net.shapes[x][2]
    rows = 4 * HIDDEN
    net.macs += STEPS * rows * (inputs + HIDDEN)
    weight = net.normal(1, rows, inputs, fan_in=inputs, gain=1.0)
    recurrent = net.normal(1, rows, HIDDEN, fan_in=HIDDEN, gain=1.0)
    bias = net.constant(net.random.normal(0.0, 0.1, (1, 2 * rows)).astype(np.float32), "bias")
    zero = net.constant(np.zeros((1, 1, HIDDEN), np.float32), "state")
    y = net.op(
        "LSTM", x, weight, recurrent, bias, "", zero, zero, shape=(STEPS, 1, 1, HIDDEN),
        hidden_size=HIDDEN,
    )  # fmt: skip
    axis = net.constant(np.array([1], np.int64))
    return net.op("Squeeze", y, axis, shape=(STEPS, 1, HIDDEN))


def lstm(net: Net) -> None:
    """[1,100,128] -> scores of the last frame [1,40]."""
    x = net.transpose(net.input(1, STEPS, FEATURES), 1, 0, 2)
    x = net.transpose(layer(net, layer(net, x)), 1, 0, 2)
    last = net.constant(np.array(STEPS - 1, np.int64))
    net.output(net.linear(net.op("Gather", x, last, shape=(1, HIDDEN), axis=1), CLASSES))


NETS = {"lstm": lstm}
