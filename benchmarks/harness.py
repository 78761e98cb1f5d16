"""One harness for every benchmark: ours, the peers and the physical limits in alternating rounds.

A benchmark is a script of its own that imports this module before NumPy::

    import sys

    import harness  # first: the threads are pinned before NumPy reads them

    # isort: split
    import numpy as np

    n = 1024 * 1024
    x, b = np.zeros(n), np.ones(n)
    record = harness.Record("sweep", "One sweep over 1024² unknowns, float64")
    record.race(
        "1024², one sweep",
        {"structlin": lambda: ours(x, b), "four at once": lambda: fused(x, b, 4), "peer": peer},
        units={"four at once": 4},  # that call does the work of four
        limits={
            # nothing but "four at once" may read x and b and write x faster than memory allows
            "update": harness.bandwidth(
                "update", moved=24 * n, footprint=16 * n, binds=["structlin", "peer"]
            ),
            "triad": harness.bandwidth("triad", moved=24 * n, footprint=16 * n, binds=[]),
        },
        bars=[("structlin", "peer", 10.0)],  # at least ten times as fast
    )
    record.figure("decision", 4.2, "µs", at_most=10.0)
    sys.exit(record.write())

In every round each contestant and each limit runs once, in an order that turns round from one
round to the next, so that a disturbance of the machine meets them all. Short calls are repeated
within a round until they can be timed. Every result is waited for by ``force`` inside the timed
region, because JAX and CUDA return before they have finished. Ratios are ratios of medians.

**Void runs.** A contestant that is faster than a limit which binds it, by more than `NOISE` in
the median or in the minimum, was not measured but imagined: the record is marked void, written
beside the last valid one as ``NAME.void.json`` and ``NAME.void.md``, and `Record.write` returns 1.
An unmet bar is reported, and voids nothing.

The threads are one unless the environment variable ``BENCH_THREADS`` says otherwise.
"""

from __future__ import annotations

import _threads  # before NumPy

# isort: split
import gc
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import _report
import numpy as np
from _limits import Limit, bandwidth, gemm, out_of_cache

__all__ = ["NOISE", "Limit", "Record", "Times", "bandwidth", "force", "gemm", "out_of_cache"]

NOISE = 0.10
RESULTS = Path(__file__).parent / "results"
SHORTEST = 2e-3  # seconds: what takes less is called several times in a round


def force(result: Any) -> None:
    """Wait until a result of JAX or CuPy is there; NumPy's always is."""
    if hasattr(result, "block_until_ready"):
        result.block_until_ready()
    elif type(result).__module__.partition(".")[0] == "cupy":
        result.device.synchronize()


@dataclass(frozen=True)
class Times:
    """Seconds of one contestant or limit over the rounds."""

    median: float
    minimum: float
    quartiles: tuple[float, float]
    rounds: int
    calls: int


