"""Iteration counts against tables from an independent implementation.

The tables were made with the MATLAB code that accompanies Khodak, Chow, Balcan and Talwalkar,
"Learning to relax" (ICLR 2024), run unchanged under Octave, and the lines marked so with a separate
loop-by-loop implementation. Matrices are 5-point Laplacians on m × m points plus c on the diagonal;
right-hand side 1 is all ones, right-hand side 2 is cos(1), cos(2), …; relative residual 1e-8,
start zero. The last column is Young's optimal parameter.
"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from structlin.matrices import GridOperator
from structlin.solvers import cg, jacobi_radius, omega_young, sor, ssor_cg

OMEGAS = (1.0, 1.2, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 1.95)

LEXICOGRAPHIC = {
    (10, 1, -0.15): (2927, 1950, 1252, 971, 724, 503, 293, 189, 392, 147, 1.853594),
    (10, 1, 0.0): (223, 145, 88, 62, 43, 58, 89, 187, 383, 41, 1.560388),
    (10, 1, 0.45): (64, 39, 25, 30, 42, 55, 89, 185, 379, 23, 1.327919),
    (10, 2, -0.15): (1361, 916, 597, 468, 355, 252, 153, 178, 359, 118, 1.853594),
    (10, 2, 0.0): (111, 71, 42, 35, 41, 55, 86, 175, 361, 37, 1.560388),
    (31, 1, 0.0): (1891, 1258, 804, 621, 459, 313, 167, 193, 392, 121, 1.821465),
    (31, 1, 0.05): (531, 351, 222, 168, 119, 69, 98, 196, 391, 69, 1.688978),
    (31, 1, 0.45): (86, 57, 36, 44, 61, 73, 92, 199, 381, 37, 1.382197),
    (31, 2, 0.0): (1148, 765, 490, 380, 283, 196, 112, 188, 373, 111, 1.821465),
}
# upper sweep first
SSOR_CG = {
    (10, 1, 0.0): (13, 12, 13, 13, 13, 14, 15, 16, 17, 13),
    (10, 2, 0.0): (14, 13, 11, 12, 13, 15, 16, 18, 18, 13),
    (31, 1, 0.0): (33, 28, 24, 22, 22, 21, 23, 27, 31, 23),
    (31, 2, 0.0): (34, 29, 24, 22, 21, 21, 21, 27, 30, 22),
    (31, 1, 0.05): (26, 22, 19, 18, 16, 16, 19, 24, 28, 16),
    (10, 1, -0.15): (16, 14, 15, 16, 16, 17, 18, 20, 21, 19),
}
# the separate implementation; ω = 1, 1.5, 1.8, 1.9, 1.95, ω*; right-hand side 1, c = 0
LONG = {
    (64, "lexicographic"): (7801, 2591, 834, 313, 396, 248),
    (64, "red-black"): (7948, 2753, 929, 348, 417, 261),
    (31, "red-black"): (1926, 658, 180, 189, 381, 125),
    (10, "red-black"): (226, 64, 89, 179, 370, 41),
}


def laplacian(m: int, c: float, kind: str = "grid"):
    grid = GridOperator.laplacian((m, m), shift=c)
    if kind == "grid":
        return grid
    line = scipy.sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(m, m))
    eye = scipy.sparse.eye_array(m)
    matrix = scipy.sparse.kron(line, eye) + scipy.sparse.kron(eye, line)
    return (matrix + c * scipy.sparse.eye_array(m * m)).tocsr()


def right_hand_side(m: int, number: int) -> np.ndarray:
    n = m * m
    return np.ones(n) if number == 1 else np.cos(np.arange(1, n + 1.0))


def omegas(m: int, c: float) -> tuple[float, ...]:
    return (*OMEGAS, omega_young(jacobi_radius(laplacian(m, c))))


@pytest.mark.parametrize("kind", ["grid", "csr"])
@pytest.mark.parametrize("case", LEXICOGRAPHIC, ids=str)
def test_lexicographic_counts(case, kind):
    m, number, c = case
    *expected, optimal = LEXICOGRAPHIC[case]
    assert round(omegas(m, c)[-1], 6) == optimal
    A, b = laplacian(m, c, kind), right_hand_side(m, number)
    found = [sor(A, b, omega=w, ordering="lexicographic").iterations for w in omegas(m, c)]
    assert found == expected


@pytest.mark.parametrize("case", LONG, ids=str)
def test_long_counts(case):
    m, ordering = case
    A, b = laplacian(m, 0.0), np.ones(m * m)
    values = (1.0, 1.5, 1.8, 1.9, 1.95, omegas(m, 0.0)[-1])
    found = [sor(A, b, omega=w, ordering=ordering).iterations for w in values]
    assert found == list(LONG[case])


def test_orderings_differ_where_the_table_says_so():
    A, b = laplacian(31, 0.45), np.ones(31 * 31)
    w = omegas(31, 0.45)[-1]
    counts = [sor(A, b, omega=w, ordering=o).iterations for o in ("lexicographic", "red-black")]
    assert counts == [37, 24]


@pytest.mark.parametrize("kind", ["grid", "csr"])
@pytest.mark.parametrize("case", SSOR_CG, ids=str)
def test_ssor_cg_counts(case, kind):
    m, number, c = case
    A, b = laplacian(m, c, kind), right_hand_side(m, number)
    found = [
        ssor_cg(A, b, omega=w, sweep_order="backward-forward").iterations for w in omegas(m, c)
    ]
    assert np.abs(np.subtract(found, SSOR_CG[case])).max() <= 1


def test_edges_of_the_parameter():
    A, b = laplacian(10, 0.0), np.ones(100)
    assert sor(A, b, omega=1.99, ordering="lexicographic").iterations == 1936


def test_conjugate_gradients_agree_with_scipy():
    A, b = laplacian(20, 0.0), right_hand_side(20, 2)
    counted = []
    scipy.sparse.linalg.cg(laplacian(20, 0.0, "csr"), b, rtol=1e-8, callback=counted.append)
    assert abs(cg(A, b).iterations - len(counted)) <= 1
