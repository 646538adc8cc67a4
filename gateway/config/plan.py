"""What would run with a configuration, and the memory that it may take: what `gateway check` prints."""

from collections.abc import Mapping
from typing import Any

from ..model import Board
from ..names import level
from ..shown import shown
from .checked import Config
from .keys import ALWAYS
from .plan_sensors import planned, spoken
from .values import joined
from .words import amount, span

READING_BYTES = 90
"""The most that a window keeps of one reading: its time and value, and the running sums up to it, as 64-bit numbers."""
CUSTOM_BYTES = 16
"""What is kept besides for features of the user's own: its time and value once more."""
NEW_BYTES, DONE_BYTES, FEATURE_BYTES, SENSOR_BYTES = 260, 80, 8, 9000
"""A reading that waits to be computed, one that is (and for each feature), and what a sensor takes by itself."""
GATEWAY_BYTES, WORKER_BYTES, BRIDGE_BYTES = 75_000_000, 35_000_000, 45_000_000
"""About what the processes take that are there always, and each worker."""
WEB_BYTES, HOUR_BYTES, TAIL_BYTES, SHOWN = 40_000_000, 9_500, 600_000, 2_000
"""What the web process takes; the hour of a sensor, of which so many are shown; the newest bytes of a board's port."""


def plan(
    config: Config, *, cores: int | None = None, waiting: Mapping[str, int] | None = None, state: str = ""
) -> dict[str, Any]:
    """The plan, for JSON. cores: what workers = "auto" comes to.

    waiting: the most readings that wait, `computing` of each board and `publishing` of all. state: where the spool is.
    """
    mqtt, features = config.mqtt, config.features
    top = config.base
    return {
        "gateway": config.id,
        "broker": {
            "url": mqtt.url,
            "host": mqtt.host,
            "port": mqtt.port,
            "version": mqtt.version,
            "user": mqtt.username or None,
        },
        "payload": mqtt.payload,
        "discovery": mqtt.discovery or None,
        "topics": [f"{top}/status"],
        "boards": [
            {
                "board": board.name,
                "port": board.port.path,
                "baud": board.port.baud or "auto",
                "serial": board.port.serial,
                "preset": preset.name if (preset := config.presets.get(board.name)) else None,
                "preset_file": str(preset.path) if preset and preset.own else None,
                "format": board.format,
                "asked": _asked(board),
                "topics": [
                    f"{top}/{_topic(board.name, board.port.path)}/{last}" for last in ("status", "<sensor>/features")
                ],
            }
            for board in config.boards
        ],
        "features": [*ALWAYS, *features.use],
        "window": _window(features.window_s, features.window_n),
        "scale": list(features.scale),
        "every_s": config.sending.every,
        "rules": [rule.match for rule in config.of_sensors],
        "sensors": [planned(rule) for rule in config.of_sensors],
        "custom": list(config.custom),
        "deadline_s": config.deadline,
        "workers": config.workers or cores or "auto",
        "linger_s": config.linger,
        "cluster": config.cluster.address if config.cluster else None,
        "memory": _memory(config, config.workers or cores or 1, waiting or {"computing": 0, "publishing": 0}),
        "spool": {
            "folder": str(config.state_dir or state),
            "at_risk_s": config.at_risk,
            "max_bytes": config.spool_bytes,
            "max_age_s": config.spool_age,
        },
        "web": _web(config),
    }


