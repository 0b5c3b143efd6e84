"""A scripted model server on loopback, for driving real agent programs without any model.

The script travels inside the prompt (`directive.py`), so the server remembers nothing about
conversations: resuming, forking and running in parallel need no bookkeeping. `server.py` is the
HTTP part, one module for each model API the rest: `chat.py` (OpenAI chat completions),
`messages.py` (Anthropic Messages), `responses.py` (OpenAI Responses).
"""

from __future__ import annotations

from tests.e2e.model_server.directive import prompt_with
from tests.e2e.model_server.server import ModelServer

__all__ = ["ModelServer", "prompt_with"]
