"""`foretell models export`: a Time-MoE network as one ONNX graph, for time_moe_onnx.py to run. Needs torch and onnx.

The graph takes new points x [B, n] of B series and the keys and values [B, A, P, d] of the P points before them; it
gives what every head says at the newest point [B, h], and the keys and values of all P + n. Only operations of ONNX 18
and four of ONNX Runtime's own (domain com.microsoft, and its norm) are used. Axes as in time_moe.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from foretell.models.checkpoint import fingerprint, load, read_config
from foretell.models.time_moe_numpy import Attention, Experts, Gated, NumpyTimeMoe, turns
from foretell.models.time_moe_onnx import DATA, FORM, GRAPH, cache_names, kept_names, said_name
from foretell.models.time_moe_shape import Shape
from foretell.registry import require

ONNX_VERSION = 18
FILE_VERSION = 9
POSITIONS = 8192
"""Rows of the table of rotations: contexts of 4,096 and a horizon behind them."""
END = 2**62


def export(folder: Path) -> Path:
    """Write model.onnx and its weights beside the checkpoint in `folder`; where it is."""
    onnx = require("onnx", "onnx")
    model = graph_of(read(folder))
    onnx.helper.set_model_props(model, {"form": FORM, "weights": fingerprint(folder)})
    for file in (GRAPH, DATA):
        (folder / file).unlink(missing_ok=True)
    onnx.save_model(model, folder / GRAPH, save_as_external_data=True, location=DATA, size_threshold=1024)
    return folder / GRAPH


def read(folder: Path) -> NumpyTimeMoe:
    """The published tensors as arrays; through torch, because NumPy knows no bfloat16."""
    require("torch", "torch")
    from foretell.models.time_moe import TimeMoe

    network = TimeMoe(Shape.read(read_config(folder))).requires_grad_(False)
    load(network.published(), folder)
    return NumpyTimeMoe(network.shape, {name: p.data[index].numpy() for name, p, index in network.published()})


class Graph:
    """Nodes and constants, in the order in which they come."""

    def __init__(self) -> None:
        self.onnx = require("onnx", "onnx")
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._count = 0

    def many(self, operation: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any) -> list[str]:
        """A node; the names of what it gives."""
        names = [f"t{self._count + i}" for i in range(outputs)]
        self._count += outputs
        self.nodes.append(self.onnx.helper.make_node(operation, inputs, names, domain=domain, **attributes))
        return names

    def add(self, operation: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        return self.many(operation, *inputs, outputs=1, domain=domain, **attributes)[0]

    def constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def number(self, value: int) -> str:
        return self.constant(np.array(value, np.int64))

    def whole(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def name(self, value: str, name: str) -> None:
        """Give an output its name."""
        self.nodes.append(self.onnx.helper.make_node("Identity", [value], [name]))

    def product(self, x: str, weight: Any) -> str:
        return self.add("MatMul", x, self.constant(weight))

    def silu(self, x: str) -> str:
        return self.add("QuickGelu", x, domain="com.microsoft", alpha=1.0)

    def norm(self, x: str, weight: Any, eps: float) -> str:
        """Root mean square norm; ONNX Runtime keeps it in the standard's own domain."""
        weights = self.constant(weight)
        return self.add("SimplifiedLayerNormalization", x, weights, axis=-1, epsilon=eps, stash_type=1)

    def gated(self, x: str, expert: Gated) -> str:
        gate, up = self.many("Split", self.product(x, expert.up), outputs=2, axis=-1, num_outputs=2)
        return self.product(self.add("Mul", self.silu(gate), up), expert.down)

    def newest(self, x: str, axis: int) -> str:
        return self.add("Slice", x, self.whole(-1), self.whole(END), self.whole(axis))

    def scalar(self, x: str) -> str:
        return self.add("Squeeze", x, self.whole(0))

    def range(self, begin: str, end: str) -> str:
        return self.add("Range", begin, end, self.number(1))


