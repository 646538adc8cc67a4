"""The options of the commands, and what they take; what they do not take is wrong use."""

import argparse
from collections.abc import Callable, Mapping

from . import __version__

BENCH = "measures what this machine can do"


def parser(functions: Mapping[str, Callable[[argparse.Namespace], int]]) -> argparse.ArgumentParser:
    """All commands and their options. functions: what each command calls, by its name."""
    top = argparse.ArgumentParser(
        prog="gateway",
        description="Reads sensor boards on serial ports and publishes features of their readings over MQTT.",
    )
    top.add_argument("--version", action="version", version=f"gateway {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, help: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
        one.set_defaults(command=functions[name])
        return one

    one = command("demo", "shows everything at work: simulated boards, a broker, the gateway and a live view")
    one.add_argument("--boards", type=count(1, 64), default=4, metavar="N", help="how many boards (4)")
    one.add_argument("--rate", type=positive, default=10.0, metavar="HZ", help="records a second of each board (10)")
    one.add_argument("--seconds", type=seconds, default=15.0, metavar="S", help="how long (15); 0 = until Ctrl-C")
    _json(one)

    one = command("run", "runs the gateway")
    _file(one)
    one = command("init", "writes a first configuration, from the boards that it finds")
    one.add_argument("-o", "--output", metavar="FILE", help="where to; - prints it (default: where `run` looks)")
    one.add_argument("--probe", action="store_true", help="listen to each port first, to say what is on it")
    one.add_argument("--ask", action="store_true", help="with --probe: write to quiet ports, to ask what answers")
    one.add_argument("--for", dest="seconds", type=positive, metavar="S", help="at most so long (15; 60 with --ask)")
    _json(one)
    one = command("check", "reads the configuration and prints every problem, or what would run")
    _file(one)
    _json(one)
    one = command("presets", "lists the boards that are known by name, and what their presets bring")
    one.add_argument("names", nargs="*", metavar="NAME", help="all of these, with sample and table")
    _file(one)
    _json(one)
    one = command("ports", "lists the serial ports: stable path, what it is, who holds it")
    _json(one)
    one = command("probe", "finds a board's rate and format, shows what it says, and prints its [[boards]] table")
    one.add_argument("port", metavar="PORT", help="a path, or socket://host:port; `gateway ports` lists them")
    one.add_argument("--baud", type=count(1, 10_000_000), metavar="N", help="at this rate only")
    one.add_argument("--for", dest="seconds", type=positive, metavar="S", help="at most so long (15; 60 with --ask)")
    one.add_argument(
        "--ask",
        action="store_true",
        help="once quiet, write to it: ask what answers; some boards are told to stream, or not to",
    )
    one.add_argument("--units", type=count(1, 247), metavar="N", help="with --ask: Modbus units 1 to N (8)")
    one.add_argument("--reset", action="store_true", help="pulse DTR first, at which most boards begin anew")
    _json(one)
    one = command("doctor", "says what is wrong on this machine, and the command that mends it")
    _file(one)
    one.add_argument(
        "--bundle", metavar="FILE", help="write what a bug report needs as well, without secrets (.tar.gz)"
    )
    _json(one)
    one = command("watch", "shows what a running gateway sends, live, from its broker")
    _file(one)
    one.add_argument(
        "--url", metavar="URL", help="the broker, mqtt(s)://host:port, without a configuration; then also:"
    )
    for name, what in (("username", "NAME"), ("password-file", "FILE"), ("ca-file", "FILE"), ("cert-file", "FILE"),
                       ("key-file", "FILE"), ("prefix", "TOPIC")):  # fmt: skip
        one.add_argument(f"--{name}", metavar=what, help=f"as {name.replace('-', '_')} in [mqtt]")
    one.add_argument("--gateway", metavar="ID", help="whose (the configuration's; with --url: the only one there)")
    one.add_argument("--all", action="store_true", help="each gateway at the broker, a row each")
    one.add_argument("--seconds", type=seconds, default=0.0, metavar="S", help="how long (until q or Ctrl-C)")
    one.add_argument("--json", action="store_true", help="print one JSON document a line and nothing else")
    one = command("record", "takes down what a port says, with its times, in a new file")
    one.add_argument(
        "target", metavar="PORT|BOARD",
        help="a path or socket://host:port, which is only heard, or a board of the configuration, asked as that says",
    )  # fmt: skip
    _file(one)
    one.add_argument("-o", "--output", metavar="FILE", help="where to, never over a file (BOARD-TIME.jsonl)")
    one.add_argument("--baud", type=count(50, 12_000_000), metavar="N", help="instead of the board's, or of 115200")
    one.add_argument("--serial", metavar="8N1", help="data bits, parity and stop bits, instead of the board's")
    one.add_argument("--for", dest="seconds", metavar="60s", help="how long (until Ctrl-C)")
    one.add_argument("--bytes", default="100MB", metavar="10MB", help="the file's size at which it ends (100MB)")
    _json(one)
    one = command("replay", "has a capture go through the gateway, and prints the messages")
    one.add_argument("capture", metavar="FILE", help="what `gateway record` wrote")
    one.add_argument("-c", "--config", metavar="FILE", help="the configuration (default: none, all as in the sample)")
    one.add_argument("--board", metavar="NAME", help="the board in it (as in the capture)")
    one.add_argument("--format", metavar="F", help="instead of the board's")
    one.add_argument("--speed", type=speed, metavar="1|10|max", help="times as fast as it was (max)")
    _json(one)
    one = command("backfill", "has captures, months of them, go through the gateway into Parquet files")
    one.add_argument(
        "captures", nargs="+", metavar="FILE|FOLDER", help="what `gateway record` wrote; *.jsonl in folders"
    )
    one.add_argument("-o", "--output", required=True, metavar="DIR", help="where to; begun before, it goes on there")
    one.add_argument("-c", "--config", metavar="FILE", help="the configuration (default: none, all as in the sample)")
    one.add_argument("--board", metavar="NAME", help="the board in it that all are of (as each capture says)")
    either = one.add_mutually_exclusive_group()
    either.add_argument("--workers", type=count(1, 1024), metavar="N", help="processes (one a core)")
    either.add_argument(
        "--cluster", metavar="tcp://HOST:8786", help="a Dask scheduler, whose workers do it; they see the same files"
    )
    _json(one)
    one = command("release", "lends a board's port, so that you can write its firmware; takes it back by itself")
    one.add_argument("board", metavar="BOARD", help="as the configuration calls it")
    either = one.add_mutually_exclusive_group()
    either.add_argument("--for", dest="lasting", default="5m", metavar="5m", help="how long (5m)")
    either.add_argument("--back", action="store_true", help="take it back now")
    _file(one)
    _json(one)
    one = command("backup", "puts this gateway into one file: configuration, presets, what it remembers, its spool")
    one.add_argument("file", metavar="FILE", help="where to; never over a file")
    one.add_argument("--with-secrets", dest="secrets", action="store_true", help="password and key too")
    _moved(one)
    one = command("restore", "puts such a file in place, on a card where no gateway runs")
    one.add_argument("file", metavar="FILE", help="what `gateway backup` wrote")
    one.add_argument("--force", action="store_true", help="set aside what is there")
    _moved(one)
    one = commands.add_parser("bench", help=BENCH, description=BENCH[0].upper() + BENCH[1:] + ".")
    subjects = one.add_subparsers(title="subjects", metavar="SUBJECT", required=True)

    def subject(name: str, help: str) -> argparse.ArgumentParser:
        one = subjects.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
        one.set_defaults(command=functions["bench"], subject=name)
        return one

    one = subject("pool", "compares the gateway's pool of processes with the standard one and with a plain loop")
    _rounds(one, 5, 90)
    one = subject("street", "sends simulated boards' readings through the gateway to a broker and a subscriber")
    one.add_argument("--boards", type=count(1, 64), default=4, metavar="N", help="how many (4)")
    _rounds(one, 5, 200)
    one = subject("size", "tells how many boards at how many readings a second this machine carries")
    _rounds(one, 2, 60)
    return top


def _rounds(command: argparse.ArgumentParser, rounds: int, seconds: int) -> None:
    add = command.add_argument
    add("--rounds", type=count(1, 1000), default=rounds, metavar="N", help=f"at most so many rounds ({rounds})")
    add(
        "--seconds", type=positive, default=float(seconds), metavar="S",
        help=f"begin no further round after so long ({seconds})",
    )  # fmt: skip
    _json(command)


def _moved(command: argparse.ArgumentParser) -> None:
    _file(command)
    command.add_argument("--state", metavar="DIR", help="where its spool lies (default: as the gateway finds it)")
    _json(command)


def _file(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-c", "--config", metavar="FILE", help="the configuration (default: /etc/gateway/gateway.toml)"
    )


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def count(least: int, most: int) -> Callable[[str], int]:
    """A whole number within the bounds."""

    def check(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"a whole number from {least} to {most} was expected, not {text!r}")
        return int(text)

    return check


def speed(text: str) -> float | None:
    """Times as fast; None is "max"."""
    return None if text == "max" else positive(text)


def positive(text: str) -> float:
    """A number above 0."""
    number = seconds(text)
    if number == 0:
        raise argparse.ArgumentTypeError("a number above 0 was expected")
    return number


def seconds(text: str) -> float:
    """A number from 0 to a million."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e6:
        raise argparse.ArgumentTypeError(f"a number from 0 to 1000000 was expected, not {text!r}")
    return number
