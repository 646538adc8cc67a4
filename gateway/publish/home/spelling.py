"""Names, whoever made them up, as Home Assistant may have them: ids, entity ids, and text inside a template. Pure."""

import hashlib
import re
import unicodedata

LONGEST = 40  # characters of a name that is its own id
_PLAIN = re.compile(r"[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*")
_DIGESTED = re.compile(r".*-[0-9a-f]{12}")
_SAFE = re.compile(r"[A-Za-z0-9 _.-]")


def ident(name: str) -> str:
    """An id of letters, digits, `_` and single `-`, as discovery topics allow; two names never have one id.

    A short name of those characters is its own; any other is what can be read of it, and 12 digits of its SHA-256.
    """
    if len(name) <= LONGEST and _PLAIN.fullmatch(name) and not _DIGESTED.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{_readable(name, '-') or 'x'}-{digest}"


def entity_id(domain: str, *names: str) -> str:
    """What Home Assistant is asked to call an entity at first: sensor.greenhouse_1_bench_s3. It sees to clashes."""
    words = [word for name in names if (word := _readable(name, "_").lower())]
    return f"{domain}.{'_'.join(words) or 'x'}"


def quoted(text: str) -> str:
    """A text inside a template, as Jinja reads it back: nothing in it can end the text or begin another expression."""
    return "'" + "".join(char if _SAFE.match(char) else _escape(char) for char in said(text)) + "'"


def said(text: str) -> str:
    """Without lone surrogates, as our messages have it."""
    return text.encode(errors="replace").decode()


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _readable(name: str, between: str) -> str:
    """The ASCII letters and digits of a name, at most 30 characters."""
    plain = unicodedata.normalize("NFKD", name[:200].replace("ß", "ss")).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", between, plain)[:30].strip(between)
