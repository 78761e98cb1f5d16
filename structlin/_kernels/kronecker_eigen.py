"""Passes over a tensor on its way to the eigenvectors of a Kronecker product, and among them."""

from __future__ import annotations

from typing import Any

from structlin._backend import namespace


def mirror_sums(X: Any, folded: tuple[bool, bool, bool], in_place: bool = False) -> Any:
    """Return the sums and differences of entries that mirror each other, along chosen axes.

    Parameters
    ----------
    X : (a, b, c) array
    folded : tuple of 3 bool
        Along which axes.
    in_place : bool
        Whether ``X`` may be written over.

    Returns
    -------
    (a, b, c) array
        Along a folded axis of length ``n``, the entries ``x[i] + x[n−1−i]`` and, from the end,
        ``x[i] − x[n−1−i]``, for ``i < n/2``; the one in the middle stays. Twice the same gives
        ``2 x``, but for the middle.
    """
    xp = namespace(X)
    for axis, chosen in enumerate(folded):
        n = X.shape[axis]
        half = n // 2
        if not chosen or half == 0:
            continue
        moved = xp.moveaxis(X, axis, 0)
        near, far = moved[:half, ...], xp.flip(moved[n - half :, ...], axis=0)
        middle = moved[half : n - half, ...]
        X = xp.moveaxis(xp.concat([near + far, middle, xp.flip(near - far, axis=0)]), 0, axis)
    return xp.asarray(X, copy=True)


def divided(T: Any, leading: Any, last: Any, noise: float) -> tuple[Any, float, float]:
    """Divide by the eigenvalues ``D = leading ⊗ last + noise``.

    Parameters
    ----------
    T : (m, n) array
        It may be written over.
    leading : (m,) array
        Not negative and at most 1, in double precision, as the next one.
    last : (n,) array
    noise : float
        Not negative.

    Returns
    -------
    (m, n) array
        ``T / D`` in the precision of ``T``.
    float
        ``Σ T² / D``.
    float
        ``Σ log D``.
    """
    xp = namespace(T)
    D = leading[:, None] * last + noise
    exact = xp.astype(T, xp.float64, copy=False)
    quotient = exact / D
    squares, logarithms = xp.sum(exact * quotient), xp.sum(xp.log(D))
    return xp.astype(quotient, T.dtype, copy=False), float(squares), float(logarithms)
