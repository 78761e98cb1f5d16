"""Regression: smoothing along an axis, the variational posterior, least squares."""
