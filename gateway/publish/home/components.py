"""The entities of a gateway, a board and a sensor, as components of a device's discovery message. Pure.

Source: Home Assistant, documentation of MQTT discovery and of the integrations mqtt, sensor.mqtt, binary_sensor.mqtt.
"""

from typing import Any

from ...model import Quality
from ...shown import shown
from . import templates
from .measures import MEASUREMENT, measure
from .nouns import Place, Sensor
from .spelling import entity_id, ident, said

Component = dict[str, Any]
QUALITIES = [quality.value for quality in Quality]
DIAGNOSTIC = {"entity_category": "diagnostic"}
HIDDEN = {"enabled_by_default": False}


def _available(place: Place) -> dict[str, str]:
    """While the gateway is there."""
    return {"topic": place.status, "value_template": templates.ONLINE}


def of_gateway(place: Place) -> dict[str, Component]:
    """What the gateway says of itself."""
    gateway = place.naming.gateway

    def own(key: str, platform: str, name: str, template: str, **more: Any) -> tuple[str, Component]:
        return key, {
            "platform": platform,
            "unique_id": f"{place.node}--{key}",
            "default_entity_id": entity_id(platform, gateway, key),
            "name": name,
            "state_topic": place.status,
            "value_template": template,
            "availability": [_available(place)],
            **DIAGNOSTIC,
            **more,
        }

    count: dict[str, Any] = {"state_class": MEASUREMENT}
    ever: dict[str, Any] = {"state_class": "total_increasing", **HIDDEN}
    bytes_ = {"device_class": "data_size", "unit_of_measurement": "B", "suggested_display_precision": 0}
    hours = {"device_class": "duration", "unit_of_measurement": "h", "suggested_display_precision": 1}
    status = own("status", "binary_sensor", "Status", templates.CONNECTED, device_class="connectivity")
    del status[1]["availability"]  # that it is not there is what it says
    return dict((
        status,
        own("problem", "binary_sensor", "Problem", templates.PROBLEM, device_class="problem",
            json_attributes_topic=place.status, json_attributes_template=templates.FAULTS),
        own("boards", "sensor", "Boards online", templates.number("online", inside="boards", whole=True), **count),
        own("spooled", "sensor", "Readings on the disk", templates.number("spooled", whole=True), **count),
        own("spool", "sensor", "Spool", templates.number("bytes", inside="spool", whole=True),
            **count, **bytes_, **HIDDEN),
        own("hours_left", "sensor", "Spool full in", templates.number("hours_left", inside="spool"),
            **count, **hours, **HIDDEN),
        own("readings", "sensor", "Readings", templates.number("readings", whole=True), **ever),
        own("dropped", "sensor", "Readings dropped", templates.total("dropped"), **ever),
        own("reconnects", "sensor", "Reconnects", templates.number("reconnects", inside="broker", whole=True), **ever),
        own("started", "sensor", "Started", templates.word("started"), device_class="timestamp", **HIDDEN),
    ))  # fmt: skip


def of_board(place: Place, board: str) -> dict[str, Component]:
    """What a board's document says of it."""
    status = f"{place.naming.board(board)}/status"

    def own(key: str, platform: str, name: str, template: str, **more: Any) -> tuple[str, Component]:
        return key, {
            "platform": platform,
            "unique_id": f"{place.board(board)}--{key}",
            "default_entity_id": entity_id(platform, place.naming.gateway, board, key),
            "name": name,
            "state_topic": status,
            "value_template": template,
            "availability": [_available(place)],
            **DIAGNOSTIC,
            **more,
        }

    return dict((
        own("status", "binary_sensor", "Status", templates.CONNECTED, device_class="connectivity"),
        own("problem", "binary_sensor", "Problem", templates.PROBLEM, device_class="problem",
            json_attributes_topic=status, json_attributes_template=templates.FAULTS),
        own("refused", "sensor", "Frames refused", templates.total("refused"),
            state_class="total_increasing", **HIDDEN),
    ))  # fmt: skip


def of_sensor(place: Place, board: str, sensor: Sensor, *, features: bool = True) -> dict[str, Component]:
    """A sensor's value, its features and its quality; with features False the value (and the alarm) alone."""
    one, topics, label = (
        ident(sensor.name),
        place.naming.sensor(board, sensor.name),
        shown(said(sensor.name), 80) or "sensor",
    )
    states = f"{place.naming.board(board)}/status"
    available = [_available(place), {"topic": states, "value_template": templates.sensor_online(sensor.name)}]

    def own(key: str, platform: str, template: str, **more: Any) -> tuple[str, Component]:
        end = () if key == "value" else (key,)
        return f"{one}--{ident(key)}", {
            "platform": platform,
            "unique_id": f"{place.board(board)}--{one}--{ident(key)}",
            "default_entity_id": entity_id(platform, place.naming.gateway, board, sensor.name, *end),
            "name": f"{label} {shown(said(key), 40).replace('_', ' ')}" if end else label,
            "state_topic": f"{topics}/last",
            "value_template": template,
            "availability": available,
            "availability_mode": "all",
            **more,
        }

    def measured(key: str, **more: Any) -> tuple[str, Component]:
        return own(key, "sensor", templates.number(key), **measure(key, sensor.unit, sensor.quantity), **more)

    out = [measured("value")]
    if sensor.alarm:
        out.append(
            own("alarm", "binary_sensor", templates.ALARM, device_class="problem", state_topic=f"{topics}/alarm")
        )
    if features:
        out += [measured(key, **HIDDEN) for key in sensor.keys]
        quality = {"device_class": "enum", "options": QUALITIES, **DIAGNOSTIC, **HIDDEN}
        out.append(own("quality", "sensor", templates.word("quality"), **quality))
    return dict(out)
