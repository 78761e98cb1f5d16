"""Covariance functions: derivatives, spectral densities, state-space forms."""
