"""The fleet with programs in memory: turns, queue, requests, restarts, settings."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import anyio
import pytest

from sereno.core.agents.errors import AgentError, RequestGone, UnknownAgent
from sereno.core.agents.views import PromptResult
from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.protocol.requests import AgentConfig, CreateAgent
from tests.core.agents.fakes import Machine
from tests.core.agents.place import BY, extra, running
from tests.core.agents.programs import obedient, silent

T = TypeVar("T")


async def test_create_and_first_turn(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        view = await place.create("hello\nthere", client_message_id="m1", labels={"a": "b"})
        assert (view.snapshot.title, view.snapshot.labels) == ("hello", {"a": "b"})
        outcome = await place.fleet.wait(view.snapshot.id, 5)
        assert (outcome.status, outcome.last_message) == ("idle", "You said hello.")
        assert await place.texts(view.snapshot.id) == ["hello\nthere", "You said hello."]
        assert place.told(view.snapshot.id) == [
            "state initializing",
            "state idle",
            "thread_started",
            "row 1",
            "state running",
            "turn_started",
            "row 2",
            "state idle",
            "turn_completed",
            "attention_required",
        ]
        shown = place.fleet.view(view.snapshot.id).snapshot
        assert (shown.requires_attention, shown.attention_reason) == (True, "finished")
        assert shown.persistence is not None
        cleared = await place.fleet.clear_attention([view.snapshot.id, "nobody"])
        assert [one.snapshot.requires_attention for one in cleared] == [False]


async def test_a_prompt_in_a_turn_waits_and_can_be_taken_back(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
        first = await place.fleet.prompt(agent, "one", by=BY)
        second = await place.fleet.prompt(agent, "two", by=BY, message_id="m2")
        again = await place.fleet.prompt(agent, "two", by=BY, message_id="m2")
        assert (first.queued, second.queued) == (True, True)
        assert again == PromptResult(second.prompt_id, queued=True, repeated=True)
        shown = extra(place.fleet.view(agent))
        assert [one.text for one in shown.queue] == ["one", "two"]
        back = await place.fleet.take_back(agent, first.prompt_id, by=BY)
        assert back is not None
        assert back.text == "one"
        assert await place.fleet.take_back(agent, first.prompt_id, by=BY) is None
        machine.last.say("end completed")
        await place.fleet.wait(agent, 5)
        assert [line.partition(" ")[2].partition(" ")[2] for line in machine.last.heard[1:]] == [
            "work",
            "two",
        ]
        late = await place.fleet.prompt(agent, "two", by=BY, message_id="m2")
        assert (late.repeated, late.queued) == (True, False)


async def test_interrupting_delivery_runs_next(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
        await place.fleet.prompt(agent, "later", by=BY)
        await place.fleet.prompt(agent, "now", by=BY, delivery="interrupt")
        await place.fleet.wait(agent, 5)
        assert await place.texts(agent) == [
            "work",
            "Working.",
            "now",
            "You said now.",
            "later",
            "You said later.",
        ]


async def test_a_stop_denies_requests_and_holds_the_queue(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("ask")).snapshot.id
        assert (await place.fleet.wait(agent, 5)).status == "permission"
        await place.fleet.prompt(agent, "later", by=BY)
        await place.fleet.interrupt(agent, by=BY)
        view = await place.status(agent, "idle")
        assert view.snapshot.pending_permissions == []
        assert [one.text for one in extra(view).queue] == ["later"]
        (entry,) = await place.fleet.requests(closed=True)
        assert (entry.state, entry.response) == ("withdrawn", Deny(message="Interrupted"))
        assert "turn_canceled" in place.told(agent)
        await place.fleet.start(agent, by=BY)
        await place.fleet.wait(agent, 5)
        assert (await place.texts(agent))[-1] == "You said later."


async def test_t47_one_of_twenty_answers_wins(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("ask")).snapshot.id
        await place.fleet.wait(agent, 5)
        won: list[str] = []
        lost: list[str] = []

        async def answer(number: int) -> None:
            response = Allow() if number % 2 else Deny()
            try:
                await place.fleet.answer(agent, "r1", response, by=f"client {number}")
                won.append(f"client {number}")
            except RequestGone as error:
                lost.append(error.answered_by)

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(answer, number)
        assert len(won) == 1
        assert lost == won * 19
        await place.fleet.wait(agent, 5)
        assert [line for line in machine.last.heard if line.startswith("answer")] == [
            "answer r1 deny"
        ]
        (entry,) = await place.fleet.requests(closed=True)
        assert entry.answered_by == won[0]
        with pytest.raises(RequestGone, match="not found"):
            await place.fleet.answer(agent, "r9", Allow(), by=BY)
        with pytest.raises(UnknownAgent):
            await place.fleet.answer("another session", "r1", Allow(), by=BY)


async def test_a_restart_in_a_turn_goes_on_where_it_was(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("ask")).snapshot.id
        await place.fleet.wait(agent, 5)
        await place.fleet.prompt(agent, "later", by=BY)
    process = machine.last
    process.say("say While you were away.")
    async with running(tmp_path, machine.runners) as place:
        view = place.fleet.view(agent)
        assert view.snapshot.status == "running"
        assert [one.id for one in view.snapshot.pending_permissions] == ["r1"]
        assert [one.text for one in extra(view).queue] == ["later"]
        await place.fleet.answer(agent, "r1", Allow(), by=BY)
        assert (await place.fleet.wait(agent, 5)).status == "idle"
        said = "".join(await place.texts(agent))
        assert said == ("askMay I?While you were away.Thanks for r1 allow.laterYou said later.")
    assert machine.starts == 1
    assert [line.partition(" ")[0] for line in process.heard] == [
        "start",
        "prompt",
        "answer",
        "prompt",
    ]


async def test_idle_and_ended_agents_are_listed_without_starting_anything(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("hello")).snapshot.id
        await place.fleet.wait(agent, 5)
        ended = await place.fleet.end(agent, by=BY)
        assert ended.verified
        assert place.fleet.view(agent).snapshot.status == "closed"
    async with running(tmp_path, machine.runners) as place:
        assert [view.snapshot.status for view in place.fleet.list()] == ["closed"]
        assert machine.starts == 1
        await place.fleet.prompt(agent, "again", by=BY)
        await place.fleet.wait(agent, 5)
        assert machine.last.heard[0] == "start s1", "the next run resumes the session"
        assert (await place.texts(agent))[-2:] == ["again", "You said again."]
        assert extra(place.fleet.view(agent)).run == 2


async def test_text_is_merged_in_windows_and_never_reordered(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("work")).snapshot.id
        await place.until_said("Working.")
        for number in range(500):
            machine.last.say(f"say {number},")
            if number % 50 == 0:
                await anyio.sleep(0.002)
        machine.last.say("end completed")
        await place.fleet.wait(agent, 5)
        texts = await place.texts(agent)
        assert "".join(texts) == "workWorking." + "".join(f"{n}," for n in range(500))
        assert len(texts) < 60
        rows = [one for one in place.told(agent) if one.startswith("row ")]
        assert rows == [f"row {n}" for n in range(1, len(texts) + 1)]


async def test_a_mode_that_was_refused_is_not_asked_for_at_the_next_start(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        fleet = place.fleet
        agent = (await place.create("hello")).snapshot.id
        await fleet.wait(agent, 5)
        await fleet.set_mode(agent, "plan", by=BY)
        view = await fleet.set_mode(agent, "danger", by=BY)
        assert view.snapshot.current_mode_id == "plan"
        assert fleet._agents[agent].record.wish.mode == "plan"


async def test_titles_labels_modes_archive_delete(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        fleet = place.fleet
        agent = (await place.create("hello")).snapshot.id
        await fleet.wait(agent, 5)
        view = await fleet.update(agent, name=" Better ", labels={"x": "1"}, by=BY)
        assert (view.snapshot.title, view.snapshot.labels) == ("Better", {"x": "1"})
        assert fleet.resolve("Better") == fleet.resolve(agent[:6]) == agent
        with pytest.raises(AgentError, match="Nothing to update"):
            await fleet.update(agent, by=BY)
        with pytest.raises(AgentError, match="1 to 200"):
            await fleet.update(agent, name=" ", by=BY)
        assert (await fleet.set_mode(agent, "plan", by=BY)).snapshot.current_mode_id == "plan"
        with pytest.raises(AgentError, match="ask, plan, danger"):
            await fleet.set_mode(agent, "yolo", by=BY)
        view = await fleet.archive(agent, by=BY)
        assert (view.snapshot.archived_at is not None, view.snapshot.status) == (True, "closed")
        assert (await fleet.unarchive(agent, by=BY)).snapshot.archived_at is None
        await fleet.archive(agent, by=BY)
        await fleet.prompt(agent, "hi", by=BY)
        assert fleet.view(agent).snapshot.archived_at is None
        await fleet.delete(agent, by=BY)
        assert fleet.list() == []
        with pytest.raises(UnknownAgent):
            fleet.view(agent)
        assert place.told(agent)[-1] == "AgentRemoved"
        rows = await place.database.read(
            lambda c: c.execute("SELECT count(*) FROM timeline").fetchone()[0]
        )
        assert rows == 0


async def test_what_cannot_be_created(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        for provider, cwd, code in (
            ("nobody", place.cwd, "unknown_provider"),
            ("fake", "/nowhere", ""),
        ):
            config = AgentConfig(provider=provider, cwd=cwd)
            with pytest.raises(AgentError) as caught:
                await place.fleet.create(CreateAgent(request_id="r", config=config), by=BY)
            assert caught.value.next_step
            assert not code or caught.value.code == code
        assert place.fleet.list() == []
        agent = (await place.create("hello")).snapshot.id
        with pytest.raises(AgentError, match="empty"):
            await place.fleet.prompt(agent, "  ", by=BY)


async def test_the_audit_names_who_did_what(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("ask")).snapshot.id
        await place.fleet.wait(agent, 5)
        await place.fleet.answer(agent, "r1", Allow(), by="Pixel 9")
        await place.fleet.wait(agent, 5)
        await place.fleet.end(agent, by=BY)
        query = "SELECT actor, action FROM audit WHERE subject = ? ORDER BY n"
        entries = await place.database.read(lambda c: c.execute(query, (agent,)).fetchall())
        assert entries == [
            (BY, "agent.created"),
            (BY, "prompt.sent"),
            (f"agent {agent[:8]}", "request.asked"),
            ("Pixel 9", "request.answered"),
            (BY, "agent.end"),
        ]


async def test_a_stop_before_it_is_ready_holds_the_first_prompt(tmp_path: Path) -> None:
    machine = Machine(silent)
    async with running(tmp_path, machine.runners) as place:
        agent = (await place.create("hello")).snapshot.id
        await place.fleet.interrupt(agent, by=BY)
        with anyio.fail_after(5):
            while not machine.processes or not machine.last.heard:
                await anyio.sleep(0)
        machine.last.say("ready")
        view = await place.status(agent, "idle")
        assert [one.text for one in extra(view).queue] == ["hello"]


async def test_a_switched_branch_is_told_after_the_turn(tmp_path: Path) -> None:
    machine = Machine(obedient)
    async with running(tmp_path, machine.runners) as place:
        git = Path(place.cwd) / ".git"
        (git / "refs").mkdir(parents=True)
        (git / "objects").mkdir()
        (git / "HEAD").write_text("ref: refs/heads/main\n")
        view = await place.create("hello")
        assert view.project.checkout.current_branch == "main"
        (git / "HEAD").write_text("ref: refs/heads/topic\n")
        await place.until(
            view.snapshot.id, lambda one: one.project.checkout.current_branch == "topic"
        )
