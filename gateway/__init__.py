"""An edge gateway: sensor boards on serial ports in, features of their readings out, over MQTT."""

__version__ = "0.1.0"
