"""Bases of fields that snapshots have given: coefficients, projections, errors, files."""

from __future__ import annotations

import functools
import math
import os
import zipfile
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from structlin._backend import device, is_numpy, namespace
from structlin._norm import norm, power_of_two
from structlin._validation import inexact, require_array, require_count, require_tolerance
from structlin.solvers.reduced._fields import batch_as_rows
from structlin.solvers.reduced._inner import InnerProduct, extended, row_units, without

_format = "structlin.solvers.POD 1"


def require_basis(basis: Any) -> None:
    """Raise ``TypeError`` unless that is what it is."""
    if not isinstance(basis, POD):
        raise TypeError(
            f"basis is a {type(basis).__name__}: pass pod(snapshots), not the snapshots or modes"
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class POD:
    """An orthonormal basis of fields, made by `pod`.

    Attributes
    ----------
    modes : (rank, *shape) array
        Orthonormal in the inner product of ``mass``, the most important first.
    singular_values : (k,) array
        Of the snapshots, in descending order; ``k ≥ rank`` of them were found.
    mean : (*shape) array or None
        What was taken off the snapshots, and is added to combinations of modes.
    mass : None, array, matrix or operator
        The inner product, as given to `pod`.
    samples : int
        How many snapshots there were.
    norm : float
        ``‖S‖`` over all snapshots together.
    error : float
        ``‖S − P S‖ / ‖S‖`` over all snapshots together, centred ones where there is a mean.
    method : str
        What was done.
    """

    modes: Any
    singular_values: Any
    mean: Any
    mass: Any
    samples: int
    norm: float
    error: float
    method: str

    @property
    def rank(self) -> int:
        """How many modes there are."""
        return int(self.modes.shape[0])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a field."""
        return tuple(int(n) for n in self.modes.shape[1:])

    @functools.cached_property
    def inner(self) -> InnerProduct:
        """The inner product of rows."""
        return InnerProduct(self.mass, self.shape, self.modes)

    @functools.cached_property
    def rows(self) -> Any:
        """The modes as (rank, n) array, fields in C order."""
        n = int(np.prod(self.shape, dtype=np.int64))
        return namespace(self.modes).reshape(self.modes, (self.rank, n))

    @functools.cached_property
    def offset(self) -> Any:
        """The mean as (n,) array, or None."""
        return None if self.mean is None else namespace(self.modes).reshape(self.mean, (-1,))

    def to_modes(self, F: Any) -> Any:
        """Return the coefficients ``(…, rank)`` of the projections of fields ``(…, *shape)``."""
        rows, batch = batch_as_rows(F, self.shape, "F", self.modes)
        if self.offset is not None:
            rows = rows - self.offset
        xp = namespace(rows)
        return xp.reshape(self.inner.between(rows, self.rows), (*batch, self.rank))

    def from_modes(self, coefficients: Any) -> Any:
        """Return the fields ``(…, *shape)`` of coefficients ``(…, rank)``."""
        require_array("coefficients", coefficients)
        xp = namespace(coefficients, self.modes)
        device(coefficients, self.modes)
        if coefficients.ndim < 1 or coefficients.shape[-1] != self.rank:
            raise ValueError(
                f"coefficients has shape {tuple(coefficients.shape)}: the last axis must have "
                f"{self.rank} entries, one for every mode"
            )
        C = inexact(coefficients, xp)
        flat = xp.reshape(C, (-1, self.rank)) if self.rank else xp.reshape(C, (*C.shape[:-1], 0))
        rows = xp.matmul(flat, self.rows)
        if self.offset is not None:
            rows = rows + self.offset
        return xp.reshape(rows, (*C.shape[:-1], *self.shape))

    def project(self, F: Any) -> Any:
        """Return the best approximations of fields ``(…, *shape)`` by the modes."""
        return self.from_modes(self.to_modes(F))

    def projection_errors(self, F: Any) -> Any:
        """Return ``‖f − P f‖ / ‖f‖`` for every field ``f`` of a batch ``(…, *shape)``.

        A field of zeros has error 0 if its projection is zero, and infinity otherwise.
        """
        rows, batch = batch_as_rows(F, self.shape, "F", self.modes)
        xp, centred = namespace(rows), rows
        if self.offset is not None:
            centred = rows - self.offset
        unit = row_units(centred)
        wrong = self.inner.norms(without(centred / unit, self.rows, self.inner))
        size = self.inner.norms(rows / unit)
        tiny = size == 0
        ratio = wrong / xp.where(tiny, xp.ones_like(size), size)
        infinite = xp.full_like(ratio, xp.inf)
        return xp.reshape(xp.where(tiny & (wrong > 0), infinite, ratio), batch)

    def truncated(self, rank: int) -> POD:
        """Return the basis of the first modes.

        Its ``error`` is that of the snapshots; for a basis that was extended, at least that.

        Raises
        ------
        ValueError
            If there are not that many.
        """
        rank = require_count("rank", rank, least=0)
        if rank > self.rank:
            raise ValueError(f"rank is {rank} but there are {self.rank} modes")
        dropped = self.singular_values[rank : self.rank]
        more = norm(dropped) / self.norm if dropped.shape[0] and self.norm else 0.0
        error = math.hypot(self.error, more)
        return replace(self, modes=self.modes[:rank, ...], error=error)

    def extended(self, F: Any, *, tol: float = 1e-10) -> POD:
        """Return the basis with the parts of more fields that it does not have, orthonormalised.

        Parameters
        ----------
        F : (*shape) or (k, *shape) array
            Fields.
        tol : float
            Parts that are smaller than this, relative to the norm of all the fields together, are
            not added.

        Returns
        -------
        POD
            The old modes, and the new ones behind them. Singular values and error stay those of
            the snapshots.

        Raises
        ------
        ValueError
            If the tolerance is not between 0 and 1, the shape does not fit, or a field has a NaN
            or Inf.
        """
        rows, _ = batch_as_rows(F, self.shape, "F", self.modes)
        if self.offset is not None:
            rows = rows - self.offset
        rows = rows / power_of_two(rows)
        xp = namespace(rows)
        floor = max(
            require_tolerance("tol", tol), 10 * float(xp.finfo(rows.dtype).eps)
        ) * self.inner.norm(rows)
        kind = xp.result_type(rows.dtype, self.modes.dtype)
        basis = xp.astype(self.rows, kind, copy=False)
        V = extended(basis, rows, self.inner, floor=floor)
        modes = xp.reshape(V, (V.shape[0], *self.shape))
        return replace(self, modes=modes, samples=self.samples + rows.shape[0])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the basis to a file, an ``.npz`` archive of NumPy arrays.

        Raises
        ------
        TypeError
            If the arrays are not NumPy's, or the mass is neither None nor an array.
        """
        if not is_numpy(namespace(self.modes)):
            raise TypeError("files hold NumPy arrays: move the modes to the host first")
        if self.mass is not None and not isinstance(self.mass, np.ndarray):
            raise TypeError(f"mass is a {type(self.mass).__name__}: files hold arrays only")
        parts = {"modes": self.modes, "singular_values": self.singular_values}
        parts |= {
            name: value
            for name, value in (("mean", self.mean), ("mass", self.mass))
            if value is not None
        }
        numbers = str(self.samples), repr(self.norm), repr(self.error)
        about = np.asarray([_format, *numbers, self.method])
        with open(path, "wb") as file:
            np.savez(file, about=about, **parts)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return the basis that `save` has written to a file.

        Raises
        ------
        ValueError
            If the file was not written by `save`, or is damaged.
        """
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
                known, samples, norm, error, method = (str(part) for part in archive["about"])
                parts = {name: archive[name] for name in archive if name != "about"}
                if known == _format:
                    return cls(
                        modes=parts["modes"],
                        singular_values=parts["singular_values"],
                        mean=parts.get("mean"),
                        mass=parts.get("mass"),
                        samples=int(samples),
                        norm=float(norm),
                        error=float(error),
                        method=method,
                    )
        except (ValueError, TypeError, LookupError, EOFError, zipfile.BadZipFile) as error_found:
            reason = f"{type(error_found).__name__}: {error_found}"
            raise ValueError(f"{os.fspath(path)} is no file of POD.save ({reason})") from None
        raise ValueError(f"{os.fspath(path)} is no file of POD.save, but {known!r}")

    def __repr__(self) -> str:
        size = "x".join(map(str, self.shape))
        return (
            f"<POD of {self.samples} fields {size}, {self.rank} modes: {self.method}, "
            f"error {self.error:.2g}>"
        )
