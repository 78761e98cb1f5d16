"""Rules: which structure of its operators decides how a function is worked out.

A rule is one line of the table *(function, structures) → body*::

    @rule(trace, Kronecker, how="product of the factors' traces", cost="Σ nᵢ", memory="1")
    def _trace(A):
        return math.prod(trace(F) for F in A.factors)

The rule that is nearest along the method resolution order comes first. A rule may carry a
condition ``when``, and its body may return ``NotImplemented``: then the next one is tried.
Rules of `LinearOperator` itself are the fallback, in the order in which they are registered.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Rule:
    """One line of the table: a body, the condition on its operators, and what it costs."""

    body: Callable[..., Any]
    when: Callable[..., bool] | None
    how: str
    cost: str
    memory: str
    parts: Callable[[Any], Iterable[Any]] | None
    may_decline: bool


_table: dict[tuple[Any, ...], list[Rule]] = {}


def rule(
    function: Callable[..., Any],
    *structures: type,
    when: Callable[..., bool] | None = None,
    how: str = "",
    cost: str = "",
    memory: str = "",
    parts: Callable[[Any], Iterable[Any]] | None = None,
    may_decline: bool = False,
) -> Callable[[_F], _F]:
    """Register the decorated body as the rule of a function for operators of these structures.

    Parameters
    ----------
    function : callable
        A function of the table, such as `solve`.
    *structures : type
        One class per operator that the function takes.
    when : callable, optional
        Condition on the operators; the rule is passed over where it is false.
    how, cost, memory : str
        What `explain` tells: the method in words, its operations and its extra memory in
        numbers, as formulas.
    parts : callable, optional
        Returns the operators to which the body applies the same function.
    may_decline : bool
        Whether the body may return ``NotImplemented``, so that `explain` tells what follows.

    Returns
    -------
    callable
        The decorator; it returns the body unchanged.

    Notes
    -----
    Packages of your own import from `structlin.matrices`, as below. Modules of this one import
    from ``structlin.matrices._base``, ``.functions`` and ``.rules``: `structlin.matrices` is not
    complete yet when they run. Bodies receive blocks (n, k), as CONTRIBUTING.md tells.

    Examples
    --------
    >>> from structlin.matrices import LinearOperator, rule, trace
    >>> class Zero(LinearOperator):
    ...     def _matmat(self, X): return 0 * X
    ...     _rmatmat = _matmat
    >>> _ = rule(trace, Zero, how="zero")(lambda A: 0.0)
    >>> trace(Zero((3, 3)))
    0.0
    """

    def register(body: _F) -> _F:
        line = Rule(body, when, how, cost, memory, parts, may_decline)
        _table.setdefault((function, *structures), []).append(line)
        candidates.cache_clear()
        return body

    return register


@functools.cache
def candidates(function: Callable[..., Any], *structures: type) -> tuple[Rule, ...]:
    """Return the rules for operators of these classes, nearest first."""
    ranked = sorted(
        itertools.product(*(enumerate(structure.__mro__) for structure in structures)),
        key=lambda line: sum(distance for distance, _ in line),
    )
    lines = ((function, *(structure for _, structure in line)) for line in ranked)
    return tuple(itertools.chain.from_iterable(_table.get(line, ()) for line in lines))


def applicable(function: Callable[..., Any], *operators: Any) -> Iterator[Rule]:
    """Yield the rules whose condition these operators meet, in the order of trial."""
    for line in candidates(function, *map(type, operators)):
        if line.when is None or line.when(*operators):
            yield line


def answer(function: Callable[..., Any], *operators: Any, then: tuple[Any, ...] = ()) -> Any:
    """Return what the first rule gives that accepts these operators (and further arguments)."""
    for line in applicable(function, *operators):
        result = line.body(*operators, *then)
        if result is not NotImplemented:
            return result
    names = " and ".join(type(operator).__name__ for operator in operators)
    raise TypeError(f"{function.__name__} has no rule for {names}")


@dataclass(frozen=True)
class Explanation:
    """What a function will do with an operator: told before anything runs.

    Attributes
    ----------
    call : str
        The function and the operator.
    how : str
        The rule that is tried first.
    cost : str
        Its operations, as a formula (for one right-hand side where there is one).
    memory : str
        Its extra memory in numbers, as a formula.
    fallback : tuple of str
        What follows, in this order, should a rule find that it cannot answer.
    parts : tuple of Explanation
        The same function on the parts of the structure.
    """

    call: str
    how: str
    cost: str
    memory: str
    fallback: tuple[str, ...] = ()
    parts: tuple[Explanation, ...] = ()

    def __repr__(self) -> str:
        lines = [
            self.call,
            f"  rule    {self.how}",
            f"  cost    {self.cost}",
            f"  memory  {self.memory}",
            *(f"  else    {how}" for how in self.fallback),
        ]
        for part, count in Counter(self.parts).items():
            first, *rest = repr(part).splitlines()
            lines.append(f"  {count} × {first}" if count > 1 else f"  {first}")
            lines += [f"  {line}" for line in rest]
        return "\n".join(lines)


def explanation(function: Callable[..., Any], operator: Any) -> Explanation:
    """Tell which rule of the table a function of one operator takes."""
    lines = []
    for line in applicable(function, operator):
        lines.append(line)
        if not line.may_decline:
            break
    if not lines:
        raise TypeError(f"{function.__name__} has no rule for {type(operator).__name__}")
    return Explanation(
        f"{function.__name__}({operator!r})",
        lines[0].how,
        lines[0].cost,
        lines[0].memory,
        tuple(line.how for line in lines[1:]),
        tuple(explanation(function, part) for part in lines[0].parts(operator))
        if lines[0].parts
        else (),
    )
