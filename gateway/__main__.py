"""Where the program starts. Nothing is imported here: a worker process may come by."""


def main() -> int:
    """Runs one command; gives its exit code."""
    from .cli import run

    return run()


if __name__ == "__main__":
    raise SystemExit(main())
