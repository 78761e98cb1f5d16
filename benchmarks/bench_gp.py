"""All benchmarks of Gaussian processes, one after the other: each writes its own record."""

import sys

import harness

# isort: split
import bench_gp_incomplete
import bench_gp_kronecker
import bench_gp_lattice
import bench_gp_pde

BENCHMARKS = (bench_gp_kronecker, bench_gp_incomplete, bench_gp_lattice, bench_gp_pde)

if __name__ == "__main__":
    print(f"results go to {harness.RESULTS}")
    sys.exit(max(benchmark.main() for benchmark in BENCHMARKS))
