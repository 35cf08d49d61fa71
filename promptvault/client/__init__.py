"""Talking to a PromptVault server."""

import sys

# Where rich is at hand, httpx imports a command line of its own: a third of its time.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
