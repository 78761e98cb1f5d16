"""Finite groups: irreducible representations, and the blocks of kernel matrices."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from structlin.operators import reflections
from structlin.operators.kernels import GridMap
from structlin.operators.kernels._blocks import blocked
from structlin.operators.kernels._groups import Group, square


def cyclic(order):
    """Return the shifts of a vector whose length is a multiple of the order."""
    return [lambda U, k=k: np.roll(U, k * U.shape[1] // order, axis=1) for k in range(order)]


def even_permutations():
    """Return the even exchanges of four values."""
    chosen = [p for p in permutations(range(4)) if round(np.linalg.det(np.eye(4)[list(p)])) == 1]
    return [lambda U, p=p: U[:, p] for p in chosen]


groups = {
    "two": (reflections(ndim=1), (4,), [1, 1]),
    "four": (reflections(ndim=2), (3, 4), [1, 1, 1, 1]),
    "cyclic 3": (cyclic(3), (6,), [1, 2]),
    "cyclic 4": (cyclic(4), (4,), [1, 1, 2]),
    "square": (square(ndim=2), (3, 3), [1, 1, 1, 1, 2]),
    "even permutations": (even_permutations(), (4,), [1, 2, 3]),
}


@pytest.mark.parametrize("name", list(groups))
def test_irreducible_representations(name):
    maps, shape, dimensions = groups[name]
    group = Group(maps, np.ones(1), shape)
    assert sorted(w.matrices.shape[1] for w in group.irreducibles) == dimensions
    for w in group.irreducibles:
        d = w.matrices.shape[1]
        for g in range(group.order):
            np.testing.assert_allclose(w.matrices[g] @ w.matrices[g].T, np.eye(d), atol=1e-12)
            for h in range(group.order):
                product = w.matrices[g] @ w.matrices[h]
                np.testing.assert_allclose(w.matrices[group.table[g, h]], product, atol=1e-12)
    basis = np.concatenate([b for w in group.irreducibles for b in w.bases], axis=1)
    np.testing.assert_allclose(basis.T @ basis, np.eye(group.order), atol=1e-12)


@pytest.mark.parametrize("name", list(groups))
def test_blocks_have_the_eigenvalues_of_the_matrix_of_all_images(name):
    maps, shape, _ = groups[name]
    group = Group(maps, np.ones(1), shape)
    U = np.random.default_rng(1).standard_normal((3, *shape))
    images = [g(U).reshape(3, -1) for g in group.on_inputs]

    def kernel(A, B):
        return np.exp(-np.sum((A[:, None] - B) ** 2, axis=2) / 20)

    everything = np.concatenate(images)
    want = np.linalg.eigvalsh(kernel(everything, everything))
    grams = [kernel(images[0], Z) for Z in images]
    got = [
        np.repeat(np.linalg.eigvalsh(blocked(grams, w)), len(w.bases)) for w in group.irreducibles
    ]
    np.testing.assert_allclose(np.sort(np.concatenate(got)), want, atol=1e-12)


def test_the_identity_comes_first_wherever_it_stood():
    maps = [lambda U: U[:, ::-1], lambda U: U]
    group = Group(maps, np.ones(1), (3,))
    U = np.arange(3.0)[None]
    assert (group.on_inputs[0](U) == U).all()


def test_reflections_of_periodic_axes_keep_the_first_node():
    x = np.arange(6) / 6
    (_, turn) = reflections(ndim=1, periodic=[True])
    U = np.sin(2 * np.pi * x)[None]
    np.testing.assert_allclose(turn(U), -U, atol=1e-15)


def test_maps_exchange_axes_before_they_reflect():
    U = np.arange(6.0).reshape(1, 2, 3)
    V = GridMap((1, 0), (True, False), (False, False))(U)
    assert V.tolist() == U.swapaxes(1, 2)[:, ::-1].tolist()


@pytest.mark.parametrize(
    ("maps", "told"),
    [
        ([lambda U: U[:, ::-1]], "the identity is not among"),
        ([lambda U: U, lambda U: np.roll(U, 1, axis=1)], "is not among the maps"),
        ([lambda U: U, lambda U: U], "is there twice"),
        ([lambda U: U, lambda U: U[:, :2]], "keeps the shape"),
    ],
)
def test_what_is_no_group_is_refused(maps, told):
    with pytest.raises(ValueError, match=told):
        Group(maps, np.ones(1), (4,))
