"""A fleet to look at: hand-made agents, timelines and requests at a frozen time.

For snapshot tests, key tests and the pictures; what it shows is made up, its types are the wire's.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio

from sereno.core.protocol.additions import InspectAgentResult, LogLine, ReadLogResult
from sereno.core.protocol.agents import (
    AgentExtra,
    AgentSnapshot,
    Capabilities,
    Checkout,
    Mode,
    Model,
    ProjectPlacement,
    ProviderEntry,
    QueuedPrompt,
    Usage,
)
from sereno.core.protocol.events import TimelineEvent
from sereno.core.protocol.importing import ProviderSession, ProviderSessions, SessionsProblem
from sereno.core.protocol.messages import (
    AgentEntry,
    AgentStream,
    FetchAgentsResult,
    PageInfo,
    ProvidersSnapshot,
)
from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.timeline import (
    AssistantMessage,
    ErrorItem,
    Reasoning,
    TimelineItem,
    ToolCall,
    UserMessage,
)
from sereno.core.protocol.tools import EditDetail, ReadDetail, SearchDetail, ShellDetail
from sereno.core.protocol.values import UNSET, Wire, iso
from sereno.tui.app import SerenoApp
from sereno.tui.link_api import ActError
from sereno.tui.messages import Act
from sereno.tui.model import Connection, FleetModel, Phase
from sereno.tui.times import Times

NOW_MS = 1_790_000_000_000 // 60_000 * 60_000 + 2 * 60_000
HOME = "/home/ada"
EPOCH = "0a6e9b52-6a43-4a84-8a4b-4a3f0a8a7d10"

DIFF = """@@ -86,3 +86,5 @@ class Cart:
     def total(self) -> Decimal:
         amount = sum(item.price for item in self.items)
