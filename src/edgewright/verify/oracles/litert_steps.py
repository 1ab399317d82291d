"""LiteRT's default kernels, one operator at a time, each on the reference kernels' tensors.

The default kernels' delegate swallows the tensors between the operators that it takes over, so each
operator is cut out into a model of its own. The answer holds every tensor of the reference run, and
as `step:NAME` what the default kernels made of the same inputs.
"""

from __future__ import annotations

from typing import Any

from edgewright.verify.oracles import litert
from edgewright.verify.oracles.protocol import Tensors
from edgewright.verify.oracles.single_op import cut

PREFIX = "step:"


def run(kind: str, model: bytes, runs: list[Tensors], intermediates: bool) -> list[Tensors]:
    """Run each dict of inputs; `kind` and `intermediates` have but one meaning here."""
    from ai_edge_litert import schema_py_generated as schema

    count = schema.Model.GetRootAsModel(model, 0).Subgraphs(0).OperatorsLength()
    answers = litert.run("litert_ref", model, runs, True)
    for index in range(count):
        _step(cut(model, index), answers)
    return answers


def _step(model: bytes, answers: list[Tensors]) -> None:
    """Add what one operator alone makes; operators that cannot stand alone are left out."""
    from ai_edge_litert import interpreter as api

    try:
        alone: Any = api.Interpreter(model_content=model, num_threads=1)
        names = [d["name"] for d in alone.get_input_details()]
        for answer in answers:
            if all(name in answer for name in names):
                (made,) = litert.run("litert", model, [{n: answer[n] for n in names}], False)
                answer.update({PREFIX + name: value for name, value in made.items()})
    except (ValueError, RuntimeError):
        return
