"""``python -m structlin benchmark operators``: learned operators on the benchmark data sets."""

from __future__ import annotations

import argparse
import sys
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from structlin._commands._arguments import Parser, whole
from structlin.operators import datasets
from structlin.operators.datasets import OperatorData
from structlin.operators.errors import relative_errors
from structlin.operators.kernels import KernelOperator, LinearOperatorRegression, reflections

INSIDE = 1.6448536269514722  # of a normal distribution 90 % lie within so many deviations


@dataclass(frozen=True)
class Problem:
    """A data set, how much of it is learned from, and what is known of its operator.

    Attributes
    ----------
    make : callable
        ``make(n, rng=, progress=)`` returns the samples.
    train, test : int
        How many there are of each by default.
    known : mapping
        Arguments of `KernelOperator` that say what is known of the equation: a symmetry, and the
        features that belong to the sides. Nothing was chosen by errors on test samples.
    kernels : bool
        Whether kernels take part.
    peer : tuple of (str, float, float), optional
        A recorded run on the same samples: of what, its error in percent, its seconds of a CPU.
    """

    make: Callable[..., OperatorData]
    train: int
    test: int
    known: Mapping[str, Any] = field(default_factory=dict)
    kernels: bool = True
    peer: tuple[str, float, float] | None = None


PROBLEMS = {
    "burgers": Problem(
        datasets.burgers,
        1000,
        200,
        {"symmetry": ("shift", "odd")},
        peer=("FNO, 500 epochs, recorded", 0.117, 1213),
    ),
    "darcy": Problem(
        datasets.darcy,
        1000,
        200,
        {"symmetry": "square", "features": "dct"},
        peer=("FNO, 300 epochs, recorded", 1.957, 3207),
    ),
    "advection-boxes": Problem(datasets.advection_boxes, 1000, 1000, {"symmetry": "shift"}),
    # saturated by its grid: nothing is gained over the linear map, from 20 000 samples
    "advection-signs": Problem(datasets.advection_signs, 20_000, 5_000, kernels=False),
    "helmholtz": Problem(
        datasets.helmholtz, 2000, 200, {"symmetry": reflections(0, ndim=2), "metric": "gradient"}
    ),
    "navier-stokes": Problem(datasets.navier_stokes, 2000, 200),
}


@dataclass(frozen=True)
class Score:
    """How well a method did: percents, seconds, and what it warned of."""

    method: str
    test: float
    left_out: float
    covered: float
    fit: float
    predict: float
    warned: tuple[str, ...] = ()


def main(argv: Sequence[str] | None = None) -> int:
    """Learn the operators of data sets, and print how well.

    Parameters
    ----------
    argv : sequence of str or None
        Arguments; those of the command line by default.

    Returns
    -------
    int
        0.
    """
    arguments = _arguments(argv)
    chosen = list(PROBLEMS) if arguments.problem == "all" else [arguments.problem]
    for place, name in enumerate(chosen):
        problem = PROBLEMS[name]
        train = arguments.train or problem.train
        test = arguments.test or problem.test
        if place:
            print()
        begin = time.perf_counter()
        # the samples to test are the same however many there are to learn from
        count = max(train + test, problem.train + problem.test)
        data = problem.make(count, rng=arguments.seed, cache=not arguments.no_cache)
        seconds = time.perf_counter() - begin
        print(f"{data.name}: {train} samples to learn from, {test} to test, in {seconds:.1f} s")
        same = (train, test, arguments.seed) == (problem.train, problem.test, 0)
        for line in _table(scores(problem, data, train, test), problem.peer if same else None):
            print(line, flush=True)
    return 0


def scores(problem: Problem, data: OperatorData, train: int, test: int) -> Iterator[Score]:
    """Yield how well a linear map does, a kernel, and a kernel that knows of the equation."""
    first, last = data.split(train, test)
    methods: dict[str, Any] = {"linear regression": LinearOperatorRegression()}
    if problem.kernels:
        methods["kernel"] = KernelOperator(progress=False, rng=0)
    if problem.known:
        methods["kernel, what is known used"] = KernelOperator(
            **problem.known, progress=False, rng=0
        )
    for name, method in methods.items():
        yield score(name, method, first, last)


def score(name: str, method: Any, train: OperatorData, test: OperatorData) -> Score:
    """Return how well a method does that learns from the first samples, on the last ones."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        begin = time.perf_counter()
        method.fit(train.inputs, train.outputs, grid=train.grid, output_grid=train.output_grid)
        fitted = time.perf_counter()
        predicted = method.predict(test.inputs)
        done = time.perf_counter()
        covered = np.nan
        if isinstance(method, KernelOperator):
            std = method.predict(test.inputs, return_std=True)[1]
            wrong = np.abs(predicted - test.outputs)
            covered = 100 * float(np.mean(wrong[std > 0] <= INSIDE * std[std > 0]))
    return Score(
        name,
        100 * float(np.mean(relative_errors(predicted, test.outputs))),
        100 * method.leave_one_out,
        covered,
        fitted - begin,
        (done - fitted) / len(test),
        tuple(dict.fromkeys(str(one.message) for one in warned)),
    )


def _table(found: Iterator[Score], peer: tuple[str, float, float] | None = None) -> Iterator[str]:
    heads = ("test error", "left out", "in 90 % bands", "fit", "predict")
    yield _row("method", *heads)
    yield "-" * 80
    for s in found:
        bands = "-" if np.isnan(s.covered) else f"{s.covered:.0f} %"
        times = f"{s.fit:.1f} s", f"{1e3 * s.predict:.2g} ms"
        yield _row(s.method, _percent(s.test), _percent(s.left_out), bands, *times)
        yield from (
            textwrap.fill(text, 77, initial_indent="  ", subsequent_indent="  ")
            for text in s.warned
        )
    if peer is not None:
        method, error, seconds = peer
        yield _row(method, _percent(error), "-", "-", f"{seconds:.0f} s", "-")


def _row(method: str, *cells: str) -> str:
    widths = (11, 10, 14, 8, 10)
    return f"{method:<27}" + "".join(f"{c:>{w}}" for c, w in zip(cells, widths, strict=True))


def _percent(value: float) -> str:
    return f"{value:.3g} %" if value >= 0.01 else f"{value:.0e} %"


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m structlin benchmark",
        description="Learn the operators of benchmark data sets from samples, and print relative "
        "L2 errors: on test samples, and of samples left out while learning; how many true values "
        "lie in the 90 % bands; and seconds. Samples are made once and kept in the user's cache.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("suite", choices=("operators",), help="what is compared")
    parser.add_argument("--problem", choices=(*PROBLEMS, "all"), default="burgers")
    most = 10**6
    own: dict[str, Any] = {"default": argparse.SUPPRESS}  # the help shows no default
    parser.add_argument(
        "--train",
        type=whole(3, most),
        help="samples to learn from (default: as many as its problem has)",
        **own,
    )
    parser.add_argument("--test", type=whole(1, most), help="samples to test (likewise)", **own)
    parser.add_argument("--seed", type=whole(0, 2**63 - 1), default=0, help="seed of the samples")
    parser.add_argument("--no-cache", action="store_true", help="make samples anew, keep none")
    return parser.parse_args(argv, argparse.Namespace(train=None, test=None))


if __name__ == "__main__":
    sys.exit(main())
