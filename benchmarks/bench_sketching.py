"""All benchmarks of randomized linear algebra, one after the other: each writes its own record."""

import sys

import harness

# isort: split
import bench_sketching_completion
import bench_sketching_lstsq
import bench_sketching_operators
import bench_sketching_streaming
import bench_sketching_svd
import bench_sketching_trace

BENCHMARKS = (
    bench_sketching_operators,
    bench_sketching_lstsq,
    bench_sketching_svd,
    bench_sketching_trace,
    bench_sketching_streaming,
    bench_sketching_completion,
)

if __name__ == "__main__":
    print(f"results go to {harness.RESULTS}")
    sys.exit(max(benchmark.main() for benchmark in BENCHMARKS))
