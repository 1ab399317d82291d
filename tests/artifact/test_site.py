"""The web server: what reaches the answering function, and what does not."""

from __future__ import annotations

import http.client
import socket

import pytest

from edgewright.artifact.site import LOOPBACK, Answer, Request, content, site, text
from edgewright.errors import InvalidOption


def ask(
    port: int, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    found = response.status, response.read(), response.msg
    connection.close()
    return found


def test_requests_arrive_decoded() -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Answer:
        seen.append(request)
        return content("a.js", b"1")

    with site(answer) as port:
        headers = {"Cookie": "a=b; c=d", "User-Agent": "test"}
        status, body, sent = ask(port, "GET", "/a%20b/../c?x=1&x=2&y=", None, **headers)
        ask(port, "POST", "/in", b"hello")
    assert (status, body, sent["Content-Type"]) == (200, b"1", "text/javascript")
    get, post = seen
    assert (get.method, get.path, get.query["x"]) == ("GET", "a b/../c", "1")
    assert (get.cookies, get.agent) == ({"a": "b", "c": "d"}, "test")
    assert (get.host, get.address) == (f"{LOOPBACK}:{port}", LOOPBACK)
    assert (post.method, post.path, post.body) == ("POST", "in", b"hello")


def test_every_answer_isolates_its_page() -> None:
    with site(lambda request: text(404, "no")) as port:
        _, _, headers = ask(port, "GET", "/")
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert headers["Cache-Control"] == "no-store"


def test_a_long_body_is_not_read() -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Answer:
        seen.append(request)
        return text(200, "thanks")

    with site(answer, most_bytes=10) as port:
        assert ask(port, "POST", "/", b"x" * 10)[0] == 200
        assert ask(port, "POST", "/", b"x" * 11)[0] == 413
        with socket.create_connection((LOOPBACK, port), 10) as raw:
            raw.sendall(b"POST / HTTP/1.0\r\n\r\n")
            assert raw.recv(100).startswith(b"HTTP/1.0 411")
    assert len(seen) == 1


@pytest.mark.parametrize("cookie", ["a=\x7f", "=;;=", "a=b" * 2000, '"'])
def test_odd_cookies_are_no_error(cookie: str) -> None:
    with site(lambda request: text(200, "fine")) as port:
        assert ask(port, "GET", "/", Cookie=cookie)[0] == 200


def test_other_methods_are_refused() -> None:
    with site(lambda request: text(200, "fine")) as port:
        assert ask(port, "DELETE", "/")[0] == 501


def test_a_port_in_use_is_the_user_s_error() -> None:
    def answer(request: Request) -> Answer:
        return text(200, "fine")

    with (
        site(answer) as port,
        pytest.raises(InvalidOption, match=f"listen on 127.0.0.1:{port}"),
        site(answer, port=port),
    ):
        pass