class Positions:
    """Where the new points stand: positions [B, n], the newest one's [B, 1], and what each must not see [n, T]."""

    def __init__(self, graph: Graph, shape: Shape) -> None:
        batch, new = (graph.add("Shape", "x", start=axis, end=axis + 1) for axis in (0, 1))
        before = graph.add("Shape", cache_names(shape)[0], start=2, end=3)
        total = graph.scalar(graph.add("Add", before, new))
        positions = graph.range(graph.scalar(before), total)
        size = graph.add("Concat", batch, new, axis=0)
        self.all = graph.add("Expand", graph.add("Unsqueeze", positions, graph.whole(0)), size)
        self.newest = graph.newest(self.all, 1)
        keys = graph.add("Unsqueeze", graph.range(graph.number(0), total), graph.whole(0))
        seen = graph.add("LessOrEqual", keys, graph.add("Unsqueeze", positions, graph.whole(1)))
        self.later = graph.add("Where", seen, graph.constant(np.float32(0)), graph.constant(np.float32(-np.inf)))
        cosine, sine = turns(shape, 0, POSITIONS)
        self.table = graph.constant(cosine), graph.constant(sine)


def graph_of(network: NumpyTimeMoe) -> Any:
    """The model as ONNX's own message."""
    graph, shape = Graph(), network.shape
    places = Positions(graph, shape)
    x = graph.add("Unsqueeze", "x", graph.whole(2))
    gate, value = (graph.add("Mul", x, graph.constant(vector)) for vector in (network.gate, network.value))
    h = graph.add("Mul", graph.silu(gate), value)
    for i, (before, attention, between, experts) in enumerate(network.layers):
        last = i == shape.layers - 1
        mixed = _attention(graph, attention, graph.norm(h, before, shape.eps), places, i, last)
        h = graph.add("Add", graph.newest(h, 1) if last else h, mixed)
        tokens = graph.add("Reshape", graph.norm(h, between, shape.eps), graph.whole(-1, shape.width))
        said = _experts(graph, experts, tokens, shape)
        h = graph.add("Add", h, graph.add("Reshape", said, graph.add("Shape", h)))
    hidden = graph.norm(graph.add("Squeeze", h, graph.whole(1)), network.norm, shape.eps)
    for horizon, head in network.heads.items():
        graph.name(graph.product(hidden, head), said_name(horizon))
    return _model(graph, shape)


def _attention(graph: Graph, own: Attention, x: str, places: Positions, layer: int, last: bool) -> str:
    """x [B, n, D] -> [B, n, D], or with `last` [B, 1, D] for the newest point."""
    shape = own.shape
    wide, narrow = shape.heads * shape.head_width, shape.key_heads * shape.head_width
    if last:
        newest = graph.product(graph.newest(x, 1), own.qkv[:, :wide])
        q = graph.add("Add", newest, graph.constant(own.bias[:wide]))
        both = graph.add("Add", graph.product(x, own.qkv[:, wide:]), graph.constant(own.bias[wide:]))
        k, v = graph.many("Split", both, outputs=2, axis=-1, num_outputs=2)
    else:
        all_three = graph.add("Add", graph.product(x, own.qkv), graph.constant(own.bias))
        q, k, v = graph.many("Split", all_three, graph.whole(wide, narrow, narrow), outputs=3, axis=-1)
    q = _turn(graph, _heads(graph, q, shape.heads, shape), places.newest if last else places.all, places)
    k = _turn(graph, _heads(graph, k, shape.key_heads, shape), places.all, places)
    v = _heads(graph, v, shape.key_heads, shape)
    both_names = zip((k, v), cache_names(shape)[2 * layer :], kept_names(shape)[2 * layer :], strict=False)
    k, v = (_keep(graph, new, old, name) for new, old, name in both_names)
    k, v = (_repeat(graph, t, shape) for t in (k, v))
    q = graph.add("Mul", q, graph.constant(np.float32(shape.head_width**-0.5)))
    scores = graph.add("MatMul", q, graph.add("Transpose", k, perm=[0, 1, 3, 2]))
    if not last:
        scores = graph.add("Add", scores, places.later)
    mixed = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), v)
    flat = graph.add("Reshape", graph.add("Transpose", mixed, perm=[0, 2, 1, 3]), graph.whole(0, 0, shape.width))
    return graph.product(flat, own.out)


