"""Home Assistant without a face: its core and its mqtt integration alone, run by the Python that it is installed for.

python hass.py FOLDER PORT HTTP: its configuration is in FOLDER, the broker at 127.0.0.1:PORT; its own HTTP listens at
127.0.0.1:HTTP. Whoever connects to FOLDER/look is told its states and registries, as JSON, and is hung up on.
"""

# mypy: ignore-errors
# ruff: noqa: ASYNC110, ASYNC240

import asyncio
import json
import sys
from pathlib import Path

from homeassistant import bootstrap, runner
from homeassistant.helpers import device_registry, entity_registry


async def look(hass, writer):
    """All that can be seen of it."""
    entities, devices = entity_registry.async_get(hass), device_registry.async_get(hass)
    seen = {
        "state": str(hass.state),
        "states": {one.entity_id: {"state": one.state, **json_safe(one.attributes)} for one in hass.states.async_all()},
        "entities": {
            one.entity_id: {
                "unique_id": one.unique_id,
                "disabled": one.disabled_by is not None,
                "device": one.device_id,
            }
            for one in entities.entities.values()
        },
        "devices": {
            one.id: {"name": one.name, "identifiers": sorted(map(list, one.identifiers)), "via": one.via_device_id}
            for one in devices.devices.values()
        },
    }
    writer.write(json.dumps(seen).encode())
    await writer.drain()
    writer.close()


def json_safe(attributes):
    return json.loads(json.dumps(dict(attributes), default=str))


async def main(folder, port):
    config = runner.RuntimeConfig(config_dir=folder, skip_pip=True, log_file=f"{folder}/hass.log", log_no_color=True)
    hass = await bootstrap.async_setup_hass(config)
    await asyncio.start_unix_server(lambda reader, writer: look(hass, writer), f"{folder}/look")
    running = asyncio.ensure_future(hass.async_run())
    while str(hass.state.value) != "RUNNING":
        await asyncio.sleep(0.05)
    if not hass.config_entries.async_entries("mqtt"):
        flow = await hass.config_entries.flow.async_init("mqtt", context={"source": "user"})
        wanted = {"broker": "127.0.0.1", "port": port}
        done = await hass.config_entries.flow.async_configure(flow["flow_id"], wanted)
        assert done["type"] == "create_entry", done
    Path(folder, "ready").touch()
    sys.exit(await running)


if __name__ == "__main__":
    bootstrap.DEFAULT_INTEGRATIONS = set()
    bootstrap.CRITICAL_INTEGRATIONS = set()
    place = Path(sys.argv[1])
    (place / "ready").unlink(missing_ok=True)
    (place / "look").unlink(missing_ok=True)
    (place / "configuration.yaml").write_text(
        f"homeassistant:\n  name: test\nhttp:\n  server_host: 127.0.0.1\n  server_port: {sys.argv[3]}\n"
        "logger:\n  default: warning\n"
    )
    asyncio.run(main(str(place), int(sys.argv[2])))
