"""How small instances of a structure are drawn: the registry behind `operators`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from structlin.matrices import LinearOperator

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_T = TypeVar("_T")


class Draw:
    """What an instance is made of: random numbers, choices and arrays, which Hypothesis shrinks.

    Attributes
    ----------
    dtype : str
        The name of the data type of the entries.
    """

    def __init__(
        self, draw: Callable[[Any], Any], dtype: str, asarray: Callable[[Any], Any]
    ) -> None:
        self._draw, self.dtype, self._asarray = draw, dtype, asarray

    def entries(self, *shape: int) -> Any:
        """Return an array of the library and data type under test."""
        return self._draw(arrays(shape, self.dtype, asarray=self._asarray))

    def asarray(self, values: Any) -> Any:
        """Return fixed numbers, such as indices, as an array of the library under test."""
        return self._asarray(np.asarray(values))

    def integer(self, least: int, most: int) -> int:
        """Return an integer between two, both included."""
        return int(self._draw(strategies().integers(least, most)))

    def choice(self, options: Iterable[_T]) -> _T:
        """Return one of the options."""
        chosen: _T = self._draw(strategies().sampled_from(list(options)))
        return chosen

    def permutation(self, n: int) -> list[int]:
        """Return the integers below ``n`` in some order."""
        return list(self._draw(strategies().permutations(range(n))))

    def factors(self, n: int, count: int) -> list[int]:
        """Return ``count`` sizes whose product is ``n``; at most one of them is zero."""
        sizes = []
        for _ in range(count - 1):
            size = self.choice([k for k in range(1, n + 1) if n % k == 0] or [1])
            sizes.append(size)
            n //= size
        return [*sizes, n]


@dataclass(frozen=True)
class Instances:
    """How to draw instances of one structure, and which shapes they can have."""

    build: Callable[[Draw, int, int], LinearOperator]
    of: type[LinearOperator]
    sizes: Sequence[int]
    fits: Callable[[int, int], bool]
    numpy_only: bool


STRUCTURES: dict[str, Instances] = {}

_Build = Callable[[Draw, int, int], LinearOperator]


def structure(
    of: type[LinearOperator],
    *,
    sizes: Sequence[int] = range(5),
    fits: Callable[[int, int], bool] = lambda m, n: True,
    numpy_only: bool = False,
) -> Callable[[_Build], _Build]:
    """Register the decorated function as the way to draw instances of a structure.

    Its name is that of the structure in ``operators(structure=…)``. It receives a `Draw`, the
    number of rows ``m`` and of columns ``n``.

    Parameters
    ----------
    of : type
        The class that it draws.
    sizes : sequence of int
        The rows and columns of instances whose shape nobody has chosen.
    fits : callable
        Tells whether there are instances of ``m`` rows and ``n`` columns.
    numpy_only : bool
        Whether they are made of matrices that only NumPy has.
    """

    def register(build: _Build) -> _Build:
        STRUCTURES[build.__name__] = Instances(build, of, sizes, fits, numpy_only)
        return build

    return register


def square(m: int, n: int) -> bool:
    """Tell whether a shape is square."""
    return m == n


def power_of_two(m: int, n: int) -> bool:
    """Tell whether a shape is square and its size a power of two."""
    return m == n > 0 and n & (n - 1) == 0


def instances(
    chosen: Sequence[Instances],
    dtype: str | SearchStrategy[str],
    shape: tuple[int, int] | None,
    fits: Callable[[int, int], bool],
    asarray: Callable[[Any], Any],
) -> SearchStrategy[LinearOperator]:
    """Return the strategy of all these structures, in one shape or in shapes that fit."""

    def drawn(draw: Callable[[Any], Any]) -> LinearOperator:
        name = dtype if isinstance(dtype, str) else draw(dtype)
        found: Instances = draw(strategies().sampled_from(chosen))
        possible = [
            (m, n) for m in found.sizes for n in found.sizes if found.fits(m, n) and fits(m, n)
        ]
        m, n = shape or draw(strategies().sampled_from(possible))
        return found.build(Draw(draw, name, asarray), m, n)

    made: SearchStrategy[LinearOperator] = strategies().composite(drawn)()
    return made


def arrays(
    shape: int | tuple[int, ...],
    dtype: str = "float64",
    *,
    asarray: Callable[[Any], Any] = np.asarray,
) -> SearchStrategy[Any]:
    """Return a strategy for arrays of moderate entries, in any memory layout.

    Parameters
    ----------
    shape : int or tuple of int
        The shape.
    dtype : str
        The name of the data type.
    asarray : callable, optional
        Moves a NumPy array to another library, such as ``cupy.asarray``.

    Returns
    -------
    SearchStrategy of array
        Entries are multiples of 1/16 from −4 to 4, so that short sums are exact; NumPy arrays may
        be C-ordered, Fortran-ordered, slices or reversed views.

    Raises
    ------
    ImportError
        If Hypothesis is not installed.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(arrays((2, 3)), lambda x: x.flags.c_contiguous)
    array([[0., 0., 0.],
           [0., 0., 0.]])
    """
    st, extra = strategies(), importlib.import_module("hypothesis.extra.numpy")
    parts = extra.arrays(np.int8, shape, elements=st.integers(-64, 64))
    if dtype.startswith("complex"):
        values = st.builds(lambda real, imaginary: (real + 1j * imaginary) / 16, parts, parts)
    else:
        values = parts.map(lambda real: real / 16)
    layouts = st.sampled_from([np.ascontiguousarray, np.asfortranarray, _sliced, _reversed])
    made: SearchStrategy[Any] = st.builds(
        lambda x, layout: asarray(layout(x.astype(dtype))), values, layouts
    )
    return made


def _sliced(x: Any) -> Any:
    return np.repeat(x, 2, axis=0)[::2]


def _reversed(x: Any) -> Any:
    return np.flip(np.ascontiguousarray(np.flip(x)))


def strategies() -> Any:
    """Return the strategies of Hypothesis, which is needed only here."""
    try:
        return importlib.import_module("hypothesis.strategies")
    except ImportError as error:
        raise ImportError(
            "the strategies need Hypothesis: pip install 'structlin[test]'"
        ) from error
