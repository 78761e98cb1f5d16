"""Plain functions and their compiled twins, side by side.

``subject.py`` holds the plain array-API functions (the reference and the fallback),
``subject_numba.py`` and ``subject_cupy.py`` their twins under the same names, ``subject.cu``
the CUDA source. ``structlin._backend.kernel`` picks one.
"""
