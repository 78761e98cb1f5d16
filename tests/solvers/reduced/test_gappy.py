"""DEIM, Q-DEIM and gappy POD: exact on the span, the bound of the error, the published points."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.solvers import GappyPOD, deim, pod
from tests.solvers.reduced.fields import decaying, pulses


@given(
    st.integers(1, 6),
    st.integers(0, 5),
    st.sampled_from(["deim", "qdeim"]),
    st.sampled_from(["float64", "complex128"]),
    st.integers(0, 10**6),
)
def test_fields_of_the_basis_are_recovered(rank, more, method, dtype, seed):
    rng = np.random.default_rng(seed)
    S = decaying(rng, 8, 20, rate=0.8, dtype=dtype)[0]
    few = deim(pod(S, rank), points=rank + more, method=method)
    assert len(set(few.indices.tolist())) == rank + more
    F = few.basis.project(S)
    np.testing.assert_allclose(few.reconstruct(F[:, few.indices]), F, atol=1e-11)
    assert np.max(few.misfit(F[:, few.indices])) < 1e-11
    # ‖f − f̃‖ ≤ ‖(Pᵀ U)⁺‖ ‖f − U Uᴴ f‖, where f − P f is orthogonal to the span
    wrong = np.linalg.norm(few.reconstruct(S[:, few.indices]) - S, axis=1)
    missed = np.linalg.norm(S - F, axis=1)
    assert np.all(wrong <= np.hypot(1, few.amplification) * missed + 1e-12)


def interpolated(U, places):
    """Return the indices of the plain algorithm, in terms of NumPy's solver."""
    chosen = [int(np.argmax(np.abs(U[0])))]
    for k in range(1, len(U)):
        c = np.linalg.solve(U[:k, chosen].T, U[k, chosen])
        chosen.append(int(np.argmax(np.abs(U[k] - c @ U[:k]))))
    return chosen


def test_points_of_the_published_algorithm(library):
    S = pulses(np.linspace(0, 1, 40))
    basis = pod(S, 7)
    moved = pod(library.asarray(S), 7)
    expected = interpolated(library.to_numpy(moved.rows), 7)
    found = library.to_numpy(deim(moved, method="deim").indices)
    assert found.tolist() == expected
    # pivoted factorisation, the same on a device
    assert set(library.to_numpy(deim(moved).indices)) == set(deim(basis).indices.tolist())


def test_more_points_lessen_the_amplification(library):
    basis = pod(library.asarray(pulses(np.linspace(0, 1, 40))), 8)
    sizes = [deim(basis, points=m).amplification for m in (8, 12, 24)]
    assert sizes[0] >= sizes[1] >= sizes[2] >= 1


def test_least_squares_with_a_mean(library, rng):
    S = 2 + pulses(np.linspace(0, 1, 30)).reshape(30, 8, 10)
    few = deim(pod(library.asarray(S), 6, center=True), points=11)
    flat = S.reshape(30, 80)
    values = flat[:, library.to_numpy(few.indices)]
    V = library.to_numpy(few.basis.rows)
    mean = np.mean(flat, axis=0)
    at = library.to_numpy(few.indices)
    c = np.linalg.lstsq(V[:, at].T, (values - mean[at]).T, rcond=None)[0]
    found = library.to_numpy(few.reconstruct(library.asarray(values))).reshape(30, 80)
    np.testing.assert_allclose(found, c.T @ V + mean, rtol=1e-9)
    misfit = np.linalg.norm(V[:, at].T @ c - (values - mean[at]).T, axis=0)
    expected = misfit / np.linalg.norm(values, axis=1)
    np.testing.assert_allclose(
        library.to_numpy(few.misfit(library.asarray(values))), expected, rtol=1e-9
    )
    # what Galerkin's method makes of it
    test = pod(library.asarray(S), 4)
    T, t = (library.to_numpy(part) for part in few.projector(test))
    np.testing.assert_allclose(
        values @ T.T + t, found @ library.to_numpy(test.rows).T, rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([0, 1], "2 points are too few for 3 modes"),
        ([0, 1, 1], "twice"),
        ([0, 1, 80], "between 0 and 79"),
        ([0, 1, 2], "do not determine"),
    ],
)
def test_bad_points(indices, message):
    S = np.zeros((3, 80))
    S[[0, 1, 2], [0, 1, 40]] = 1.0
    with pytest.raises(ValueError, match=message):
        GappyPOD(pod(S, 3), np.asarray(indices))


def test_bad_choices():
    basis = pod(pulses(np.linspace(0, 1, 5)), 3)
    with pytest.raises(ValueError, match="pass 3 to 80"):
        deim(basis, points=2)
    with pytest.raises(ValueError, match="one of qdeim, deim"):
        deim(basis, method="qr")
    with pytest.raises(TypeError, match="vector of int"):
        GappyPOD(basis, np.arange(3.0))
    with pytest.raises(ValueError, match="its last axes must be"):
        deim(basis).reconstruct(np.ones(4))


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_misfits_at_any_scale(library, rng, scale):
    few = deim(pod(library.asarray(rng.standard_normal((6, 30))), 4), points=8)
    values = rng.standard_normal((3, 8))
    np.testing.assert_allclose(
        library.to_numpy(few.misfit(library.asarray(values * scale))),
        library.to_numpy(few.misfit(library.asarray(values))),
        rtol=1e-10,
    )


def test_values_are_finite(rng):
    few = deim(pod(rng.standard_normal((6, 30)), 4), points=8)
    values = rng.standard_normal((3, 8))
    values[2, 1] = np.inf
    with pytest.raises(ValueError, match="sample 2 of values has a NaN or Inf"):
        few.reconstruct(values)


def test_what_is_no_basis_is_refused():
    for choose in (deim, lambda basis: GappyPOD(basis, np.arange(3))):
        with pytest.raises(TypeError, match=r"basis is a ndarray: pass pod\(snapshots\)"):
            choose(np.eye(4))
