"""All benchmarks of learned parameters, one after the other: each writes its own record."""

import sys

import harness

# isort: split
import bench_learning_decisions
import bench_learning_heat
import bench_learning_solvers
import bench_learning_study
import bench_multigrid

BENCHMARKS = (
    bench_learning_study,
    bench_learning_heat,
    bench_learning_decisions,
    bench_learning_solvers,
    bench_multigrid,
)

if __name__ == "__main__":
    print(f"results go to {harness.RESULTS}")
    sys.exit(max(benchmark.main() for benchmark in BENCHMARKS))
