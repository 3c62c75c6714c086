"""The litellm library: imported late, kept quiet, and its connections closed with the event loop."""

import asyncio
import os
from collections.abc import AsyncGenerator
from functools import cache
from typing import Any

_closers: dict[asyncio.AbstractEventLoop, AsyncGenerator[None, None]] = {}


# litellm's own types say little and its import is not always there, so the module is Any.
async def litellm() -> Any:
    """The litellm module; the first call imports it, in a thread so that the event loop keeps running."""
    loop = asyncio.get_running_loop()
    if loop not in _closers:
        library = await asyncio.to_thread(_load)
        if loop not in _closers:  # another task may have come first
            _closers[loop] = _closing(library, loop)
            await anext(_closers[loop])
    return _load()


@cache
def _load() -> Any:
    # Before the import: else it fetches a price list from the network, reads a .env of its own choice and
    # warns of its own background tasks.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    os.environ.setdefault("LITELLM_LOG", "ERROR")
    import litellm

    litellm.suppress_debug_info = True
    litellm.telemetry = False
    return litellm


async def _closing(library: Any, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None, None]:
    """Held open until the loop shuts its generators down: the moment to close connections."""
    try:
        yield
    finally:
        _closers.pop(loop, None)
        await library.close_litellm_async_clients()
        # A later loop may have this one's id, by which litellm would find a closed client.
        library.in_memory_llm_clients_cache.flush_cache()
