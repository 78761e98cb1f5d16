"""What commands share: arguments that are wrong end with one line, pictures are announced."""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def with_picture(parser: Parser, argv: Sequence[str] | None, picture: str) -> argparse.Namespace:
    """Parse a command line that may ask for a picture.

    ``out`` is where to draw it; it is None, and ``why_nothing`` says why, without one.
    """
    parser.add_argument("--out", type=Path, default=Path(picture), help="picture")
    parser.add_argument("--no-plot", action="store_true", help="draw nothing")
    arguments = parser.parse_args(argv)
    arguments.why_nothing = None
    if arguments.no_plot:
        arguments.why_nothing = "--no-plot was given"
    elif importlib.util.find_spec("matplotlib") is None:
        arguments.why_nothing = "matplotlib is not installed (pip install 'structlin[plot]')"
    if arguments.why_nothing:
        arguments.out = None
    elif problem := unwritable(arguments.out):
        parser.error(f"argument --out: {problem}")
    return arguments


def save(figure: Any, path: Path) -> None:
    """Write a picture, and say so."""
    figure.savefig(path, dpi=150)
    print(f"Drew {path}.")


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return what reads a whole number in a range."""

    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number in [{low}, {high}]")
        return value

    return number


def unwritable(path: Path) -> str | None:
    """Return why a picture cannot be written to the path, before any work is done for it."""
    from matplotlib.backend_bases import FigureCanvasBase

    # pgf needs LaTeX, and not every Pillow has avif
    kinds = sorted(FigureCanvasBase.get_supported_filetypes().keys() - {"pgf", "avif"})
    if path.suffix[1:].lower() not in kinds:
        return f"cannot draw to {str(path)!r}: its name must end in one of {', '.join(kinds)}"
    target = Path(os.path.realpath(path))  # a link is kept, wherever it leads
    try:
        existed = target.exists()
        target.open("ab").close()
        if not existed:
            target.unlink()
    except OSError as error:
        return f"cannot write to {str(path)!r}: {error.strerror}"
    return None
