"""What official apps and the official command line ask besides agents: told, none, or refused."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from sereno.core.agents.errors import AgentError
from sereno.core.protocol import apps as wire
from sereno.core.protocol.agents import ProviderEntry
from sereno.core.protocol.frames import encode_payload
from sereno.core.protocol.messages import ActivityLog, ProviderModels, RpcError, StatusError
from sereno.core.protocol.values import UNSET, Wire, iso
from sereno.core.sessions.handlers import providers as handler
from tests.core.sessions.house import NOW_MS, FakeSocket, door, view


async def ask(socket: FakeSocket, kind: str, **fields: Any) -> Wire:
    """The first thing that came of it."""
    socket.ask(kind, **fields)
    return (await socket.until(bool))[0]


@pytest.mark.parametrize(
    ("fields", "acts"),
    [
        ({"status": "idle"}, ["park", "start"]),
        ({"status": "closed"}, ["start"]),
        ({"status": "error"}, ["end", "start"]),
        ({"status": "closed", "archived_at": iso(1)}, ["unarchive"]),
    ],
)
async def test_an_agent_is_reloaded_or_taken_back(fields: dict[str, Any], acts: list[str]) -> None:
    async with door() as house:
        house.fleet.views["a"] = view("a", **fields)
        answer = await ask(house.enter(), "refresh_agent_request", agentId="a")
        assert answer == wire.AgentRefreshed(request_id="r1", agent_id="a", timeline_size=7)
        assert house.fleet.acts == [(act, "a") for act in acts]


@pytest.mark.parametrize("status", ["running", "initializing"])
async def test_a_reload_never_costs_work(status: str) -> None:
    async with door() as house:
        house.fleet.views["a"] = view("a", status=status)
        answer = await ask(house.enter(), "refresh_agent_request", agentId="a")
        assert isinstance(answer, RpcError)
        assert "It is at work" in answer.error
        assert answer.next_step
        assert house.fleet.acts == []


@pytest.mark.parametrize(("agent_id", "words"), [("a", "Work left."), ("b", "not found")])
async def test_a_reload_that_fails_is_answered(agent_id: str, words: str) -> None:
    async with door() as house:
        house.fleet.views["a"] = view("a")
        house.fleet.error = AgentError("not_possible", "Work left.", "Wait.")
        answer = await ask(house.enter(), "refresh_agent_request", agentId=agent_id)
        assert isinstance(answer, RpcError)
        assert words in answer.error


async def test_items_are_closed_and_what_cannot_be_is_left_out() -> None:
    async with door() as house:
        house.fleet.views |= {"a": view("a"), "b": view("b")}
        socket = house.enter()
        socket.ask("close_items_request", agentIds=["a", "none", "b"], terminalIds=["t"])
        told, answer = await socket.until(lambda frames: len(frames) == 2)
        assert isinstance(told, ActivityLog)
        assert "not found: none" in told.content
        assert answer == wire.CloseItemsResult(
            request_id="r1",
            agents=[wire.ClosedAgent(agent_id=one, archived_at=iso(3_000)) for one in ("a", "b")],
            terminals=[wire.ClosedTerminal(terminal_id="t", success=False)],
        )


async def test_the_settings_say_which_providers_are_on() -> None:
    class Providers:
        async def entries(self) -> list[ProviderEntry]:
            off = ProviderEntry(provider="goose", status="unavailable", enabled=False)
            return [ProviderEntry(provider="demo", status="ready"), off]

    async with door(providers=Providers()) as house:
        socket = house.enter()
        socket.ask("get_daemon_config_request")
        [answer] = await socket.until(bool)
        assert isinstance(answer, wire.GetDaemonConfigResult)
        assert json.loads(encode_payload(answer))["message"]["payload"]["config"] == {
            "mcp": {"injectIntoAgents": False},
            "providers": {"demo": {"enabled": True}, "goose": {"enabled": False}},
        }


async def test_a_program_that_is_slow_to_say_its_models_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before an official client gives up, and says something that helps nobody."""

    class Providers:
        def find(self, name: str) -> Any:
            return SimpleNamespace(name=name, label="OpenCode", models=[])

        def names(self) -> tuple[str, ...]:
            return ("opencode",)

        async def models(self, *_: object) -> str | None:
            await anyio.sleep_forever()
            raise AssertionError

    monkeypatch.setattr(handler, "MODELS_S", 0.01)
    async with door(providers=Providers()) as house:
        answer = await ask(house.enter(), "list_provider_models_request", provider="opencode")
        assert isinstance(answer, ProviderModels)
        assert answer.models is UNSET
        assert "OpenCode has not said yet" in str(answer.error)


