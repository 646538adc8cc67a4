"""Text from outside, as a terminal or a log may show it: on one line, and nothing in it that a terminal would obey."""


def shown(text: str, most: int = 80) -> str:
    """`text` with an escape for each character that is not printable: controls, bidi marks, line ends, surrogates.

    Cut to `most` characters of the original, with … at the end.
    """
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return cut if cut.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)
