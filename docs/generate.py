"""Write the reference pages that come from the code, or check that they are up to date.

python docs/generate.py            # write
python docs/generate.py --check    # exit status 1 and a list when a page is stale
"""

import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from edgewright import errors, ops, targets
from edgewright.cli import cli as command_line
from edgewright.data import contract
from edgewright.passes.order import ORDER
from edgewright.targets.host import X86_64

REFERENCE = Path(__file__).resolve().parent / "reference"
NOTE = "<!-- Written by docs/generate.py; edit the code, then run `make docs`. -->"


def cli_page() -> Iterator[str]:
    """The help of every command."""
    yield "# Command line"
    yield (
        "Every command takes `--json`: one JSON document on standard output, all else on standard "
        "error. Numbers that JSON does not have are the texts `nan`, `inf` and `-inf`."
    )
    # A fixed width: the page must not depend on the terminal of whoever writes it.
    context = command_line.context_class(
        command_line,
        info_name="edgewright",
        terminal_width=100,
        **command_line.context_settings,
    )
    for name in ["", *sorted(command_line.list_commands(context))]:
        command = command_line.get_command(context, name) if name else command_line
        assert isinstance(command, click.Command)
        inner = click.Context(command, context, name) if name else context
        yield f"## edgewright {name}".rstrip()
        yield fenced(command.get_help(inner))


def operators_page() -> Iterator[str]:
    """Every operator with its attributes and its meaning."""
    yield "# Operators"
    yield (
        "The operators of the intermediate representation, which every importer maps to. Spatial "
        "ones are channels-last. The bound is how far the C may be from the NumPy reference, "
        "relative to the range of the reference's output, for float results; integer results are "
        "equal bit for bit."
    )
    families: dict[str, list[str]] = {}
    for name, cls in ops.registry().items():
        families.setdefault(operator_text(cls), []).append(name)
    for text, names in families.items():
        yield f"## {', '.join(names)}"
        yield text


def operator_text(cls: type[ops.Op]) -> str:
    """What an operator means, its attributes and its bound; the same for all of a family."""
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    rows = [f"| `{f.name}` | `{type_name(f.type)}` | {default_of(f)} |" for f in fields]
    table = "\n".join(["| attribute | type | default |", "|---|---|---|", *rows])
    bound = "Costs nothing: only the type changes." if cls.is_view else f"Bound: {cls.tolerance:g}."
    return "\n\n".join([summary(cls), *([table] if rows else []), bound])


def passes_page() -> Iterator[str]:
    """Every pass, in the order in which they run."""
    yield "# Passes"
    yield (
        "In the order in which they run; a name that comes twice runs twice. Every example is "
        "executed by a test."
    )
    yield "Order: " + ", ".join(f"`{item.name}`" for item in ORDER) + "."
    for item in {item.name: item for item in ORDER}.values():
        doc = inspect.cleandoc(item.doc)
        text, given, example = doc.partition("Given:\n")
        yield f"## {item.name}"
        yield text.strip()
        if given:
            yield fenced(given + example)


def targets_page() -> Iterator[str]:
    """Every target with its levels and promises."""
    yield "# Targets"
    for target in targets.registry().values():
        if target.name == "host":  # the page must not depend on the machine that writes it
            target = X86_64
        yield f"## {target.name}"
        name = target.description.startswith("x86")  # names are spelled as they are
        yield f"{target.description if name else capitalised(target.description)}."
        yield "\n".join(
            [
                "| level | `isa` | CPU (zig) | flags (gcc, clang) |",
                "|---|---|---|---|",
                *(
                    f"| {level.name} | {isa} | `{level.cpu}` | `{' '.join(level.flags)}` |"
                    for isa, level in enumerate(target.levels)
                ),
            ]
        )
        allowed = ", ".join(f"`{name}`" for name in sorted(target.allowed_undefined)) or "none"
        yield "\n".join(
            [
                f"- Triple: `{target.triple}`",
                f"- Makes: {target.product.replace('_', ' ')} (`{target.library_suffix}`)",
                f"- Symbols that it may leave to the platform: {allowed}",
                *([f"- Memory pages: {target.page_bytes} bytes"] if target.page_bytes else []),
                f"- Runs {runners_text(target)}",
            ]
        )


def capitalised(text: str) -> str:
    """A sentence's first letter made a capital."""
    return text[0].upper() + text[1:]


