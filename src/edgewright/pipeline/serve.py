"""Show a package's page to browsers, here or on the local network, and hear what they measure."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edgewright import targets
from edgewright.artifact import Package
from edgewright.artifact.site import LOOPBACK, Answer, Request, content, site, text
from edgewright.errors import InvalidOption

PRODUCT = "web_module"
RESULTS = "results"
SESSION = "session.json"
_COOKIE = "edgewright"
_MOST_BYTES = 4096  # of a result
_MOST_AGENT = 200
#: an address of no machine (RFC 5737): asking for a way to it sends nothing
_ELSEWHERE = ("192.0.2.1", 9)

_Milliseconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class _Posted(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Top(_Posted):
    """The class that a page showed first, and its probability."""

    label: Annotated[str, Field(max_length=200)]
    score: Annotated[float, Field(ge=0, le=1)]


class Result(_Posted):
    """What a page measured: a run's median and the quartiles around it, in milliseconds.

    `check` is what became of the test vector there, `error` how far off it was: relative to the
    output's range for floats, in units of the last place for integers.
    """

    target: Annotated[str, Field(max_length=64)]
    median_ms: _Milliseconds
    low_ms: _Milliseconds
    high_ms: _Milliseconds
    runs: Annotated[int, Field(ge=1)]
    check: Literal["ok", "differs", "absent"]
    error: Annotated[float, Field(allow_inf_nan=False)] | None = None
    top: Top | None = None
    cores: Annotated[int, Field(ge=1, le=4096)] | None = None
    isolated: bool = False


@dataclass(frozen=True)
class Measurement:
    """A result, and where it comes from."""

    address: str
    agent: str
    result: Result


@dataclass
class Door:
    """Who may come in.

    On the loopback interface: requests to this server's own name, which other sites' pages cannot
    make. On a network: a browser that brought the token of the address, which serves once.
    """

    network: bool
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    hosts: frozenset[str] = frozenset()
    on_used: Callable[[], None] = lambda: None
    _sessions: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def check(self, request: Request) -> Answer | None:
        """None for those who are in; else what they get instead of what they asked for."""
        if request.host not in self.hosts:
            return text(403, "this server has another name")
        if not self.network or request.cookies.get(_COOKIE) in self._sessions:
            return None
        if request.method == "GET" and (given := request.query.get("token")):
            return self._use(given)
        return text(403, "scan the code in the terminal: its address serves once")

    def _use(self, given: str) -> Answer:
        with self._lock:
            if not secrets.compare_digest(given.encode(), self.token.encode()):
                return text(403, "this address was used already: scan the code in the terminal")
            self.token = secrets.token_urlsafe(16)
            session = secrets.token_urlsafe(32)
            self._sessions.add(session)
        self.on_used()
        cookie = f"{_COOKIE}={session}; HttpOnly; SameSite=Strict; Path=/"
        return Answer(303, headers={"Location": "/", "Set-Cookie": cookie})


@dataclass(frozen=True)
class Served:
    """A package that is being shown."""

    host: str
    port: int
    target: str
    door: Door

    @property
    def url(self) -> str:
        """What to open: on a network with the token that is good for the next browser."""
        token = f"?token={self.door.token}" if self.door.network else ""
        return f"http://{self.host}:{self.port}/{token}"


@contextmanager
def serve(
    package: Package,
    on_result: Callable[[Measurement], None],
    *,
    target: str | None = None,
    lan: bool = False,
    port: int = 0,
    on_used: Callable[[], None] = lambda: None,
) -> Iterator[Served]:
    """Show the package's page until the block ends.

    Args:
        package: has a target for browsers.
        on_result: called, from other threads, with what pages measured.
        target: which one, where there are several.
        lan: listen on the local network instead of this machine alone.
        port: 0 for any that is free.
        on_used: called when a browser used the token, so that the address changed.

    Raises:
        InvalidOption: there is no such target, no network, or the port is taken.
    """
    chosen = _browser_target(package, target)
    host = _network_address() if lan else LOOPBACK
    door = Door(network=lan, on_used=on_used)
    answer = partial(_answer, package, chosen, door, on_result)
    with site(answer, host=host, port=port, most_bytes=_MOST_BYTES) as listening:
        names = (host,) if lan else (host, "localhost")
        door.hosts = frozenset(f"{name}:{listening}" for name in names)
        yield Served(host, listening, chosen, door)


def _browser_target(package: Package, wanted: str | None) -> str:
    """The target that pages load: what was asked for, or the one that the most browsers run."""
    able = [name for name in package.manifest.targets if targets.get(name).product == PRODUCT]
    if wanted is not None and wanted not in able:
        known = ", ".join(able) or "none for browsers"
        raise InvalidOption(f"the package has no target {wanted!r} for browsers",
                            help=f"it has {known}")  # fmt: skip
    if not able:
        raise InvalidOption("the package has no target for browsers", help="build it with -t web")
    return wanted or min(able, key=len)


def _network_address() -> str:
    """This machine's address on its network. Raises InvalidOption when it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
        except OSError as error:
            raise InvalidOption("this machine is on no network", help="leave out --lan") from error
        return str(probe.getsockname()[0])


def _answer(
    package: Package,
    target: str,
    door: Door,
    on_result: Callable[[Measurement], None],
    request: Request,
) -> Answer:
    refusal = door.check(request)
    if refusal:
        return refusal
    if request.method == "POST":
        return _take_result(request, on_result)
    if request.path == "":
        return Answer(303, headers={"Location": f"/targets/{target}/index.html"})
    if request.path == SESSION:
        return content(SESSION, f'{{"results": "/{RESULTS}"}}\n'.encode())
    return _file(package, request.path)


def _file(package: Package, name: str) -> Answer:
    """A file that the manifest lists, and that lies in the package."""
    path = package.folder / name
    inside = name in package.manifest.files and path.resolve().is_relative_to(
        package.folder.resolve()
    )
    if not inside or not path.is_file():
        return text(404, "there is no such file")
    return content(name, path.read_bytes())


def _take_result(request: Request, on_result: Callable[[Measurement], None]) -> Answer:
    if request.path != RESULTS:
        return text(404, "nothing is taken here")
    try:
        result = Result.model_validate_json(request.body)
    except ValidationError as error:
        first = error.errors()[0]
        return text(400, f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}")
    on_result(Measurement(request.address, printable(request.agent[:_MOST_AGENT]), result))
    return text(200, "thank you")


def printable(words: str) -> str:
    """Text of a stranger's without what a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in words)
