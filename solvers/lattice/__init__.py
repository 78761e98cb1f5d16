"""Gaussian processes on lattices and digital nets: transforms instead of factorisations."""
