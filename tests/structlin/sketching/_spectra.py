"""Matrices whose singular values are known, for the tests of low-rank drivers."""

from __future__ import annotations

import numpy as np

DTYPES = ("float64", "float32", "complex128", "complex64")


def normal(rng: np.random.Generator, shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    values = rng.standard_normal(shape)
    if dtype.startswith("complex"):
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def orthonormal(rng: np.random.Generator, m: int, n: int, dtype: str = "float64") -> np.ndarray:
    wide = "complex128" if dtype.startswith("complex") else "float64"
    return np.linalg.qr(normal(rng, (m, n), wide))[0].astype(dtype)


def matrix(
    rng: np.random.Generator, m: int, n: int, s: np.ndarray, dtype: str = "float64"
) -> np.ndarray:
    """Return a matrix with these singular values."""
    left = orthonormal(rng, m, len(s), dtype)
    right = orthonormal(rng, n, len(s), dtype)
    return (left * s.astype(left.real.dtype)) @ right.conj().T


def defect(Q: np.ndarray) -> float:
    """Return how far columns are from orthonormal."""
    return float(np.max(np.abs(Q.conj().T @ Q - np.eye(Q.shape[1])), initial=0.0))


def roundoff(dtype: str) -> float:
    return 1e-13 if dtype in ("float64", "complex128") else 1e-5
