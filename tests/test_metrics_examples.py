"""The dashboard and the alerts in docs/examples: they use metrics that there are, and a real Prometheus takes them."""

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from gateway.telling.status import SensorLook
from gateway.web.metric_names import HELP
from gateway.web.metrics import exposed

from .brokers import free_port
from .exposition import parsed
from .looks import board, look
from .street import until
from .test_metrics import snapshot
from .webs import HOSTILE, Shared

EXAMPLES = Path(__file__).parent.parent / "docs/examples"
DASHBOARD = json.loads((EXAMPLES / "grafana.json").read_text())
ALERTS = (EXAMPLES / "alerts.yml").read_text()
OTHERS = {"up", "instance", "job"}  # what Prometheus itself adds


def expressions() -> list[str]:
    """Every query of the dashboard, its variables' too, and of the rules."""
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    variables = [one["definition"] for one in DASHBOARD["templating"]["list"] if "definition" in one]
    rules = re.findall(r"(?m)^ +expr: (?:\|\n((?: {10,}.*\n)+)|(.+)\n)", ALERTS)
    return [*panels, *variables, *(" ".join(one) for one in rules)]


def test_they_use_metrics_that_there_are():
    """Each name that begins like one of ours is one, and there are many."""
    names = {name for text in expressions() for name in re.findall(r"\bgateway_\w+", text)}
    assert names <= set(HELP)
    assert len(names) > 20
    assert len(re.findall("alert: ", ALERTS)) == len(re.findall("expr: ", ALERTS)) > 5


def test_they_use_labels_that_the_metrics_have():
    """What is matched, grouped by or shown is a label of the metric beside it."""
    text = exposed(snapshot([board(), board("hall")], [["bench", "S1", "°C", 1.0, 2.0]]))
    labels: dict[str, set[str]] = {name: set() for name in HELP}
    for name, found in parsed(text):
        labels.setdefault(name, set()).update(label for label, _ in found)
    for text in expressions():
        for name, matched in re.findall(r"\b(gateway_\w+)\{([^}]*)\}", text):
            assert set(re.findall(r"(\w+)(?:=~|!=|=|!~)", matched)) <= labels[name] | OTHERS, text
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            used = set.union(*(labels[name] for name in re.findall(r"\bgateway_\w+", target["expr"])))
            assert shown <= used | OTHERS, target


def test_a_dashboard_is_as_wide_as_a_screen():
    """Its panels lie beside each other in rows of 24, with an id each."""
    spans = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    for y in {span["y"] for span in spans}:
        row = sorted((span["x"], span["w"]) for span in spans if span["y"] == y)
        assert sum(width for _, width in row) == 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(spans)


PROMETHEUS = shutil.which("prometheus")
NAMED = 'S"1\\'


@pytest.mark.slow
@pytest.mark.outside
@pytest.mark.skipif(PROMETHEUS is None, reason="needs prometheus: apt-get install prometheus")
def test_prometheus_takes_all_of_it(tmp_path):
    """A real one scrapes a page with hostile names, loads the rules, and answers each query of the dashboard."""
    with Shared(tmp_path) as shared:
        shared.made.look = look(board(HOSTILE, sensors={NAMED: SensorLook("ok", 1, time.time(), "°C")}))
        shared.made.feed(21.5, NAMED, HOSTILE)
        port = free_port()
        shutil.copy(EXAMPLES / "alerts.yml", tmp_path)
        (tmp_path / "prometheus.yml").write_text(
            f"rule_files: [alerts.yml]\nscrape_configs: [{{job_name: gateway, scrape_interval: 1s, "
            f'static_configs: [{{targets: ["127.0.0.1:{shared.port}"]}}]}}]\n'
        )
        arguments = [f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={tmp_path / 'data'}"]
        process = subprocess.Popen(
            [str(PROMETHEUS), f"--config.file={tmp_path / 'prometheus.yml'}", *arguments],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            until(lambda: found(port, "gateway_sensor_value"), "it has scraped", 60)
            [value] = found(port, "gateway_sensor_value")
            assert (value["metric"]["sensor"], value["metric"]["board"], value["value"][1]) == (
                NAMED,
                HOSTILE,
                "21.5",
            )
            assert [one["value"][1] for one in found(port, "up")] == ["1"]
            for text in expressions():
                if not text.startswith("label_values"):
                    found(port, re.sub(r"\$__rate_interval", "1m", re.sub(r"\$(instance|board)", ".*", text)))
            rules = asked(port, "/api/v1/rules")["groups"][0]["rules"]
            assert len(rules) == len(re.findall("alert: ", ALERTS))
        finally:
            process.terminate()
            _, said = process.communicate(timeout=20)
        bad = [line for line in said.splitlines() if re.search(r"level=(warn|error).*(scrape|rule) manager", line)]
        assert bad == []


def found(port: int, query: str) -> list[dict]:
    """What a query gives now. Fails where Prometheus does not take it."""
    return asked(port, f"/api/v1/query?query={urllib.parse.quote(query)}")["result"]


def asked(port: int, path: str) -> dict:
    """The data of one of its answers; nothing before it is there, or ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return json.loads(answer.read())["data"]
    except OSError as error:
        if isinstance(error, urllib.error.HTTPError) and error.code != 503:
            raise
        return {"result": [], "groups": []}
