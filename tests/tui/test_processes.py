"""What runs for an agent: the tree, its memory, the figure in the agent's head, why none runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from textual.pilot import Pilot

from sereno.core.protocol.additions import InspectAgentResult, ProcessRow
from sereno.core.protocol.agents import AgentExtra
from sereno.core.protocol.values import UNSET
from sereno.tui.app import SerenoApp
from sereno.tui.lines import plain, width_of
from sereno.tui.model import Connection, Phase
from sereno.tui.screens.agent.screen import AgentScreen
from sereno.tui.screens.processes.screen import ProcessesScreen
from sereno.tui.screens.processes.view import OLDER, mib, tree, tree_lines
from tests.tui import sample
from tests.tui.agent_place import Place, place
from tests.tui.scenes import settle, shown
from tests.tui.test_agent_screen import TALK

SIZES = [pytest.param((100, 30), id="100x30"), pytest.param((60, 20), id="60x20")]


def row(pid: int, ppid: int, command: str, mebibytes: float, **more: Any) -> ProcessRow:
    kib = int(mebibytes * 1024)
    return ProcessRow(pid, ppid, command, kib * 2, pss_kib=kib, **more)


ROWS = [
    row(48119, 1, "python -I -S runner.py --home ~/.sereno/run/agents/5f2", 11.4),
    row(48121, 48119, "claude --output-format stream-json --input-format stream-json", 205),
    row(48310, 48121, "bash -c 'pytest tests/checkout -x'", 3.2),
    row(48312, 48310, "python -m pytest tests/checkout -x --timeout 60 --maxfail 3 -q", 96),
    row(48320, 48121, "npm run dev", 41, background=True),
]


def found(rows: list[ProcessRow] | None = None, **more: Any) -> InspectAgentResult:
    rows = ROWS if rows is None else rows
    more.setdefault("pss_kib", sum(one.pss_kib for one in rows) if rows else UNSET)  # type: ignore[misc]
    return InspectAgentResult(
        request_id="i",
        agent_id="a",
        error=more.pop("error", None),
        run=2,
        runner_pid=rows[0].pid if rows else None,
        agent_pid=rows[1].pid if len(rows) > 1 else None,
        memory_kib=sum(one.rss_kib for one in rows),
        processes=rows,
        started_at=sample.stamp(190) if rows else None,
        **more,
    )


@asynccontextmanager
async def opened(
    told: InspectAgentResult | None, *keys: str, size: tuple[int, int] = (100, 30), **more: Any
) -> AsyncIterator[Place]:
    """The processes screen of agent 1, by its key."""
    async with place(TALK, size=size, **more) as here:
        here.link.processes = told
        await here.press(*(keys or ("escape", "P")))
        await here.until(lambda: isinstance(here.app.screen, ProcessesScreen))
        await settle(here.pilot)
        yield here


@pytest.mark.parametrize("keys", [("escape", "P"), ("escape", "[")], ids=str)
async def test_it_opens_from_the_view_and_closes(
    keys: tuple[str, ...],
) -> None:
    keys = tuple("left_square_bracket" if each == "[" else each for each in keys)
    async with opened(found(), *keys) as here:
        await here.press("escape")
        await here.until(lambda: isinstance(here.app.screen, AgentScreen))


async def test_the_leader_leads_to_it_from_the_composer() -> None:
    (action,) = [each.action for each in AgentScreen.FOLLOWERS if each.key == "p"]
    async with place(TALK) as here:
        await here.app.run_action(action, default_namespace=here.screen)
        assert isinstance(here.app.screen, ProcessesScreen)


async def test_it_has_a_word_in_the_palette() -> None:
    async with opened(found(), "escape", "colon", *"processes", "enter") as here:
        assert "the agent  claude" in shown(here.app)


@pytest.mark.parametrize("size", SIZES)
async def test_the_tree_names_agent_runner_and_what_is_in_the_background(
    size: tuple[int, int],
) -> None:
    async with opened(found(), size=size) as here:
        words = shown(here.app)
        assert "5 processes   357 MiB" in words
        (agent,) = [line for line in words.splitlines() if "48121" in line]
        assert "205 MiB" in agent
        assert "└ the agent  claude --out" in agent
        (background,) = [line for line in words.splitlines() if "48320" in line]
        assert "in the background  npm run" in background
        assert "keeps the agent from being parked" in " ".join(words.split())
        assert "Run 2, for 3 min." in words


async def test_w_shows_commands_whole() -> None:
    async with opened(found(), size=(60, 20)) as here:
        assert "tests/checkout" not in shown(here.app)
        await here.press("w")
        assert "tests/checkout" in shown(here.app)


async def test_what_runs_can_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(SerenoApp, "copy_to_clipboard", lambda _app, text: copied.append(text))
    async with opened(found()) as here:
        await here.press("c", "a")
        await here.press("c", "t")
        assert copied[0] == "48121"
        assert "      48312  96 MiB  python -m pytest tests/checkout -x" in copied[1]


@pytest.mark.parametrize(
    ("told", "agent", "words"),
    [
        (found([]), {}, "No process runs for it. The next prompt starts it."),
        (found([], exit="exit code 7"), {}, "Its program has ended: exit code 7."),
        (found([]), {"parked": True}, "Parked: no process runs, because it had nothing to do."),
        (found([]), {"status": "initializing"}, "Its program is being started ..."),
        (found([], error="The runner does not answer."), {}, "The runner does not answer."),
    ],
)
@pytest.mark.parametrize("size", SIZES)
async def test_where_nothing_runs_it_says_why(
    told: InspectAgentResult, agent: dict[str, Any], words: str, size: tuple[int, int]
) -> None:
    agent = dict(agent)
    parked = agent.pop("parked", False)
    async with opened(told, size=size, status=agent.get("status", "closed")) as here:
        if parked:
            here.app.model.agents[here.agent_id].snapshot.sereno = AgentExtra(run=1, parked=True)
            screen = here.app.screen
            assert isinstance(screen, ProcessesScreen)
            screen._show()
            await here.pilot.pause()
        assert words in " ".join(shown(here.app).split())


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ("Unknown request schema.", OLDER),
        ("The daemon is not reachable.", "The daemon is not reachable."),
    ],
)
async def test_a_daemon_that_cannot_tell(refusal: str, words: str) -> None:
    async with place(TALK, size=(60, 20)) as here:
        here.link.refusal = refusal
        await here.press("escape", "P")
        await here.until(lambda: isinstance(here.app.screen, ProcessesScreen))
        await settle(here.pilot)
        assert words in " ".join(shown(here.app).split())


async def test_what_was_known_stays_when_the_daemon_goes() -> None:
    async with opened(found()) as here:
        here.link.refusal = "The daemon is not reachable."
        for _ in range(2):
            here.app._clock_ticked()
        await settle(here.pilot)
        assert "48121" in shown(here.app)
        assert "The daemon is not reachable." in shown(here.app)


# -- the figure in the agent's head ------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_the_head_has_the_memory(size: tuple[int, int]) -> None:
    async with place(TALK, size=size, status="running") as here:
        assert "Processes " in here.words("#head"), "nothing is known yet"
        here.link.processes = found()
        for _ in range(5):
            here.screen.clock_ticked()
        await settle(here.pilot)
        assert "[Talk]   Log   Processes 357 MiB" in here.words("#head")
        assert all(width_of(line) <= size[0] for line in here.screen.query_one("#head")._lines)  # type: ignore[attr-defined]


async def test_the_figure_is_asked_for_at_a_gentle_pace_and_only_while_looked_at() -> None:
    asked: list[str] = []
    async with place(TALK, status="running") as here:
        await settle(here.pilot)

        async def inspect(agent_id: str) -> InspectAgentResult:
            asked.append(agent_id)
            return found()

        here.link.inspect = inspect  # type: ignore[method-assign]
        for _ in range(10):
            here.app._clock_ticked()
            await settle(here.pilot)
        assert len(asked) == 2
        here.app.open_log()
        await settle(here.pilot)
        for _ in range(10):
            here.app._clock_ticked()
        await settle(here.pilot)
        assert len(asked) == 2


@pytest.mark.parametrize("how", ["stopped", "refused", "lost"])
async def test_the_figure_goes_where_it_is_not_known(how: str) -> None:
    async with place(TALK, status="running") as here:
        here.link.processes = found()
        for _ in range(5):
            here.screen.clock_ticked()
        await settle(here.pilot)
        assert "357 MiB" in here.words("#head")
        match how:
            case "stopped":
                await here.update(status="closed")
            case "refused":
                here.link.refusal = "no"
            case _:
                here.app.model.connected(Connection(Phase.LOST, "gone"))
        for _ in range(5):
            here.screen.clock_ticked()
        await settle(here.pilot)
        assert "MiB" not in here.words("#head")


# -- pure --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kib", "words"),
    [(0, "0.0 MiB"), (3_300, "3.2 MiB"), (145_000, "142 MiB"), (1_400_000, "1.3 GiB")],
)
def test_memory_in_words(kib: int, words: str) -> None:
    assert mib(kib) == words


@drawn(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 12)), max_size=12))
def test_no_process_is_lost_whatever_their_parents_are(pairs: list[tuple[int, int]]) -> None:
    rows = [row(pid, ppid, "x", 1) for pid, ppid in pairs]
    assert sorted(each.pid for _, each in tree(rows)) == sorted({pid for pid, _ in pairs})


def test_a_hostile_command_is_one_line_and_shows_what_it_hides() -> None:
    rows = [row(1, 0, "a\x1b]0;x\x07b\nroot 1 1 \u202etxt", 1)]
    for wrapped in (False, True):
        lines = [plain(line) for line in tree_lines(found(rows), 100, wrapped=wrapped)]
        assert len(lines) == 2
        assert lines[1].isascii()
        assert lines[1].isprintable()


@pytest.mark.parametrize("size", SIZES)
def test_picture(size: tuple[int, int], snap_compare: Any) -> None:
    link = sample.StillLink(sample.fleet()[2:3])
    link.processes = found()

    async def ready(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        for key in ("enter", "escape", "P"):
            await pilot.press(key)
            await settle(pilot)

    assert snap_compare(sample.app(link), terminal_size=size, run_before=ready)
