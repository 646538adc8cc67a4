"""Templates of Home Assistant (Jinja) over our documents: none fails on null, a missing key, or rubbish.

`value_json` is not there where a payload is no JSON. A value of None is shown as unknown.
"""

from .spelling import quoted

ONLINE = "{{ 'online' if value_json is mapping and value_json.get('state') == 'online' else 'offline' }}"
"""Of a status document, for an availability: whether it says online."""
CONNECTED = "{{ 'ON' if value_json is mapping and value_json.get('state') == 'online' else 'OFF' }}"
"""The same for an entity of its own."""
PROBLEM = (
    "{{ none if value_json is not mapping or 'faults' not in value_json else 'ON' if value_json.faults else 'OFF' }}"
)
"""Of a status document: whether it names faults; one that was too large for the broker does not say."""
FAULTS = "{{ (value_json.faults if value_json is mapping and value_json.faults is mapping else {}) | tojson }}"
"""Those faults, as attributes."""
ALARM = (
    "{{ none if value_json is not mapping or 'state' not in value_json "
    "else 'ON' if value_json.state in ['above', 'below'] else 'OFF' }}"
)
"""Of an alarm's document: whether there is one."""


def sensor_online(name: str) -> str:
    """Of a board's document, for an availability: whether it is online, and this sensor gives values.

    A document that was too large for the broker has no sensors in it: then the board's state is all that is known.
    """
    state = f"(value_json.sensors.get({quoted(name)}) or {{}}).get('state') == 'ok'"
    return (
        "{{ 'online' if value_json is mapping and value_json.get('state') == 'online' "
        f"and (value_json.sensors is not mapping or {state}) else 'offline' }}}}"
    )


def number(key: str, *, inside: str = "", whole: bool = False) -> str:
    """A number of a document, or of the table `inside` it; None where there is none."""
    place = f"(value_json.get('{inside}') or {{}})" if inside else "value_json"
    to = "int(none)" if whole else "float(none)"
    return f"{{{{ ({place}.get({quoted(key)}) if value_json is mapping else none) | {to} }}}}"


def total(key: str) -> str:
    """The sum of a table of counts."""
    return f"{{{{ (value_json.get('{key}') or {{}}).values() | sum if value_json is mapping else none }}}}"


def word(key: str) -> str:
    """A text of a document."""
    return f"{{{{ value_json.get('{key}') if value_json is mapping else none }}}}"
