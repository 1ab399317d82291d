"""The IR: types, graph, text form (print and parse), verifier."""

from edgewright.graph.dims import Dim, Size, Symbol, evaluate, product, upper
from edgewright.graph.graph import Array, Graph, Location, Module, Node, Source, State, Value
from edgewright.graph.parse import parse_graph, parse_module
from edgewright.graph.text import constants_of
from edgewright.graph.types import DType, Quant, TensorType
from edgewright.graph.verify import verify_module

__all__ = [
    "Array",
    "DType",
    "Dim",
    "Graph",
    "Location",
    "Module",
    "Node",
    "Quant",
    "Size",
    "Source",
    "State",
    "Symbol",
    "TensorType",
    "Value",
    "constants_of",
    "evaluate",
    "parse_graph",
    "parse_module",
    "product",
    "upper",
    "verify_module",
]
