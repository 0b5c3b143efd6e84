"""How a turn, a program and a start end, in the effects that all drivers share.

What a driver closes in between, its calls and requests, is its own. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sereno.core.protocol.agents import Usage
from sereno.core.providers.common.core import FAILED, READY, Core
from sereno.core.providers.common.failures import Failure, by_hand, describe_exit
from sereno.core.providers.effects import Diagnostic, Effect, Outcome, SessionFailed, TurnEnded
from sereno.core.providers.jsonrpc import Junk
from sereno.core.security.sanitise import sanitise, sanitise_line

__all__ = [
    "AGAIN",
    "Ending",
    "ended_by_itself",
    "how_it_ended",
    "junk",
    "left_over",
    "turn_ended",
    "why_closed",
]

JUNK_LINES, JUNK_BYTES = 1_000, 256 * 1024
"""What a program may print before it answers the first request; some greet the person first."""
AGAIN = "Send a prompt to start it again; it continues the conversation if it can."


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a program. `quiet`: it is no failure, or that was told already."""

    words: str
    next_step: str
    in_turn: bool
    quiet: bool

    @property
    def failure(self) -> Failure:
        """Why the turn that ran has failed."""
        return Failure("exited", self.words, self.next_step)

    def told(self) -> Effect:
        """What the person is told, once everything is closed."""
        if self.quiet:
            return Diagnostic("info", self.words)
        return SessionFailed(self.words, "exited", self.next_step)


def how_it_ended(
    core: Core[Any], code: int | None, signal: int | None, stderr_tail: str, start_step: str = ""
) -> Ending:
    """`start_step`: what to do about a program that never got ready, where it is known."""
    state, identity = core.state, core.identity
    was_ready, in_turn = state.phase == READY, state.prompt_id is not None
    return Ending(
        describe_exit(identity.label, code, signal, stderr_tail),
        AGAIN if was_ready else start_step or by_hand(identity.label, identity.command),
        in_turn,
        quiet=state.phase == FAILED or (was_ready and not in_turn and code == 0),
    )


def left_over(core: Core[Any], rest: Sequence[Junk]) -> list[Effect]:
    """What the program had begun to say when it ended."""
    label = core.identity.label
    return [Diagnostic("warning", f"{label}: {each.reason}", sanitise(each.text)) for each in rest]


def junk(core: Core[Any], line: Junk, size: int, language: str, unanswered: bool) -> list[Effect]:
    """A line that is no message, of `size` bytes; `language`: what the program should speak.

    Told at the 1st to 5th line and then at each power of two: a flood stays readable. With a flood
    before the first answer (`unanswered`) the session has failed: it speaks something else.
    """
    state, label = core.state, core.identity.label
    state.junk += 1
    state.junk_bytes += size
    core.touch()
    if unanswered and (state.junk >= JUNK_LINES or state.junk_bytes >= JUNK_BYTES):
        state.phase = FAILED
        sample = sanitise_line(line.text, 80) or "blank"
        error = (
            f"{label} printed {state.junk} lines and no answer in {language}; "
            f"the last was “{sample}”"
        )
        step = f"Look at `command` of [providers.{core.identity.provider}] in config.toml."
        return [SessionFailed(error, "start_failed", step)]
    if state.junk > 5 and state.junk & (state.junk - 1):
        return []
    words = f"{label} printed a line that is no message ({sanitise_line(line.reason, 200)})"
    if state.junk > 5:
        words += f"; {state.junk} such lines so far"
    return [Diagnostic("warning", words, sanitise(line.text))]


def why_closed(outcome: Outcome) -> str:
    """The reason that is shown at requests which a turn's end withdraws."""
    return {"canceled": "Interrupted", "failed": "Turn failed"}.get(outcome, "Turn ended")


def ended_by_itself(core: Core[Any], how: str = "by itself") -> Failure:
    """A turn that ended early, though nobody here asked for that."""
    return Failure("", f"{core.identity.label} ended the turn {how}.", "Tell it how to go on.")


def turn_ended(
    prompt_id: str, outcome: Outcome, failure: Failure | None, usage: Usage | None
) -> TurnEnded:
    if failure is None:
        return TurnEnded(prompt_id, outcome, None, None, None, usage)
    code = failure.code or None
    return TurnEnded(prompt_id, outcome, failure.error, code, failure.next_step, usage)
