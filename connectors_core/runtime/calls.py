"""Calls into a plugin: plain or async, whatever they raise, never for ever."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from connectors_core.api.errors import ContractError
from connectors_core.runtime.retry import describe

T = TypeVar("T")


async def call(function: Callable[..., Any], *args: Any) -> Any:
    """Call a method of a plugin and wait for it.

    A plain function runs in a thread of its own, so that it may block; a thread that never returns
    is left behind. What no task may raise (SystemExit, KeyboardInterrupt, a cancellation of its
    own making) becomes a ContractError.
    """
    try:
        if inspect.iscoroutinefunction(function):
            return await function(*args)
        result = await _in_thread(function, *args)
        return await result if inspect.isawaitable(result) else result
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise ContractError(
            f"{name_of(function)} ended with a cancellation that nobody asked for.",
            code="source.cancelled",
        ) from None
    except Exception:
        raise
    except BaseException as error:
        raise raised(error, name_of(function)) from error


def call_now(function: Callable[..., T], *args: Any) -> T:
    """Call what a plugin wrote and must not wait in: a constructor, a `read`, an iteration.

    What no task may raise becomes a ContractError, as in `call`.
    """
    try:
        return function(*args)
    except Exception:
        raise
    except BaseException as error:
        raise raised(error, name_of(function)) from error


def raised(error: BaseException, where: str) -> ContractError:
    """Return the error of a plugin that raised what only the process may raise."""
    return ContractError(
        f"{where} raised {describe(error)}. A plugin must not end the process.",
        code="source.raised",
    )


def name_of(function: Callable[..., Any]) -> str:
    """Name a function for an error."""
    return getattr(function, "__qualname__", repr(function))


async def _in_thread(function: Callable[..., Any], *args: Any) -> Any:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def work() -> None:
        try:
            outcome: Any = function(*args)
            method: Callable[[Any], None] = future.set_result
        except BaseException as error:
            outcome = raised(error, name_of(function)) if _ends_process(error) else error
            method = future.set_exception
        try:
            loop.call_soon_threadsafe(lambda: None if future.done() else method(outcome))
        except RuntimeError:
            return  # the loop is gone, and so is whoever waited

    threading.Thread(target=work, name=f"plugin-{name_of(function)}", daemon=True).start()
    return await future


def _ends_process(error: BaseException) -> bool:
    return not isinstance(error, Exception) or isinstance(error, StopIteration)
