"""Every error that a user can meet: class, code, exit status, meaning.

    EdgewrightError
    ├── InvalidModel        invalid-model          2  the file is damaged or contradicts itself
    ├── UnsupportedModel    unsupported-model      2  sound, but we cannot build it
    ├── InvalidInput        invalid-input          2  a sample has the wrong shape or dtype
    ├── InvalidContract     invalid-contract       2  model.toml is wrong
    ├── InvalidOption       invalid-option         2  a command line or API option is wrong
    ├── InvalidPackage      invalid-package        2  a package is damaged or of another version
    ├── InvalidGraph        invalid-graph          2  a graph in text form is wrong
    ├── InvalidTuning       invalid-tuning         2  a tuning file is wrong, or another machine's
    ├── VerificationFailed  verification-failed    1  the answer differs from the source's
    ├── MissingCompiler     missing-compiler       3  no C compiler for a target
    ├── MissingRunner       missing-runner         3  nothing here can run a target's code
    ├── MissingPackage      missing-package        3  an optional Python package is absent
    ├── OracleError         oracle-error           3  the reference runtime failed
    ├── CompileFailed       compile-failed        70  the compiler refused our own C
    ├── InternalError       internal-error        70  a bug in Edgewright
    ├── Interrupted         interrupted          130  Ctrl-C
    └── Problems            problems             max  several of the above, all at once

`docs/errors/CODE.md` describes each one; a test compares the two sets.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar


class EdgewrightError(Exception):
    """What went wrong, where in the user's files, and what to do about it.

    Args:
        what: one sentence with the offending value in it.
        where: the place in the user's model, file or options (anything whose `str` names it).
        help: what to do, in the imperative.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 70

    def __init__(self, what: str, where: object | None = None, help: str | None = None) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.help = help
        super().__init__(what)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep `where` and `help` when the error crosses a process boundary."""
        return type(self), (self.what, self.where, self.help)

    @property
    def status(self) -> int:
        """The exit status of a command that ends with this error."""
        return self.exit_code

    def render(self) -> str:
        """The error as the user reads it: `error[code]: what / --> where / = help: ...`."""
        lines = [f"error[{self.code}]: {self.what}"]
        if self.where:
            lines.append(f"  --> {self.where}")
        if self.help:
            lines.append(f"  = help: {self.help}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """The same as a JSON object, for `--json`."""
        return {"code": self.code, "what": self.what, "where": self.where, "help": self.help}

    def __str__(self) -> str:
        return self.render()


class InvalidModel(EdgewrightError):
    """The model file is damaged, truncated, or contradicts itself."""

    code = "invalid-model"
    exit_code = 2


class UnsupportedModel(EdgewrightError):
    """The model is sound but uses something that Edgewright cannot build."""

    code = "unsupported-model"
    exit_code = 2


class InvalidInput(EdgewrightError):
    """A sample given to a model has the wrong name, shape, dtype, or values."""

    code = "invalid-input"
    exit_code = 2


class InvalidContract(EdgewrightError):
    """The model contract (`model.toml`) is malformed or does not fit the model."""

    code = "invalid-contract"
    exit_code = 2


class InvalidOption(EdgewrightError):
    """An option of a command or of the Python interface is wrong."""

    code = "invalid-option"
    exit_code = 2


class InvalidPackage(EdgewrightError):
    """A built package is damaged, incomplete, or of another interface version."""

    code = "invalid-package"
    exit_code = 2


class InvalidGraph(EdgewrightError):
    """A graph in text form does not parse, or breaks a rule of the IR."""

    code = "invalid-graph"
    exit_code = 2


class InvalidTuning(EdgewrightError):
    """A tuning file is damaged, of another version, or would have to mix two machines."""

    code = "invalid-tuning"
    exit_code = 2


class VerificationFailed(EdgewrightError):
    """The built code does not answer as the source model does."""

    code = "verification-failed"
    exit_code = 1


class MissingCompiler(EdgewrightError):
    """No C compiler for a target was found; the help names what to install."""

    code = "missing-compiler"
    exit_code = 3


class MissingRunner(EdgewrightError):
    """Nothing on this machine can run the code of a target; the help names what to install."""

    code = "missing-runner"
    exit_code = 3


class MissingPackage(EdgewrightError):
    """An optional Python package is needed; the help names the extra."""

    code = "missing-package"
    exit_code = 3


class OracleError(EdgewrightError):
    """The reference runtime (LiteRT, ONNX Runtime, tflite-micro) failed or timed out."""

    code = "oracle-error"
    exit_code = 3


class CompileFailed(EdgewrightError):
    """The C compiler refused generated code: a bug in Edgewright or an untried compiler."""

    code = "compile-failed"
    exit_code = 70


class InternalError(EdgewrightError):
    """Edgewright broke one of its own rules."""

    code = "internal-error"
    exit_code = 70


class Interrupted(EdgewrightError):
    """The user pressed Ctrl-C."""

    code = "interrupted"
    exit_code = 130


class Problems(EdgewrightError):
    """Several errors, reported together so that the user sees all of them in one run.

    Args:
        errors: at least one; nested `Problems` are flattened, exact repeats are dropped.
    """

    code = "problems"
    exit_code = 2

    def __init__(self, errors: Iterable[EdgewrightError]) -> None:
        self.errors: tuple[EdgewrightError, ...] = tuple(_flatten(errors))
        super().__init__(f"{len(self.errors)} problems")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.errors,)

    @property
    def status(self) -> int:
        """The gravest exit status among the errors."""
        return max((error.status for error in self.errors), default=self.exit_code)

    def render(self) -> str:
        """Each error in turn, separated by blank lines."""
        return "\n\n".join(error.render() for error in self.errors)

    def to_json(self) -> dict[str, object]:
        """A JSON object whose `errors` lists each one."""
        return {
            "code": self.code,
            "what": self.what,
            "errors": [error.to_json() for error in self.errors],
        }


def raise_all(errors: Sequence[EdgewrightError]) -> None:
    """Raise nothing, the single error, or all of them as `Problems`."""
    flat = list(_flatten(errors))
    if len(flat) == 1:
        raise flat[0]
    if flat:
        raise Problems(flat)


def _flatten(errors: Iterable[EdgewrightError]) -> Iterable[EdgewrightError]:
    """The leaves in order, each distinct text once."""
    seen: set[str] = set()
    for error in errors:
        leaves = error.errors if isinstance(error, Problems) else (error,)
        for leaf in leaves:
            if (text := leaf.render()) not in seen:
                seen.add(text)
                yield leaf


def error_classes() -> list[type[EdgewrightError]]:
    """Every concrete error class, sorted by code."""
    return sorted(EdgewrightError.__subclasses__(), key=lambda cls: cls.code)
