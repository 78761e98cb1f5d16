"""How much a sparse factorisation fills in, by eliminating the graph in order of degree.

Loops over lists are what a compiler wants, so this plain function is the source of its twin.
"""

from __future__ import annotations

from typing import Any


def fill(
    indptr: Any,
    graph: Any,
    dense: Any,
    members: Any,
    lists: Any,
    most_operations: float,
) -> tuple[int, float]:
    """Return entries below the diagonal of a Cholesky factor, and the squares of its columns.

    The order is that of an approximate minimum degree on the quotient graph: eliminated vertices
    are kept as elements, with the list of what each is joined to, and elements that a new one
    covers vanish.

    Parameters
    ----------
    indptr, graph : integer arrays
        Neighbours of every vertex, without itself: a symmetric pattern. ``graph`` is overwritten.
    dense : boolean array
        Vertices that are left to the end, as joined to all others.
    members : integer array
        Work space for the lists of the elements: as long as the most entries that are of interest.
    lists : (11, n) integer array
        Work space.
    most_operations : float
        The largest sum of squares that is of interest.

    Returns
    -------
    (int, float)
        Both negative where one of the limits is exceeded.
    """
    n = indptr.size - 1
    head, after, before, degree, elements, variables, begin, size, left, mark, seen = lists
    extra = 0
    for i in range(n):
        head[i] = after[i] = before[i] = begin[i] = -1
        size[i] = mark[i] = seen[i] = elements[i] = 0
        extra += dense[i]
    for i in range(n):
        if dense[i]:
            continue
        kept = indptr[i]
        for k in range(indptr[i], indptr[i + 1]):
            if not dense[graph[k]]:
                graph[kept] = graph[k]
                kept += 1
        # the list of vertex i holds its elements first, then its variables
        variables[i] = degree[i] = kept - indptr[i]
        after[i] = head[degree[i]]
        if after[i] >= 0:
            before[after[i]] = i
        head[degree[i]] = i
    entries, operations, used, least = extra * (extra - 1) // 2, 0.0, 0, 0
    rest = n - extra
    for step in range(1, n - extra + 1):
        while head[least] < 0:
            least += 1
        p = head[least]
        head[least] = after[p]
        if after[p] >= 0:
            before[after[p]] = -1
        # the new element: what p and its elements are joined to
        mark[p] = step
        first = used
        own = indptr[p] + elements[p]
        bound = variables[p]
        for k in range(indptr[p], own):
            bound += size[graph[k]]
        if used + min(bound, rest - 1) > members.size:
            return -1, -1.0
        for k in range(own, own + variables[p]):
            j = graph[k]
            if mark[j] != step:
                mark[j] = step
                members[used] = j
                used += 1
        for k in range(indptr[p], own):
            e = graph[k]
            for q in range(begin[e], begin[e] + size[e]):
                j = members[q]
                if mark[j] != step:
                    mark[j] = step
                    members[used] = j
                    used += 1
            size[e] = 0  # absorbed
        count = used - first
        begin[p], size[p] = first, count
        rest -= 1
        entries += count + extra
        operations += float(count + extra) ** 2
        if operations > most_operations:
            return -1, -1.0
        # how much of every other element lies outside the new one
        for q in range(first, used):
            i = members[q]
            for k in range(indptr[i], indptr[i] + elements[i]):
                e = graph[k]
                if size[e] > 0:
                    if seen[e] != step:
                        seen[e] = step
                        left[e] = size[e]
                    left[e] -= 1
        for q in range(first, used):
            i = members[q]
            if before[i] >= 0:
                after[before[i]] = after[i]
            else:
                head[degree[i]] = after[i]
            if after[i] >= 0:
                before[after[i]] = before[i]
            start, stop = indptr[i] + elements[i], indptr[i] + elements[i] + variables[i]
            kept, total = indptr[i], count - 1
            for k in range(indptr[i], start):
                e = graph[k]
                if size[e] > 0 and left[e] > 0:
                    graph[kept] = e
                    kept += 1
                    total += left[e]
            elements[i] = kept - indptr[i] + 1
            # there is room for the new element: p, or an element of p, stood in the list
            place = kept
            kept += 1
            variables[i] = 0
            shifted = -1
            for k in range(start, stop):
                j = graph[k]
                if mark[j] != step:
                    if kept > k:  # the slot is still to be read: put off
                        shifted = j
                        continue
                    graph[kept] = j
                    kept += 1
                    variables[i] += 1
            if shifted >= 0:
                graph[kept] = shifted
                variables[i] += 1
            graph[place] = p
            total = min(total + variables[i], degree[i] + count - 1, rest - 1)
            degree[i] = max(total, 0)
            least = min(least, degree[i])
            before[i] = -1
            after[i] = head[degree[i]]
            if after[i] >= 0:
                before[after[i]] = i
            head[degree[i]] = i
    return entries, operations