class Record:
    """Collects races and figures, and writes them to ``benchmarks/results/``.

    Parameters
    ----------
    name : str
        The files become ``NAME.json`` and ``NAME.md``.
    title : str
        One line that says what is measured.
    """

    def __init__(self, name: str, title: str) -> None:
        self.name = name
        self.title = title
        self.void: list[str] = []
        self._cases: list[dict[str, Any]] = []
        self._figures: list[dict[str, Any]] = []
        self._missing: dict[str, str] = {}
        self._load = os.getloadavg()
        _threads.pin_loaded()

    def race(
        self,
        case: str,
        contestants: Mapping[str, Callable[[], Any]],
        *,
        limits: Mapping[str, Limit] | None = None,
        bars: Sequence[tuple[str, str, float]] = (),
        units: Mapping[str, float] | None = None,
        rounds: int = 31,
        seconds: float = 60.0,
        agree: float | None = None,
        force: Callable[[Any], None] = force,
    ) -> dict[str, Times]:
        """Time contestants and limits in alternating rounds.

        Parameters
        ----------
        case : str
            Heading of this race.
        contestants : mapping of str to callable
            What is timed; times are told relative to the first.
        limits : mapping of str to Limit, optional
            What the machine allows.
        bars : sequence of (str, str, float)
            ``(a, b, ratio)`` asks that ``a`` be at least ``ratio`` times as fast as ``b``, where
            both are contestants or limits.
        units : mapping of str to float, optional
            Units of work in one call of a contestant, where it is not one; times are per unit.
        rounds : int
            Rounds wanted.
        seconds : float
            No round is begun after this time, except the first five.
        agree : float, optional
            Largest difference of any contestant's result from the first one's, relative to the
            largest entry; not checked if not given.
        force : callable
            Waits for a contestant's result.

        Returns
        -------
        dict of str to Times
            Seconds per unit of work, by contestant and limit.
        """
        limits = dict(limits or {})
        calls: dict[str, tuple[Callable[[], Any], int, float]] = {}
        reference = None
        for name, run in contestants.items():
            result = run()
            force(result)
            if agree is not None:
                values = np.asarray(result).ravel()
                reference = values if reference is None else reference
                error = np.max(np.abs(values - reference)) / np.max(np.abs(reference))
                if not error <= agree:
                    raise ArithmeticError(f"{case}: {name} is off by {error:.1e}, over {agree:.1e}")
            calls[name] = (run, _repetitions(run, force), 1.0 / (units or {}).get(name, 1.0))
        for name, limit in limits.items():
            limit.probe()  # the first call compiles it
            calls[name] = (limit.probe, _repetitions(limit.probe, force), limit.scale)

        samples: dict[str, list[float]] = {name: [] for name in calls}
        begin = time.perf_counter()
        gc.collect()
        gc.disable()
        try:
            for r in range(rounds):
                if r >= 5 and time.perf_counter() - begin > seconds:
                    break
                for name in list(calls)[:: -1 if r % 2 else 1]:
                    run, repetitions, scale = calls[name]
                    samples[name].append(scale * _time(run, repetitions, force))
        finally:
            gc.enable()

        times = {name: _summary(s, calls[name][1]) for name, s in samples.items()}
        void = [
            f"{case}: {name} beats its limit {key}"
            for key, limit in limits.items()
            for name in contestants
            if (limit.binds is None or name in limit.binds) and _beats(times[name], times[key])
        ]
        self.void += void
        self._cases.append(
            {
                "case": case,
                "contestants": {name: asdict(times[name]) for name in contestants},
                "limits": {
                    key: {
                        **asdict(times[key]),
                        "binds": list(contestants if limit.binds is None else limit.binds),
                    }
                    for key, limit in limits.items()
                },
                "bars": [
                    {
                        "faster": a,
                        "slower": b,
                        "at_least": bar,
                        "ratio": times[b].median / times[a].median,
                        "met": times[b].median / times[a].median >= bar,
                    }
                    for a, b, bar in bars
                ],
                "void": void,
            }
        )
        return times

    def figure(
        self,
        name: str,
        value: float,
        unit: str = "",
        *,
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> None:
        """Record a number that no race gives, with the bar it has to meet."""
        met = (at_most is None or value <= at_most) and (at_least is None or value >= at_least)
        figure = {"name": name, "value": float(value), "unit": unit, "met": met}
        figure |= {"at_most": at_most, "at_least": at_least}
        self._figures.append(figure)

    def missing(self, contestant: str, reason: str = "not installed") -> None:
        """Say which peer did not take part, and why."""
        self._missing[contestant] = reason

    def write(self) -> int:
        """Write and print the record; return the exit status, 1 if the run is void."""
        stem = f"{self.name}.void" if self.void else self.name
        RESULTS.mkdir(exist_ok=True)
        content = {
            "name": self.name,
            "title": self.title,
            "void": self.void,
            "noise": NOISE,
            "machine": {**_report.machine(), "load": {"begin": self._load, "end": os.getloadavg()}},
            "cases": self._cases,
            "figures": self._figures,
            "missing": self._missing,
        }
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (RESULTS / f"{stem}.json").write_text(text + "\n", encoding="utf-8")
        table = _report.markdown(content)
        (RESULTS / f"{stem}.md").write_text(table, encoding="utf-8")
        print(table)
        return 1 if self.void else 0


def _repetitions(run: Callable[[], Any], force: Callable[[Any], None]) -> int:
    repetitions = 1
    while (elapsed := repetitions * _time(run, repetitions, force)) < SHORTEST:
        repetitions = max(2 * repetitions, int(repetitions * SHORTEST / max(elapsed, 1e-9)))
    return repetitions


def _time(run: Callable[[], Any], repetitions: int, force: Callable[[Any], None]) -> float:
    begin = time.perf_counter()
    for _ in range(repetitions):
        force(run())
    return (time.perf_counter() - begin) / repetitions


def _summary(samples: list[float], calls: int) -> Times:
    low, middle, high = (float(q) for q in np.quantile(samples, [0.25, 0.5, 0.75]))
    return Times(middle, min(samples), (low, high), len(samples), calls)


def _beats(times: Times, limit: Times) -> bool:
    allowed = 1.0 - NOISE
    return times.median < allowed * limit.median or times.minimum < allowed * limit.minimum
