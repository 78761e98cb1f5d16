"""All benchmarks of structured matrices, one after the other: each writes its own record."""

import sys

import harness

# isort: split
import bench_kronecker
import bench_monarch
import bench_toeplitz

BENCHMARKS = (bench_toeplitz, bench_monarch, bench_kronecker)

if __name__ == "__main__":
    print(f"results go to {harness.RESULTS}")
    sys.exit(max(benchmark.main() for benchmark in BENCHMARKS))