def lines(plan: dict[str, Any]) -> list[str]:
    """The plan, for people."""
    broker, memory = plan["broker"], plan["memory"]
    low, high = plan["scale"]
    own = " (the gateway's own)" if broker["url"] == "embedded" else ""
    every = f", at most one a sensor in {span(plan['every_s'])}" if plan["every_s"] else ""
    out = [
        f"gateway   {plan['gateway']}",
        f"broker    {broker['host']} port {broker['port']}, MQTT {broker['version']}{own}",
        f"messages  {plan['payload']}{every}",
        f"discovery {plan['discovery']}/device: Home Assistant finds the boards there"
        if plan["discovery"]
        else "discovery none: Home Assistant does not find the boards",
        *(f"topic     {topic}" for topic in plan["topics"]),
    ]
    for board in plan["boards"]:
        name, port = shown(board["board"]), shown(board["port"], 500)
        line = f"{board['baud']} {board['serial']}, {_reads(board)}"
        out.append(f"board     {name}: {port}, {line}{_asking(board['asked'])}")
        out += [f"topic     {topic}" for topic in board["topics"]]
    out += [
        f"features  {' '.join(plan['features'])}; window {plan['window']}, scale {low:g} to {high:g}",
        *(f"sensors   {shown(one['match'])}: {spoken(one)}" for one in plan["sensors"]),
        *(f"custom    {name}: a message waits for it at most {span(plan['deadline_s'])}" for name in plan["custom"]),
        f"workers   {'one a core' if plan['workers'] == 'auto' else plan['workers']}",
        *([f"cluster   {plan['cluster']}: what is done sooner there is computed there"] if plan["cluster"] else []),
        f"memory    windows: at most {amount(memory['windows_bytes'])}",
        f"memory    readings under way: at most {amount(memory['waiting_bytes'])}",
    ]
    if plan["web"]:
        out.append(f"memory    page: at most about {amount(memory['web_bytes'])}")
    if plan["custom"]:
        out.append(f"memory    custom features: at most {amount(memory['custom_bytes'])} besides Python and numpy")
    spool = plan["spool"]
    out += [
        f"memory    processes: about {amount(memory['processes_bytes'])}",
        f"memory    in all: at most about {amount(memory['most_bytes'])}",
        f"disk      {shown(spool['folder'], 500)}: at most {amount(spool['max_bytes'])}, for at most"
        f" {span(spool['max_age_s'])}; written when the broker takes longer than {span(spool['at_risk_s'])}",
    ]
    if web := plan["web"]:
        who = "who has the token" if web["token"] else "whoever is on this machine"
        out.append(f"web       http://{web['listen']}/, for {who}")
    return out


def _web(config: Config) -> dict[str, Any] | None:
    web = config.web
    return None if web.listen is None else {"listen": joined(*web.listen), "token": web.token_file is not None}


def _asked(board: Board) -> dict[str, Any] | None:
    """What is written to its port: None is nothing. every_s is None where it is started, and not asked."""
    if board.modbus is not None:
        return {"unit_id": board.modbus.unit, "every_s": board.modbus.every}
    if board.ask is not None:
        return {"unit_id": None, "every_s": board.ask.every if board.ask.questions else None}
    return None


def _asking(asked: dict[str, Any] | None) -> str:
    if asked is None:
        return ""
    unit = "" if asked["unit_id"] is None else f", unit {asked['unit_id']}"
    pace = "as fast as it answers" if asked["every_s"] == 0 else f"every {span(asked['every_s'] or 0)}"
    return f"{unit}; " + ("is told to start" if asked["every_s"] is None else f"asked {pace}")


def _reads(board: Mapping[str, Any]) -> str:
    """By which preset and format a board is read."""
    own = f" of {shown(board['preset_file'], 500)}" if board["preset_file"] else ""
    return (
        f"preset {board['preset']}{own}, format {board['format']}" if board["preset"] else f"format {board['format']}"
    )


def _topic(name: str, port: str) -> str:
    """A board's topic level; what is found by port = "auto" has its stable id behind the table's name."""
    return f"{level(name) if name else ''}<id>" if port == "auto" else level(name)


def _window(seconds: float | None, count: int) -> str:
    return f"{count} readings" if seconds is None else span(seconds)


def _memory(config: Config, workers: int, waiting: Mapping[str, int]) -> dict[str, int]:
    """Bytes, each at the most."""
    sensors = sum(board.max_sensors for board in config.boards)
    done = DONE_BYTES + FEATURE_BYTES * max(len(config.features.use), *(len(uses) for uses in _uses(config)))
    parts = {
        "windows_bytes": _windows(config),
        "waiting_bytes": len(config.boards) * waiting["computing"] * NEW_BYTES
        + waiting["publishing"] * done
        + sensors * SENSOR_BYTES,
        "custom_bytes": len(config.custom) * config.memory,
        "processes_bytes": GATEWAY_BYTES
        + (workers + len(config.custom)) * WORKER_BYTES
        + (0 if config.cluster is None else BRIDGE_BYTES),
        "web_bytes": 0
        if config.web.listen is None
        else WEB_BYTES + min(sensors, SHOWN) * HOUR_BYTES + len(config.boards) * TAIL_BYTES,
    }
    return parts | {"most_bytes": sum(parts.values())}


def _uses(config: Config) -> list[tuple[str, ...]]:
    return [(), *(rule.changes["use"] for rule in config.of_sensors if "use" in rule.changes)]


def _windows(config: Config) -> int:
    """Bytes, when each board has as many sensors as it may and each window is as full as it may be."""
    longest: int = max([config.features.window_n, *(rule.changes.get("window_n", 0) for rule in config.of_sensors)])
    each = READING_BYTES + (CUSTOM_BYTES if config.custom else 0)
    return sum(board.max_sensors for board in config.boards) * longest * each
