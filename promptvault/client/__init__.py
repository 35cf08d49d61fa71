"""The client of a PromptVault server, over HTTP."""

import sys

# If rich is installed, httpx imports its command line: a third of its import time.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
