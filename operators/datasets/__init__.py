"""Benchmark data sets of operator learning, made by the package's own solvers."""
