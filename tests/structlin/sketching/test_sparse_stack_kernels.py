"""The generator and the products of stacked CountSketches: plain functions and their twins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import array_api_compat.numpy as xp
import numba
import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin._backend import kernel
from structlin._kernels import philox, sparse_stack, sparse_stack_numba, threads

twin_of_words = kernel(xp, philox.words)
makers = [philox.words, twin_of_words]

# the known-answer vectors of the Random123 library: counter, key, words
known = [
    ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize("make", makers)
@pytest.mark.parametrize(("counter", "key", "answer"), known)
def test_philox_gives_the_known_answers(make, counter, key, answer):
    seed, start = key[0] + (key[1] << 32), counter[0] + (counter[1] << 32)
    found = make(seed, counter[3], start, 1, counter[2], 1, xp, "cpu")
    assert found.dtype == np.uint32
    assert found.tolist() == [answer]


def test_philox_gives_the_known_answers_on_every_library(library):
    for counter, key, answer in known:
        seed, start = key[0] + (key[1] << 32), counter[0] + (counter[1] << 32)
        make = kernel(library.xp, philox.words)
        found = make(seed, counter[3], start, 1, counter[2], 1, library.xp, library.device)
        assert library.to_numpy(found).tolist() == [answer]


def philox_by_hand(counter: list[int], key: list[int]) -> list[int]:
    """Return four words, in integers of Python."""
    (c0, c1, c2, c3), (k0, k1), low = counter, key, 2**32 - 1
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & low, (p0 >> 32) ^ c3 ^ k1, p0 & low
        k0, k1 = (k0 + 0x9E3779B9) & low, (k1 + 0xBB67AE85) & low
    return [c0, c1, c2, c3]


@pytest.mark.parametrize("make", makers)
@given(
    seed=st.integers(0, 2**64 - 1),
    stream=st.integers(0, 2**32 - 1),
    start=st.one_of(
        st.integers(0, 2**64 - 4), *(st.integers(2**k - 4, 2**k) for k in (31, 32, 33, 63))
    ),
    first=st.integers(0, 2**20),
)
def test_words_are_those_of_their_places(make, seed, stream, start, first):
    found = make(seed, stream, start, 3, first, 2, xp, "cpu")
    low = 2**32 - 1
    for i in range(3):
        for call in range(2):
            place = start + i
            counter = [place & low, place >> 32, first + call, stream]
            words = philox_by_hand(counter, [seed & low, seed >> 32])
            assert found[i, 4 * call : 4 * call + 4].tolist() == words


def test_many_words_are_made_by_several_threads():
    whole = twin_of_words(5, 3, 2**32 - 1000, 30_000, 0, 2, xp, "cpu")
    assert np.array_equal(whole, philox.words(5, 3, 2**32 - 1000, 30_000, 0, 2, xp, "cpu"))


def drawn(rows: int, part: int, nonzeros: int) -> tuple[Any, Any]:
    calls = -(-nonzeros // 4)
    words = philox.words(7, 3, 0, rows, 0, calls, xp, "cpu")[:, :nonzeros]
    return words, sparse_stack.hits(words, part)


@pytest.mark.parametrize(("part", "nonzeros"), [(1, 1), (13, 3), (100, 8), (2**26, 8)])
def test_hits_are_those_of_the_formula(part, nonzeros):
    words, found = drawn(500, part, nonzeros)
    assert np.array_equal(sparse_stack_numba.hits(words, part), found)
    for i in range(0, 500, 50):
        for t in range(nonzeros):
            u = int(words[i, t])
            assert found[i, t] == 2 * (((u >> 1) * part >> 31) + t * part) + (u & 1)


def one_after_the_other(Y: Any, X: Any, hits: Any) -> Any:
    Y = Y.copy()
    for x, row in zip(X, hits, strict=True):
        for hit in row:
            Y[hit >> 1] += -x if hit & 1 else x
    return Y


sizes = st.tuples(
    st.integers(1, 300),  # rows
    st.integers(1, 60),  # columns
    st.integers(1, 20),  # rows of a part
    st.integers(1, 9),  # nonzeros
)


@given(
    sizes=sizes,
    dtype=st.sampled_from(["float32", "complex128"]),
    order=st.sampled_from("CF"),
    flips=st.tuples(st.sampled_from([1, -1]), st.sampled_from([1, -1])),
    threaded=st.booleans(),
)
def test_rows_are_added_one_after_the_other(sizes, dtype, order, flips, threaded):
    rows, columns, part, nonzeros = sizes
    rng = np.random.default_rng(rows)
    X, Y = (rng.standard_normal((k, columns)).astype(dtype) for k in (rows, part * nonzeros))
    if dtype == "complex128":
        X = X + 1j * rng.standard_normal(X.shape)
    X = np.array(X, order=order)[:: flips[0], :: flips[1]]
    Y[::2] *= -0.0  # zeros keep their signs
    _, hits = drawn(rows, part, nonzeros)
    expected = one_after_the_other(Y, X, hits)
    with pytest.MonkeyPatch.context() as patch:
        if threaded:
            patch.setattr(threads, "_worthwhile", 0)
        found = sparse_stack_numba.add_hits(Y.copy(), X, hits)
        assert found.tobytes() == expected.tobytes()
        columnwise = np.array(Y, order="F")
        assert sparse_stack_numba.add_hits(columnwise, X, hits) is columnwise
        assert np.array_equal(columnwise, expected)
    plain = sparse_stack.add_hits(Y, X, hits)
    np.testing.assert_allclose(plain, expected, rtol=0, atol=1e-3 if dtype == "float32" else 1e-11)


@given(sizes=sizes, dtype=st.sampled_from(["float32", "complex128"]))
def test_gathered_rows_are_those_of_the_plain_function(sizes, dtype):
    rows, columns, part, nonzeros = sizes
    Y = np.random.default_rng(rows).standard_normal((part * nonzeros, columns)).astype(dtype)
    _, hits = drawn(rows, part, nonzeros)
    found = sparse_stack_numba.gather_hits(Y, hits)
    assert np.array_equal(found, sparse_stack.gather_hits(Y, hits))
    dense = sparse_stack.entries(hits, part * nonzeros, Y.dtype)
    np.testing.assert_allclose(found, dense.T @ Y, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("size", "steps", "least"), [(10, 1e9, 1), (10, 0, 1), (10, 1e9, 6), (2, 1e9, 1), (0, 1e9, 1)]
)
def test_ranges_make_up_the_whole(monkeypatch, size, steps, least):
    monkeypatch.setattr(threads.numba, "get_num_threads", lambda: 3)
    seen: list[int] = []
    threads.in_threads(lambda low, high: seen.extend(range(low, high)), size, steps, least)
    assert sorted(seen) == list(range(size))


def test_order_is_kept_and_the_count_of_threads_restored():
    before = numba.get_num_threads()
    with ThreadPoolExecutor(1) as pool:  # a thread of its own has all of numba's
        found = pool.submit(lambda: list(threads.in_order(lambda k: k * k, range(11)))).result()
    assert found == [k * k for k in range(11)]
    assert numba.get_num_threads() == before


def test_errors_of_threads_are_raised(monkeypatch):
    monkeypatch.setattr(threads.numba, "get_num_threads", lambda: 2)

    def broken(low: int, high: int) -> None:
        raise MemoryError(f"rows {low} to {high}")

    with pytest.raises(MemoryError, match="rows 0 to 5"):
        threads.in_threads(broken, 10, 1e9)
