"""What a request to the model server wants, whatever API it came by. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tests.e2e.model_server.directive import Directive, Step

__all__ = ["JSON_CHUNK", "TEXT_CHUNK", "Ask", "kind_of_failure", "pieces"]

TEXT_CHUNK, JSON_CHUNK = 8, 16


class Ask(msgspec.Struct, frozen=True):
    """`directive` None: no script, so a plain word. `title`: what a side call is answered.

    A request without tools is a side call (title, summary): it gets a short text, uses no step.
    """

    model: str
    offered: tuple[str, ...]
    directive: Directive | None
    step: int
    title: str = "fake title"
    stream: bool = True
    images: int = 0
    namespaces: dict[str, str] = {}
    """Of the tools that are offered in one."""

    @property
    def side_call(self) -> bool:
        return not self.offered

    def due_step(self) -> Step:
        if self.side_call:
            return Step(text=self.title)
        if self.directive is None:
            return Step(text="ok")
        steps = self.directive.steps
        return steps[self.step] if self.step < len(steps) else Step(text="(script over)")


def pieces(text: str, size: int) -> Iterator[str]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


def kind_of_failure(status: int) -> str:
    """The word by which OpenAI's APIs name a failed request."""
    kinds = {429: "rate_limit_exceeded", 401: "invalid_api_key", 400: "invalid_request_error"}
    return kinds.get(status, "server_error")
