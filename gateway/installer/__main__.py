"""`python3 -m gateway.installer`."""

from .main import main

if __name__ == "__main__":
    raise SystemExit(main())