def runners_text(target: targets.Target) -> str:
    """Where the code of a target can be run."""
    others = [
        f"{runner.name} (`{runner.advice}`)" for runner in target.runners if not runner.native
    ]
    if others:
        return f"elsewhere with {', '.join(others)}"
    return f"only on {target.machine or 'a machine of its own kind'}"


def errors_page() -> Iterator[str]:
    """Every error code and the exit status it ends with."""
    yield "# Errors"
    yield "Exit status 0 means done. With `--debug` a traceback is shown as well."
    rows = [
        f"| [{cls.code}](../errors/{cls.code}.md) | {cls.exit_code} | {summary(cls)} |"
        for cls in errors.error_classes()
    ]
    yield "\n".join(["| code | exit status | meaning |", "|---|---|---|", *rows])


def contract_page() -> Iterator[str]:
    """Every field of the model contract."""
    yield "# Model contract"
    yield (
        "`model.toml` beside a model says what its numbers mean (`NAME.toml` does so for "
        "`NAME.tflite` or `NAME.onnx` alone). Every field may be absent. What the model file says "
        "about itself comes first, then this file, then options of the command."
    )
    _, _, example = (contract.__doc__ or "").partition("model:\n\n")
    yield fenced(inspect.cleandoc("\n" + example.partition("\n\nEvery field")[0]))
    yield "`[metrics]` holds published figures, any name = number."
    for title, table in (
        ("[model]", contract.ModelInfo),
        ("[[inputs]]", contract.Input),
        ("[[outputs]]", contract.Output),
    ):
        yield f"## {title}"
        yield inspect.cleandoc(table.__doc__ or "")
        properties = table.model_json_schema()["properties"]
        rows = [
            f"| `{name}` | {contract_values(schema)} | {contract_default(schema)} "
            f"| {' '.join(schema.get('description', '').split())} |"
            for name, schema in properties.items()
        ]
        yield "\n".join(["| field | values | default | meaning |", "|---|---|---|---|", *rows])


def contract_values(schema: Mapping[str, Any]) -> str:
    """What a field of the contract may hold, in words."""
    schema = next((s for s in schema.get("anyOf", []) if s.get("type") != "null"), schema)
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if schema["type"] == "array":
        items = schema.get("items") or schema["prefixItems"][0]
        return f"list of {contract_values(items)}s"
    return {"string": "text", "number": "number", "integer": "whole number"}[schema["type"]]


def contract_default(schema: Mapping[str, Any]) -> str:
    """The default of a field of the contract; empty where there is none."""
    default = schema.get("default")
    return "" if default in (None, "", []) else f"`{default}`"


PAGES: dict[str, Callable[[], Iterable[str]]] = {
    "cli.md": cli_page,
    "contract.md": contract_page,
    "errors.md": errors_page,
    "operators.md": operators_page,
    "passes.md": passes_page,
    "targets.md": targets_page,
}


def fenced(text: str) -> str:
    """A block of literal text."""
    return f"```\n{text.rstrip()}\n```"


def summary(cls: type) -> str:
    """The first paragraph of a class's own docstring, or of its module's, on one line."""
    own = vars(cls).get("__doc__") or ""
    generated = own.startswith(f"{cls.__name__}(")  # dataclasses write a signature
    doc = inspect.getdoc(sys.modules[cls.__module__]) if generated or not own else own
    return " ".join(inspect.cleandoc(doc or "").split("\n\n")[0].split())


def type_name(annotation: object) -> str:
    """An annotation as it was written."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return text.replace("|", "\\|")


def default_of(field: "dataclasses.Field[object]") -> str:
    """A default value as code, or "required"."""
    if field.default is not dataclasses.MISSING:
        return f"`{field.default!r}`"
    if field.default_factory is not dataclasses.MISSING:
        return f"`{field.default_factory()!r}`"
    return "required"


def page_text(name: str) -> str:
    """One page."""
    return "\n\n".join([NOTE, *PAGES[name]()]) + "\n"


def stale_pages(folder: Path = REFERENCE) -> list[str]:
    """The pages whose file is not what the code says."""
    return [
        name
        for name in PAGES
        if not (folder / name).exists() or (folder / name).read_text() != page_text(name)
    ]


def main() -> int:
    """Write the pages, or with --check compare them."""
    if "--check" in sys.argv[1:]:
        stale = stale_pages()
        for name in stale:
            print(f"docs/reference/{name} is stale: run `make docs`", file=sys.stderr)
        return 1 if stale else 0
    for name in PAGES:
        (REFERENCE / name).write_text(page_text(name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