@pytest.mark.parametrize(
    ("kind", "fields", "answer"),
    [
        ("list_terminals_request", {"cwd": "/p"}, {"terminals": [], "cwd": "/p"}),
        ("list_terminals_request", {}, {"terminals": []}),
        ("list_available_editors_request", {}, {"editors": [], "error": None}),
        ("paseo_worktree_list_request", {}, {"worktrees": [], "error": None}),
        (
            "list_provider_features_request",
            {"draftConfig": {"provider": "demo", "cwd": "/p"}},
            {"provider": "demo", "features": [], "error": None, "fetchedAt": iso(NOW_MS)},
        ),
        (
            "set_agent_feature_request",
            {"agentId": "a", "featureId": "fast", "value": True},
            {
                "agentId": "a",
                "accepted": False,
                "error": "Sereno cannot set fast yet; set it in the agent's own program.",
            },
        ),
    ],
)
async def test_what_there_is_none_of(
    kind: str, fields: dict[str, Any], answer: dict[str, Any]
) -> None:
    async with door() as house:
        socket = house.enter()
        socket.ask(kind, **fields)
        [frame] = socket.frames
        message = json.loads(frame)["message"]
        assert message["type"] == kind.removesuffix("_request") + "_response"
        assert message["payload"] == {"requestId": "r1", **answer}


async def test_what_follows_terminals_hears_that_there_are_none() -> None:
    async with door() as house:
        socket = house.enter()
        told = {"type": "subscribe_terminals_request", "cwd": "/p"}
        socket.say({"type": "session", "message": told})
        socket.say({"type": "session", "message": told | {"type": "unsubscribe_terminals_request"}})
        assert socket.taken() == [wire.TerminalsChanged(cwd="/p", terminals=[])]


@pytest.mark.parametrize(
    "message",
    [
        {"type": "dictation_stream_start", "dictationId": "d", "format": "pcm"},
        {"type": "dictation_stream_finish", "dictationId": "d", "finalSeq": 3},
    ],
)
async def test_who_dictates_is_told_at_once_that_nobody_writes(message: dict[str, Any]) -> None:
    """Without a request id, so that without this the app would wait: 15 s, or minutes."""
    async with door() as house:
        socket = house.enter()
        socket.say({"type": "session", "message": message})
        [answer] = socket.taken()
        assert isinstance(answer, wire.DictationError)
        assert (answer.dictation_id, answer.retryable) == ("d", False)
        assert "no dictation" in answer.error


@pytest.mark.parametrize(
    "kind",
    ["chat/wait", "schedule/create", "loop/run", "create_terminal_request", "set_voice_mode"],
)
async def test_what_is_not_served_is_refused_at_once_and_by_name(kind: str) -> None:
    async with door() as house:
        socket = house.enter()
        socket.ask(kind)
        [answer] = socket.taken()
        assert isinstance(answer, RpcError)
        assert (answer.code, answer.error) == ("unknown_schema", f"Sereno does not serve {kind}")


async def test_what_is_not_served_and_asks_nothing_harms_nobody() -> None:
    async with door() as house:
        socket = house.enter()
        for kind in ("voice_audio_chunk", "unsubscribe_checkout_diff_request", "terminal_input"):
            socket.say({"type": "session", "message": {"type": kind}})
        assert all(isinstance(one, StatusError) for one in socket.taken())
        socket.ask("ping")
        assert len(socket.taken()) == 1
