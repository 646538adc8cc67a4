"""The house: data goes one way, each library has one door, and the picture in the docs is the imports' own."""

import ast
import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GATEWAY = ROOT / "gateway"
ROOMS = ("ingest", "compute", "publish")
CORRIDOR = {
    "model", "asks", "layouts", "sending", "ledger", "names", "parts", "threads", "backoff", "instants", "shown",
    "units", "patterns",
    "checksums", "tls", "gathering", "listening", "extras",
}  # fmt: skip
"""What any room may use: nouns, and small functions that stand on nothing."""
DOORS = {
    "serial": "ingest/ports.py",
    "serial_asyncio": "ingest/ports.py",
    "paho": "publish/client.py",
    "iotcore": "publish/embedded.py",
    "re2": "patterns.py",
    "structlog": "log/lines.py",
    "multiprocessing": "compute/process.py",
    "sqlite3": "publish/spool/sql.py",
    "fastcrc": "checksums.py",
    "pymodbus": "ingest/asking/rtu.py",
    "cobs": "ingest/framing/cobs.py",
    "sliplib": "ingest/framing/slip.py",
    "starlette": "web/app.py",
    "uvicorn": "web/server.py",
    "h11": "web/server.py",
    "pyarrow": "backfill/table.py",
    "distributed": "compute/cluster/dask.py",
}
FILES = sorted(GATEWAY.rglob("*.py"))


@functools.cache
def tree(file: Path) -> ast.Module:
    """What a file says, parsed once."""
    return ast.parse(file.read_text())


@functools.cache
def imports(file: Path) -> set[str]:
    """Everything that a file imports, ours as gateway.x.y, inside functions too."""
    found: set[str] = set()
    package = ["gateway", *file.relative_to(GATEWAY).parent.parts]
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            source = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            found |= {f"{source}.{alias.name}" if source == "gateway" else source for alias in node.names}
            if node.level and not node.module:
                found |= {f"{source}.{alias.name}" for alias in node.names}
    return found


def place(module: str) -> str:
    """The room or the file of the corridor that a module of ours belongs to: gateway.publish.wire -> publish."""
    return module.split(".")[1] if module.startswith("gateway.") else ""


def edges() -> set[tuple[str, str]]:
    """Who imports whom, by rooms and files of the corridor."""
    out = set()
    for file in FILES:
        parts = file.relative_to(GATEWAY).with_suffix("").parts
        out |= {(parts[0], place(module)) for module in imports(file)}
    return {(a, b) for a, b in out if b and a != b and a not in ("__init__", "__main__") and not b.startswith("__")}


def test_rooms_know_the_nouns_and_never_each_other():
    """A room imports the corridor's nouns and itself."""
    assert {b for a, b in edges() if a in ROOMS} <= CORRIDOR


def test_nouns_import_nothing_of_ours():
    """model.py stands on asks.py and layouts.py, and these on nothing, as ledger.py does."""
    assert {b for a, b in edges() if a == "model"} == {"asks", "layouts"}
    assert not {
        b
        for a, b in edges()
        if a in ("asks", "layouts", "sending", "ledger", "names", "instants", "backoff", "threads")
    }


def test_the_rooms_are_joined_in_two_steps():
    """street.py joins ingest and compute, and alone.py without a loop; the service joins publish to it, reloads both,
    and so does the replay.
    """
    found = edges()
    known = {a: {room for room in ROOMS if (a, room) in found} for a, _ in found if a not in ROOMS}
    assert {a for a, rooms in known.items() if rooms >= {"ingest", "compute"}} - {"cli"} == {"street", "alone"}
    joining = {a for a, rooms in known.items() if "publish" in rooms and (a, "street") in found}
    assert joining == {"service", "reloading", "commands"}
    streets = [file.name for file in (GATEWAY / "commands").glob("*.py") if "gateway.street" in imports(file)]
    assert streets == ["replay.py"]
    assert not [a for a, rooms in known.items() if rooms == set(ROOMS)]


