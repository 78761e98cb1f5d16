"""Block coordinate descent with a Hermitian compressed-sparse-row matrix.

These plain loops are the source of their twins. Block ``k`` has the rows
``rows[start[k] : start[k + 1]]``, and ``owner`` tells the block of a row. The blocks are solved in
one of two ways: with dense inverses, stored one after the other from ``place[k]``, or as forests,
where ``rows`` has every parent before its children:

parent, coupling, pivot
    per row: the parent or −1, ``A[row, parent]``, and the pivot of elimination from the leaves
"""

from __future__ import annotations

from typing import Any


def forest_partition(indptr: Any, indices: Any, groups: Any, leader: Any, seen: Any) -> int:
    """Give every row the first group in which it closes no cycle; return the number of groups.

    ``leader`` and ``seen`` are work space, one entry a row.
    """
    count = 1
    for i in range(indptr.size - 1):
        leader[i] = i
        seen[i] = -1
        groups[i] = -1
    stamp = 0
    for i in range(indptr.size - 1):
        group = 0
        while groups[i] < 0:
            stamp += 1
            free = True
            for k in range(indptr[i], indptr[i + 1]):
                j = indices[k]
                if j >= i or groups[j] != group:
                    continue
                while leader[j] != j:
                    leader[j] = leader[leader[j]]
                    j = leader[j]
                if seen[j] == stamp:
                    free = False
                    break
                seen[j] = stamp
            if free:
                groups[i] = group
                for k in range(indptr[i], indptr[i + 1]):
                    j = indices[k]
                    if j >= i or groups[j] != group:
                        continue
                    while leader[j] != j:
                        j = leader[j]
                    leader[j] = i
            group += 1
        count = max(count, group)
    return count


def grow_forests(
    indptr: Any,
    indices: Any,
    data: Any,
    groups: Any,
    count: int,
    start: Any,
    rows: Any,
    parent: Any,
    coupling: Any,
    pivot: Any,
) -> int:
    """Order the rows of every group from the roots of its trees, and eliminate from the leaves.

    Returns the first row whose pivot is not positive, or −1.
    """
    n = indptr.size - 1
    for i in range(n):
        parent[i] = -2
        coupling[i] = 0
    end = 0
    for group in range(count):
        start[group] = end
        for root in range(n):
            if groups[root] != group or parent[root] != -2:
                continue
            parent[root] = -1
            rows[end] = root
            at = end
            end += 1
            while at < end:
                i = rows[at]
                at += 1
                for k in range(indptr[i], indptr[i + 1]):
                    j = indices[k]
                    if j == i:
                        pivot[i] = data[k].real
                    elif groups[j] == group and parent[j] == -2:
                        parent[j] = i
                        coupling[j] = data[k].conjugate()
                        rows[end] = j
                        end += 1
    start[count] = end
    for at in range(n - 1, -1, -1):
        i = rows[at]
        if not pivot[i] > 0:
            return int(i)
        if parent[i] >= 0:
            # in this order, nothing overflows that the matrix itself does not
            pivot[parent[i]] -= (coupling[i] / pivot[i] * coupling[i].conjugate()).real
    return -1


def dense_block(out: Any, indptr: Any, indices: Any, data: Any, rows: Any, inside: Any) -> None:
    """Write the block of the given rows to ``out``; ``inside`` is −1 everywhere, and again so."""
    for i in range(rows.size):
        inside[rows[i]] = i
    for i in range(rows.size):
        for j in range(rows.size):
            out[i, j] = 0
        for k in range(indptr[rows[i]], indptr[rows[i] + 1]):
            j = inside[indices[k]]
            if j >= 0:
                out[i, j] = data[k]
    for i in range(rows.size):
        inside[rows[i]] = -1


