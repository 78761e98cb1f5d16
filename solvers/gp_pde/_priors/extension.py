"""Features without knowledge of the spectrum: a Fourier series on a box larger than the axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from structlin._backend import on_host
from structlin.solvers.gp_pde._features import Features

# chosen by trial
_box = 1.25  # sides of the axis
_share = 0.8  # of the Nyquist frequency
_powers = (0, 1, 2, 3)


def extension_features(x: Any, decay: float = 2.0, sd: float = 1.0) -> Features:
    """Return the prior of a function of which only its smoothness is known.

    Parameters
    ----------
    x : (n,) array
        Nodes of the axis.
    decay : float
        Standard deviations of waves fall as ``ω^−decay``, from the third wave on.
    sd : float
        The standard deviation of the function.

    Returns
    -------
    Features
        Waves on a box of 1.25 sides, up to 0.8 of the Nyquist frequency of the mean spacing, and
        powers up to the cube. Every octave of frequencies is a component, the powers are the first.

    Notes
    -----
    A function on the axis need not be periodic there: on the larger box it has a periodic
    extension, which decays fast. With ``n`` nodes there are about ``n`` features.
    """
    nodes = on_host(x)
    half = 0.5 * float(nodes[-1] - nodes[0])
    half = half if half > 0 else 1.0
    count = max(int(_share * 0.5 * (len(nodes) - 1) * _box), 1)
    steps = np.arange(count + 1)
    shape = np.maximum(steps, 3.0) ** -decay
    shape *= sd / np.sqrt(np.sum(shape**2))
    octaves = 1 + np.floor(np.log2(np.maximum(steps, 1))).astype(np.int64)
    return Features(
        0.5 * float(nodes[0] + nodes[-1]),
        half,
        (np.pi / (_box * half)) * steps,
        shape,
        octaves,
        _powers,
        np.full(len(_powers), 10 * sd),
    )
