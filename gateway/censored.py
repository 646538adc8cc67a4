"""Text without what is nobody's business: passwords, user names, logins in URLs. Pure."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any

GONE = "…"
LONGEST = 2000  # characters of a line that is looked through: longer ones take these expressions too long
LEAST = 4  # characters of a secret that is looked for everywhere; a shorter one is no secret, and is in every word
_SECRET = r"(?:\w[\w-]*)?(?:pass|pwd|secret|token)[\w-]*(?<![_-]file)"
_KEY = rf"(?:{_SECRET}|\w*user\w*)"  # a name stands in other places too, where it is none
_LINE = re.compile(rf"(?im)^(\W*(?:\w[\w-]*[.=])*{_KEY}[\"']?\s*[=:]\s*)(?!\s*$).*$")
_LOGIN = re.compile(r"[^\s\"'=]+:[^\s\"']*@")  # user:password@, with its scheme or without
_REST = r"(?:[^\n]*\\\n(?:[ \t]*[#;][^\n]*\n)*)*[^\n]*"  # of a unit's setting; comments may stand between its lines
_VARIABLE = re.compile(rf"(?i)({_SECRET}[ \t]*=){_REST}")
_INSIDE = re.compile(rf"(?i)((?<![\w-]){_SECRET}[\"']?[ \t]*[=:]).*")  # anywhere in a line
_LIST = re.compile(rf"(?i)(?<![\w-]){_SECRET}[\"']?[ \t]*[=:][ \t]*\[[^\]\n]*$", re.MULTILINE)  # one that goes on
_CREDENTIAL = re.compile(rf"(?im)^([^\w\n]*SetCredential(?:Encrypted)?[ \t]*=){_REST}")


def censored(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without logins, and without each of `secrets`, wherever they stand."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= LEAST:
            text = text.replace(secret, GONE)
    return _LOGIN.sub(f"{GONE}@", text)


def censored_lines(text: str, secrets: Iterable[str] = ()) -> str:
    """The same for a file of settings: what stands behind a key that may hold a secret goes too."""
    try:
        found = [*_values(tomllib.loads(text))]
    except tomllib.TOMLDecodeError:
        if '"""' in text or "'''" in text or _LIST.search(_short(text)):  # where a value ends cannot be told
            return "# not shown: it is no TOML, and so nobody knows what of it is a password\n"
        text, found = _INSIDE.sub(rf"\1{GONE}", _short(text)), []
    return _LINE.sub(rf'\1"{GONE}"', censored(_short(text), [*secrets, *found]))


def censored_unit(text: str) -> str:
    """The same for a unit, where variables stand behind others or in quotes, and a value may go over lines."""
    return censored_lines(_VARIABLE.sub(rf"\1{GONE}", _CREDENTIAL.sub(rf"\1{GONE}", _short(text))))


def _short(text: str) -> str:
    """Without lines that are too long."""
    lines = text.split("\n")
    return "\n".join(one if len(one) <= LONGEST else f"# not shown: a line of {len(one)} characters" for one in lines)


def _values(value: Any, hot: bool = False) -> Iterator[str]:
    """The texts behind keys that hold a secret, at any depth."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _values(one, hot or re.fullmatch(f"(?i){_SECRET}", key) is not None)
    elif isinstance(value, list):
        for one in value:
            yield from _values(one, hot)
    elif hot and isinstance(value, str):
        yield from (value, *value.splitlines())
