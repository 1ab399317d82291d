"""Every pass does what its docstring says, once, and is in the one list."""

import pkgutil
import re
import textwrap

import pytest

from edgewright import ops, passes
from edgewright.graph import Module, constants_of, parse_graph
from edgewright.passes import Pass, run_pass
from edgewright.passes.order import ORDER

PASSES: dict[str, Pass] = {item.name: item for item in ORDER}


def example(item: Pass) -> tuple[str, str]:
    """The texts under Given and Result."""
    found = re.search(r"\n( *)Given:\n(.*?)\n *Result:\n(.*)", item.doc, re.DOTALL)
    assert found, f"{item.name} has no Given and Result"
    return textwrap.dedent(found[2]), textwrap.dedent(found[3])


def module(text: str, like: Module | None = None) -> Module:
    """A module from text, with the large constants of another one."""
    data = constants_of(like) if like else None
    graph = parse_graph(text, infer=ops.infer, data=data)
    return Module({graph.name: graph})


@pytest.mark.parametrize("name", sorted(PASSES))
def test_docstring_example(name: str) -> None:
    given, result = example(PASSES[name])
    graph = module(given)
    assert run_pass(PASSES[name], graph), "the example is left as it was"
    expected = module(result, like=graph)
    assert str(graph) == str(expected)
    assert not run_pass(PASSES[name], graph), "a second run changes something"


def test_every_pass_file_is_in_the_order() -> None:
    """A file in the folder that wraps a function of its own name is a pass."""
    files = {m.name for m in pkgutil.iter_modules(passes.__path__) if "_" in m.name}
    assert files == set(PASSES)
