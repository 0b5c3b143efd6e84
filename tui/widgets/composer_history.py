"""Earlier prompts of one agent, walked with up and down; the unsent text waits at the end. Pure."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["PromptHistory"]

_KEPT = 200


class PromptHistory:
    """Prompts, oldest first; `older` and `newer` walk, whatever is typed in between."""

    def __init__(self, prompts: Iterable[str] = ()) -> None:
        self._prompts: list[str] = []
        self._place: int | None = None
        self._unsent = ""
        for prompt in prompts:
            self.add(prompt)

    @property
    def prompts(self) -> tuple[str, ...]:
        return tuple(self._prompts)

    def add(self, prompt: str) -> None:
        """A prompt was sent; a repeated one moves to the end. The walk ends."""
        self._place = None
        if not prompt.strip():
            return
        if prompt in self._prompts:
            self._prompts.remove(prompt)
        self._prompts.append(prompt)
        del self._prompts[:-_KEPT]

    def learn(self, prompts: Iterable[str]) -> None:
        """Prompts that the timeline tells, older than all that are known here."""
        fresh = [each for each in dict.fromkeys(prompts) if each.strip()]
        known = set(self._prompts)
        new = [each for each in fresh if each not in known]
        if new and self._place is None:
            self._prompts[:0] = new
            del self._prompts[:-_KEPT]

    def older(self, text: str) -> str | None:
        """The prompt before the one shown; `text` is what stands in the composer now."""
        if self._place is None:
            self._unsent = text
            self._place = len(self._prompts)
        if self._place == 0:
            return None
        self._place -= 1
        return self._prompts[self._place]

    def newer(self) -> str | None:
        """The next prompt, at the end the unsent text; None where the walk has not begun."""
        if self._place is None:
            return None
        self._place += 1
        if self._place >= len(self._prompts):
            self._place = None
            return self._unsent
        return self._prompts[self._place]

    def stop(self) -> None:
        """The text was changed by hand: the next walk begins at the end."""
        self._place = None
