"""Random generators of NumPy, saved as numbers and lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

_bit_generators = {
    kind.__name__: kind
    for kind in (
        np.random.PCG64,
        np.random.PCG64DXSM,
        np.random.MT19937,
        np.random.Philox,
        np.random.SFC64,
    )
}
_last_positions = {"MT19937": 624, "Philox": 4}  # NumPy reads at a position without looking


def saved_generator(rng: np.random.Generator) -> dict[str, Any]:
    """Return the state of a generator, ready for JSON.

    Raises
    ------
    TypeError
        If it is none of NumPy's own.
    """
    state = rng.bit_generator.state
    if state["bit_generator"] not in _bit_generators:
        raise TypeError(f"{state['bit_generator']} cannot be saved: use numpy's generators")
    saved: dict[str, Any] = _to_lists(state)
    return saved


def restored_generator(saved: Mapping[str, Any]) -> np.random.Generator:
    """Return the generator that `saved_generator` described.

    Raises
    ------
    ValueError
        If it could not have.
    """
    try:
        name = saved["bit_generator"]
        bits = _bit_generators[name]()
        bits.state = _from_lists(saved, bits.state)
        position = saved.get("buffer_pos", saved["state"].get("pos", 0))
        if not 0 <= position <= _last_positions.get(name, 0):
            raise ValueError(f"{name} has no word {position}")
        if _to_lists(bits.state) != _to_lists(saved):
            raise ValueError(f"{name} has other states")
    except Exception as error:  # NumPy trusts a state, and raises whatever comes of it
        raise ValueError(f"its generator is corrupted ({type(error).__name__}: {error})") from error
    return np.random.Generator(bits)


def _to_lists(value: Any) -> Any:
    """Replace the arrays of a generator's state by lists."""
    if isinstance(value, Mapping):
        return {name: _to_lists(part) for name, part in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


def _from_lists(value: Any, pattern: Any) -> Any:
    """Replace lists by arrays wherever the pattern has arrays."""
    if isinstance(pattern, Mapping):
        return {name: _from_lists(value[name], part) for name, part in pattern.items()}
    return np.array(value, dtype=pattern.dtype) if isinstance(pattern, np.ndarray) else value
