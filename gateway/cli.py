"""The commands, one function each; a command imports what it needs inside, so that `--help` answers at once.

Exit codes: 0 done, 1 failed, 2 wrong use, 78 the configuration is wrong or not there.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from . import __version__

DONE, FAILED, WRONG_USE, CONFIG = 0, 1, 2, 78


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command that `arguments` (those of the process when None) ask for; gives its exit code."""
    options = parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(
        prog="gateway",
        description="Reads sensor boards on serial ports and publishes features of their readings over MQTT.",
    )
    top.add_argument("--version", action="version", version=f"gateway {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, function: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
        one.set_defaults(command=function)
        return one

    one = command("demo", demo, "shows everything at work: simulated boards, a broker, the gateway and a live view")
    one.add_argument("--boards", type=_count(1, 64), default=4, metavar="N", help="how many boards (4)")
    one.add_argument("--rate", type=_positive, default=10.0, metavar="HZ", help="records a second of each board (10)")
    one.add_argument("--seconds", type=_seconds, default=15.0, metavar="S", help="how long (15); 0 = until Ctrl-C")
    _json(one)

    one = command("run", run_service, "runs the gateway")
    _file(one)
    one = command("init", init, "writes a first configuration, from the boards that it finds")
    one.add_argument("-o", "--output", metavar="FILE", help="where to; - prints it (default: where `run` looks)")
    _json(one)
    one = command("check", check, "reads the configuration and prints every problem, or what would run")
    _file(one)
    _json(one)
    one = command("ports", ports, "lists the serial ports: stable path, what it is, who holds it")
    _json(one)
    one = command(
        "probe", probe, "finds a board's rate and format, shows what it says, and prints its [[boards]] table"
    )
    one.add_argument("port", metavar="PORT", help="a path, or socket://host:port; `gateway ports` lists them")
    one.add_argument("--baud", type=_count(1, 10_000_000), metavar="N", help="listen at this rate only")
    one.add_argument("--for", dest="seconds", type=_positive, default=15.0, metavar="S", help="at most so long (15)")
    one.add_argument("--reset", action="store_true", help="pulse DTR first, at which most boards begin anew")
    _json(one)
    return top


def run_service(options: argparse.Namespace) -> int:
    """The service, until SIGTERM or Ctrl-C."""
    import asyncio

    from .config import Wrong, load, warnings
    from .ingest.formats.rows import misread
    from .logs import log, setup
    from .service import serve
    from .state import NoState, default, renamed

    path = _configuration(options.config)
    outlet = setup()
    try:
        config = load(path)
        name = renamed(config.state_dir or default(), config.base)
        for text in warnings(config, misread=misread) + name:
            log("config.unwise", path=str(path), text=text)
    except Wrong as error:
        outlet.close()
        return _wrong(error.problems)
    try:
        return asyncio.run(serve(config))
    except (OSError, NoState) as error:
        log("service.failed", where="start", error=str(error))
        return FAILED


def check(options: argparse.Namespace) -> int:
    """Problems, or the plan. Opens no port and no socket; custom features are tried, in processes of their own."""
    from .backlog import WAITING
    from .compute.cores import cores
    from .compute.stage import MOST_WAITING
    from .config import Wrong, lines, load, plan, warnings
    from .ingest.formats.rows import misread
    from .state import default, renamed

    path = _configuration(options.config)
    try:
        config = load(path)
    except Wrong as error:
        if options.json:
            _print_json({"file": str(path), "ok": False, "problems": error.problems, "warnings": [], "plan": None})
            return CONFIG
        return _wrong(error.problems)
    unwise = warnings(config, misread=misread) + renamed(config.state_dir or default(), config.base)
    custom = []
    if config.custom:
        import asyncio

        from .compute.custom.trial import Custom, try_out

        try:
            custom = asyncio.run(try_out(Custom(config.custom, path.parent, config.deadline, config.memory)))
        except OSError as error:
            return _failed(f"the custom features cannot be tried: {error}")
        unwise += [f"features.custom: {one.feature} {one.why}" for one in custom if one.why]
    what = plan(config, cores=cores(), waiting={"computing": MOST_WAITING, "publishing": WAITING}, state=str(default()))
    if options.json:
        what["custom"] = [{"feature": one.feature, "keys": list(one.keys), "why": one.why or None} for one in custom]
        _print_json({"file": str(path), "ok": True, "problems": [], "warnings": unwise, "plan": what})
        return DONE
    print(f"{path} is good; `gateway run` would do this:")
    print("\n".join(f"  {line}" for line in lines(what)))
    for one in custom:
        if not one.why:
            print(f"  tried     {one.feature}: answers {' '.join(one.keys)}")
    for text in unwise:
        print(f"warning: {text}")
    return DONE


def init(options: argparse.Namespace) -> int:
    """A starting configuration, never over a file that is there."""
    from .config import host_id, load, starting_configuration, warnings
    from .ingest.identity import board_name, serial_ports

    found = [(board_name(port.path), port.path, port.description) for port in serial_ports() if port.usb]
    text = starting_configuration(found, host_id())
    target = options.output or str(_configuration(None))
    if options.json:
        _print_json({"file": None if target == "-" else target, "boards": [list(one) for one in found], "text": text})
    elif target == "-":
        sys.stdout.write(text)
    if target == "-":
        return DONE
    try:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        with open(target, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return _failed(
            f"{target} is there already and stays as it is; `gateway check` reads it, `-o FILE` writes another"
        )
    except OSError as error:
        return _failed(
            f"{target} cannot be written: {(error.strerror or str(error)).lower()}; name another with `-o FILE`"
        )
    if not options.json:
        boards = (
            f"{len(found)} board{'s' * (len(found) != 1)}"
            if found
            else "no board yet: it takes each that is plugged in"
        )
        print(
            f"wrote {target} ({boards}); `gateway check -c {target}` says what it would do, "
            f"`gateway run -c {target}` runs it"
        )
        for advice in warnings(load(target)):
            print(f"warning: {advice}")
    return DONE


def ports(options: argparse.Namespace) -> int:
    """The serial ports; opens none."""
    from .ingest.identity import serial_ports
    from .shown import shown

    found = serial_ports()
    if options.json:
        _print_json([
            {
                "path": port.path, "device": port.device, "description": port.description, "usb": port.usb,
                "holder": {"pid": port.holder.pid, "program": port.holder.program} if port.holder else None,
                "note": port.note,
            }
            for port in found
        ])  # fmt: skip
        return DONE
    if not found:
        print("no serial port; plug a board in, and see that its cable carries data and not only power")
    for port in found:
        holder = f"held by {port.holder.program} (pid {port.holder.pid})" if port.holder else "free"
        print(f"{shown(port.path, 200)}\n    {shown(port.description)}, {shown(port.device)}, {shown(holder)}")
        if port.note:
            print(f"    {shown(port.note, 400)}")
    return DONE


def probe(options: argparse.Namespace) -> int:
    """What is on a port; writes nothing to it."""
    from .ingest.trouble import PortError
    from .probe import document, found_on, lines, table

    said = _say if sys.stderr.isatty() and not options.json else None
    try:
        found = found_on(options.port, options.baud, options.seconds, reset=options.reset, said=said)
    except PortError as error:
        return _failed(str(error))
    keys = table(found)
    if options.json:
        _print_json(document(found, keys))
    else:
        print("\n".join(lines(found, keys)))
    return DONE if keys else FAILED


def demo(options: argparse.Namespace) -> int:
    """The whole street on this machine, and a count of what came through."""
    from .demo import demonstrate

    return demonstrate(boards=options.boards, rate=options.rate, seconds=options.seconds, as_json=options.json)


def _configuration(given: str | None) -> Path:
    """The file that `run` reads: -c, else in the service manager's directory, else /etc."""
    if given:
        return Path(given)
    directory = os.environ.get("CONFIGURATION_DIRECTORY")
    return Path(directory.split(":")[0] if directory else "/etc/gateway") / "gateway.toml"


def _wrong(problems: list[str]) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    return CONFIG


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _failed(sentence: str) -> int:
    print(f"gateway: {sentence}", file=sys.stderr)
    return FAILED


def _print_json(document: object) -> None:
    print(json.dumps(document, ensure_ascii=False, allow_nan=False))


def _file(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-c", "--config", metavar="FILE", help="the configuration (default: /etc/gateway/gateway.toml)"
    )


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def _count(least: int, most: int) -> Callable[[str], int]:
    def check(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"a whole number from {least} to {most} was expected, not {text!r}")
        return int(text)

    return check


def _positive(text: str) -> float:
    number = _seconds(text)
    if number == 0:
        raise argparse.ArgumentTypeError("a number above 0 was expected")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e6:
        raise argparse.ArgumentTypeError(f"a number from 0 to 1000000 was expected, not {text!r}")
    return number
