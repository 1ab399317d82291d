"""Instrumented code, away from this process: the product as it is shipped, and marks in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edgewright import targets, toolchain
from edgewright.artifact import products
from edgewright.artifact.products import Parts
from edgewright.artifact.remote import RemoteModel
from edgewright.codegen import Code
from edgewright.pipeline.files import entry_infos, target_info

#: what WebAssembly calls out to, having no counter of its own (kernels/profile.h)
_MARKS = {"wasm32": frozenset({"env.ew_mark"})}


def open_instrumented(
    code: Code, target: targets.Target, runner: targets.Runner, folder: Path
) -> RemoteModel:
    """Build the product in `folder` and make it ready to run.

    Args:
        code: what `generate(..., profiled=True)` gave for `target`.
        target: where it runs.
        runner: how.
        folder: an empty one, which must outlive the model.
    """
    allowed = target.allowed_undefined | _MARKS.get(target.arch, frozenset())
    marked = replace(target, allowed_undefined=allowed)
    compiler = toolchain.find_compiler(target)
    built = products.find(target).write(Parts(code, marked, compiler, {}), folder)
    info, entry = target_info(code, target, built, compiler.version), entry_infos(code)[0]
    return RemoteModel(folder, code.name, info, entry, target, runner)
