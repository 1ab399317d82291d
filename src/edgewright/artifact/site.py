"""A small web server for one page: what browsers need to run a package, and nothing else.

There is no mapping from paths to files here: whoever starts a site answers each request from what
it knows by name, so that no path can lead outside.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from edgewright.errors import InvalidOption

LOOPBACK = "127.0.0.1"
_TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript",
    ".css": "text/css", ".wasm": "application/wasm", ".json": "application/json",
    ".ts": "text/plain", ".c": "text/plain", ".h": "text/plain", ".txt": "text/plain",
}  # fmt: skip
#: pages that are isolated may use shared memory; nothing is kept, since packages change
_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True)
class Request:
    """What a browser asks for.

    Attributes:
        method: "GET" or "POST".
        path: without the leading slash and the query, percent signs decoded.
        query: the first value of each field.
        cookies: by name.
        host: what the browser calls this server: name and port.
        address: the browser's machine.
        agent: what the browser calls itself.
        body: of a POST.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    host: str = ""
    address: str = ""
    agent: str = ""
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What it gets."""

    status: int
    body: bytes = b""
    type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


def content(name: str, body: bytes) -> Answer:
    """The answer that is a file of that name."""
    kind = _TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")
    return Answer(200, body, kind)


def text(status: int, message: str) -> Answer:
    """An answer of one line."""
    return Answer(status, (message + "\n").encode())


@contextmanager
def site(
    answer: Callable[[Request], Answer],
    *,
    host: str = LOOPBACK,
    port: int = 0,
    most_bytes: int = 1 << 16,
) -> Iterator[int]:
    """Serve until the block ends; yields the port.

    Args:
        answer: called for each request, from several threads.
        host: the address to listen on.
        port: 0 for any that is free.
        most_bytes: the longest body of a POST that is read.

    Raises:
        InvalidOption: the address cannot be listened on.
    """
    handler = type("Handler", (_Handler,), {"answer": staticmethod(answer), "most": most_bytes})
    try:
        server = ThreadingHTTPServer((host, port), handler)
    except OSError as error:
        raise InvalidOption(
            f"cannot listen on {host}:{port}: {error.strerror}", help="choose another --port"
        ) from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One connection; `answer` and `most` are set by `site`."""

    answer: Callable[[Request], Answer]
    most: int
    timeout = 60
    server_version = "edgewright"
    sys_version = ""

    def do_GET(self) -> None:
        self._respond(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self._send(text(411, "a length is needed"))
        elif int(length) > self.most:
            self._send(text(413, f"at most {self.most} bytes"))
        else:
            self._respond(self.rfile.read(int(length)))

    def _respond(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        cookies: SimpleCookie = SimpleCookie()
        with suppress(CookieError):
            cookies.load(self.headers.get("Cookie", ""))
        request = Request(
            method=self.command,
            path=unquote(parts.path).removeprefix("/"),
            query={key: values[0] for key, values in parse_qs(parts.query).items()},
            cookies={key: morsel.value for key, morsel in cookies.items()},
            host=self.headers.get("Host", ""),
            address=self.client_address[0],
            agent=self.headers.get("User-Agent", ""),
            body=body,
        )
        self._send(self.answer(request))

    def _send(self, answer: Answer) -> None:
        self.close_connection = True
        with suppress(ConnectionError, socket.timeout):
            self.send_response(answer.status)
            headers = {**_HEADERS, "Content-Type": answer.type, **answer.headers}
            for name, value in {**headers, "Content-Length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: results are printed by whoever started the site."""
