"""What the configuration says of a cluster, and what goes to its bridge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from ... import __version__
from ..custom.pieces import Custom, ordered
from . import letters
from .modules import TooLarge, gathered


class Setting(NamedTuple):
    """address: tcp://host:port or tls://host:port. Files: None is none. custom: the features of users' own."""

    address: str
    ca: Path | None
    cert: Path | None
    key: Path | None
    custom: Custom

    @property
    def features(self) -> tuple[str, ...]:
        """Those that a configuration asks for: "module:function"."""
        return self.custom.names

    def order(self) -> bytes:
        """What the bridge is told first. Reads the modules; where they cannot go along, the features stay here."""
        features = tuple(
            json.dumps(json.loads(ordered(name, self.custom)) | {"deadline": self.custom.deadline})
            for name in self.features
        )
        ca, cert, key = ("" if file is None else str(file.resolve()) for file in (self.ca, self.cert, self.key))
        modules, lacks = b"{}", ""
        try:
            modules = gathered(self.custom.folder, self.features) if features else modules
        except (OSError, TooLarge) as error:
            features, lacks = (), f"does not get the features of your own: {error}"
        return letters.ordered(letters.Order(self.address, __version__, ca, cert, key, features, lacks), modules)