@pytest.mark.parametrize(("library", "door"), DOORS.items())
def test_one_door(library, door):
    """A library's types and errors end at its door; whoever calls it sees only ours."""
    assert {str(f.relative_to(GATEWAY)) for f in FILES if any(i.split(".")[0] == library for i in imports(f))} == {door}


def test_numpy_is_for_workers_only():
    """The gateway's own process computes nothing and does not load numpy."""
    code = "import gateway.service, sys; assert 'numpy' not in sys.modules; import gateway.compute.batch"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_what_is_off_is_not_loaded():
    """The page's and Home Assistant's parts are imported by those who have them on."""
    code = "import gateway.service, sys; print(*sorted(m for m in sys.modules if m.startswith('gateway.')))"
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    loaded = {*done.stdout.split()}
    assert not {one for one in loaded if one.split(".")[1] in ("feed", "web", "webbed", "demo", "watch")}
    assert {one for one in loaded if one.startswith("gateway.publish.home.")} == {
        f"gateway.publish.home.{name}" for name in ("announcer", "announcing", "known", "nouns", "spelling")
    }


@pytest.mark.parametrize(
    ("start", "reached"),
    [
        ("gateway.compute.worker", "gateway.compute.batch"),
        ("gateway.compute.custom.warden", "gateway.compute.custom.work"),
        ("gateway.compute.cluster.child", "gateway.compute.custom.work"),
    ],
)
def test_a_worker_needs_only_numpy(start, reached):
    """What a worker runs imports the standard library, numpy and files of gateway.compute."""
    seen, waiting = set(), [start]
    while waiting:
        module = waiting.pop()
        seen.add(module)
        found = imports(GATEWAY / Path(*module.split(".")[1:]).with_suffix(".py"))
        waiting += [one for one in found if one.startswith("gateway") and one not in seen]
        others = {one.split(".")[0] for one in found if not one.startswith("gateway")}
        assert others <= sys.stdlib_module_names | {"numpy"}
    assert reached in seen
    assert all(one.startswith("gateway.compute.") for one in seen)


def test_simulators_know_nothing_of_the_gateway():
    """The boards that tests and the demo use cannot share a mistake with what reads them."""
    for file in (ROOT / "simulators").glob("*.py"):
        assert not re.search(r"^\s*(from|import) gateway", file.read_text(), re.MULTILINE), file


def test_the_picture_is_the_imports_own():
    """Each arrow of the picture in docs/architecture.md is an import, and each import but those of nouns an arrow."""
    text = (ROOT / "docs/architecture.md").read_text()
    picture = text.split("```mermaid")[1].split("```")[0]
    drawn = set()
    for line in picture.splitlines():
        if match := re.fullmatch(r"\s*(\w+) --> (.+)", line):
            drawn |= {(match[1], target.strip()) for target in match[2].split("&")}
    assert drawn == {(a, b) for a, b in edges() if b not in CORRIDOR}


def test_files_stay_readable():
    """No file grows past 300 lines, and each opens by saying its subject."""
    for file in [*FILES, *(ROOT / "simulators").glob("*.py")]:
        assert len(file.read_text().splitlines()) <= 300, file
        assert ast.get_docstring(tree(file)), file


def test_help_answers_at_once():
    """`gateway --help` loads none of the libraries."""
    code = (
        "import sys\nfrom gateway.cli import parser\nparser().format_help()\n"
        "heavy = {'pydantic', 'structlog', 'paho', 'serial', 'numpy', 'asyncio'}\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_the_service_loads_no_more_than_it_needs(tmp_path):
    """Its log leaves out a rich that is there, and its workers need no resource tracker: megabytes, and time."""
    (tmp_path / "rich.py").touch()
    code = (
        "import sys\nfrom multiprocessing import resource_tracker\n"
        "from gateway.compute.process import begin, spawn\nfrom gateway.log.lines import log\n"
        "begin()\nworker = spawn()\n"
        "print('rich' in sys.modules, resource_tracker._resource_tracker._fd, worker.process.is_alive())\n"
        "worker.kill()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert (done.stdout.strip(), done.stderr) == ("False None True", "")
