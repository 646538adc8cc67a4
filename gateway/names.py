"""A name, whoever made it up, as one level of an MQTT topic: two names stay two, and no broker objects."""

import hashlib
import re
import unicodedata

LONGEST = 64  # bytes of UTF-8 in one level
_KEPT = 47  # bytes of a longer one, before "%~" and 15 hex digits
_PLAIN = re.compile(r"[\x20-\x7e]*")  # nothing here is a control character, a surrogate or a noncharacter


def level(name: str) -> str:
    """The topic level that stands for `name`: at most 64 bytes, without `/ + #`, control characters or a leading `$`.

    Control characters (Unicode Cc), `/ + # %` and a leading `$` become %XX of their UTF-8; the empty name is `%`.
    So do Unicode's noncharacters (U+FFFF and its like), at which brokers break the connection, and lone surrogates
    (as UTF-8 would write them, ED A0 80 …), which no MQTT string can hold. A level over 64 bytes is cut to 47, less
    a character or a %XX that the cut would tear, then `%~` and 15 hex digits of the SHA-256 of the name's UTF-8.
    Never raises. Different names give different levels; a plain name is its own.
    """
    text = "".join(map(_spelt, name)) if _needs_spelling(name) else name
    if text.startswith("$"):
        text = "%24" + text[1:]
    data = text.encode()
    if len(data) <= LONGEST:
        return text or "%"
    return f"{_cut(data)}%~{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:15]}"


def plain(name: str) -> str:
    """A level like `name` that is its own: `-` for what would be spelt or not be seen; "gateway" if nothing is left."""
    text = "".join("-" if char == "$" or not char.isprintable() or _spelt(char) != char else char for char in name)
    return text.encode()[:LONGEST].decode(errors="ignore").strip("- ") or "gateway"


def _needs_spelling(name: str) -> bool:
    return not _PLAIN.fullmatch(name) or any(char in name for char in "/+#%")


def _spelt(char: str) -> str:
    """`char`, or its UTF-8 as %XX where it cannot stand in a topic level."""
    code = ord(char)
    nonchar = 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE
    if char in "/+#%" or nonchar or unicodedata.category(char) in ("Cc", "Cs"):
        return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
    return char


def _cut(data: bytes) -> str:
    """The first 47 bytes of a level, less the character or %XX that the cut would tear."""
    head = data[:_KEPT].decode(errors="ignore")
    torn = head.rfind("%", len(head) - 2)
    return head if torn < 0 else head[:torn]
