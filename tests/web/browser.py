"""A headless Chromium, driven by the WebDriver protocol over loopback: pages opened, asked, looked at."""

import base64
import contextlib
import http.client
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..street import until

PROGRAM = shutil.which("/usr/lib/chromium/chromium") or shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
MISSING = None if PROGRAM and DRIVER else "there is no chromium here: apt-get install chromium chromium-driver"
QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-default-apps", "--mute-audio",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb", "--no-proxy-server",
    "--disable-domain-reliability",
    "--disable-features=MediaRouter,OptimizationHints,Translate,AutofillServerCommunication",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
]  # fmt: skip
"""Nothing leaves the machine: names that are not ours are not even looked up."""


class Browser:
    """One window with its pages. driver: the port at which chromedriver listens."""

    def __init__(self, driver: int, profile: Path) -> None:
        self._port = driver
        options = {"binary": PROGRAM, "args": [*QUIET, f"--user-data-dir={profile}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{made['sessionId']}"
        self.expected: tuple[str, ...] = ()  # what is in errors of the console that a test brings about

    def _call(self, method: str, path: str, body: object = None) -> Any:
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        line.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        value = json.loads(line.getresponse().read())["value"]
        line.close()
        if isinstance(value, dict) and "error" in value:
            raise AssertionError(f"{value['error']}: {value['message'].splitlines()[0]}")
        return value

    def post(self, path: str, **body: object) -> Any:
        """A command of the session."""
        return self._call("POST", self._session + path, body)

    def open(self, url: str) -> None:
        """Goes there, and waits until all of the page is loaded."""
        self.post("/url", url=url)

    def run(self, script: str, *arguments: object) -> Any:
        """What the body of a JavaScript function gives."""
        return self.post("/execute/sync", script=script, args=list(arguments))

    def waits(self, script: str, *arguments: object) -> Any:
        """What a script gives by calling its last argument."""
        return self.post("/execute/async", script=script, args=list(arguments))

    def chrome(self, command: str, **parameters: object) -> Any:
        """A command of Chromium's own protocol."""
        return self.post("/goog/cdp/execute", cmd=command, params=parameters)

    def text(self, selector: str) -> str:
        """What is to be read in the first element that it selects; "" where there is none."""
        return self.run(
            "const one = document.querySelector(arguments[0]); return one?.checkVisibility() ? one.innerText : ''",
            selector,
        )

    def seen(self, selector: str, words: str, patience: float = 10.0) -> str:
        """The text there as soon as `words` are in it."""
        return until(lambda: words in (found := self.text(selector)) and found, f"{words!r} in {selector}", patience)

    def log(self, kind: str = "browser") -> list[dict[str, Any]]:
        """What the console (or the network: "performance") has said since it was asked last."""
        entries = self.post("/se/log", type=kind)
        return [json.loads(one["message"])["message"] if kind == "performance" else one for one in entries]

    def asked(self) -> list[str]:
        """The addresses of all that pages have asked for since the network's log was read last."""
        events = [one for one in self.log("performance") if one["method"] == "Network.requestWillBeSent"]
        return [url for one in events if not (url := one["params"]["request"]["url"]).startswith("chrome")]

    def tab(self) -> str:
        """A new page beside the others, which is the one that is driven from now on."""
        handle = self.post("/window/new", type="tab")["handle"]
        self.turn(handle)
        return handle

    def handles(self) -> list[str]:
        """All pages."""
        return self._call("GET", self._session + "/window/handles")

    def close(self, handle: str) -> None:
        """Closes a page."""
        self.turn(handle)
        self._call("DELETE", self._session + "/window")

    def turn(self, handle: str) -> None:
        """Drives another page."""
        self.post("/window", handle=handle)

    def look(self, width: int, height: int, dark: bool = False, scale: float = 1) -> None:
        """The screen from now on."""
        self.chrome(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.chrome("Emulation.setEmulatedMedia", media="", features=[scheme])

    def picture(self, file: Path) -> None:
        """What is seen, as PNG."""
        file.write_bytes(base64.b64decode(self.chrome("Page.captureScreenshot", format="png")["data"]))

    def end(self) -> None:
        """Closes it."""
        self._call("DELETE", self._session)


@contextlib.contextmanager
def browsing() -> Iterator[Browser]:
    """A browser of its own, with a profile that nobody has used."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as folder:
        log = Path(folder, "driver.log")
        with log.open("wb") as out:
            driver = subprocess.Popen([str(DRIVER), "--port=0"], stdout=out, stderr=out)
        try:
            said = "was started successfully on port "
            until(lambda: said in log.read_text(), "chromedriver", 60)
            port = int(log.read_text().split(said)[1].split(".")[0])
            browser = Browser(port, Path(folder, "profile"))
            try:
                yield browser
            finally:
                browser.end()
        finally:
            driver.terminate()
            driver.wait(20)