def _heads(graph: Graph, x: str, heads: int, shape: Shape) -> str:
    """[B, n, A * d] -> [B, A, n, d]."""
    split = graph.add("Reshape", x, graph.whole(0, 0, heads, shape.head_width))
    return graph.add("Transpose", split, perm=[0, 2, 1, 3])


def _turn(graph: Graph, x: str, positions: str, places: Positions) -> str:
    return graph.add("RotaryEmbedding", x, positions, *places.table, domain="com.microsoft", interleaved=0)


def _keep(graph: Graph, new: str, old: str, name: str) -> str:
    whole = graph.add("Concat", old, new, axis=2)
    graph.name(whole, name)
    return whole


def _repeat(graph: Graph, x: str, shape: Shape) -> str:
    """Keys or values for all query heads, where several share them."""
    times = shape.heads // shape.key_heads
    if times == 1:
        return x
    several = graph.add("Concat", *[graph.add("Unsqueeze", x, graph.whole(2))] * times, axis=2)
    return graph.add("Reshape", several, graph.whole(0, shape.heads, -1, shape.head_width))


def _experts(graph: Graph, own: Experts, x: str, shape: Shape) -> str:
    """x [N, D] -> [N, D]: each expert gets its tokens in one product, and what they say goes back to its place."""
    probabilities = graph.add("Softmax", graph.product(x, own.router), axis=-1)
    best, chosen = graph.many("TopK", probabilities, graph.whole(shape.chosen), outputs=2, axis=-1)
    weights, experts = (graph.add("Reshape", t, graph.whole(-1)) for t in (best, chosen))
    places, said = [], []
    for e, expert in enumerate(own.experts):
        hits = graph.add("NonZero", graph.add("Equal", experts, graph.number(e)))
        place = graph.add("Squeeze", hits, graph.whole(0))
        rows = graph.add("Gather", x, graph.add("Div", place, graph.number(shape.chosen)))
        weight = graph.add("Unsqueeze", graph.add("Gather", weights, place), graph.whole(1))
        places.append(place)
        said.append(graph.add("Mul", graph.gated(rows, expert), weight))
    order = graph.add("Concat", *places, axis=0)
    numbers = graph.range(graph.number(0), graph.scalar(graph.add("Shape", experts)))
    back = graph.add("ScatterElements", experts, order, numbers, axis=0)
    rows = graph.add("Gather", graph.add("Concat", *said, axis=0), back)
    routed = graph.add("Reshape", rows, graph.whole(-1, shape.chosen, shape.width))
    summed = graph.add("ReduceSum", routed, graph.whole(1), keepdims=0)
    share = graph.add("Sigmoid", graph.product(x, own.shared_gate))
    return graph.add("Add", summed, graph.add("Mul", graph.gated(x, own.shared), share))


def _model(graph: Graph, shape: Shape) -> Any:
    helper = graph.onnx.helper
    kind = graph.onnx.TensorProto.FLOAT

    def tensor(name: str, *axes: str | int) -> Any:
        return helper.make_tensor_value_info(name, kind, axes)

    cache = "B", shape.key_heads
    inputs = [tensor("x", "B", "n"), *(tensor(name, *cache, "P", shape.head_width) for name in cache_names(shape))]
    outputs = [tensor(said_name(h), "B", h) for h in shape.horizons]
    outputs += [tensor(name, *cache, "T", shape.head_width) for name in kept_names(shape)]
    made = helper.make_graph(graph.nodes, "time_moe", inputs, outputs, graph.constants)
    domains = [helper.make_opsetid("", ONNX_VERSION), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(made, opset_imports=domains, ir_version=FILE_VERSION)
