"""All benchmarks of functions and tensors, one after the other: each writes its own record."""

import sys

import harness

# isort: split
import bench_tensors_construction
import bench_tensors_evaluation
import bench_tensors_kernel_sums
import bench_tensors_regression
import bench_tensors_trains
import bench_tensors_tucker

BENCHMARKS = (
    bench_tensors_construction,
    bench_tensors_evaluation,
    bench_tensors_tucker,
    bench_tensors_kernel_sums,
    bench_tensors_regression,
    bench_tensors_trains,
)

if __name__ == "__main__":
    print(f"results go to {harness.RESULTS}")
    sys.exit(max(benchmark.main() for benchmark in BENCHMARKS))
