"""T40 and T42 over every printer of the command line: no text of an agent acts on a terminal.

A lone surrogate is left out: no JSON text can carry one, and the daemon's wall drops it.
"""

from __future__ import annotations

import json
import re
import unicodedata

import pytest

from tests.corpus.hostile import all_texts
from tests.tui.cli.conftest import Run
from tests.tui.cli.fake_daemon import FakeDaemon, message
from tests.tui.cli.scripted import (
    AT,
    FIRST,
    agent,
    furnish,
    items,
    listing,
    reply,
    request,
    timeline,
)

TEXTS = [text for text in all_texts() if not re.search("[\ud800-\udfff]", text)]
BIDI = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}


def assert_inert(text: str) -> None:
    acting = [c for c in text if (unicodedata.category(c) == "Cc" and c not in "\n\t") or c in BIDI]
    assert not acting, f"{acting!r} in {text!r}"


@pytest.fixture(params=range(len(TEXTS)))
def text(request: pytest.FixtureRequest) -> str:
    return TEXTS[int(request.param)]


def test_t40_ls(daemon: FakeDaemon, sereno: Run, text: str) -> None:
    furnish(daemon, agent(text=text, cwd=f"/srv/{text}", provider=text))
    result = sereno("ls", "-g")
    assert result.code == 0
    assert FIRST[:8] in result.out
    assert_inert(result.out)
    raw = sereno("ls", "-g", "--json")
    assert_inert(raw.out)
    assert json.loads(raw.out)[0]["title"] == text


def test_t40_logs(daemon: FakeDaemon, sereno: Run, text: str) -> None:
    furnish(daemon, agent())
    daemon.answers["fetch_agent_timeline_request"] = timeline(items(text))
    result = sereno("logs", FIRST)
    assert result.code == 0
    assert_inert(result.out)
    raw = sereno("logs", FIRST, "--json")
    assert_inert(raw.out)
    parsed = [json.loads(line) for line in raw.out.splitlines()]
    assert parsed[1] == {"type": "assistant_message", "text": text}
    assert len(parsed) == len(items(text))


def test_t40_logs_cut_anywhere(daemon: FakeDaemon, sereno: Run, text: str) -> None:
    furnish(daemon, agent())
    chunks = [{"type": "assistant_message", "text": c} for c in text] or items("")[1:2]
    daemon.answers["fetch_agent_timeline_request"] = timeline(chunks)
    assert_inert(sereno("logs", FIRST).out)


def test_t40_inspect_and_permit(daemon: FakeDaemon, sereno: Run, text: str) -> None:
    asking = agent(text=text, pendingPermissions=[request(command=text)])
    furnish(daemon, asking)
    daemon.answers["sereno.agent.inspect.request"] = reply(
        "sereno.agent.inspect.response",
        agentId=FIRST,
        error=None,
        run=1,
        command=[text],
        processes=[{"pid": 5, "ppid": 4, "command": text, "rssKib": 1}],
        exit=text,
        stderrTail=[text],
    )
    result = sereno("inspect", FIRST)
    assert result.code == 0
    assert_inert(result.out)
    ledger = {"agentId": FIRST, "request": request(command=text), "askedAt": AT, "answeredBy": text}
    daemon.answers["sereno.requests.list.request"] = reply(
        "sereno.requests.list.response", entries=[{**ledger, "state": "answered"}]
    )
    listed = sereno("permit", "ls", "-a")
    assert listed.code == 0
    assert_inert(listed.out)
    assert_inert(sereno("permit", "ls", "-a", "--json").out)


def test_t40_providers(daemon: FakeDaemon, sereno: Run, text: str) -> None:
    mode, model = {"id": text, "label": text}, {"provider": "p", "id": text, "label": text}
    known = [
        {
            "provider": text,
            "status": "ready",
            "label": text,
            "modes": [mode],
            "version": text,
            "command": [text],
            "signIn": {"state": "unknown", "words": text, "hint": text},
        },
        {"provider": "p", "status": "error", "error": text},
    ]
    daemon.answers["get_providers_snapshot_request"] = reply(
        "get_providers_snapshot_response", entries=known, generatedAt=AT
    )
    daemon.answers["list_provider_models_request"] = reply(
        "list_provider_models_response", provider="p", fetchedAt=AT, models=[model]
    )
    assert_inert(sereno("provider", "ls").out)
    assert_inert(sereno("provider", "models", "p").out)


def test_t40_errors_of_the_daemon(daemon: FakeDaemon, sereno: Run, text: str) -> None:
    daemon.answers["fetch_agent_request"] = lambda asked: [
        message(
            "rpc_error",
            {"requestId": asked["requestId"], "error": text, "code": "x", "nextStep": text},
        )
    ]
    for arguments in (["logs", "a"], ["logs", "a", "--json"]):
        result = sereno(*arguments)
        assert result.code == 1
        assert_inert(result.err)


def test_t42_a_request_is_shown_with_what_is_hidden_in_it(daemon: FakeDaemon, sereno: Run) -> None:
    command = "rm -r ./\u202ecod\u200b.txt"
    ledger = {"agentId": FIRST, "request": request(command=command), "askedAt": AT}
    daemon.answers["fetch_agents_request"] = listing(agent())
    daemon.answers["sereno.requests.list.request"] = reply(
        "sereno.requests.list.response", entries=[{**ledger, "state": "open"}]
    )
    shown = sereno("permit", "ls").out
    assert "rm -r ./\\u202ecod\\u200b.txt" in shown
    assert "\u200b" not in shown
