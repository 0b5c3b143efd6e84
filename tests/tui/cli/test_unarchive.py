"""`sereno unarchive`: only what is archived, and all or none."""

from __future__ import annotations

import json

from tests.tui.cli.conftest import Run
from tests.tui.cli.fake_daemon import FakeDaemon, message
from tests.tui.cli.scripted import AT, FIRST, SECOND, agent, furnish


def test_what_is_archived_comes_back(daemon: FakeDaemon, sereno: Run) -> None:
    furnish(daemon, agent(FIRST, archivedAt=AT), agent(SECOND))
    daemon.answers["sereno.agent.unarchive.request"] = lambda asked: [
        message(
            "sereno.agent.unarchive.response",
            {"requestId": asked["requestId"], "agentId": asked["agentId"], "error": None},
        )
    ]
    result = sereno("unarchive", FIRST)
    assert result.err == ""
    assert result.out == f"{FIRST[:8]}  back  Fix the build\n"
    assert json.loads(sereno("unarchive", FIRST, "--json").out) == {"id": FIRST, "archivedAt": None}
    daemon.seen.clear()
    refused = sereno("unarchive", FIRST, SECOND)
    assert refused.code == 1
    assert f"{SECOND[:8]} is not archived" in refused.err
    assert "sereno.agent.unarchive.request" not in [one["type"] for one in daemon.seen]
