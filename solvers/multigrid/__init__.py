"""Geometric multigrid on grids."""
