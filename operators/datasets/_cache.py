"""Samples made once for a seed: kept on disk, and read from there afterwards."""

from __future__ import annotations

import contextlib
import hashlib
import json
import numbers
import operator
import os
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._validation import require_count

Samples = tuple[NDArray[np.float64], NDArray[np.float64]]
Blocks = Callable[[np.random.Generator, int], Iterator[Samples]]


def samples(
    name: str,
    version: int,
    n: int,
    parameters: Mapping[str, Any],
    blocks: Blocks,
    *,
    rng: Any,
    cache: bool | str | os.PathLike[str],
    progress: bool | None,
) -> Samples:
    """Return ``n`` samples: those kept on disk for this seed, or new ones, which are then kept.

    Parameters
    ----------
    name : str
        What the set is called, in the file's name too.
    version : int
        Raised whenever the same parameters begin to give other samples.
    n : int
        How many.
    parameters : mapping
        All else that decides the samples.
    blocks : callable
        ``blocks(generator, n)`` yields the samples in parts. It has to draw sample by sample, so
        that the first ones are the same whatever ``n`` is.
    rng : None, int or numpy.random.Generator
        Only samples of an integer seed are kept.
    cache : bool or path
        Whether to keep them, or the folder.
    progress : bool or None
        Whether to show a progress bar; None means after a second.
    """
    require_count("n", n)
    if not isinstance(cache, bool | str | os.PathLike):
        raise TypeError(f"cache is {cache!r}: pass True, False or a folder")
    folder = Path(cache) if not isinstance(cache, bool) else cache_folder() if cache else None
    if folder is None or not isinstance(rng, numbers.Integral):
        return _make(name, n, blocks, rng, progress)
    about = {"name": name, "version": version, "seed": int(rng), **parameters}
    text = json.dumps(about, sort_keys=True, default=operator.index)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    file = folder / f"{name.replace(' ', '_')}-{key}.npz"
    kept = _read(file, text, n)
    if kept is not None:
        return kept
    made = _make(name, n, blocks, rng, progress)
    try:
        _write(file, text, made)
    except OSError as error:
        warnings.warn(
            f"the samples could not be kept in {folder} ({error.strerror}): pass cache=False, or a "
            "folder that can be written to",
            stacklevel=3,
        )
    return made


def cache_folder() -> Path:
    """Return where the user's computer keeps what can be made again."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "structlin"


def _make(name: str, n: int, blocks: Blocks, rng: Any, progress: bool | None) -> Samples:
    from tqdm.auto import tqdm

    inputs, outputs = [], []
    off, delay = progress is False, 0 if progress else 1
    with tqdm(total=n, desc=name, unit="sample", delay=delay, leave=False, disable=off) as bar:
        for given, made in blocks(np.random.default_rng(rng), n):
            inputs.append(given)
            outputs.append(made)
            bar.update(len(given))
    return np.concatenate(inputs), np.concatenate(outputs)


def _read(file: Path, about: str, n: int) -> Samples | None:
    """Return the first ``n`` samples of a file that is whole, has these, and is about this."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            if str(kept["about"]) != about or int(kept["n"]) < n:
                return None
            return kept["inputs"][:n], kept["outputs"][:n]
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def _write(file: Path, about: str, made: Samples) -> None:
    """Write a file that is either whole or not there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as out:
            np.savez(out, inputs=made[0], outputs=made[1], n=len(made[0]), about=np.array(about))
        os.replace(part, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
