"""The commands, one function each; a command imports what it needs inside, so that `--help` answers at once."""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence

from . import arguments
from .commands.ends import CONFIG, DONE, FAILED, WRONG_USE, configuration, failed, misconfigured, print_json, say, told

RARELY = 10_000, 20, 50
"""How often the service looks for objects that hold one another: next to none do, and each whole look goes through all
sensors, 0.1 s for thousands of them, in which the loop stands still."""


def run(words: Sequence[str] | None = None) -> int:
    """Runs the command that `words` (those of the process when None) ask for; gives its exit code."""
    options = parser().parse_args(words)
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
    return arguments.parser({
        "demo": demo, "run": run_service, "init": init, "check": check, "ports": ports, "presets": list_presets,
        "probe": probe, "doctor": doctor, "watch": watch, "record": record, "replay": replay, "release": release,
        "backfill": backfill, "backup": backup, "restore": restore, "bench": bench,
    })  # fmt: skip


def run_service(options: argparse.Namespace) -> int:
    """The service, until SIGTERM or Ctrl-C."""
    from . import signals

    signals.await_loop()  # before the imports that take long
    gc.disable()  # it would go through them again and again
    from .log.lines import log, setup

    try:
        outlet = setup()
    except OSError as error:
        return failed(f"it cannot start: {error.strerror}")
    from .compute.process import begin

    begin()

    import asyncio

    from .config import Wrong, load, warnings
    from .gathering import Loop
    from .ingest.asking.wanted import unread
    from .ingest.formats.misread import misread
    from .remembered import renamed
    from .service import serve
    from .state import NoState, default
    from .systemd import notify

    path = configuration(options.config)
    try:
        config = load(path)
        name = renamed(config.state_dir or default(), config.base)
        for text in warnings(config, misread=misread, unread=unread) + name:
            log("config.unwise", path=str(path), text=text)
    except Wrong as error:
        outlet.close()
        notify(STATUS="; ".join(error.problems))  # what `systemctl status` begins with
        return misconfigured(error.problems)
    gc.freeze()  # what stays is never gone through again, which would hold up the loop
    gc.enable()
    gc.set_threshold(*RARELY)
    try:
        with asyncio.Runner(loop_factory=Loop) as runner:
            return runner.run(serve(config))
    except (OSError, NoState) as error:
        log("service.failed", where="start", error=str(error))
        return FAILED


def check(options: argparse.Namespace) -> int:
    """Problems, or the plan. Opens no port and no socket; custom features are tried, in processes of their own."""
    from .backlog import WAITING
    from .compute.cores import cores
    from .compute.stage import MOST_WAITING
    from .config import Wrong, lines, load, plan, warnings
    from .ingest.asking.wanted import unread
    from .ingest.formats.misread import misread
    from .remembered import renamed
    from .state import default, no_place

    path = configuration(options.config)
    try:
        config = load(path)
        folder = config.state_dir or default()
        if nowhere := no_place(folder):
            raise Wrong(nowhere)
    except Wrong as error:
        if options.json:
            print_json({"file": str(path), "ok": False, "problems": error.problems, "warnings": [], "plan": None})
            return CONFIG
        return misconfigured(error.problems)
    unwise = warnings(config, misread=misread, unread=unread) + renamed(folder, config.base)
    custom = []
    if config.custom:
        import asyncio

        from .compute.custom.trial import Custom, try_out

        try:
            custom = asyncio.run(try_out(Custom(config.custom, path.parent, config.deadline, config.memory)))
        except OSError as error:
            return failed(f"the custom features cannot be tried: {error}")
        unwise += [f"features.custom: {one.feature} {one.why}" for one in custom if one.why]
    what = plan(config, cores=cores(), waiting={"computing": MOST_WAITING, "publishing": WAITING}, state=str(default()))
    if options.json:
        what["custom"] = [{"feature": one.feature, "keys": list(one.keys), "why": one.why or None} for one in custom]
        print_json({"file": str(path), "ok": True, "problems": [], "warnings": unwise, "plan": what})
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
    from .commands.first import Listening, first

    if (options.ask or options.seconds) and not options.probe:
        print("gateway: --ask and --for go with --probe: no port is opened without it", file=sys.stderr)
        return WRONG_USE
    listening = Listening(options.seconds, ask=options.ask) if options.probe else None
    return first(options.output or str(configuration(None)), options.json, listening)


