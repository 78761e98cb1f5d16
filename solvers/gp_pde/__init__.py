"""Partial differential equations solved by conditioning Gaussian processes."""
