"""Solvers: iterative and direct, and the layer that learns their parameters; may import structlin."""

if __name__ != "structlin.solvers":
    raise ImportError("import structlin.solvers, not solvers")
