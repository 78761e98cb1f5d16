"""Tensor trains: sweeps over their blocks, entries, and cross approximation."""
