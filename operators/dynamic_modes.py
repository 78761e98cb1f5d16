"""Dynamic mode decompositions: linear models of evolution, with spectra whose residuals tell."""

from __future__ import annotations

import copy
import numbers
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from structlin._backend import namespace
from structlin._validation import inexact, require_count, require_positive, require_tolerance
from structlin.operators._dynamic_fit import placed, product, split, taken
from structlin.operators._dynamic_storage import Storage
from structlin.operators._samples import in_double, require_pairs, require_samples
from structlin.operators.kernels._functions import kernels


class DynamicModes(Storage):
    """A linear model of the evolution of features of states, and its spectrum.

    Parameters
    ----------
    features : "state", callable, or the name of a kernel
        ``"state"``: the values of states; this is exact DMD. A callable that makes (n, N) features
        of states (n, *shape), such as `monomials`: extended DMD. The name of a kernel,
        ``"matern12"`` to ``"matern92"``, ``"rbf"``, ``"rq"`` or ``"imq"``: kernel extended DMD.
    rank : int, optional
        Most directions of features that are kept. By default all above ``tol``.
    tol : float, optional
        Directions whose singular value is less than this part of the largest are left out. By
        default that is what rounding allows; 1.5e-8 for kernels, whose singular values are squares.
    total : bool, default False
        Whether inputs and outputs are both taken for noisy (total least squares), which removes
        the bias of eigenvalues towards zero. Needs ``rank``.
    length_scale : float, default 1
        Of a kernel, in units of the median distance of two states.
    holdout : float or None
        The part of the pairs, evenly spread, that is kept from the fit and used for residuals.
        None: no pairs, unless the directions are more than half the pairs, when it is a quarter.

    Attributes
    ----------
    eigenvalues : (r,) ndarray
        In descending order of modulus, on the host, as all that follows.
    residuals : (r,) ndarray
        ``‖φ(y) − λ φ(x)‖ / ‖φ(x)‖`` for every eigenfunction ``φ``, over pairs ``x → y``.
    modes : (r, *shape) array
        What states are sums of.
    rank : int
        How many directions of features were kept.
    singular_values : ndarray
        Of the features at inputs, before any were left out.
    pairs, checked : int
        How many pairs the model was fitted to, and how many the residuals are of.

    Raises
    ------
    ValueError
        If an option is none of these.

    Notes
    -----
    With features ``ψ`` of ``n`` pairs in the rows of ``Ψ_X`` and ``Ψ_Y``, and the singular value
    decomposition ``Ψ_X = Q Σ Rᴴ``, truncated, the functions ``z = ψ R Σ⁻¹`` are orthonormal on the
    inputs, and ``K = Qᴴ Z_Y`` is the least-squares model ``z(y) ≈ z(x) K``. Its eigenvectors ``v``
    give eigenfunctions ``φ = z v`` with ``φ(y) ≈ λ φ(x)``, and modes ``c``, by least squares:
    ``y ≈ Σ λ_k φ_k(x) c_k``. A state ``s`` steps later is ``Σ λ_kˢ φ_k(x) c_k``. Cost: that of the
    singular value decomposition, ``O(n N min(n, N))``; for a kernel, ``O(n³)``.

    Every finite matrix has eigenvalues; they need not be those of the evolution. The residual of
    an eigenpair is an estimate of ``‖(𝒦 − λ) φ‖ / ‖φ‖`` for the evolution 𝒦 of all functions, with
    no truncation: eigenpairs with large ones are to be left out (`verified`), and
    `pseudospectrum` shows where there are functions with small ones. Residuals on pairs that were
    fitted are too small if there are nearly as many directions as pairs: see ``holdout``.

    Computed in double precision. The eigenvectors of ``K`` are found on the host.

    References
    ----------
    .. [1] P. J. Schmid, "Dynamic mode decomposition of numerical and experimental data", J. Fluid
       Mech. 656 (2010).
    .. [2] J. H. Tu et al., "On dynamic mode decomposition: theory and applications", J. Comput.
       Dyn. 1 (2014): exact modes.
    .. [3] M. S. Hemati, C. W. Rowley, E. A. Deem and L. N. Cattafesta, "De-biasing the dynamic mode
       decomposition for applied Koopman spectral analysis of noisy datasets", Theor. Comput. Fluid
       Dyn. 31 (2017).
    .. [4] M. O. Williams, I. G. Kevrekidis and C. W. Rowley, "A data-driven approximation of the
       Koopman operator: extending dynamic mode decomposition", J. Nonlinear Sci. 25 (2015).
    .. [5] M. O. Williams, C. W. Rowley and I. G. Kevrekidis, "A kernel-based method for data-driven
       Koopman spectral analysis", J. Comput. Dyn. 2 (2015).
    .. [6] M. J. Colbrook and A. Townsend, "Rigorous data-driven computation of spectral properties
       of Koopman operators for dynamical systems", Comm. Pure Appl. Math. 77 (2024): residuals.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.array([[0.9, -0.2], [0.1, 0.8]])
    >>> inputs = np.random.default_rng(0).standard_normal((10, 2))
    >>> model = DynamicModes().fit(inputs, inputs @ A.T)
    >>> abs(model.eigenvalues).round(6)  # √det A
    array([0.860233, 0.860233])
    """

    def __init__(
        self,
        features: Any = "state",
        *,
        rank: int | None = None,
        tol: float | None = None,
        total: bool = False,
        length_scale: float = 1.0,
        holdout: float | None = None,
    ) -> None:
        known = isinstance(features, str) and features in ("state", *kernels)
        if not callable(features) and not known:
            names = ", ".join(map(repr, kernels))
            raise ValueError(
                f"features is {features!r}: pass 'state', a function, or one of {names}"
            )
        rank = None if rank is None else require_count("rank", rank)
        if total and rank is None:
            raise ValueError("total least squares need a rank: pass rank=…")
        tol = None if tol is None else require_tolerance("tol", tol)
        if holdout is not None and not (isinstance(holdout, numbers.Real) and 0 <= holdout <= 0.5):
            raise ValueError(f"holdout is {holdout!r}: pass a number from 0 to 1/2, or None")
        self.features = features
        self.length_scale = require_positive("length_scale", length_scale)
        self.holdout = None if holdout is None else float(holdout)
        self._most, self._tol, self._total = rank, tol, bool(total)

    # learning

    def fit(self, inputs: Any, outputs: Any = None) -> Self:
        """Learn from pairs of states.

        Parameters
        ----------
        inputs : (n, *shape) array
            States; without outputs, consecutive ones of one evolution. Of several evolutions,
            pass pairs: an array ``u`` (evolutions, times, …) has the inputs ``u[:, :-1]`` and the
            outputs ``u[:, 1:]``, each with its first two axes made one.
        outputs : (n, *shape) array, optional
            The states one step later.

        Returns
        -------
        DynamicModes
            Itself.

        Raises
        ------
        ValueError
            If shapes differ, there are fewer than two pairs, the features of all inputs are zero,
            or a value is NaN or Inf, which is told with the number of the sample.
        """
        if outputs is None:
            inputs = in_double(require_samples("inputs", inputs))
            inputs, outputs = inputs[:-1, ...], inputs[1:, ...]
        else:
            inputs, outputs = map(in_double, require_pairs(inputs, outputs))
        if tuple(inputs.shape) != tuple(outputs.shape):
            raise ValueError(
                f"inputs have shape {tuple(inputs.shape)} and outputs {tuple(outputs.shape)}: pass "
                "the same states one step later, in the same order"
            )
        n = inputs.shape[0]
        if n < 2:
            cure = _evolutions(tuple(inputs.shape[1:]))
            raise ValueError(f"there are {n} pairs of states: pass two or more{cure}")
        model = copy.copy(self)  # where learning fails, what was learned before stays
        model._shape = tuple(inputs.shape[1:])
        kept, held = split(n, self.holdout or 0.0)
        now, later = model._learn(inputs, outputs, kept)
        if self.holdout is None and 2 * model.rank > n >= 4:
            kept, held = split(n, 0.25)
            model._learn(inputs, outputs, kept)
        if held:
            now, later = (model._functions(taken(states, held)) for states in (inputs, outputs))
        model._check(now, later)
        self.__dict__.update(model.__dict__)
        return self

    # spectra

    @property
    def modes(self) -> Any:
        """The modes, (r, *shape), complex: states are sums of eigenfunctions times these.

        Where an eigenvalue is zero, the mode is what its eigenfunction adds to the next state.
        """
        self._require_fit()
        values = np.where(self.eigenvalues == 0, 1.0, self.eigenvalues)
        c = self._steps_of_modes()
        xp = namespace(c)
        c = c / xp.asarray(values, device=c.device)[:, None]
        return xp.reshape(c, (-1, *self._shape))

    def _steps_of_modes(self) -> Any:
        """Return modes times eigenvalues: the least-squares map from eigenfunctions to outputs."""
        inverse = np.linalg.pinv(self._vectors)
        return product(placed(inverse, self._outputs), self._outputs)

    def eigenfunctions(self, states: Any) -> Any:
        """Return the values of the eigenfunctions, complex, of mean square 1 over the inputs.

        Parameters
        ----------
        states : (n, *shape) array
            Where.

        Returns
        -------
        (n, r) array
            A column for each eigenvalue.

        Raises
        ------
        ValueError
            If the shape is not that of the states of the fit, or a value is NaN or Inf.
        """
        z = self._functions(self._states("states", states))
        return product(z, placed(self._vectors, z))

    def rates(self, dt: float) -> NDArray[np.complex128]:
        """Return ``log(λ)/dt``: growth in the real part, frequency (times 2π) in the imaginary one.

        Parameters
        ----------
        dt : float
            The time of a step. Frequencies beyond ``π/dt`` cannot be told from lower ones.

        Returns
        -------
        (r,) ndarray
            With ``−inf`` for eigenvalues of zero.
        """
        dt = require_positive("dt", dt)
        self._require_fit()
        zero = self.eigenvalues == 0
        found = np.log(np.where(zero, 1.0, self.eigenvalues)) / dt
        rates: NDArray[np.complex128] = np.where(zero, -np.inf, found)
        return rates

    def verified(self, most: float) -> Self:
        """Return the model of the eigenpairs whose residuals are at most a bound.

        Parameters
        ----------
        most : float
            The bound.

        Returns
        -------
        DynamicModes
            With fewer eigenvalues, and with modes that are fitted anew.

        Raises
        ------
        ValueError
            If no eigenpair is left.
        """
        self._require_fit()
        if not isinstance(most, numbers.Real):
            raise ValueError(f"most is {most!r}: pass a number")
        good = self.residuals <= most
        if not np.any(good):
            raise ValueError(
                f"no residual is at most {most!r}: the least is {np.min(self.residuals):.3g}"
            )
        model = copy.copy(self)
        model.eigenvalues, model.residuals = self.eigenvalues[good], self.residuals[good]
        model._vectors = self._vectors[:, good]
        return model

    def pseudospectrum(self, points: Any) -> NDArray[np.float64]:
        """Return the least residual that a function of the features has at points of the plane.

        Parameters
        ----------
        points : (...) array of complex numbers
            On the host, as is the result.

        Returns
        -------
        (...) ndarray
            ``min ‖g(y) − z g(x)‖ / ‖g(x)‖`` over all ``g`` among the directions kept. Where it is
            below ``ε``, so is the distance of ``z`` from spectra of operators near by.

        Raises
        ------
        ValueError
            If the residuals are of fewer pairs than twice the directions: then functions with no
            residual at these pairs exist everywhere. If a point is NaN or Inf.

        Notes
        -----
        A singular value decomposition of a ``(2 r, r)`` matrix for each point.
        """
        self._require_fit()
        if self.checked < 2 * self.rank:
            raise ValueError(
                f"residuals are of {self.checked} pairs, but {self.rank} directions were kept: "
                f"pass rank={max(self.checked // 2, 1)} or less, or more pairs"
            )
        points = np.asarray(points, dtype=complex)
        if not np.all(np.isfinite(points)):
            raise ValueError("a point is NaN or Inf: pass finite complex numbers")
        # in a basis that is orthonormal over these pairs
        basis, triangle = np.linalg.qr(self._now)
        later = np.linalg.solve(triangle.T, self._later.T).T
        least = [np.linalg.svd(later - z * basis, compute_uv=False)[-1] for z in points.reshape(-1)]
        return np.asarray(least).reshape(points.shape)

    def report(self) -> str:
        """Return a table of the spectrum, to be printed."""
        self._require_fit()
        lines = [
            f"{self!r}",
            f"residuals of {self.checked} pairs",
            "  eigenvalue               modulus   residual",
        ]
        for value, residual in zip(self.eigenvalues, self.residuals, strict=True):
            lines.append(f"  {value:<24.5g} {abs(value):<9.4g} {residual:.2e}")
        return "\n".join(lines)

    # forecasts

    def predict(self, inputs: Any) -> Any:
        """Return the states one step after states: see `forecast`.

        Parameters
        ----------
        inputs : (n, *shape) array
            States.

        Returns
        -------
        (n, *shape) array
            In the precision of the inputs.
        """
        return self.forecast(inputs, 1)[:, 0, ...]

    def forecast(self, initial: Any, steps: int) -> Any:
        """Return the states at the steps after initial states.

        Parameters
        ----------
        initial : (n, *shape) array
            States.
        steps : int
            How many, one or more.

        Returns
        -------
        (n, steps, *shape) array
            In the precision of the initial states; real if the states of the fit were.

        Raises
        ------
        ValueError
            If the shape is not that of the states of the fit, a value is NaN or Inf, or there are
            no steps, or so many that growing eigenvalues exceed all numbers.
        """
        steps = require_count("steps", steps)
        states = self._states("initial", initial)
        amplitudes = self.eigenfunctions(states)
        xp, n = namespace(states), states.shape[0]
        c = self._steps_of_modes()
        with np.errstate(over="ignore", invalid="ignore"):
            powers = self.eigenvalues ** np.arange(steps)[:, None]
        if not np.all(np.isfinite(powers)):
            good = int(np.argmin(np.all(np.isfinite(powers), axis=1)))
            raise ValueError(
                f"an eigenvalue of modulus {np.max(np.abs(self.eigenvalues)):.3g} grows beyond all "
                f"numbers in {steps} steps: ask for {good} or fewer, or leave it out by verified"
            )
        scaled = amplitudes[:, None, :] * placed(powers, amplitudes)[None, :, :]
        flat = xp.matmul(xp.reshape(scaled, (-1, amplitudes.shape[1])), c)
        flat = xp.real(flat) if self._real else flat
        kind = inexact(initial).dtype
        if xp.finfo(kind).bits == 32:
            flat = xp.astype(flat, xp.float32 if self._real else xp.complex64)
        return xp.reshape(flat, (n, steps, *self._shape))

    def _require_fit(self) -> None:
        _ = self.rank

    def _states(self, name: str, states: Any) -> Any:
        self._require_fit()
        cure = f", states of the shape of the fit{_evolutions(self._shape)}"
        states = in_double(require_samples(name, states, self._shape, cure=cure))
        namespace(states, self._directions)
        return states

    def __repr__(self) -> str:
        kind = self.features if isinstance(self.features, str) else "dictionary"
        if not hasattr(self, "_directions"):
            return f"<DynamicModes of {kind}, not fitted>"
        return f"<DynamicModes of {kind}, {self.pairs} pairs, {len(self.eigenvalues)} eigenvalues>"


def _evolutions(shape: tuple[int, ...]) -> str:
    """Return what to do about states that may be whole evolutions."""
    if len(shape) < 2:
        return ""
    return (
        "; for several evolutions, (evolutions, times, …), pass fit inputs=… and outputs=…, the "
        "pairs of states one step apart, (n, …)"
    )
