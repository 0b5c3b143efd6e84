"""`run` and `send`: the answer on stdout, the outcome as exit code, whatever the stream does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sereno.tui.cli import exits
from tests.tui.cli.conftest import Run
from tests.tui.cli.fake_daemon import FakeDaemon, Message, message
from tests.tui.cli.scripted import AT, FIRST, agent, furnish, reply, request, timeline

Story = Callable[[str], list[Message]]


def row(seq: int, item: Message) -> Message:
    event = {"type": "timeline", "provider": "demo", "item": item}
    payload = {"agentId": FIRST, "event": event, "timestamp": AT, "seq": seq, "epoch": "e1"}
    return message("agent_stream", payload)


def happens(kind: str, **fields: object) -> Message:
    event = {"type": kind, "provider": "demo", **fields}
    return message("agent_stream", {"agentId": FIRST, "event": event, "timestamp": AT})


def said(text: str) -> Message:
    return {"type": "assistant_message", "text": text}


def asked(message_id: str) -> Message:
    return {"type": "user_message", "text": "hi", "messageId": message_id}


class Fake:
    """A daemon on which an agent can be created; `story` follows its first prompt."""

    def __init__(self, daemon: FakeDaemon, story: Story, stored: int = 0, **state: object) -> None:
        self.daemon = daemon
        self.message_id = ""
        self.rows: list[Message] = []
        self._story = story
        self._stored = stored
        self._state = state
        furnish(daemon, agent(**state))  # type: ignore[arg-type]
        daemon.answers["create_agent_request"] = self._create
        daemon.answers["send_agent_message_request"] = self._send
        daemon.answers["get_providers_snapshot_request"] = reply(
            "get_providers_snapshot_response",
            generatedAt=AT,
            entries=[
                {"provider": "codex", "status": "unavailable"},
                {"provider": "off", "status": "ready", "enabled": False},
                {"provider": "demo", "status": "ready"},
            ],
        )
        daemon.answers["fetch_agent_timeline_request"] = self._timeline

    def _begin(self, message_id: str) -> list[Message]:
        self.message_id = message_id
        story = self._story(message_id)
        items = [m["payload"]["event"].get("item") for m in story]
        self.rows = [item for item in items if item]
        return story

    def _create(self, wanted: Message) -> list[Message]:
        story = self._begin(wanted["clientMessageId"])
        payload = {
            "status": "agent_created",
            "requestId": wanted["requestId"],
            "agentId": FIRST,
            "agent": agent(),
        }
        return [message("status", payload), *story]

    def _send(self, wanted: Message) -> list[Message]:
        story = self._begin(wanted["messageId"])
        payload = {"requestId": wanted["requestId"], "agentId": FIRST, "error": None}
        return [message("send_agent_message_response", {**payload, "accepted": True}), *story]

    def _timeline(self, wanted: Message) -> list[Message]:
        """At first only `stored` rows, afterwards all: the rest came as pushes."""
        stored, self._stored = self._stored, len(self.rows)
        return timeline(self.rows[:stored])(wanted)


def whole(message_id: str) -> list[Message]:
    return [
        row(1, asked(message_id)),
        happens("turn_started", messageId=message_id),
        row(2, said("one ")),
        row(3, said("two")),
        happens("turn_completed", messageId=message_id),
    ]


@pytest.mark.parametrize("stored", [0, 1, 2, 3])
def test_the_answer_alone_is_on_stdout(
    daemon: FakeDaemon, sereno: Run, stored: int, tmp_path: Path
) -> None:
    Fake(daemon, whole, stored)
    result = sereno("run", "hi", "--cwd", str(tmp_path), "--label", "a=b=c", "--title", "T")
    assert (result.code, result.out) == (exits.OK, "one two\n")
    (created,) = [seen for seen in daemon.seen if seen["type"] == "create_agent_request"]
    assert created["config"] == {"provider": "demo", "cwd": str(tmp_path), "title": "T"}
    assert created["initialPrompt"] == "hi"
    assert created["labels"] == {"a": "b=c"}


def test_dropped_rows_are_fetched(daemon: FakeDaemon, sereno: Run) -> None:
    def with_gap(message_id: str) -> list[Message]:
        story = whole(message_id)
        del story[2]
        return story

    fake = Fake(daemon, with_gap)
    begin = fake._begin

    def all_rows(message_id: str) -> list[Message]:
        story = begin(message_id)
        fake.rows = [asked(message_id), said("one "), said("two")]
        return story

    fake._begin = all_rows  # type: ignore[method-assign]
    assert sereno("run", "hi").out == "one two\n"


def test_json(daemon: FakeDaemon, sereno: Run) -> None:
    Fake(daemon, whole)
    result = sereno("run", "hi", "--json")
    assert json.loads(result.out) == {
        "id": FIRST,
        "status": "completed",
        "answer": "one two",
        "error": None,
        "nextStep": None,
    }
    assert result.err == ""
    assert sereno("run", "hi", "-q").out == FIRST + "\n"


def test_detached(daemon: FakeDaemon, sereno: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Fake(daemon, whole)
    assert sereno("run", "-d", "hi").out == FIRST + "\n", "in a pipe the id alone"
    with monkeypatch.context() as terminal:
        terminal.setattr("sereno.tui.cli.commands.run.on_terminal", lambda: True)
        assert sereno("run", "-d", "hi").out == f"{FIRST[:8]}  Fix the build\n"
    assert sereno("run", "-d", "-q", "hi").out == FIRST + "\n"
    value = json.loads(sereno("run", "-d", "--json", "hi").out)
    assert value["id"] == FIRST
    assert "fetch_agent_timeline_request" not in [seen["type"] for seen in daemon.seen]


def failed(message_id: str) -> list[Message]:
    end = happens("turn_failed", error="out of luck", nextStep="Try later", messageId=message_id)
    return [*whole(message_id)[:4], end]


def test_a_failure_has_its_reason_and_its_code(daemon: FakeDaemon, sereno: Run) -> None:
    Fake(daemon, failed, status="error", lastError="out of luck")
    result = sereno("run", "hi")
    assert (result.code, result.out) == (exits.AGENT_FAILED, "one two\n")
    assert "the agent failed: out of luck." in result.err
    assert "Try later." in result.err
    value = json.loads(sereno("run", "hi", "--json").out)
    assert (value["status"], value["nextStep"]) == ("failed", "Try later")


def test_an_interrupted_turn(daemon: FakeDaemon, sereno: Run) -> None:
    def story(message_id: str) -> list[Message]:
        end = happens("turn_canceled", reason="Interrupted", messageId=message_id)
        return [*whole(message_id)[:3], end]

    Fake(daemon, story)
    result = sereno("run", "hi")
    assert result.code == exits.CANCELED
    assert "interrupted" in result.err


def test_a_request_ends_the_waiting_of_a_script(daemon: FakeDaemon, sereno: Run) -> None:
    def story(message_id: str) -> list[Message]:
        return [*whole(message_id)[:2], happens("permission_requested", request=request())]

    Fake(daemon, story, status="running", pendingPermissions=[request()])
    result = sereno("run", "hi")
    assert result.code == exits.ASKS
    assert "rm -r build" in result.err
    assert "sereno permit allow 3e1f1d7e perm-1-1" in result.err
    assert result.err.count("asks for permission:") == 1
    assert json.loads(sereno("run", "hi", "--json").out)["status"] == "asks"


def test_the_end_of_the_turn_before_is_not_ours(daemon: FakeDaemon, sereno: Run) -> None:
    def queued(message_id: str) -> list[Message]:
        earlier = [row(1, asked("other")), happens("turn_completed", messageId="other")]
        ours = [row(2, asked(message_id)), row(3, said("mine"))]
        return [*earlier, *ours, happens("turn_completed", messageId=message_id)]

    Fake(daemon, queued)
    assert sereno("send", FIRST, "hi").out == "mine\n"


@pytest.mark.parametrize(
    ("status", "queue", "words"),
    [
        ("running", 0, "the prompt waits for the running turn"),
        ("closed", 0, "the agent is being started; the prompt goes first"),
        ("initializing", 1, "the prompt waits for 1 that was sent before"),
    ],
)
def test_send_says_what_the_prompt_waits_for(
    daemon: FakeDaemon, sereno: Run, status: str, queue: int, words: str
) -> None:
    Fake(daemon, whole)
    one = agent(status=status)
    one["sereno"]["queue"] = [{"id": "q", "text": "more", "queuedAt": AT}] * queue
    furnish(daemon, one)
    taken = {"agentId": FIRST, "accepted": True, "error": None, "queuedAs": "p1"}
    daemon.answers["send_agent_message_request"] = reply("send_agent_message_response", **taken)
    result = sereno("send", FIRST, "--no-wait", "hi")
    assert result.out.startswith(f"{FIRST[:8]}  {words}")
    assert sereno("send", FIRST, "--no-wait", "--now", "hi").out == f"{FIRST[:8]}  sent\n"


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({"status": "idle"}, exits.OK),
        ({"status": "error"}, exits.AGENT_FAILED),
        ({"status": "closed"}, exits.CANCELED),
    ],
)
def test_a_lost_end_is_found_in_the_state(
    daemon: FakeDaemon, sereno: Run, state: dict[str, str], code: int
) -> None:
    Fake(daemon, lambda message_id: whole(message_id)[:4], 3, **state)
    assert sereno("run", "hi").code == code


def test_the_time_limit(daemon: FakeDaemon, sereno: Run) -> None:
    Fake(daemon, lambda message_id: whole(message_id)[:3], status="running")
    result = sereno("run", "hi", "--timeout", "0.3")
    assert (result.code, result.out) == (exits.TIMEOUT, "one \n")
    assert "goes on" in result.err


def test_thoughts_and_tools_go_to_stderr(daemon: FakeDaemon, sereno: Run) -> None:
    call = {"type": "tool_call", "callId": "c", "name": "shell", "error": None}
    detail = {"type": "shell", "command": "make"}

    def story(message_id: str) -> list[Message]:
        return [
            row(1, asked(message_id)),
            row(2, {"type": "reasoning", "text": "hm\nwell"}),
            row(3, {**call, "status": "running", "detail": detail}),
            row(4, {**call, "status": "completed", "detail": {**detail, "exitCode": 2}}),
            row(5, said("broken")),
            happens("turn_completed", messageId=message_id),
        ]

    Fake(daemon, story)
    result = sereno("run", "hi")
    assert result.out == "broken\n"
    assert result.err == "  hm\n  well\n* shell: make\n  exit code 2\n"


def test_an_unknown_provider_names_the_nearest(daemon: FakeDaemon, sereno: Run) -> None:
    Fake(daemon, whole)
    daemon.answers["create_agent_request"] = reply(
        "status",
        status="agent_create_failed",
        error="Unknown provider",
        errorCode="unknown_provider",
    )
    result = sereno("run", "--provider", "demmo", "hi")
    assert result.code == exits.NOT_FOUND
    assert "Did you mean `demo`?" in result.err


def test_an_agent_that_cannot_start(daemon: FakeDaemon, sereno: Run) -> None:
    Fake(daemon, whole)
    daemon.answers["create_agent_request"] = reply(
        "status",
        status="agent_create_failed",
        error="No such program: x",
        errorCode="not_found",
        nextStep="Install it",
    )
    result = sereno("run", "hi")
    assert result.code == exits.AGENT_FAILED
    assert result.err == "sereno: No such program: x. Install it.\n"


def test_no_provider_is_ready(daemon: FakeDaemon, sereno: Run) -> None:
    Fake(daemon, whole)
    daemon.answers["get_providers_snapshot_request"] = reply(
        "get_providers_snapshot_response", generatedAt=AT, entries=[]
    )
    result = sereno("run", "hi")
    assert result.code == exits.NOT_FOUND
    assert "--provider demo" in result.err


def test_a_prompt_from_stdin(
    daemon: FakeDaemon, sereno: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    Fake(daemon, whole)
    for arguments in (["run", "-"], ["run"], ["run", "review", "this", "-"]):
        monkeypatch.setattr("sys.stdin", io.StringIO("from a pipe\n"))
        assert sereno(*arguments).code == exits.OK
    prompts = [s["initialPrompt"] for s in daemon.seen if s["type"] == "create_agent_request"]
    assert prompts == ["from a pipe\n", "from a pipe\n", "review this\n\nfrom a pipe\n"]
