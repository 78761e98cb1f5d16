"""Checks of what Gaussian processes on grids are given."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from structlin._backend import device, namespace
from structlin._validation import inexact, require_array, require_finite
from structlin.bases import Grid
from structlin.covariance import Covariance
from structlin.solvers.gp._conditioning import Term


def terms_of(kernels: Any) -> tuple[Term, ...]:
    """Return kernels as a sum of products with a kernel for every axis."""
    if isinstance(kernels, Covariance):
        return ((kernels,),)
    listed = list(kernels) if isinstance(kernels, list | tuple) else [kernels]
    terms = [listed] if any(isinstance(k, Covariance) for k in listed) else listed
    for term in terms:
        if not isinstance(term, list | tuple) or not term:
            raise TypeError(f"kernels are {kernels!r}: pass one covariance function for every axis")
        for kernel in term:
            if not isinstance(kernel, Covariance):
                raise TypeError(
                    f"{kernel!r} is no covariance function: pass those of structlin.covariance"
                )
    if not terms:
        raise TypeError("there are no kernels: pass one covariance function for every axis")
    return tuple(tuple(term) for term in terms)


def number(name: str, value: Any) -> float:
    """Return a finite number as a float."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{name} is {value!r}: pass a number")
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}: it must be finite")
    return float(value)


def orders_of(order: Any, axes: int) -> tuple[int, ...]:
    """Return the order of a derivative on every axis."""
    listed = np.asarray(order)
    if listed.shape != (axes,) or listed.dtype.kind not in "iu" or np.any(listed < 0):
        raise ValueError(
            f"order is {order!r}: pass {axes} integers, 0 or more, the order of the derivative on "
            "every axis"
        )
    return tuple(listed.tolist())


def observed(
    grid: Grid, values: Any, mask: Any, missing: str | None, many: bool, whole: bool = True
) -> tuple[Any, Any]:
    """Return the values with zeros where they are missing, and the mask: None if none is."""
    xp = grid.xp
    if mask is not None:
        require_array("mask", mask)
        namespace(mask, values)
        device(mask, values)
        if tuple(mask.shape) != grid.shape or not xp.isdtype(mask.dtype, "bool"):
            raise ValueError(
                f"mask is {mask.dtype} of shape {tuple(mask.shape)}: pass booleans of the grid's "
                f"shape {grid.shape}, True where there is a value"
            )
        mask = xp.asarray(mask, copy=True)  # the caller may write over it
    if missing == "nan":
        there = ~xp.isnan(values)
        if not bool(xp.all(there == there[:1, ...])):
            raise ValueError("NaN is at other points in some outputs: fit these one at a time")
        mask = there[0, ...] if mask is None else mask & there[0, ...]
    if mask is not None:
        values = xp.where(mask, values, xp.zeros_like(values))
        if whole and not bool(xp.any(mask)):
            raise ValueError("no point of the grid has a value: everything is masked or missing")
        if bool(xp.all(mask)):
            mask = None
    try:
        require_finite("Y", xp.moveaxis(values, 0, -1) if many else values[0, ...])
    except ValueError as error:
        raise ValueError(f"{error}; missing='nan' takes NaN as missing") from None
    return values, mask


def variances(grid: Grid, noise_var: Any, mask: Any) -> Any:
    """Return the variances of the noise, a positive number or an array of positive ones."""
    if isinstance(noise_var, int | float | np.number):
        noise = number("noise_var", noise_var)
        if noise < 0:
            raise ValueError(f"noise_var is {noise:g}: a variance is 0 or more")
        return noise
    require_array("noise_var", noise_var)
    xp = namespace(noise_var, *grid.axes)
    device(noise_var, *grid.axes)
    if tuple(noise_var.shape) != grid.shape:
        raise ValueError(
            f"noise_var has shape {tuple(noise_var.shape)} but the grid has {grid.shape}: pass a "
            "variance for every point, or a number"
        )
    noise_var = inexact(xp.asarray(noise_var, copy=True))  # the caller may write over it
    if xp.isdtype(noise_var.dtype, "complex floating"):
        raise TypeError("noise_var is complex: variances are real")
    if mask is not None:
        noise_var = xp.where(mask, noise_var, xp.ones_like(noise_var))
    require_finite("noise_var", noise_var)
    if not bool(xp.all(noise_var > 0)):
        raise ValueError("noise_var has entries that are 0 or less: variances are positive")
    return noise_var
