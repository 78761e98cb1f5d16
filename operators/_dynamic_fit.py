"""What dynamic modes learn from pairs of states: a small matrix, its spectrum, and residuals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import namespace, on_host, to_host
from structlin.operators._dynamic_features import FeatureMap, rows_of

_eps = float(np.finfo(np.float64).eps)


class Learned:
    """The spectrum of a model, and what it was learned by."""

    features: Any
    length_scale: float
    holdout: float | None
    eigenvalues: NDArray[Any]
    residuals: NDArray[Any]
    singular_values: NDArray[Any]
    pairs: int
    checked: int
    _most: int | None
    _tol: float | None
    _total: bool
    _shape: tuple[int, ...]
    _real: bool
    # from features to the functions z, and what these tell of outputs
    _map: FeatureMap
    _directions: Any
    _outputs: Any
    # on the host: eigenvectors, and factors of z at the pairs that residuals are of
    _vectors: NDArray[Any]
    _now: NDArray[Any]
    _later: NDArray[Any]

    def _learn(self, inputs: Any, outputs: Any, kept: list[int]) -> tuple[Any, Any]:
        """Fit the model to some of the pairs, and return the functions ``z`` at these."""
        xp = namespace(inputs)
        n = len(kept)
        X, Y = taken(inputs, kept), taken(outputs, kept)
        self._map = FeatureMap(self.features, self.length_scale, X)
        now, later, targets = self._map(X), self._map(Y), rows_of(Y)
        if now.shape[1] != later.shape[1]:
            raise ValueError(
                f"the dictionary returned {now.shape[1]} features of inputs but {later.shape[1]} "
                "of outputs: it must return as many of any states"
            )
        if self._total:
            # what both have in common: the leading left singular vectors
            common = decomposed(xp.concat([now, later], axis=1))[0]
            common = adjoint(common[:, : self._most])
            now, later, targets = (product(common, block) for block in (now, later, targets))
        left, values, right = self._decomposed(now)
        self.singular_values = on_host(values)
        if not self.singular_values[0] > 0:
            raise ValueError("the features of all inputs are zero: there is nothing to learn from")
        # the singular values of a kernel matrix are squares
        rounding = math.sqrt(_eps) if self._map.centres is not None else _eps * max(now.shape)
        least = self.singular_values[0] * (rounding if self._tol is None else self._tol)
        r = int(np.sum(self.singular_values > least))
        r = min(r, self._most or r)
        left, self._directions = left[:, :r], right[:, :r] / values[:r]
        self._outputs = product(adjoint(left), targets)
        self._real = not xp.isdtype(targets.dtype, "complex floating")
        self.pairs = n
        evolved = product(later, self._directions)
        K = to_host(product(adjoint(left), evolved))
        found, vectors = np.linalg.eig(K)
        # moduli that differ by rounding are taken for equal
        moduli = np.abs(found) / (np.max(np.abs(found)) or 1.0)
        order = np.lexsort((np.angle(found), -np.round(moduli, 12)))
        self.eigenvalues = found[order].astype(complex)
        # eigenfunctions have mean square 1 at the inputs
        self._vectors = vectors[:, order].astype(complex) * math.sqrt(n)
        if self._total:  # those were no pairs, but their combinations
            return self._functions(X), self._functions(Y)
        return left, evolved

    def _decomposed(self, now: Any) -> tuple[Any, Any, Any]:
        """Return the singular value decomposition of features, with right vectors as columns."""
        xp = namespace(now)
        if self._map.centres is not None and not self._total:  # symmetric, with centres as inputs
            values, vectors = xp.linalg.eigh((now + now.T) / 2)
            values, vectors = xp.flip(values), xp.flip(vectors, axis=1)
            return vectors, values, vectors
        return decomposed(now)

    def _check(self, now: Any, later: Any) -> None:
        """Compute residuals by the functions ``z`` at pairs, of which a small factor is kept."""
        xp = namespace(now, later)
        self.checked = now.shape[0]
        both = xp.concat([now, later], axis=1)
        if both.shape[0] > both.shape[1]:
            both = xp.linalg.qr(both).R
        both = to_host(both)
        self._now, self._later = both[:, : self.rank], both[:, self.rank :]
        sizes = np.linalg.norm(self._now @ self._vectors, axis=0)
        errors = self._later @ self._vectors - self._now @ self._vectors * self.eigenvalues
        unseen = sizes == 0
        lengths = np.linalg.norm(errors, axis=0) / np.where(unseen, 1.0, sizes)
        self.residuals = np.where(unseen, np.inf, lengths)

    @property
    def rank(self) -> int:
        """How many directions of features were kept."""
        if not hasattr(self, "_directions"):
            raise ValueError("the model has not been fitted: call fit first")
        return int(self._directions.shape[1])

    def _functions(self, states: Any) -> Any:
        """Return the values of the functions ``z``, (n, r)."""
        return product(self._map(states), self._directions)


def split(n: int, part: float) -> tuple[list[int], list[int]]:
    """Return the pairs to fit to, and those held out, evenly spread."""
    held = [i for i in range(n) if math.floor((i + 1) * part) > math.floor(i * part)]
    return sorted(set(range(n)) - set(held)), held


def taken(states: Any, kept: list[int]) -> Any:
    """Return some of the states."""
    xp = namespace(states)
    if len(kept) == states.shape[0]:
        return states
    return xp.take(states, xp.asarray(kept, device=states.device), axis=0)


def adjoint(A: Any) -> Any:
    """Return the conjugate transpose of a matrix."""
    xp = namespace(A)
    return xp.conj(A.T) if xp.isdtype(A.dtype, "complex floating") else A.T


def decomposed(A: Any) -> tuple[Any, Any, Any]:
    """Return the singular value decomposition of a matrix, with right vectors as columns."""
    xp = namespace(A)
    # LAPACK takes twice the time for wide matrices in C order
    if A.shape[1] > A.shape[0]:
        right, values, left = xp.linalg.svd(adjoint(A), full_matrices=False)
        return adjoint(left), values, right
    left, values, right = xp.linalg.svd(A, full_matrices=False)
    return left, values, adjoint(right)


def product(A: Any, B: Any) -> Any:
    """Return the product of matrices that may differ in type."""
    xp = namespace(A, B)
    wide = xp.result_type(A.dtype, B.dtype)
    return xp.matmul(xp.astype(A, wide, copy=False), xp.astype(B, wide, copy=False))


def placed(small: NDArray[Any], like: Any) -> Any:
    """Return a matrix of the host where another array lives."""
    return namespace(like).asarray(small, device=like.device)
