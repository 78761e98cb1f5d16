"""Fourier, cosine and sine transforms: against SciPy and NumPy, and known determinants."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import scipy.fft
import scipy.linalg

from structlin.bases import dct, dst
from structlin.matrices import (
    DCT,
    DFT,
    DST,
    Diagonal,
    Identity,
    Kronecker,
    Scaled,
    cond,
    diagonal,
    explain,
    inv,
    is_hermitian,
    logdet,
    lstsq,
    norm,
    pinv,
    rank,
    slogdet,
    solve,
    svd,
    svdvals,
    trace,
)

TRIGONOMETRIC = [
    (wave, kind, getattr(scipy.fft, kind), type)
    for (wave, kind) in ((DCT, "dct"), (DST, "dst"))
    for type in (1, 2, 3, 4)
]
NORMS = ["backward", "ortho", "forward"]


# transforms of arrays


@pytest.mark.parametrize("type", [1, 2, 3, 4])
@pytest.mark.parametrize(("ours", "name"), [(dct, "dctn"), (dst, "dstn")])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_arrays(library: Any, rng: Any, ours: Any, name: str, type: int, dtype: str) -> None:
    for shape, axes in (((7,), None), ((2,), 0), ((3, 5, 4), (2, 0)), ((130, 2), 0), ((0, 3), 1)):
        x = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
        x = (x if "complex" in dtype else x.real).astype(dtype)
        result = ours(library.asarray(x), type=type, axes=axes)
        assert result.dtype == library.dtype(dtype)
        expected = x
        if x.size:
            expected = getattr(scipy.fft, name)(x, type=type, axes=axes, norm="ortho")
        bound = 20 * np.finfo(dtype).eps * np.linalg.norm(x)
        np.testing.assert_allclose(library.to_numpy(result), expected, rtol=0, atol=bound)


def test_arrays_of_one_point(library: Any) -> None:
    one = library.asarray([3.0])
    for transform, type in itertools.product((dct, dst), (1, 2, 3, 4)):
        if transform is dct and type == 1:
            with pytest.raises(ValueError, match="type 1 needs two points"):
                dct(one, type=1)
            continue
        expected = getattr(scipy.fft, transform.__name__)([3.0], type=type, norm="ortho")
        found = library.to_numpy(transform(one, type=type))
        np.testing.assert_allclose(found, expected, rtol=1e-15)


@pytest.mark.parametrize("transform", [dct, dst, DCT, DST])
def test_types_that_do_not_exist(transform: Any) -> None:
    argument = np.ones(3) if transform in (dct, dst) else 3
    with pytest.raises(ValueError, match="type is 5: choose one of 1, 2, 3 and 4"):
        transform(argument, type=5)


# cosine and sine matrices


@pytest.mark.parametrize(("kind", "name", "theirs", "type"), TRIGONOMETRIC)
def test_cosines_and_sines_of_all_sizes(kind: Any, name: str, theirs: Any, type: int) -> None:
    for n in range(2 if (name, type) == ("dct", 1) else 1, 21):
        D = theirs(np.eye(n), type=type, axis=0, norm="ortho")
        A = kind(n, type=type)
        np.testing.assert_allclose(A.todense(), D, atol=1e-14)
        np.testing.assert_allclose(diagonal(A), np.diag(D), atol=1e-14)
        np.testing.assert_allclose(A[n // 2, :], D[n // 2], atol=1e-14)
        np.testing.assert_allclose(A[:, n - 1], D[:, n - 1], atol=1e-14)
        np.testing.assert_allclose(float(A[n - 1, n // 3]), D[n - 1, n // 3], atol=1e-14)
        assert float(slogdet(A).sign) == round(np.linalg.det(D))
        assert float(slogdet(A).logabsdet) == 0
        if is_hermitian(A):
            np.testing.assert_allclose(D, D.T, atol=1e-14)


@pytest.mark.parametrize(("kind", "name", "theirs", "type"), TRIGONOMETRIC)
def test_their_algebra(kind: Any, name: str, theirs: Any, type: int) -> None:
    A = kind(6, type=type)
    other = {1: 1, 2: 3, 3: 2, 4: 4}[type]
    for twin in (A.T, A.H, inv(A), pinv(A)):
        assert isinstance(twin, kind)
        assert twin.type == other
        assert isinstance(A @ twin, Identity)
    assert isinstance(A @ A, Identity) == (type in (1, 4))
    assert repr(A) == f"<{kind.__name__} 6x6 float64 = type {type}>"
    b = np.arange(6.0)
    np.testing.assert_allclose(theirs(solve(A, b), type=type, norm="ortho"), b, atol=1e-14)
    np.testing.assert_allclose(lstsq(A, b), solve(A, b))
    assert "inverse transform" in explain("solve", A).how


def test_products_of_cosines_with_sines_stay_products() -> None:
    np.testing.assert_allclose(
        (DCT(4) @ DST(4).T).todense(),
        scipy.fft.dct(scipy.fft.idst(np.eye(4), axis=0, norm="ortho"), axis=0, norm="ortho"),
        atol=1e-15,
    )


@pytest.mark.parametrize("kind", [DCT, DST])
def test_measures_of_orthogonal_matrices(kind: Any) -> None:
    A = kind(9)
    D = A.todense()
    for ord in (2, "fro", "nuc", 1, math.inf):
        assert float(norm(A, ord)) == pytest.approx(np.linalg.norm(D, ord), rel=1e-13)
        assert float(cond(A, ord)) == pytest.approx(np.linalg.cond(D, ord), rel=1e-12)
    assert rank(A) == 9
    np.testing.assert_array_equal(svdvals(A), np.ones(9))
    U, S, Vh = svd(A)
    np.testing.assert_allclose((U @ Diagonal(S) @ Vh).todense(), D, atol=1e-15)


def test_scipys_other_normalisations() -> None:
    # what the docstrings say
    n = 7
    d = np.full(n, math.sqrt(2 * n))
    d[0] = 2 * math.sqrt(n)
    expected = scipy.fft.dct(np.eye(n), axis=0)
    np.testing.assert_allclose((Diagonal(d) @ DCT(n)).todense(), expected, atol=1e-13)
    expected = scipy.fft.dst(np.eye(n), type=1, axis=0)
    A = math.sqrt(2 * (n + 1)) * DST(n, type=1)
    np.testing.assert_allclose(A.todense(), expected, atol=1e-13)


def test_on_a_grid(rng: Any) -> None:
    X = rng.standard_normal((5, 8))
    A = Kronecker(DCT(5), DCT(8))
    expected = scipy.fft.dctn(X, norm="ortho")
    np.testing.assert_allclose((A @ X.reshape(-1)).reshape(5, 8), expected, atol=1e-13)
    assert float(logdet(Kronecker(DCT(4), DCT(5)))) == 0


def test_large_orders_of_entries_keep_their_digits() -> None:
    # (2k + 1)(2j + 1) is near 4e12: the cosine of the reduced angle is exact to some eps
    n = 10**6
    A = DCT(n, type=4)
    unit = np.zeros(n)
    unit[n - 3] = 1
    expected = scipy.fft.dct(unit, type=4, norm="ortho")
    np.testing.assert_allclose(A[:, n - 3], expected, rtol=0, atol=1e-17)
    assert float(A[n - 1, n - 3]) == pytest.approx(expected[n - 1], abs=1e-17)


def test_single_point_of_the_first_kind() -> None:
    with pytest.raises(ValueError, match="type 1 needs two points"):
        DCT(1, type=1)
    assert DCT(0, type=1).shape == (0, 0)


@pytest.mark.parametrize("kind", [DCT, DST])
def test_data_types(library: Any, kind: Any) -> None:
    A = kind(4, like=library.asarray(np.ones(1, dtype=np.float32)))
    assert A.dtype == library.dtype("float32")
    assert A.T.dtype == inv(A).dtype == (A @ A.T).dtype == A.dtype
    assert kind(4, dtype="complex64").is_complex


# Fourier matrices


@pytest.mark.parametrize("norm", NORMS)
def test_fourier_of_all_sizes(norm: str) -> None:
    scale = {"backward": None, "ortho": "sqrtn", "forward": "n"}[norm]
    for n in range(1, 21):
        D = scipy.linalg.dft(n, scale=scale)
        A = DFT(n, norm=norm)
        eps = 1e-14 * n
        np.testing.assert_allclose(A.todense(), D, atol=eps)
        np.testing.assert_allclose(diagonal(A), np.diag(D), atol=eps)
        np.testing.assert_allclose(trace(A), np.trace(D), atol=eps * n)
        np.testing.assert_allclose(A[n // 2, :], D[n // 2], atol=eps)
        np.testing.assert_allclose(A[n - 1, n // 3], D[n - 1, n // 3], atol=eps)
        np.testing.assert_allclose(A.H.todense(), D.conj().T, atol=eps)
        for B, dense in ((A, D), (inv(A), np.linalg.inv(D)), (A.H, D.conj().T)):
            sign, logabsdet = np.linalg.slogdet(dense)
            np.testing.assert_allclose(slogdet(B).sign, sign, atol=1e-12)
            np.testing.assert_allclose(slogdet(B).logabsdet, logabsdet, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(trace(B), np.trace(dense), atol=1e-12)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("sizes", [(3, 4), (2, 1, 5), (6, 6), (2, 2, 2)])
def test_fourier_on_grids(
    library: Any, rng: Any, sizes: tuple[int, ...], inverse: bool, norm: str
) -> None:
    A = DFT(sizes, norm=norm, inverse=inverse, like=library.asarray(np.ones(1)))
    X = rng.standard_normal((*sizes, 2))
    theirs = scipy.fft.ifftn if inverse else scipy.fft.fftn
    expected = theirs(X, axes=range(len(sizes)), norm=norm).reshape(-1, 2)
    found = library.to_numpy(A @ library.asarray(X.reshape(-1, 2)))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    D = library.to_numpy(A.todense())
    for i, j in ((1, len(D) - 1), (0, 3), (len(D) - 2, 2)):
        np.testing.assert_allclose(complex(A[i, j]), D[i, j], atol=1e-14)
        np.testing.assert_allclose(library.to_numpy(A[i, :]), D[i], atol=1e-14)
    np.testing.assert_allclose(library.to_numpy(A[1:4, 2]), D[1:4, 2], atol=1e-14)
    np.testing.assert_allclose(complex(trace(A)), np.trace(D), atol=1e-11)
    sign, logabsdet = np.linalg.slogdet(D)
    np.testing.assert_allclose(complex(slogdet(A).sign), sign, atol=1e-11)
    np.testing.assert_allclose(float(slogdet(A).logabsdet), logabsdet, atol=1e-11)
    assert is_hermitian(A) == bool(np.allclose(D, D.conj().T))


@pytest.mark.parametrize("norm", NORMS)
def test_fourier_algebra(norm: str) -> None:
    A = DFT((4, 3), norm=norm)
    assert A.T is A
    for twin in (A.H, inv(A), pinv(A), A.conj()):
        assert isinstance(twin, DFT)
        assert twin.inverse
    assert isinstance(inv(A) @ A, Identity)
    assert isinstance(A @ inv(A), Identity)
    assert inv(inv(A)).norm == norm
    gram = A.H @ A
    assert isinstance(gram, Identity if norm == "ortho" else Scaled)
    np.testing.assert_allclose(gram.todense(), A.todense().conj().T @ A.todense(), atol=1e-13)
    assert not isinstance(A @ A, Identity)
    assert not isinstance(A.H @ DFT(12), Identity)
    b = np.arange(12.0)
    np.testing.assert_allclose(A @ solve(A, b), b, atol=1e-13)
    np.testing.assert_allclose(lstsq(A, b), solve(A, b))


@pytest.mark.parametrize("norm_", NORMS)
@pytest.mark.parametrize("inverse", [False, True])
def test_fourier_measures(norm_: str, inverse: bool) -> None:
    A = DFT((2, 5), norm=norm_, inverse=inverse)
    D = A.todense()
    for ord in (2, "fro", "nuc", 1, math.inf):
        assert float(norm(A, ord)) == pytest.approx(np.linalg.norm(D, ord), rel=1e-13)
        assert float(cond(A, ord)) == pytest.approx(np.linalg.cond(D, ord), rel=1e-12)
    assert rank(A) == 10
    np.testing.assert_allclose(svdvals(A), np.linalg.svdvals(D), rtol=1e-13)
    U, S, Vh = svd(A)
    np.testing.assert_allclose((U @ Diagonal(S.astype(complex)) @ Vh).todense(), D, atol=1e-13)


def test_determinants_of_sizes_beyond_all_arrays() -> None:
    # det F = i^{…} n^{n/2}, and the unitary matrix of 4k points has the trace 1 − i
    sign, logabsdet = slogdet(DFT(2**60, norm="ortho"))
    assert abs(complex(sign)) == 1
    assert float(logabsdet) == 0
    np.testing.assert_allclose(trace(DFT(2**60, norm="ortho")), 1 - 1j)
    assert float(slogdet(DFT(2**40)).logabsdet) == pytest.approx(2**39 * 40 * math.log(2))


def test_real_data_types_stand_for_complex_ones(library: Any) -> None:
    A = DFT(4, like=library.asarray(np.ones(1, dtype=np.float32)))
    assert A.dtype == library.dtype("complex64")
    x = library.asarray(np.ones(4, dtype=np.float32))
    assert (A @ x).dtype == library.dtype("complex64")
    assert solve(A, x).dtype == library.dtype("complex64")
    assert DFT(4).dtype == np.complex128
    assert DFT(4, dtype="float32").dtype == np.complex64


def test_circulants_are_diagonal_in_it(rng: Any) -> None:
    column = rng.standard_normal(6)
    F = DFT(6)
    C = inv(F) @ Diagonal(np.fft.fft(column)) @ F
    np.testing.assert_allclose(C.todense(), scipy.linalg.circulant(column), atol=1e-14)


def test_fourier_reprs_and_errors() -> None:
    assert repr(DFT(8)) == "<DFT 8x8 complex128>"
    assert repr(DFT((2, 3), norm="ortho").H) == "<DFT 6x6 complex128 = 2x3, inverse, ortho>"
    with pytest.raises(ValueError, match="norm is 'unitary': choose one of"):
        DFT(3, norm="unitary")
    with pytest.raises(ValueError, match=r"n is \(\): give"):
        DFT(())
    with pytest.raises(ValueError, match="n is -1: give"):
        DFT(-1)
    assert "unitary" in explain("inv", DFT(3)).how


def test_entries_of_huge_sine_and_cosine_transforms() -> None:
    n = 2**40
    scale = math.sqrt(2 / n)
    np.testing.assert_allclose(DCT(n, type=4)[0, 0], scale, rtol=1e-14)
    # π (n − ½)²/n = π (n − 1) + π/(4 n), and n − 1 is odd
    np.testing.assert_allclose(DCT(n, type=4)[n - 1, n - 1], -scale, rtol=1e-14)
    np.testing.assert_allclose(DST(n, type=1)[0, 0], math.sqrt(2 / (n + 1)) * math.pi / (n + 1))


def test_small_integer_indices_do_not_overflow() -> None:
    index = np.array([99, 3], dtype=np.int8)
    np.testing.assert_allclose(DCT(100)[50, index], DCT(100).todense()[50, index], atol=1e-14)
