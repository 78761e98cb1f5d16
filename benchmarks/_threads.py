"""Pins the threads of every library, which has to happen before NumPy loads."""

from __future__ import annotations

import os
import sys

if "numpy" in sys.modules:
    raise ImportError("import harness before NumPy: NumPy reads the number of threads as it loads")

THREADS = int(os.environ.get("BENCH_THREADS", "1"))
PINS = {
    f"{library}_NUM_THREADS": str(THREADS)
    for library in ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB_MAXIMUM", "NUMBA")
}
os.environ.update(PINS)


def pin_loaded() -> None:
    """Pin the libraries that loaded with another number of threads nevertheless."""
    import numba
    import threadpoolctl

    threadpoolctl.threadpool_limits(limits=THREADS)
    numba.set_num_threads(THREADS)


def stated() -> dict[str, object]:
    """Say how many threads every library uses."""
    import numba
    import threadpoolctl

    return {
        "asked": THREADS,
        "environment": PINS,
        "numba": numba.get_num_threads(),
        "pools": [
            {key: pool.get(key) for key in ("internal_api", "version", "num_threads")}
            for pool in threadpoolctl.threadpool_info()
        ],
    }