-        return amount
+        if self.voucher is not None:
+            amount -= self.voucher.value
+        return max(amount, Decimal(0))
"""

_MODES = [
    Mode(id="ask", label="Ask always"),
    Mode(id="edits", label="Accept edits"),
    Mode(id="plan", label="Plan"),
]


PATIENT = Times(
    leader=3600, dead=0.01, news=3600, warning=3600, error=3600, said=3600, mode=3600, debounce=0.01
)
"""Nothing goes away by itself, however slow the machine; what must pass passes at once."""


def stamp(seconds_ago: float) -> str:
    return iso(NOW_MS - int(seconds_ago * 1000))


def agent(
    number: int,
    title: str,
    *,
    provider: str = "demo",
    status: str = "idle",
    folder: str = "shop",
    since: float = 60,
    pending: Sequence[PermissionRequest] = (),
    **more: Any,
) -> AgentSnapshot:
    """One snapshot. `since`: seconds ago that it came into its state."""
    extra = AgentExtra(
        run=1,
        turn_started_at=stamp(since) if status == "running" else UNSET,
        last_line=more.pop("last_line", UNSET),
        next_step=more.pop("next_step", UNSET),
        queue=more.pop("queue", []),
    )
    return AgentSnapshot(
        id=f"{number:08d}-6a43-4a84-8a4b-4a3f0a8a7d10",
        provider=provider,
        cwd=f"{HOME}/src/{folder}",
        model=more.pop("model", None),
        created_at=stamp(since + 600),
        updated_at=stamp(more.pop("updated", since)),
        last_user_message_at=stamp(since),
        status=status,  # type: ignore[arg-type]
        capabilities=Capabilities(),
        current_mode_id="ask",
        available_modes=list(_MODES),
        pending_permissions=list(pending),
        persistence=None,
        title=title,
        labels={},
        sereno=extra,
        **more,
    )


def request(number: int, detail: Any, asked: float, **more: Any) -> PermissionRequest:
    return PermissionRequest(
        id=f"request-{number}",
        provider="demo",
        name=more.pop("name", "Run"),
        kind=more.pop("kind", "tool"),
        detail=detail,
        metadata={"sereno": {"askedAt": stamp(asked), "editable": False}},
        **more,
    )


def fleet() -> list[AgentSnapshot]:
    """Seven agents in every state that the list knows."""
    psql = request(
        1, ShellDetail(command="psql -c 'create database scratch'", cwd=f"{HOME}/src/shop"), 41,
        title="Run a command",
    )  # fmt: skip
    docs = request(2, EditDetail(file_path="docs/index.md"), 12, name="Edit")
    usage = Usage(
        context_window_used_tokens=96_000,
        context_window_max_tokens=200_000,
        total_cost_usd=0.37,
        input_tokens=91_000,
        output_tokens=7_000,
    )
    return [
        agent(1, "Fix the tax rounding", provider="claude", status="running", since=190,
              pending=[psql], last_usage=usage, model="opus"),
        agent(2, "Repair links in the docs", provider="codex", status="running", folder="docs",
              since=60, pending=[docs]),
        agent(3, "Vouchers at checkout", provider="claude", status="running", since=190,
              last_line="running tests (42 of 118)",
              queue=[QueuedPrompt(id="q1", text="also cover an expired voucher",
                                  queued_at=stamp(20))]),
        agent(4, "Pagination by cursor", provider="opencode", status="running", folder="api",
              since=82, last_line="reading src/api/routes.py"),
        agent(5, "Upgrade the framework", provider="claude", status="error", folder="api",
              since=535, last_error="exit 1: rate limit, resets 16:00",
              next_step="Wait until 16:00, then send the prompt again."),
        agent(6, "Dark mode", provider="codex", status="idle", folder="site", since=300,
              requires_attention=True, attention_reason="finished",
              attention_timestamp=stamp(300), last_line="Done: theme.css follows the system."),
        agent(7, "Notes", provider="gemini", status="idle", folder="notes", since=7200,
              last_line="Sorted the notes of this week by topic."),
    ]  # fmt: skip


def timelines() -> dict[int, list[TimelineItem]]:
    """What agents 1 to 7 said and did."""
    return {
        1: [
            UserMessage(text="The totals are wrong by a cent. Find out why."),
            AssistantMessage(text="The rounding test needs a database."),
            ToolCall(
                call_id="t1", name="Bash", status="failed", error="exit 1",
                detail=ShellDetail(
                    command="pytest tests/tax -x",
                    output="............F\ntest_rounding: 10.005 != 10.01\n", exit_code=1,
                ),
            ),
            AssistantMessage(text="I will create a scratch one."),
            ToolCall(
                call_id="t2", name="Bash", status="running",
                detail=ShellDetail(command="psql -c 'create database scratch'"),
            ),
        ],
        2: [UserMessage(text="Repair the links."), AssistantMessage(text="Two links are dead.")],
        3: [
            UserMessage(text="Vouchers are ignored at checkout. Fix it and add a test."),
            Reasoning(text="The cart sums the prices before the voucher is known."),
            ToolCall(call_id="r", name="Read", status="completed",
                     detail=ReadDetail(file_path="src/checkout/cart.py")),
            ToolCall(call_id="s", name="Search", status="completed",
                     detail=SearchDetail(query="voucher")),
            ToolCall(call_id="e", name="Edit", status="completed",
                     detail=EditDetail(file_path="src/checkout/cart.py", unified_diff=DIFF)),
            AssistantMessage(text="The total never goes below zero now; the existing rounding "
                                  "rule still applies, so I kept Decimal throughout."),
            ToolCall(call_id="p", name="Bash", status="running",
                     detail=ShellDetail(command="pytest tests/checkout -x",
                                        output="collected 118 items\n42 of 118\n")),
        ],
        4: [
            UserMessage(text="Page by cursor, not by offset."),
            ToolCall(call_id="r4", name="Read", status="completed",
                     detail=ReadDetail(file_path="src/api/routes.py")),
            AssistantMessage(text="The cursor comes from the query string, so a page larger than "
                                  "the limit is silently cut. I add a test first and then the "
                                  "fix ..."),
        ],
        5: [UserMessage(text="Upgrade."), ErrorItem(message="exit 1: rate limit, resets 16:00")],
        6: [UserMessage(text="Dark mode."), AssistantMessage(text="Done: theme.css follows.")],
        7: [UserMessage(text="Sort."), AssistantMessage(text="Sorted the notes of this week.")],
    }  # fmt: skip


def providers() -> list[ProviderEntry]:
    return [
        ProviderEntry(
            provider="claude", status="ready", enabled=True, label="Claude Code", modes=_MODES,
            default_mode_id="ask", command=["claude-code-acp"], version="2.1.4",
        ),
        ProviderEntry(
            provider="codex", status="ready", enabled=True, label="Codex", modes=_MODES[:1],
            default_mode_id="ask", command=["codex-acp"], version="0.13",
        ),
        ProviderEntry(
            provider="opencode", status="unavailable", enabled=True, label="OpenCode",
            error="not found", install_hint="npm install -g opencode-ai",
        ),
        ProviderEntry(
            provider="demo", status="ready", enabled=True, label="Demo", modes=_MODES,
            default_mode_id="ask", command=["sereno-demo"],
        ),
    ]  # fmt: skip


def placed(snapshot: AgentSnapshot) -> ProjectPlacement:
    checkout = Checkout(
        cwd=snapshot.cwd, is_git=True, current_branch="main", remote_url=None,
        is_paseo_owned_worktree=False, main_repo_root=None,
    )  # fmt: skip
    return ProjectPlacement(project_key=snapshot.cwd, project_name="shop", checkout=checkout)


def listing(agents: Sequence[AgentSnapshot]) -> FetchAgentsResult:
    return FetchAgentsResult(
        request_id="r",
        entries=[AgentEntry(agent=each, project=placed(each)) for each in agents],
        page_info=PageInfo(next_cursor=None, prev_cursor=None, has_more=False),
    )


def row(agent_id: str, seq: int, item: TimelineItem, at: float = 60) -> AgentStream:
    return AgentStream(
        agent_id=agent_id, timestamp=stamp(at), seq=seq, epoch=EPOCH,
        event=TimelineEvent(provider="demo", item=item),
    )  # fmt: skip


class StillLink:
    """A link that has said what it has to say. `acts` are what the screens asked for."""

    def __init__(
        self,
        agents: Sequence[AgentSnapshot] = (),
        *,
        items: dict[int, list[TimelineItem]] | None = None,
        connection: Connection | None = None,
        virgin: bool = False,
    ) -> None:
        self.agents = list(agents)
        self.items = timelines() if items is None else items
        self.connection = connection or Connection(Phase.READY, "ready", embedded=True)
        self.virgin = virgin
        self.acts: list[Act] = []
        self.refusal: str | None = None
        self.providers: list[ProviderEntry] | None = None
        self.starts = 0
        self.models_asked: list[str] = []
        self.told_models: list[Model] = []
        self.past: list[AgentSnapshot] = []
        self.elsewhere: list[ProviderSession] = []
        self.problems: list[SessionsProblem] = []
        self.processes: InspectAgentResult | None = None
        self.followed: list[str] = []
        self.reply: Wire | None = None
        self.asked: Callable[[Wire], Wire] | None = None
        """Answers questions of places that know their messages themselves."""
        self.log: list[LogLine] = []
        self.model: FleetModel | None = None

    async def run(self, model: FleetModel) -> None:
        self.model = model
        model.apply(listing(self.agents))
        entries = providers() if self.providers is None else self.providers
        model.apply(ProvidersSnapshot(request_id="p", entries=entries, generated_at=stamp(1)))
        for snapshot in self.agents:
            for seq, item in zip(itertools.count(1), self.items.get(int(snapshot.id[:8]), [])):
                model.apply(row(snapshot.id, seq, item))
            model.agents[snapshot.id].timeline.loaded = True
        model.virgin = self.virgin
        model.connected(self.connection)
        await anyio.sleep_forever()

    def follow(self, agent_ids: Sequence[str]) -> None:
        self.followed = list(agent_ids)

    async def perform(self, act: Act) -> Wire | None:
        self.acts.append(act)
        if self.refusal is not None:
            raise ActError(self.refusal, "Try again.")
        return self.reply

    async def start_daemon(self) -> None:
        self.starts += 1
        if self.refusal is not None:
            raise ActError(self.refusal, "Try again.")
        assert self.model is not None
        self.model.connected(Connection(Phase.READY, "ready"))

    async def read_log(
        self, source: str, direction: str, cursor: int | None, limit: int
    ) -> ReadLogResult:
        del cursor, limit
        lines = self.log if direction == "tail" else []
        return ReadLogResult(
            request_id="l", source=source, lines=lines, start_cursor=0, end_cursor=len(self.log),
            has_older=False, error=None,
        )  # fmt: skip

    async def models(self, provider: str, folder: str) -> list[Model]:
        del folder
        self.models_asked.append(provider)
        if self.refusal is not None:
            raise ActError(self.refusal)
        return self.told_models

    async def archived(self) -> list[AgentSnapshot]:
        return list(self.past)

    async def sessions(self, folder: str) -> ProviderSessions:
        return ProviderSessions(
            request_id="s", cwd=folder, sessions=self.elsewhere, problems=self.problems
        )

    async def inspect(self, agent_id: str) -> InspectAgentResult:
        if self.refusal is not None:
            raise ActError(self.refusal)
        nothing = InspectAgentResult(request_id="i", agent_id=agent_id, error=None)
        return self.processes or nothing

    async def ask(self, request: Wire) -> Wire:
        if self.refusal is not None:
            raise ActError(self.refusal)
        if self.asked is None:
            raise ActError("Unknown request schema")
        return self.asked(request)

    async def find_files(self, folder: str, query: str, limit: int) -> list[str]:
        del folder
        names = ["README.md", "src/checkout/cart.py", "src/checkout/rules.py", "tests/test_cart.py"]
        return [name for name in names if query in name][:limit]


def clock(at_ms: int) -> str:
    """UTC, whatever the machine thinks."""
    return f"{at_ms // 3_600_000 % 24:02d}:{at_ms // 60_000 % 60:02d}"


def app(link: StillLink | None = None, **more: Any) -> SerenoApp:
    """The app at the frozen time, in front of a fleet or of the given link.

    Its clocks stand still: a request takes the keyboard, and its keys come alive, only in a test
    that moves `app.monotonic` on.
    """
    more.setdefault("monotonic", lambda: 1000.0)
    more.setdefault("times", PATIENT)
    return SerenoApp(
        link or StillLink(fleet()),
        cwd=Path(HOME) / "src" / "shop",
        home=HOME,
        now_ms=lambda: NOW_MS,
        clock=clock,
        **more,
    )
