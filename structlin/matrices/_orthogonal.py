"""The rules that real orthogonal matrices share: nearly all of it is known in advance."""

from __future__ import annotations

from typing import Any

from structlin.matrices._base import LinearOperator
from structlin.matrices.functions import cond, inv, lstsq, norm, pinv, rank, solve, svd, svdvals
from structlin.matrices.identity import Identity
from structlin.matrices.rules import rule

_known: dict[str, Any] = {"how": "orthogonal: known in advance", "cost": "1", "memory": "1"}
_halves = {2: 0, "fro": 1, "nuc": 2}  # the powers of √n


def rules_of_orthogonal(structure: type[LinearOperator], how: str, cost: str, memory: str) -> None:
    """Register what follows from ``A⁻¹ = Aᵀ``; the words tell how ``Aᵀ b`` is worked out."""
    for system in (solve, lstsq):
        rule(system, structure, how=how, cost=cost, memory=memory)(lambda A, B: A._rmatmat(B))
    for inverse in (inv, pinv):
        rule(inverse, structure, **_known)(lambda A: A.T)
    rule(rank, structure, **_known)(lambda A: A.shape[0])
    rule(svdvals, structure, how="ones", cost="n", memory="n")(_ones)
    rule(svd, structure, how="A times ones times I", cost="n", memory="n")(_svd)
    rule(norm, structure, may_decline=True, **_known)(_norm)
    rule(cond, structure, may_decline=True, **_known)(_cond)


def _ones(A: LinearOperator) -> Any:
    A._require_formable(A.shape[0])
    return A.xp.ones(A.shape[0], dtype=A.real_dtype, device=A.device)


def _svd(A: LinearOperator) -> Any:
    return A, _ones(A), Identity(A.shape[0], dtype=A.dtype, like=A)


def _norm(A: LinearOperator, ord: Any) -> Any:
    if ord not in _halves:
        return NotImplemented
    return A._scalar(A.shape[0] ** (_halves[ord] / 2), A.real_dtype)


def _cond(A: LinearOperator, ord: Any) -> Any:
    if ord not in _halves:
        return NotImplemented
    return A._scalar(float(A.shape[0] ** _halves[ord]), A.real_dtype)
