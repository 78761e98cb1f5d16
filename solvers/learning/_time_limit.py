"""Calls that end at a time limit, whether the function called looks at the clock or not."""

from __future__ import annotations

import contextvars
import ctypes
import threading
from collections.abc import Callable
from typing import Any

_most_abandoned = 4  # threads that may run on at a time; a choice, so that a few cores stay usable


class Refused(TimeoutError):
    """A call was not begun, because others before it still run."""


class TimeLimit:
    """Runs functions in threads of their own, and waits for them so long and no longer.

    Python cannot end a thread. One that is late is asked to stop, by an exception that it meets at
    its next line of Python, and is left behind: what it computes is thrown away, but what it
    writes into its arguments meanwhile is not undone.

    Parameters
    ----------
    seconds : float
        How long to wait.
    several : bool
        Whether calls are of several kinds. Then none is begun while one of its kind runs on.
    """

    def __init__(self, seconds: float, several: bool = False) -> None:
        self.seconds = seconds
        self._most_of_a_kind = 1 if several else _most_abandoned
        self._abandoned: list[tuple[threading.Thread, str]] = []
        self._answered: set[str] = set()  # kinds of which a call has ended in time
        self._lock = threading.Lock()

    def _admit(self, kind: str) -> None:
        """Raise unless a call of that kind may begin.

        Where the most calls run on already, that is where one of its kind has ended in time before.
        """
        with self._lock:
            self._abandoned = [late for late in self._abandoned if late[0].is_alive()]
            late = [kind for _, kind in self._abandoned]
            known = kind in self._answered
        if late.count(kind) >= self._most_of_a_kind or (len(late) >= _most_abandoned and not known):
            raise Refused(
                f"{len(late)} calls that are past the time limit of {self.seconds:g} s are still "
                "running: no other of this kind is begun before one of them ends"
            )

    def call(self, function: Callable[[], Any], kind: str = "") -> Any:
        """Return what the function returns, or raise what it raises.

        Raises
        ------
        Refused
            If calls before it still run, so that it is not begun.
        TimeoutError
            If it takes too long.
        """
        self._admit(kind)
        call = _Call(function)
        thread = threading.Thread(target=call.run, daemon=True, name="time-limit")
        thread.start()
        try:
            thread.join(self.seconds)
        finally:  # an interrupt of the one who waits ends the call too
            if call.stop(thread):
                with self._lock:
                    self._abandoned.append((thread, kind))
        if not call.ended:
            raise TimeoutError(f"no answer within the time limit of {self.seconds:g} s")
        with self._lock:
            self._answered.add(kind)
        if call.error is not None:
            raise call.error
        return call.result


class _Call:
    """A call in a thread: what comes of it, unless it is stopped before."""

    def __init__(self, function: Callable[[], Any]) -> None:
        # settings such as numpy.errstate belong to the context of the caller
        context = contextvars.copy_context()
        self._function: Callable[[], Any] = lambda: context.run(function)
        self._lock = threading.Lock()
        self.ended = False
        self._stopped = False
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Call the function, and keep what it returns or raises."""
        result, error = None, None
        try:
            try:
                result = self._function()
            except BaseException as raised:
                error = raised
            with self._lock:
                if not self._stopped:
                    self.result, self.error, self.ended = result, error, True
        except SystemExit:  # asked to stop after the function had ended
            pass

    def stop(self, thread: threading.Thread) -> bool:
        """Ask the function to stop, and tell whether it was still running."""
        with self._lock:
            if self.ended or not thread.is_alive():
                return False
            self._stopped = True
            # SystemExit ends a thread without a word
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit)
            )
            return True
