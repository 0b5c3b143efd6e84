"""What a person can do to one agent: each act one step, committed before it returns.

Every act first checks everything that it refuses, and only then changes the step: a refused act
leaves nothing behind. Finding agents and making them is fleet.py; ending them is ending.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import anyio
import msgspec

from sereno.core.agents import life
from sereno.core.agents.agent import Agent
from sereno.core.agents.background import at_work
from sereno.core.agents.errors import AgentError, NotPossible, RequestGone
from sereno.core.agents.extras import Extras
from sereno.core.agents.record import Wish
from sereno.core.agents.states import IN_TURN, Event, State
from sereno.core.agents.step import Step
from sereno.core.agents.views import PromptResult, TakenBack
from sereno.core.protocol.permissions import Deny, PermissionResponse
from sereno.core.protocol.requests import Image
from sereno.core.protocol.values import given
from sereno.core.providers.driver import CannotAnswer
from sereno.core.providers.effects import Effect
from sereno.core.store import prompts, requests
from sereno.core.store.errors import StoreError
from sereno.core.store.prompts import PromptRow

__all__ = [
    "answer",
    "clear_attention",
    "interrupt",
    "prompt",
    "set_mode",
    "set_model",
    "set_thinking",
    "start",
    "take_back",
    "unarchive",
    "update",
]

TITLE_LIMIT = 200
_LISTENING = frozenset({State.IDLE, State.RUNNING, State.CANCELING, State.FAILED})


async def prompt(
    agent: Agent,
    text: str,
    *,
    by: str,
    message_id: str | None = None,
    delivery: Literal["queue", "interrupt"] = "queue",
    images: Sequence[Image] = (),
    attachments: Sequence[Mapping[str, Any]] = (),
) -> PromptResult:
    row = new_prompt(agent, text, by, message_id, images, attachments)
    async with agent.act() as step:
        _check_drivable(agent)
        known = await _known_message(agent, message_id)
        if known is None:
            limit = agent.context.config.queue_limit
            if len(step.queue) >= limit:
                raise NotPossible(
                    "queue_full",
                    f"{limit} prompts wait for this agent already.",
                    "Wait for it, or take some of them back.",
                )
            first = delivery == "interrupt"
            step.enqueue(row, first=first)
            step.audit(by, "prompt.queued", prompt=row.id)
            if first and step.record.state is State.RUNNING:
                _interrupt(agent, step, by)
        elif known.state != "queued":
            return PromptResult(known.id, queued=False, repeated=True)
        step.set(held=False, archived_ms=None)
        agent.go_on(step)
        step.say_state()
        await agent.commit_and_start(step)
        prompt_id = row.id if known is None else known.id
        waits = any(one.id == prompt_id for one in agent.base.queue)
        return PromptResult(prompt_id, queued=waits, repeated=known is not None)


def new_prompt(
    agent: Agent,
    text: str,
    by: str,
    message_id: str | None,
    images: Sequence[Image],
    attachments: Sequence[Mapping[str, Any]],
) -> PromptRow:
    """Raises AgentError "empty_prompt" for a prompt that says and carries nothing."""
    if not text.strip() and not images and not attachments:
        raise AgentError("empty_prompt", "The prompt is empty.", "Write something to send.")
    extras = None
    if images or attachments:
        extras = msgspec.json.encode(Extras(list(images), [dict(one) for one in attachments]))
    now = agent.context.clock()
    return PromptRow(str(uuid.uuid4()), message_id, text, extras, by, "queued", now)


async def _known_message(agent: Agent, message_id: str | None) -> PromptRow | None:
    if message_id is None:
        return None
    return await agent.context.database.read(
        lambda connection: prompts.by_message(connection, agent.id, message_id)
    )


def _check_drivable(agent: Agent) -> None:
    if not agent.provider_available:
        raise NotPossible(
            "provider_unavailable",
            f"The provider {agent.record.provider} is not configured (any more), or disabled.",
            f"Add or enable [providers.{agent.record.provider}] in config.toml and restart.",
        )


async def take_back(agent: Agent, prompt_id: str | None, *, by: str) -> TakenBack | None:
    async with agent.act() as step:
        found = [one for one in step.queue if prompt_id in (None, one.id)]
        if not found:
            return None
        row = found[-1]
        step.unqueue(row, "taken_back")
        step.audit(by, "prompt.taken_back", prompt=row.id)
        step.say_state()
        await agent.commit(step)
    extras = Extras() if row.extras is None else msgspec.json.decode(row.extras, type=Extras)
    return TakenBack(row.id, row.text, tuple(extras.images), tuple(extras.attachments))


async def start(agent: Agent, *, by: str) -> None:
    if agent.live is not None and agent.record.state is State.ENDING:
        # What is wanted is the next process, not the one that is going.
        await agent.live.over.wait()
    async with agent.act() as step:
        _check_drivable(agent)
        step.audit(by, "agent.started")
        step.set(held=False, archived_ms=None)
        agent.go_on(step)
        step.say_state()
        await agent.commit_and_start(step, wanted=True)


async def interrupt(agent: Agent, *, by: str) -> None:
    try:
        await _say_interrupt(agent, by)
    except StoreError:
        if agent.live is not None and agent.alive:
            # It cannot be asked to stop without storing that; so its process is ended.
            await agent.live.end_now()
        raise


async def _say_interrupt(agent: Agent, by: str) -> None:
    async with agent.act() as step:
        if step.record.state is State.STARTING and step.queue and not step.record.held:
            # What was to run once it is ready waits too: a stop stops.
            step.set(held=True)
            step.say_state()
            await agent.commit(step)
        if step.record.state is State.RUNNING:
            step.set(held=True)
            _interrupt(agent, step, by)
            await agent.commit(step)
        elif step.record.state is State.IDLE and at_work(agent.driver):
            # No turn, but sub-agents or commands that one left at work: a stop stops those too.
            assert agent.driver is not None
            step.audit(by, "background.interrupted")
            agent.take(step, agent.driver.interrupt())
            await agent.commit(step)


def _interrupt(agent: Agent, step: Step, by: str) -> None:
    turn = step.record.turn
    if agent.driver is None or turn is None or not step.move(Event.INTERRUPT):
        return
    step.set(turn=msgspec.structs.replace(turn, interrupted_by=by))
    step.audit(by, "turn.interrupted", prompt=turn.prompt_id)
    agent.take(step, agent.driver.interrupt())
    life.withdraw_all(step, life.INTERRUPTED)
    step.say_state()


async def answer(agent: Agent, request_id: str, response: PermissionResponse, *, by: str) -> None:
    async with agent.act() as step:
        if agent.driver is None or all(one.request.id != request_id for one in step.requests):
            raise await _gone(agent, request_id)
        try:
            wanted = agent.driver.answer(request_id, response)
        except CannotAnswer as error:
            raise NotPossible(error.code, error.message, "Choose one of its answers.") from error
        life.answered(step, request_id, response, by)
        agent.take(step, wanted)
        if isinstance(response, Deny) and given(response.interrupt, False):
            step.set(held=True)
            _interrupt(agent, step, by)
        await agent.commit(step)


async def _gone(agent: Agent, request_id: str) -> RequestGone:
    row = await agent.context.database.read(
        lambda connection: requests.find(connection, agent.id, request_id)
    )
    if row is None:
        return RequestGone(request_id, "unknown")
    return RequestGone(request_id, "withdrawn" if row.state == "open" else row.state, row.closed_by)


async def unarchive(agent: Agent, *, by: str) -> None:
    async with agent.act() as step:
        if step.record.archived_ms is not None:
            step.audit(by, "agent.unarchived")
            step.set(archived_ms=None)
            step.say_state()
            await agent.commit(step)


async def update(
    agent: Agent, *, name: str | None, labels: Mapping[str, str] | None, by: str
) -> None:
    title = None if name is None else checked_title(name)
    if title is None and not labels:
        raise AgentError("nothing_to_update", "Nothing to update (provide name and/or labels)", "")
    async with agent.act() as step:
        if title is not None:
            step.set(title=title, title_given=True)
        if labels:
            step.set(labels={**step.record.labels, **labels})
        step.audit(by, "agent.updated")
        step.say_state()
        await agent.commit(step)


def checked_title(name: str) -> str:
    """Raises AgentError "bad_title"."""
    title = name.strip()
    if not title or len(title) > TITLE_LIMIT:
        raise AgentError(
            "bad_title",
            f"A title has 1 to {TITLE_LIMIT} characters; this one has {len(title)}.",
            "Choose another one.",
        )
    return title


async def set_mode(agent: Agent, mode_id: str, *, by: str) -> None:
    known = [mode.id for mode in agent.record.reported.modes]
    if known and mode_id not in known:
        raise AgentError(
            "unknown_mode", f"There is no mode {mode_id}.", f"Its modes: {', '.join(known)}."
        )
    wish = msgspec.structs.replace(agent.record.wish, mode=mode_id)
    await _wish(agent, wish, by, "mode", mode_id)


async def set_model(agent: Agent, model_id: str | None, *, by: str) -> None:
    wish = msgspec.structs.replace(agent.record.wish, model=model_id)
    await _wish(agent, wish, by, "model", model_id)


async def set_thinking(agent: Agent, option_id: str | None, *, by: str) -> None:
    wish = msgspec.structs.replace(agent.record.wish, thinking=option_id)
    await _wish(agent, wish, by, "thinking", option_id)


async def _wish(agent: Agent, wish: Wish, by: str, what: str, value: str | None) -> None:
    """A living program is told at once; a later one begins with it."""
    async with agent.act() as step:
        step.set(wish=wish)
        step.audit(by, f"agent.{what}", value=value)
        step.say_state()
        if agent.driver is not None and step.record.state in _LISTENING:
            agent.take(step, _tell_driver(agent, what, value))
        await agent.commit(step)


def _tell_driver(agent: Agent, what: str, value: str | None) -> list[Effect]:
    assert agent.driver is not None
    match what:
        case "mode":
            return agent.driver.set_mode(value or "")
        case "model":
            return agent.driver.set_model(value)
        case _:
            return agent.driver.set_thinking(value)


async def clear_attention(agent: Agent) -> None:
    async with agent.act() as step:
        if step.record.attention is not None:
            step.set(attention=None)
            step.say_state()
            await agent.commit(step)


async def settled(agent: Agent) -> None:
    """Until no turn runs, nothing asks, and nothing is about to run (wire 6.6.5)."""
    while busy(agent):
        await agent.changed.wait()


def busy(agent: Agent) -> bool:
    base = agent.base
    if base.requests:
        return False
    waiting = bool(base.queue) and not base.record.held
    return base.record.state in IN_TURN or waiting or base.record.state is State.STARTING


async def deadline(agent: Agent, timeout_s: float | None) -> bool:
    """Waits for `settled`; False when the time was over before."""
    if timeout_s is None:
        await settled(agent)
        return True
    with anyio.move_on_after(timeout_s) as scope:
        await settled(agent)
    return not scope.cancelled_caught
