"""Elliptic equations on boxes: fast direct solvers, and iterations that they precondition."""
