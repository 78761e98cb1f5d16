"""``python -m structlin``: a tour of the package; its commands stand in `structlin._commands`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from structlin._commands import heat


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit status.

    Parameters
    ----------
    argv : sequence of str or None
        Arguments; those of the command line by default.

    Returns
    -------
    int
        0 if all is well.
    """
    return heat.main(argv)


if __name__ == "__main__":
    sys.exit(main())