def _solve(
    d: Any,
    r: Any,
    block: int,
    start: Any,
    rows: Any,
    place: Any,
    inverse: Any,
    parent: Any,
    coupling: Any,
    pivot: Any,
) -> None:
    """Write the solution with a block to the entries of ``d`` in it."""
    first, end = start[block], start[block + 1]
    if place.size:
        size = end - first
        for i in range(size):
            total = 0 * r[0]
            at = place[block] + i * size
            for j in range(size):
                total += inverse[at + j] * r[rows[first + j]]
            d[rows[first + i]] = total
        return
    for at in range(first, end):
        d[rows[at]] = r[rows[at]]
    for at in range(end - 1, first - 1, -1):  # messages from the leaves
        i = rows[at]
        if parent[i] >= 0:
            d[parent[i]] -= coupling[i].conjugate() / pivot[i] * d[i]
    for at in range(first, end):  # and back from the roots
        i = rows[at]
        if parent[i] >= 0:
            d[i] -= coupling[i] * d[parent[i]]
        d[i] /= pivot[i]


def _score(
    rule: int,
    d: Any,
    r: Any,
    block: int,
    bound: Any,
    start: Any,
    rows: Any,
    place: Any,
    inverse: Any,
    parent: Any,
    coupling: Any,
    pivot: Any,
) -> float:
    total = 0.0
    if rule == 3:
        _solve(d, r, block, start, rows, place, inverse, parent, coupling, pivot)
        for at in range(start[block], start[block + 1]):
            total += (r[rows[at]].conjugate() * d[rows[at]]).real
        return total
    for at in range(start[block], start[block + 1]):
        total += (r[rows[at]].conjugate() * r[rows[at]]).real
    return total / bound[block] if rule == 2 else total


def _raise(best: Any, scores: Any, block: int) -> None:
    """Renew the greatest scores above a block in a binary tree of winners."""
    at = (best.size // 2 + block) // 2
    while at > 0:
        left, right = best[2 * at], best[2 * at + 1]
        best[at] = right if scores[right] > scores[left] else left
        at //= 2


def sweep(
    x: Any,
    r: Any,
    d: Any,
    omega: float,
    order: Any,
    rule: int,
    indptr: Any,
    indices: Any,
    data: Any,
    owner: Any,
    bound: Any,
    scores: Any,
    best: Any,
    stamps: Any,
    start: Any,
    rows: Any,
    place: Any,
    inverse: Any,
    parent: Any,
    coupling: Any,
    pivot: Any,
) -> None:
    """Update as many blocks as there are: those of ``order``, or the greatest by a rule.

    Rule 0 takes ``order``; the others take the block with the greatest ``‖r_k‖²`` (1),
    ``‖r_k‖²/bound_k`` (2) or ``r_kᴴ A_kk⁻¹ r_k`` (3). The residual ``r`` and ``scores``, in which
    ``best`` is a tree of winners with the blocks as leaves, are carried along; ``d`` and ``stamps``
    (one entry a block) are work space.
    """
    count = start.size - 1
    if rule:
        leaves = best.size // 2
        for block in range(leaves):
            best[leaves + block] = block
            scores[block] = -1.0
            if block < count:
                stamps[block] = -1
                scores[block] = _score(
                    rule, d, r, block, bound, start, rows, place, inverse, parent, coupling, pivot
                )
        for at in range(leaves - 1, 0, -1):
            left, right = best[2 * at], best[2 * at + 1]
            best[at] = right if scores[right] > scores[left] else left
    for update in range(count):
        block = best[1] if rule else order[update]
        _solve(d, r, block, start, rows, place, inverse, parent, coupling, pivot)
        for at in range(start[block], start[block + 1]):
            i = rows[at]
            step = omega * d[i]
            x[i] += step
            for k in range(indptr[i], indptr[i + 1]):
                r[indices[k]] -= data[k].conjugate() * step
        if rule == 0:
            continue
        for at in range(start[block], start[block + 1]):
            i = rows[at]
            for k in range(indptr[i], indptr[i + 1]):
                other = owner[indices[k]]
                if stamps[other] != update:
                    stamps[other] = update
                    scores[other] = _score(
                        rule,
                        d,
                        r,
                        other,
                        bound,
                        start,
                        rows,
                        place,
                        inverse,
                        parent,
                        coupling,
                        pivot,
                    )
                    _raise(best, scores, other)
