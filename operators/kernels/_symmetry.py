"""The symmetry of a map: samples are turned, and a finite group acts on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin.bases import Grid
from structlin.operators.kernels._groups import Group, named, trivial
from structlin.operators.kernels._shifts import (
    canonical_shifts,
    periodic_axes,
    require_no_duplicates,
    shifted,
)

# rounding errors of maps of the user
_close = 1e-8


class Symmetry:
    """A symmetry of maps, as told by the user, and what it is for the data of a fit.

    Parameters
    ----------
    told : None, str, sequence of callables or pair
        See `KernelOperator`.

    Attributes
    ----------
    group : Group
        The finite group, of the identity alone if there is no other; after `fit`.
    """

    def __init__(self, told: Any) -> None:
        pair = (
            isinstance(told, tuple | list)
            and len(told) == 2
            and isinstance(told[0], str)
            and told[0] == "shift"
        )
        self.turns = pair or (isinstance(told, str) and told == "shift")
        rest = told[1] if pair else None if self.turns else told
        if isinstance(rest, str) and rest not in named:
            raise ValueError(
                f"symmetry is {rest!r}: it is None, 'shift', one of "
                f"{', '.join(map(repr, named))}, a pair ('shift', one of these), or a sequence of "
                "callables, one for every element of a group"
            )
        if not (rest is None or isinstance(rest, str) or _are_maps(rest)):
            raise ValueError(
                f"symmetry is {told!r}: pass a name, a pair ('shift', group), or a sequence of "
                "callables, one for every element of a group"
            )
        self.maps = rest if rest is None or isinstance(rest, str) else list(rest)

    def fit(self, U: Any, V: Any, grid: Grid | None, output_grid: Grid | None) -> tuple[Any, Any]:
        """Learn what the symmetry is for these samples, and return them turned."""
        if self.turns:
            self._axes = periodic_axes(grid, U.ndim - 1, "grid")
            self._output_axes = periodic_axes(output_grid, V.ndim - 1, "output_grid")
            if len(self._output_axes) < len(self._axes):
                raise ValueError(
                    f"inputs have {len(self._axes)} periodic axes and outputs "
                    f"{len(self._output_axes)}: symmetry='shift' shifts outputs along with inputs"
                )
            self._output_axes = self._output_axes[: len(self._axes)]
            require_no_duplicates(U, self._axes, "inputs")
            require_no_duplicates(V, self._output_axes, "outputs")
        self.group = self._finite(U, V, grid, output_grid)
        U, shifts = self.turned(U)
        return U, V if shifts is None else shifted(V, shifts, self._output_axes)

    def turned(self, U: Any) -> tuple[Any, Any]:
        """Return inputs turned, and by what fractions of the periods; None if they are not."""
        if not self.turns:
            return U, None
        shifts = canonical_shifts(U, self._axes)
        return shifted(U, shifts, self._axes), shifts

    def back(self, V: Any, shifts: Any) -> Any:
        """Return outputs of turned inputs, turned back."""
        return V if shifts is None else shifted(V, -shifts, self._output_axes)

    @property
    def name(self) -> str:
        """What was used of the symmetry."""
        turned = "shifts, by turning samples" if self.turns else ""
        finite = f"{self.group.order} elements, by augmentation" if self.group.order > 1 else ""
        return " and ".join(part for part in (turned, finite) if part) or "none"

    def _finite(self, U: Any, V: Any, grid: Grid | None, output_grid: Grid | None) -> Group:
        if self.maps is None:
            return trivial(U)
        maps = self.maps
        if isinstance(maps, str):
            if U.ndim != V.ndim:
                raise ValueError(
                    f"symmetry={maps!r} acts along {U.ndim - 1} axes of inputs and {V.ndim - 1} of "
                    "outputs: pass pairs of callables that say how"
                )
            first, second = (
                named[maps](ndim=U.ndim - 1, periodic=_periodic(g)) for g in (grid, output_grid)
            )
            maps = list(zip(first, second, strict=True))
        if self.turns:
            maps = self._turning(maps, U)
        group = Group(maps, U, tuple(U.shape[1:]))
        for g, act in enumerate(group.on_outputs):
            few = V[:2, ...]
            if tuple(act(few).shape) != tuple(few.shape):
                raise ValueError(
                    f"map {g} of the symmetry takes outputs of shape {tuple(few.shape)} to "
                    f"{tuple(act(few).shape)}: a symmetry keeps the shape"
                )
        _require_orthogonal(group, V)
        return group

    def _turning(self, maps: Sequence[Any], U: Any) -> list[tuple[Any, Any]]:
        """Return maps that turn, by one shift each, what they make of turned samples."""
        xp = namespace(U)
        random = np.random.default_rng(0).standard_normal((1, *U.shape[1:]))
        probe = xp.astype(xp.asarray(random, device=U.device), U.dtype)
        probe, _ = self.turned(probe)

        kept = []
        for told in maps:
            first, second = told if isinstance(told, tuple | list) else (told, told)
            shifts = canonical_shifts(first(probe), self._axes)
            kept.append(
                (_Turning(first, shifts, self._axes), _Turning(second, shifts, self._output_axes))
            )
        return kept


def _require_orthogonal(group: Group, V: Any) -> None:
    """Raise unless the maps of outputs keep norms, and have the products of those of inputs."""
    xp = namespace(V)
    random = np.random.default_rng(0).standard_normal((1, *V.shape[1:]))
    probe = xp.astype(xp.asarray(random, device=V.device), V.dtype)
    images = [act(probe) for act in group.on_outputs]
    size = float(xp.sum(xp.abs(probe) ** 2))
    for g, act in enumerate(group.on_outputs):
        longer = abs(float(xp.sum(xp.abs(images[g]) ** 2)) - size) > _close * size
        away = (act(image) - images[int(group.table[g, h])] for h, image in enumerate(images))
        if longer or any(float(xp.max(xp.abs(gap))) > _close * size for gap in away):
            raise ValueError(
                f"map {g} of the symmetry (the identity being 0) changes the norms of outputs, or "
                "acts on outputs by other products than on inputs: pass a group of orthogonal maps"
            )


def _are_maps(told: Any) -> bool:
    """Tell whether this is a sequence of callables, or of pairs of them."""
    if not isinstance(told, Sequence) or not told:
        return False
    pairs = [one if isinstance(one, tuple | list) and len(one) == 2 else (one,) for one in told]
    return all(callable(one) for pair in pairs for one in pair)


@dataclass(frozen=True)
class _Turning:
    """A map, and a shift behind it."""

    act: Callable[[Any], Any]
    shifts: Any
    axes: list[int]

    def __call__(self, W: Any) -> Any:
        each = namespace(W).broadcast_to(self.shifts, (W.shape[0], len(self.axes)))
        return shifted(self.act(W), each, self.axes)


def _periodic(grid: Grid | None) -> list[bool] | None:
    return None if grid is None else [kind == "periodic" for kind in grid.kinds]
