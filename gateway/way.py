"""The way to the broker as it is now: what the configuration says, and what is in the files that it names."""

from __future__ import annotations

from collections.abc import Callable

from .config import Config
from .config.password import Password
from .publish.client import Refused, Where
from .reloading import marked


class Way:
    """Called for each attempt to connect: files may have been changed. config: as it counts now."""

    def __init__(self, config: Callable[[], Config]) -> None:
        self._config = config
        self._password = Password(None)
        self._own: str | None = None  # the password with which our own broker was started

    async def __call__(self) -> Where:
        """Where to connect, and as whom. Raises Refused, with a sentence."""
        config = self._config()
        mqtt = config.mqtt
        secret = self._own if mqtt.embedded else await self._secret()
        user, v5, client = mqtt.username or None, mqtt.version == "5", f"gateway-{config.id}"
        return Where(mqtt.host, mqtt.port, client, user, secret, v5, mqtt.tls, await marked(mqtt.tls))

    async def own(self) -> str | None:
        """The password for a broker of our own, which is to be started now. Raises Refused, with a sentence."""
        self._own = await self._secret()
        return self._own

    async def _secret(self) -> str | None:
        if self._password.file != (file := self._config().mqtt.password_file):
            self._password = Password(file)
        try:
            return await self._password.read()
        except ValueError as error:
            raise Refused(f"mqtt.password_file: {error}") from None
