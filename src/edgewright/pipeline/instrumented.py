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

#: what the code calls out to where it has no counter of its own (kernels/profile.h)
_MARK = "env.ew_mark"


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
    marked = replace(target, allowed_undefined=target.allowed_undefined | {_MARK})
    compiler = toolchain.find_compiler(target)
    built = products.find(target).write(Parts(code, marked, compiler, {}), folder)
    info, entry = target_info(code, target, built, compiler.version), entry_infos(code)[0]
    return RemoteModel(folder, code.name, info, entry, target, runner)
