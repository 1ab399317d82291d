"""Serving a package: who may come in, what is given out and taken; the page in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np
import pytest
from tests.browser import Browser, browser, needs_browser

import edgewright as ew
from edgewright.artifact import Package
from edgewright.artifact.site import Answer, Request
from edgewright.errors import InvalidOption
from edgewright.pipeline import serve as serving
from edgewright.pipeline.serve import Door, Measurement, serve

HOST = "127.0.0.1:8000"
GOOD = {"target": "web", "median_ms": 1.5, "low_ms": 1.0, "high_ms": 2.0, "runs": 10, "check": "ok"}


@pytest.fixture(scope="module")
def package(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    out = tmp_path_factory.mktemp("serve") / "digits"
    model = examples / "models/digits_int8.onnx"
    return ew.build(model, ["web", "web-relaxed", "web-threads"], out, name="digits")


Ask = Callable[..., Answer]


@pytest.fixture
def results() -> list[Measurement]:
    return []


@pytest.fixture
def ask(package: Package, results: list[Measurement]) -> Ask:
    """Requests to a server on the loopback interface."""
    door = Door(network=False, hosts=frozenset({HOST}))

    def ask(method: str, path: str, body: Any = b"", **more: Any) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = Request(method, path, host=more.pop("host", HOST), body=data, **more)
        return serving._answer(package, "web", door, results.append, request)

    return ask


def test_the_page_is_where_the_address_leads(ask: Ask, package: Package) -> None:
    answer = ask("GET", "")
    assert (answer.status, answer.headers["Location"]) == (303, "/targets/web/index.html")
    page = ask("GET", "targets/web/index.html")
    assert (page.status, page.type) == (200, "text/html; charset=utf-8")
    assert ask("GET", "targets/web/digits.wasm").type == "application/wasm"
    assert ask("GET", "vectors/0/inputs/image.npy").status == 200


@pytest.mark.parametrize(
    "path",
    ["verdict.json", "../digits/graph.txt", "/etc/passwd", "targets/web", "targets/web/../web/x",
     "vectors/0/../../graph.txt", "graph.txt/", "\0", "targets/web/index.html\0"],
)  # fmt: skip
def test_only_files_of_the_manifest_are_given_out(ask: Ask, path: str) -> None:
    assert ask("GET", path).status == 404


def test_a_manifest_cannot_lead_outside(ask: Ask, package: Package) -> None:
    outside = package.folder.parent / "secret"
    outside.write_text("x")
    package.manifest.files["../secret"] = "0"
    (package.folder / "link").symlink_to(outside)
    package.manifest.files["link"] = "0"
    try:
        assert ask("GET", "../secret").status == 404
        assert ask("GET", "link").status == 404
    finally:
        del package.manifest.files["../secret"], package.manifest.files["link"]


def test_other_names_of_this_machine_are_refused(ask: Ask) -> None:
    assert ask("GET", "graph.txt").status == 200
    assert ask("GET", "graph.txt", host="evil.example:8000").status == 403
    assert ask("POST", "results", GOOD, host="evil.example:8000").status == 403


def test_results_arrive(ask: Ask, results: list[Measurement]) -> None:
    top = {"label": "7", "score": 0.9}
    answer = ask("POST", "results", {**GOOD, "top": top}, agent="Fire\x1b[31mfox", address="::1")
    assert answer.status == 200
    (found,) = results
    assert (found.address, found.agent, found.result.median_ms) == ("::1", "Fire?[31mfox", 1.5)


@pytest.mark.parametrize(
    "changed",
    [{"median_ms": -1}, {"median_ms": "1"}, {"runs": 0}, {"check": "fine"}, {"more": 1},
     {"top": {"label": "x" * 201, "score": 0.5}}, {"error": "nan"}, {"target": None}],
)  # fmt: skip
def test_odd_results_are_refused(
    ask: Ask, results: list[Measurement], changed: dict[str, Any]
) -> None:
    answer = ask("POST", "results", {**GOOD, **changed})
    assert answer.status == 400
    assert next(iter(changed)).encode() in answer.body
    assert results == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"median_ms": NaN}'])
def test_what_is_no_result_is_refused(ask: Ask, results: list[Measurement], body: bytes) -> None:
    assert ask("POST", "results", body).status == 400
    assert ask("POST", "elsewhere", GOOD).status == 404
    assert results == []


def knock(door: Door, **more: Any) -> Answer | None:
    return door.check(Request("GET", "", host=HOST, **more))


def test_a_token_lets_one_browser_in() -> None:
    used: list[int] = []
    door = Door(network=True, hosts=frozenset({HOST}), on_used=lambda: used.append(1))
    token = door.token
    without = knock(door)
    assert without is not None
    assert without.status == 403
    entered = knock(door, query={"token": token})
    assert entered is not None
    assert (entered.status, entered.headers["Location"], used) == (303, "/", [1])
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    name, _, value = cookie.partition(";")[0].partition("=")
    assert knock(door, cookies={name: value}) is None
    again = knock(door, query={"token": token})
    assert again is not None
    assert again.status == 403
    assert door.token != token


@pytest.mark.parametrize("token", ["", "é", "x", "None"])
def test_a_wrong_token_lets_nobody_in(token: str) -> None:
    door = Door(network=True, hosts=frozenset({HOST}))
    refused = knock(door, query={"token": token}, cookies={"edgewright": token})
    assert refused is not None
    assert refused.status == 403


def test_on_a_network_the_address_carries_a_token(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "_network_address", lambda: "127.0.0.1")
    with serve(package, lambda found: None, lan=True) as served:
        assert served.url == f"http://127.0.0.1:{served.port}/?token={served.door.token}"
    with serve(package, lambda found: None) as served:
        assert served.url == f"http://127.0.0.1:{served.port}/"


def test_a_package_without_a_page_says_how_to_build_one(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "PRODUCT", "something_else")
    with pytest.raises(InvalidOption) as caught, serve(package, lambda found: None):
        pass
    assert caught.value.help == "build it with -t web"


def test_an_unknown_target_names_those_for_browsers(package: Package) -> None:
    with (
        pytest.raises(InvalidOption, match="no target 'host' for browsers") as caught,
        serve(package, lambda found: None, target="host"),
    ):
        pass
    assert caught.value.help == "it has web, web-relaxed, web-threads"


# ---- in a real browser -----------------------------------------------------------------------


def open_page(window: Browser, url: str) -> None:
    window.open(url)
    window.wait("!document.getElementById('main').hidden")


def check_vector(window: Browser) -> None:
    window.click("#check")
    window.wait("document.getElementById('checked').innerText")


@needs_browser
def test_a_browser_loads_checks_measures_and_reports(package: Package, tmp_path: Path) -> None:
    results: Queue[Measurement] = Queue()
    expected = package.vectors()[0][1]["scores"].ravel()
    picture = Path(__file__).parents[2] / "examples/digits/003.png"
    with browser() as window:
        for target in ("web", "web-threads", "web-relaxed"):
            with serve(package, results.put, target=target) as served:
                open_page(window, served.url)
                check_vector(window)
                assert "The same as the reference" in window.text("#checked")
                assert window.text("ol.classes li:first-child span") == str(expected.argmax())
                window.click("#benchmark")
                window.wait("document.getElementById('measured').innerText.includes('terminal')")
                found = results.get(timeout=5).result
                assert (found.target, found.check, found.isolated) == (target, "ok", True)
                assert found.low_ms <= found.median_ms <= found.high_ms
                assert found.top is not None
                assert found.top.label == str(expected.argmax())
                window.type("input[type=file]", str(picture))
                window.wait("document.getElementById('took').innerText")
                label = _label_of(picture)
                window.wait(f"document.querySelector('ol.classes li span').innerText === '{label}'")
                window.run("document.getElementById('took').innerText = ''")
                window.click("#inputs button")  # a camera that shows a pattern
                window.wait("document.getElementById('took').innerText")
                assert window.text("#inputs button") == "Stop the camera"
                assert window.log() == []


@needs_browser
def test_the_module_works_in_a_web_worker(package: Package) -> None:
    inputs, outputs = package.vectors()[0]
    script = """
      const [module, image] = arguments;
      const text = `import { load } from "${module}";
        onmessage = async ({ data }) => {
          const model = await load();
          postMessage(Array.from(model.run({ image: Float32Array.from(data) }).scores));
        };`;
      const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
      const worker = new Worker(url, { type: "module" });
      return new Promise((resolve) => {
        worker.onmessage = (event) => resolve(event.data);
        worker.onerror = (event) => resolve(event.message);
        worker.postMessage(image);
      });
    """
    with serve(package, lambda found: None, target="web") as served, browser() as window:
        window.open(served.url)
        module = f"{served.url}targets/web/digits.js"
        scores = window.run(script, module, inputs["image"].ravel().tolist())
    np.testing.assert_allclose(scores, outputs["scores"].ravel(), atol=1e-6)


def _label_of(picture: Path) -> str:
    table = (picture.parent / "labels.csv").read_text().splitlines()
    (row,) = (line for line in table if line.startswith(picture.name))
    return row.split(",")[1]
