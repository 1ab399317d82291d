"""A transformer encoder: 6 layers, 384 wide, 6 heads, 128 tokens; norms before, GELU."""

from __future__ import annotations

from math import sqrt

import numpy as np

from benchmarks.nets.net import Net

LAYERS, WIDTH, HEADS, TOKENS = 6, 384, 6, 128
HEAD = WIDTH // HEADS


def dense(net: Net, x: str, out: int) -> str:
    """x [1,T,K] -> [1,T,out]: MatMul and Add, as `nn.Linear` of rank 3 is exported."""
    batch, tokens, depth = net.shapes[x]
    net.macs += tokens * depth * out
    weight = net.normal(depth, out, fan_in=depth, gain=1.0)
    bias = net.constant(net.random.normal(0.0, 0.1, out).astype(np.float32), "bias")
    return net.op("Add", net.op("MatMul", x, weight, shape=(batch, tokens, out)), bias)


def layer_norm(net: Net, x: str) -> str:
    """Over the last axis."""
    scale = net.constant(net.random.uniform(0.7, 1.3, WIDTH).astype(np.float32), "scale")
    bias = net.constant(net.random.normal(0.0, 0.1, WIDTH).astype(np.float32), "bias")
    return net.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=1e-5)


def heads(net: Net, x: str, *perm: int) -> str:
    """[1,T,W] -> [1,heads,T,W/heads], or with the last two axes the other way round."""
    return net.transpose(net.reshape(x, 1, TOKENS, HEADS, HEAD), *perm)


def attention(net: Net, x: str) -> str:
    """Self-attention of all heads."""
    query = heads(net, dense(net, x, WIDTH), 0, 2, 1, 3)
    key = heads(net, dense(net, x, WIDTH), 0, 2, 3, 1)
    value = heads(net, dense(net, x, WIDTH), 0, 2, 1, 3)
    net.macs += 2 * TOKENS * TOKENS * WIDTH
    scores = net.op("MatMul", query, key, shape=(1, HEADS, TOKENS, TOKENS))
    weights = net.op("Softmax", net.op("Div", scores, net.scalar(sqrt(HEAD))), axis=-1)
    mixed = net.op("MatMul", weights, value, shape=(1, HEADS, TOKENS, HEAD))
    joined = net.reshape(net.transpose(mixed, 0, 2, 1, 3), 1, TOKENS, WIDTH)
    return dense(net, joined, WIDTH)


def transformer(net: Net) -> None:
    """[1,128,384] -> [1,128,384]."""
    x = net.input(1, TOKENS, WIDTH)
    for _ in range(LAYERS):
        x = net.add(x, attention(net, layer_norm(net, x)))
        wide = net.act(dense(net, layer_norm(net, x), 4 * WIDTH), "gelu")
        x = net.add(x, dense(net, wide, WIDTH))
    net.output(layer_norm(net, x))


NETS = {"transformer": transformer}
