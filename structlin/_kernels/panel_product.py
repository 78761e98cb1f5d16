"""Products of matrices with panels of some columns, whose sums stay in vector registers.

They are written in vectors. Of plain loops, numba makes vectors of 32 bytes and keeps the sums in
memory, which reaches less than half of the speed of BLAS (34 against 74 billion operations a second
on one core with vectors of 64 bytes, where these products reach 66). And BLAS itself, called for
small products by several threads, has its own threads wait for each other.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

# columns of a panel
lanes = 32

# bytes of a vector; processors with shorter ones take several of them
_vector = 64
# rows, and bytes of columns, whose sums stay in the registers: in half of them
_rows = 4
_width = 256 if binding.get_host_cpu_features().get("avx512f", False) else 64


def _product(rows: int, weighted: bool) -> Any:
    """Return the product of some consecutive rows of a matrix with a panel.

    The function writes ``Y[r, :] = Σ_k matrix[start + r down + k across] X[k, :]``, where all
    arrays are flat and a panel begins at a place of its array. If ``weighted``, it adds
    ``Σ_r W[r, :] (Σ_k …)`` to the only row of ``Y`` instead.

    Multiplications and additions may be fused, which rounds once where it would round twice.
    """

    def typed(
        context: Any,
        matrix: Any,
        start: Any,
        down: Any,
        across: Any,
        length: Any,
        X: Any,
        x_start: Any,
        Y: Any,
        y_start: Any,
        W: Any,
        w_start: Any,
    ) -> Any:
        place = types.intp
        signature = types.void(matrix, place, place, place, place, X, place, Y, place, W, place)
        return signature, generate

    def generate(target: Any, builder: Any, signature: Any, values: Any) -> Any:
        real = signature.args[0].dtype
        size = real.bitwidth // 8
        vector = ir.VectorType(target.get_value_type(real), _vector // size)
        word = ir.IntType(64)

        def panel(place: int) -> Any:
            """Return how to address a vector of a row of a panel."""
            array = target.make_array(signature.args[place])(target, builder, values[place])
            base = builder.gep(array.data, [values[place + 1]])

            def address(row: Any, v: int) -> Any:
                offset = builder.add(builder.mul(row, word(lanes)), word(v * vector.count))
                return builder.bitcast(builder.gep(base, [offset]), vector.as_pointer())

            return address

        _, start, down, across, length, *_ = values
        numbers = target.make_array(signature.args[0])(target, builder, values[0]).data
        X, Y, W = panel(5), panel(7), panel(9)
        first = [builder.add(start, builder.mul(word(r), down)) for r in range(rows)]
        zero = ir.Constant(vector, [0.0] * vector.count)
        undefined = ir.Constant(vector, ir.Undefined)
        spread = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)

        def add(total: Any, a: Any, b: Any) -> Any:
            product = builder.fmul(a, b, flags=("contract",))
            return builder.fadd(total, product, flags=("contract",))

        vectors = lanes // vector.count
        together = min(_width // _vector, vectors)
        for v0 in range(0, vectors, together):
            columns = range(v0, v0 + together)
            sums = {
                (r, v): cgutils.alloca_once(builder, vector) for r in range(rows) for v in columns
            }
            for total in sums.values():
                builder.store(zero, total)
            with cgutils.for_range(builder, length) as loop:
                xs = {v: builder.load(X(loop.index, v), align=size) for v in columns}
                step = builder.mul(loop.index, across)
                for r in range(rows):
                    entry = builder.load(builder.gep(numbers, [builder.add(first[r], step)]))
                    one = builder.insert_element(undefined, entry, ir.IntType(32)(0))
                    entries = builder.shuffle_vector(one, undefined, spread)
                    for v in columns:
                        builder.store(add(builder.load(sums[r, v]), entries, xs[v]), sums[r, v])
            for v in columns:
                if weighted:
                    out = builder.load(Y(word(0), v), align=size)
                    for r in range(rows):
                        weights = builder.load(W(word(r), v), align=size)
                        out = add(out, builder.load(sums[r, v]), weights)
                    builder.store(out, Y(word(0), v), align=size)
                else:
                    for r in range(rows):
                        builder.store(builder.load(sums[r, v]), Y(word(r), v), align=size)
        return target.get_dummy_value()

    return intrinsic(typed)


_write_one, _write_some = _product(1, weighted=False), _product(_rows, weighted=False)
_add_one, _add_some = _product(1, weighted=True), _product(_rows, weighted=True)


@njit(cache=True, nogil=True)
def multiply(
    matrix: Any,
    start: int,
    down: int,
    across: int,
    rows: int,
    length: int,
    X: Any,
    x_start: int,
    Y: Any,
    y_start: int,
) -> None:
    """Write ``Y[i, :] = Σ_k matrix[start + i down + k across] X[k, :]`` for ``i < rows``.

    All arrays are flat; the panels, of rows of `lanes` numbers, begin at ``x_start`` and
    ``y_start``, and ``k`` runs to ``length``.
    """
    whole = rows - rows % _rows
    for i in range(0, whole, _rows):
        row, place = start + i * down, y_start + i * lanes
        _write_some(matrix, row, down, across, length, X, x_start, Y, place, Y, place)
    for i in range(whole, rows):
        row, place = start + i * down, y_start + i * lanes
        _write_one(matrix, row, down, across, length, X, x_start, Y, place, Y, place)


@njit(cache=True, nogil=True)
def add_product(
    matrix: Any,
    start: int,
    rows: int,
    length: int,
    W: Any,
    w_start: int,
    X: Any,
    x_start: int,
    y: Any,
    y_start: int,
) -> None:
    """Add ``Σ_ik W[i, :] matrix[start + i length + k] X[k, :]`` to a row ``y`` of a panel."""
    whole = rows - rows % _rows
    for i in range(0, whole, _rows):
        row, weights = start + i * length, w_start + i * lanes
        _add_some(matrix, row, length, 1, length, X, x_start, y, y_start, W, weights)
    for i in range(whole, rows):
        row, weights = start + i * length, w_start + i * lanes
        _add_one(matrix, row, length, 1, length, X, x_start, y, y_start, W, weights)