def list_presets(options: argparse.Namespace) -> int:
    """The presets that come with the gateway, and those beside the configuration; each is tried on its samples."""
    from .commands.catalogue import catalogue, document, lines, summary
    from .config import OWN

    known, wrong = catalogue(configuration(options.config).parent / OWN, options.names)
    if options.json:
        print_json({"presets": [document(one) for one in known], "problems": wrong})
    elif known:
        print("\n".join(line for one in known for line in lines(one)) if options.names else "\n".join(summary(known)))
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    return FAILED if wrong else DONE


def ports(options: argparse.Namespace) -> int:
    """The serial ports; opens none."""
    from .ingest.identity import serial_ports
    from .shown import shown

    found = serial_ports()
    if options.json:
        print_json([
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
    """What is on a port; writes nothing to it but with --ask."""
    import asyncio

    from .commands.answers import outcome
    from .commands.catalogue import candidates
    from .commands.probe import found_at
    from .config import OWN
    from .ingest.asking.survey import UNITS
    from .ingest.trouble import PortError

    if options.units and not options.ask:
        print("gateway: --units goes with --ask: nothing is asked without it", file=sys.stderr)
        return WRONG_USE
    units = (options.units or UNITS) if options.ask else 0
    seconds = options.seconds or (60.0 if options.ask else 15.0)
    presets, wrong = candidates(configuration(None).parent / OWN)
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    said = say if sys.stderr.isatty() and not options.json else None
    try:
        found = asyncio.run(
            found_at(options.port, options.baud, seconds, presets, reset=options.reset, said=said, units=units)
        )
    except PortError as error:
        return failed(str(error))
    text, known = outcome(found, units, as_json=options.json)
    print(text)
    return DONE if known else FAILED


def demo(options: argparse.Namespace) -> int:
    """The whole street on this machine, and a count of what came through."""
    from .demo import demonstrate

    return demonstrate(boards=options.boards, rate=options.rate, seconds=options.seconds, as_json=options.json)


def record(options: argparse.Namespace) -> int:
    """A port's bytes with their times, into a file."""
    from .commands.record import record, targets

    def work() -> int:
        boards = targets(options.target, configuration(options.config), options.baud, options.serial)
        return record(boards, options.output, options.seconds, options.bytes, as_json=options.json)

    return told(work)


def replay(options: argparse.Namespace) -> int:
    """A capture through the street: its messages."""
    from .commands.replay import replayed

    return told(lambda: replayed(options))


def backfill(options: argparse.Namespace) -> int:
    """Captures into Parquet."""

    from .backfill.command import backfill

    return told(lambda: backfill(options))


def release(options: argparse.Namespace) -> int:
    """A board's port, lent by the gateway that runs, or taken back."""
    from .commands import release as lending

    return told(
        lambda: lending.release(options.board, options.lasting, options.config, back=options.back, as_json=options.json)
    )


def doctor(options: argparse.Namespace) -> int:
    """What is wrong on this machine, and the command that mends it; changes nothing."""
    from .doctor.command import doctor

    return doctor(configuration(options.config), archive=options.bundle, as_json=options.json)


def backup(options: argparse.Namespace) -> int:
    """A gateway, into one file; it may run meanwhile."""
    from .commands.backup import backup

    return told(
        lambda: backup(options.file, options.config, options.state, secrets=options.secrets, as_json=options.json)
    )


def restore(options: argparse.Namespace) -> int:
    """A gateway out of such a file; it must not run."""
    from .commands.restore import restore

    return told(lambda: restore(options.file, options.config, options.state, force=options.force, as_json=options.json))


def watch(options: argparse.Namespace) -> int:
    """A running gateway, live, through its broker."""
    from .watch.command import watch

    return told(lambda: watch(options, configuration(options.config)))


def bench(options: argparse.Namespace) -> int:
    """What this machine can do; measures, and changes nothing."""
    from .bench import bench

    return bench(options)
