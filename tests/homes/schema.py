"""Whether Home Assistant takes what it is told: messages on standard input, as {topic: message}, complaints as output.

Run by the Python that has it. Besides the messages: whether each device class allows its state class.
"""

# mypy: ignore-errors

import asyncio
import json
import sys
import tempfile

import voluptuous as vol
from homeassistant.components.mqtt import binary_sensor, sensor
from homeassistant.components.mqtt.schemas import DEVICE_DISCOVERY_SCHEMA
from homeassistant.components.sensor.const import DEVICE_CLASS_STATE_CLASSES
from homeassistant.core import HomeAssistant

STRICT = {
    "sensor": vol.All(sensor._PLATFORM_SCHEMA_BASE, sensor.validate_sensor_state_and_device_class_config),
    "binary_sensor": binary_sensor.PLATFORM_SCHEMA_MODERN,
}  # which know every key, and refuse others


def complaints(messages):
    for topic, message in messages.items():
        try:
            DEVICE_DISCOVERY_SCHEMA(message)
        except vol.Invalid as error:
            yield f"{topic}: {error}"
        for name, component in message["components"].items():
            platform = component.pop("platform")
            if not component:
                continue
            try:
                STRICT[platform](component)
            except vol.Invalid as error:
                yield f"{topic}: {name}: {error}"
            allowed = DEVICE_CLASS_STATE_CLASSES.get(component.get("device_class"))
            if allowed is not None and component.get("state_class") not in {None, *allowed}:
                yield f"{topic}: {name}: {component['device_class']} with {component['state_class']}"


async def main():
    """In a core that does nothing else: its templates are checked in its loop alone."""
    hass = HomeAssistant(tempfile.gettempdir())
    print(json.dumps(list(complaints(json.load(sys.stdin)))))
    await hass.async_stop(force=True)


asyncio.run(main())
