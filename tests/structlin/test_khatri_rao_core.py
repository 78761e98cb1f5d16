"""Cores of sums of rank-one terms: the plain function and its twins against einsum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin._backend import kernel
from structlin._kernels.khatri_rao_core import block_of_terms, halves, khatri_rao_core


def terms_of(shape, terms, dtype, seed=0):
    rng = np.random.default_rng(seed)

    def draw(*size):
        real = rng.standard_normal(size)
        both = real + 1j * rng.standard_normal(size) if np.dtype(dtype).kind == "c" else real
        return both.astype(dtype)

    return draw(terms), [draw(n, terms) for n in shape]


def reference(weights, factors):
    letters = "abcdef"[: len(factors)]
    inputs = ",".join(f"{letter}q" for letter in letters)
    return np.einsum(f"q,{inputs}->{letters}", weights, *factors, optimize=True)


@given(
    shape=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    terms=st.integers(0, 40),
    dtype=st.sampled_from(["float32", "float64", "complex64", "complex128"]),
)
def test_it_is_the_sum_of_outer_products(library, shape, terms, dtype):
    weights, factors = terms_of(shape, terms, dtype)
    run = kernel(library.xp, khatri_rao_core)
    out = run(library.asarray(weights), [library.asarray(U) for U in factors])
    assert out.dtype == library.dtype(dtype)
    assert tuple(out.shape) == tuple(shape)
    size = np.sum(np.abs(weights)) * np.prod([np.max(np.abs(U), initial=0) for U in factors])
    eps = np.finfo(dtype).eps
    error = np.abs(library.to_numpy(out) - reference(weights, factors))
    assert np.max(error) <= 40 * eps * size


@pytest.mark.parametrize("shape", [(30,), (20, 30), (9, 10, 11), (5, 4, 6, 3)])
def test_many_blocks_and_the_twin_agree_with_the_plain_function(library, shape):
    rows = 30 + 900
    terms = 2 * block_of_terms(rows, np.empty(0)) + 7
    weights, factors = terms_of(shape, terms, "float64", seed=1)
    weights, factors = library.asarray(weights), [library.asarray(U) for U in factors]
    plain = library.to_numpy(khatri_rao_core(weights, factors))
    twin = library.to_numpy(kernel(library.xp, khatri_rao_core)(weights, factors))
    assert np.max(np.abs(plain - twin)) <= 1e-13 * np.max(np.abs(plain)) * np.sqrt(terms)


def test_views_and_other_orders_are_taken():
    weights, factors = terms_of((5, 6, 7), 60, "float64", seed=2)
    views = [np.asfortranarray(U)[:, ::2] for U in factors]
    out = kernel(np, khatri_rao_core)(weights[::2], views)
    expected = reference(weights[::2], views)
    np.testing.assert_allclose(out, expected, atol=1e-12 * np.max(np.abs(expected)))


def test_the_parts_are_small():
    assert halves([7]) == 1
    assert halves([5, 6, 7]) == 2
    assert halves([5, 6, 7, 8]) == 2
