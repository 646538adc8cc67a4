"""Whether the gateway is ready, by its own document: what is missing, in words. Pure."""

from collections.abc import Mapping
from typing import Any


def missing(document: Mapping[str, Any]) -> dict[str, str]:
    """What a gateway with this status document lacks for its work: workers, a spool that can be written; {} when it has
    all that it needs. Who has a document has read the configuration. The broker is none of it: while it is away the
    gateway does its work all the same.
    """
    faults: Mapping[str, Any] = document["faults"]
    lacks = {}
    if "pool" in faults:
        lacks["workers"] = faults["pool"]["text"]
    elif not document["pool"]["workers"]:
        lacks["workers"] = "no worker is there"
    if "spool" in faults:
        lacks["spool"] = faults["spool"]["text"]
    if document["state"] != "online":
        lacks["gateway"] = f"it is {document['state']}"
    return lacks
