"""Tensor trains: of arrays, their rounding and entries, and crosses, beside teneva and tntorch."""

import sys
from collections.abc import Callable
from typing import Any

import harness

# isort: split
import numpy as np

from structlin.tensors import TensorTrain, tt_cross, tt_svd

try:
    import teneva
except ImportError:
    teneva = None
try:
    import tntorch
    import torch
except ImportError:
    tntorch = None


def rational(x: Any) -> Any:
    return 1 / (1 + np.sum(x**2, axis=-1))


def wave(x: Any) -> Any:
    return np.cos(np.sum(x, axis=-1)) + np.sin(3 * x[..., 0] * x[..., -1])


def bump(x: Any) -> Any:
    return np.exp(-np.sqrt(np.sum((x - 0.2) ** 2, axis=-1) + 0.05))


def contestants(record: harness.Record, runs: dict[str, Any]) -> dict[str, Any]:
    """Return those that are installed."""
    for name, module in (("teneva", teneva), ("tntorch", tntorch)):
        if module is None:
            record.missing(name)
            runs.pop(name, None)
    return runs


def of_arrays(record: harness.Record, shape: tuple[int, ...], tol: float) -> None:
    axes = np.ix_(*(np.linspace(-1, 1, n) ** 2 for n in shape))
    T = 1 / (1 + sum(axes))
    size = float(np.linalg.norm(T))
    runs = contestants(
        record,
        {
            "structlin": lambda: tt_svd(T, tol=tol),
            "teneva": lambda: teneva.svd(T, e=tol * size),
            "tntorch": lambda: tntorch.Tensor(torch.as_tensor(T)).round_tt(eps=tol),
        },
    )
    case = f"array {'x'.join(map(str, shape))} to {tol:g}"
    bars = [("structlin", name, 3.0) for name in runs if name != "structlin"]
    record.race(case, runs, bars=bars, rounds=5, seconds=20.0)
    train = tt_svd(T, tol=tol)
    record.figure(f"{case}: error", np.linalg.norm(train.full() - T) / size, at_most=tol)
    record.figure(f"{case}: parameters", train.parameters)
    if teneva is not None:
        theirs = sum(core.size for core in teneva.svd(T, e=tol * size))
        record.figure(f"{case}: parameters of teneva", theirs)


def operations(record: harness.Record, d: int, n: int, r: int) -> None:
    rng = np.random.default_rng(0)
    ranks = [1, *[r] * (d - 1), 1]
    cores = [rng.standard_normal((ranks[k], n, ranks[k + 1])) for k in range(d)]
    a = TensorTrain(cores)
    both = a + a
    places = rng.integers(0, n, (20000, d))
    doubled = list(both.cores)
    case = f"{n}^{d}, rank {r}"

    def rounded_by_tntorch() -> Any:
        return tntorch.round_tt(tntorch.Tensor([torch.as_tensor(c) for c in doubled]), eps=1e-10)

    record.race(
        f"{case}: rounding of a + a",
        contestants(
            record,
            {
                "structlin": lambda: both.round(1e-10),
                "teneva": lambda: teneva.truncate(doubled, e=1e-10),
                "tntorch": rounded_by_tntorch,
            },
        ),
        rounds=9,
        seconds=15.0,
    )
    runs = contestants(
        record,
        {
            "structlin": lambda: a.at(places),
            "teneva": lambda: teneva.get_many(cores, places),
        },
    )
    bars = [("structlin", "teneva", 1.5)] if "teneva" in runs else []
    record.race(f"{case}: 20000 entries", runs, bars=bars, agree=1e-9, rounds=9, seconds=15.0)
    record.race(
        f"{case}: inner product",
        contestants(
            record,
            {"structlin": lambda: a.inner(a), "teneva": lambda: teneva.mul_scalar(cores, cores)},
        ),
        rounds=9,
        seconds=15.0,
    )


def crosses(record: harness.Record, f: Callable[[Any], Any], d: int, n: int, tol: float) -> None:
    x = np.cos(np.pi * np.arange(n) / (n - 1))
    places = np.random.default_rng(1).integers(0, n, (20000, d))
    wanted = f(x[places])
    largest = float(np.max(np.abs(wanted)))
    asked = 0

    def entries(indices: Any) -> Any:
        nonlocal asked
        asked += len(indices)
        return f(x[np.asarray(indices, dtype=np.int64)])

    def by_teneva() -> Any:
        start = teneva.rand([n] * d, 1, seed=0)
        return teneva.cross(entries, start, e=tol, nswp=20, dr_min=1, dr_max=3, cache={})

    def by_tntorch() -> Any:
        return tntorch.cross(
            function=lambda indices: torch.as_tensor(entries(indices.numpy())),
            domain=[torch.arange(n)] * d,
            function_arg="matrix",
            eps=tol,
            verbose=False,
            suppress_warnings=True,
        )

    runs = contestants(
        record,
        {
            "structlin": lambda: tt_cross(entries, (n,) * d, tol=tol, rng=0).tensor,
            "teneva": by_teneva,
            "tntorch": by_tntorch,
        },
    )
    case = f"cross of {f.__name__}, {n}^{d} to {tol:g}"
    for name, run in runs.items():
        asked = 0
        train = run()
        if name == "tntorch":
            train = TensorTrain([np.asarray(core) for core in train.cores])
        elif name == "teneva":
            train = TensorTrain(train)
        bound = 10 * tol if name == "structlin" else None
        error = float(np.max(np.abs(train.at(places) - wanted))) / largest
        record.figure(f"{case}: evaluations of {name}", asked)
        record.figure(f"{case}: error of {name}", error, at_most=bound)
    record.race(case, runs, rounds=3, seconds=20.0)


def main() -> int:
    record = harness.Record("tensors_trains", "Tensor trains, float64")
    of_arrays(record, (20,) * 5, 1e-5)
    of_arrays(record, (20,) * 5, 1e-10)
    of_arrays(record, (160,) * 3, 1e-8)
    operations(record, 8, 20, 15)
    operations(record, 6, 30, 30)
    for f in (rational, wave, bump):
        crosses(record, f, 6, 24, 1e-8)
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
