"""Matrices on disk: one pass, in little memory, beside dask's compressed SVD."""

import json
import subprocess
import sys
import tempfile
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import harness

# isort: split
import numpy as np

from structlin.sketching import RowBlocks, SparseStack

COLUMNS = 500
SKETCH, RANK = 160, 20
SMALL, LARGE = 100_000, 1_000_000
GIGABYTE = 10**9


def main() -> int:
    record = harness.Record(
        "sketching_streaming", "SVD of rank 20 from one pass over a matrix on disk, float64"
    )
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "small.npy", SMALL)
        race(record, Path(folder) / "small.npy")
        write(Path(folder) / "large.npy", LARGE)
        limited(record, Path(folder) / "large.npy")
    return record.write()


def write(path: Path, rows: int) -> None:
    """Write a matrix with σ_j about √m / j, block by block."""
    shape = rows, COLUMNS
    target = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=shape)
    rng = np.random.default_rng(0)
    decay = 1.0 / np.arange(1, COLUMNS + 1)
    for start in range(0, rows, 10_000):
        target[start : start + 10_000] = rng.standard_normal((10_000, COLUMNS)) * decay
        target.flush()


def svd_of_sketch(A: Any) -> Any:
    """Return singular values and right singular vectors, with one pass over the rows."""
    S = SparseStack(SKETCH, A.shape[0], rng=0)
    _, s, Vh = np.linalg.svd(S.apply(RowBlocks(A)), full_matrices=False)
    return s[:RANK], Vh[:RANK]


def race(record: harness.Record, path: Path) -> None:
    """Time 400 MB in memory maps and Zarr arrays."""
    mapped = np.load(path, mmap_mode="r")
    nbytes = mapped.nbytes
    runs = {"structlin, memmap": lambda: svd_of_sketch(mapped)}
    bars = []
    try:
        import dask
        import dask.array as da
        import zarr
    except ImportError as error:
        record.missing("dask and zarr", str(error))
    else:
        chunks = (10_000, COLUMNS)

        def stored(name: str, compressors: Any) -> Any:
            target = zarr.create_array(
                store=str(path.with_name(name)),
                shape=mapped.shape,
                chunks=(2_000, COLUMNS),
                dtype="f8",
                compressors=compressors,
            )
            target[:] = mapped
            return target

        def compressed(array: Any, threads: int) -> Any:
            _, s, v = da.linalg.svd_compressed(array, RANK, n_power_iter=0, seed=0)
            with dask.config.set(pool=pools[threads]):
                return dask.compute(s, v)

        # ours reads ahead in a second thread
        pools = {threads: ThreadPool(threads) for threads in (1, 2)}
        raw, packed = stored("raw.zarr", None), stored("packed.zarr", "auto")
        lazy = da.from_array(mapped, chunks=chunks)
        runs |= {
            "dask, memmap, 2 threads": lambda: compressed(lazy, 2),
            "dask, memmap, 1 thread": lambda: compressed(lazy, 1),
            "structlin, dask of memmap": lambda: svd_of_sketch(lazy),
            "structlin, zarr": lambda: svd_of_sketch(raw),
            "dask, zarr, 2 threads": lambda: compressed(da.from_zarr(raw), 2),
            "structlin, zarr by zstd": lambda: svd_of_sketch(packed),
            "dask, zarr by zstd, 2 threads": lambda: compressed(da.from_zarr(packed), 2),
        }
        bars = [
            ("structlin, memmap", "dask, memmap, 2 threads", 5.0),
            ("structlin, zarr", "dask, zarr, 2 threads", 2.0),
        ]
    buffer = bytearray(2**23)

    def read() -> None:
        with open(path, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass

    limits = {"read": harness.Limit(read, 1.0, binds=["structlin, memmap"])}
    record.race(
        f"{SMALL}x{COLUMNS}, {nbytes / 1e6:.0f} MB",
        runs,
        limits=limits,
        bars=bars,
        rounds=15,
        seconds=60.0,
    )
    gram = sum(
        np.asarray(mapped[k : k + 10_000]).T @ mapped[k : k + 10_000]
        for k in range(0, SMALL, 10_000)
    )
    best = np.sqrt(np.sum(np.linalg.eigvalsh(gram)[:-RANK]))
    for name in ("structlin, memmap", "dask, memmap, 2 threads"):
        if name not in runs:
            continue
        V = runs[name]()[1]
        error = np.sqrt(np.trace(gram) - np.trace(V @ gram @ V.T))
        record.figure(f"excess of ‖A − A V Vᵀ‖_F: {name}", 100 * (error / best - 1), "%")


LIMITED = """
import json, resource, sys, time
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
import numpy as np
from structlin.sketching import RowBlocks, SparseStack

def memory(what):
    with open("/proc/self/status") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith(what))

def asked():
    with open("/proc/self/io") as file:
        return int(file.readline().split()[1])

A = RowBlocks(sys.argv[1])
S = SparseStack(160, A.shape[0], rng=0)
S.apply(RowBlocks(np.ones((1000, A.shape[1]))))  # compiles
np.linalg.svd(np.ones((160, A.shape[1])), full_matrices=False)
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak starts anew
before, read, begin = memory("VmRSS"), asked(), time.perf_counter()
Y = S.apply(A)
s = np.linalg.svd(Y, compute_uv=False)
seconds = time.perf_counter() - begin
print(json.dumps({
    "peak": memory("VmHWM"), "grown": memory("VmHWM") - before,
    "read": asked() - read, "told": A.bytes_read,
    "seconds": seconds, "sketch": Y.nbytes, "block": A.chunk * A.shape[1] * 8,
}))
"""


def limited(record: harness.Record, path: Path) -> None:
    """Sketch 4 GB in a process whose memory is limited to 1 GB."""
    if sys.platform != "linux":
        record.missing("memory limit", "is that of Linux")
        return
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), str(GIGABYTE)],
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)
    data = 8 * LARGE * COLUMNS
    case = f"{LARGE}x{COLUMNS}, {data / 1e9:.0f} GB, limit 1 GB"
    record.figure(f"bytes read per byte: {case}", found["read"] / data, at_most=1.001)
    record.figure(f"bytes counted per byte: {case}", found["told"] / data, at_most=1.0)
    record.figure(f"peak memory: {case}", found["peak"] / 1e6, "MB", at_most=1000.0)
    allowed = found["sketch"] + 2 * found["block"] + 4e6
    record.figure(f"sketch, two blocks, 4 MB: {case}", allowed / 1e6, "MB")
    record.figure(f"memory of the pass: {case}", found["grown"] / 1e6, "MB", at_most=allowed / 1e6)
    record.figure(f"time: {case}", found["seconds"], "s")


if __name__ == "__main__":
    sys.exit(main())
