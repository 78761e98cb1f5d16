"""Gaussian processes on grids: Kronecker products of covariance matrices."""
