"""One step of one agent, written whole: what happened, where that was read, what must be told.

Everything that belongs together is in one transaction, so that no kill at any moment can part it
(design section 4). What a step holds is decided in core/agents/step.py.
"""

from __future__ import annotations

import sqlite3

import msgspec

from sereno.core.store import agents, audit, logs, prompts, requests, timeline, writes
from sereno.core.store.errors import StoreError

__all__ = ["StepRows", "apply"]


class StepRows(msgspec.Struct, frozen=True):
    """`record` is None where it did not change. `old` must be what is committed."""

    agent: str
    old: agents.Progress
    new: agents.Progress
    at_ms: int
    record: bytes | None = None
    rows: tuple[timeline.Row, ...] = ()
    intents: tuple[writes.Intent, ...] = ()
    confirmed: tuple[int, ...] = ()
    forget_intents: bool = False
    asked: tuple[tuple[str, bytes, int], ...] = ()
    """(request id, request JSON, asked_ms)"""
    closings: tuple[requests.Closing, ...] = ()
    new_prompts: tuple[prompts.PromptRow, ...] = ()
    first_prompts: tuple[prompts.PromptRow, ...] = ()
    """New ones that go before all that wait."""
    prompt_changes: tuple[prompts.Change, ...] = ()
    log_lines: tuple[logs.NewLine, ...] = ()
    audit: tuple[audit.Entry, ...] = ()


def apply(connection: sqlite3.Connection, step: StepRows, digest: audit.Digest) -> None:
    """Writes a step; `digest` chains its audit entries.

    Raises:
        StoreError: "fenced"; nothing of the step may then be published or sent.
    """
    agents.advance(connection, step.agent, step.old, step.new)
    if step.record is not None:
        agents.set_record(connection, step.agent, step.record)
    if step.forget_intents:
        writes.forget(connection, step.agent)
    if step.rows:
        timeline.add(connection, step.agent, step.rows)
    if step.intents:
        writes.add(connection, step.agent, step.new.run, step.intents)
    if step.confirmed:
        writes.confirm(connection, step.agent, step.new.run, step.confirmed)
    for request_id, request, asked_ms in step.asked:
        requests.add(connection, step.agent, request_id, request, asked_ms)
    for closing in step.closings:
        if not requests.close(connection, step.agent, closing):
            raise StoreError(
                "fenced",
                f"Request {closing.id} was closed by another daemon.",
                "Only one daemon may use a home; stop the other one.",
            )
    for prompt in step.new_prompts:
        prompts.add(connection, step.agent, prompt)
    for prompt in step.first_prompts:
        prompts.add(connection, step.agent, prompt, first=True)
    for change in step.prompt_changes:
        prompts.change(connection, change, step.at_ms)
    if step.log_lines:
        logs.add(connection, step.agent, step.log_lines)
    if step.audit:
        audit.add(connection, step.audit, digest)
