"""A real browser for tests: headless Chromium, driven through chromedriver's WebDriver protocol."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_FLAGS = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync",
          "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]  # fmt: skip

needs_browser = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")),
    reason="needs chromium and chromium-driver",
)


class Browser:
    """One window."""

    def __init__(self, base: str) -> None:
        self._base = base
        options = {"args": [*_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]}
        wanted = {"alwaysMatch": {"goog:chromeOptions": options,
                                  "goog:loggingPrefs": {"browser": "ALL"}}}  # fmt: skip
        self._base += "/session/" + self._call("/session", {"capabilities": wanted})["sessionId"]

    def _call(self, path: str, body: Any = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._base + path, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from None

    def open(self, url: str) -> None:
        self._call("/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns; promises are waited for."""
        return self._call("/execute/sync", {"script": script, "args": list(arguments)})

    def click(self, selector: str) -> None:
        found = self._call("/element", {"using": "css selector", "value": selector})
        self._call(f"/element/{found[_ELEMENT]}/click", {})

    def type(self, selector: str, text: str) -> None:
        """Type into a field, or give a file field a path."""
        found = self._call("/element", {"using": "css selector", "value": selector})
        self._call(f"/element/{found[_ELEMENT]}/value", {"text": text})

    def text(self, selector: str) -> str:
        found = self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)
        return str(found)

    def wait(self, condition: str, seconds: float = 60) -> Any:
        """The value of a JavaScript expression once it is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := self.run(f"return {condition}"):
                return value
            time.sleep(0.05)
        page = self.run("return document.body?.innerText")
        raise AssertionError(f"{condition} stayed false; the page says:\n{page}\n{self.log()}")

    def log(self) -> list[str]:
        """What the console got since the last call."""
        return [entry["message"] for entry in self._call("/se/log", {"type": "browser"})]

    def resize(self, width: int, height: int) -> None:
        self._call("/window/rect", {"width": width, "height": height})

    def screenshot(self) -> bytes:
        return base64.b64decode(self._call("/screenshot"))

    def close(self) -> None:
        self._call("", method="DELETE")


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser that ends with the block."""
    with tempfile.TemporaryFile() as log:
        driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            opened = Browser(f"http://127.0.0.1:{_port(driver)}")
            try:
                yield opened
            finally:
                with suppress(OSError, AssertionError):
                    opened.close()
        finally:
            driver.terminate()
            driver.wait(10)
            assert driver.stdout is not None
            driver.stdout.close()


def _port(driver: subprocess.Popen[str]) -> int:
    assert driver.stdout is not None
    for line in driver.stdout:
        if "successfully on port" in line:
            return int(line.rsplit(" ", 1)[1].strip(" .\n"))
    raise AssertionError("chromedriver did not start")
