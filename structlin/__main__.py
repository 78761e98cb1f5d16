"""``python -m structlin``: its commands stand in `structlin._commands`, one to a file."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

commands = {
    "tour": "every wing of the package in under two minutes (what happens without a command)",
    "heat": "a heat simulation that learns its relaxation parameter while it runs",
    "benchmark": "learned operators on a data set: errors, bands, seconds",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str or None
        The command and its arguments; those of the command line by default. Without a command,
        or with options alone, it is the tour.

    Returns
    -------
    int
        The exit status: 0 if all is well.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] in (["-h"], ["--help"]):
        print("usage: python -m structlin [command] [options]\n")
        for name, does in commands.items():
            print(f"  {name:<11}{does}")
        print("\nOptions of a command: python -m structlin COMMAND --help")
        return 0
    name = "tour" if not arguments or arguments[0].startswith("-") else arguments.pop(0)
    if name not in commands:
        known = ", ".join(commands)
        print(
            f"python -m structlin: error: no command {name!r}: there are {known}", file=sys.stderr
        )
        return 2
    return int(importlib.import_module(f"structlin._commands.{name}").main(arguments))


if __name__ == "__main__":
    sys.exit(main())
