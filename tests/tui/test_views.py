"""The pure views: what a fleet, a pane and a form say."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from sereno.core.protocol.agents import Mode, ProviderEntry, SignIn
from sereno.core.protocol.timeline import (
    AssistantMessage,
    Compaction,
    ErrorItem,
    Reasoning,
    TimelineItem,
    Todo,
    TodoItem,
    ToolCall,
    UserMessage,
)
from sereno.core.protocol.tools import (
    EditDetail,
    FetchDetail,
    PlainTextDetail,
    ReadDetail,
    SearchDetail,
    ShellDetail,
    SubAgentDetail,
    ToolDetail,
    UnknownDetail,
    WriteDetail,
)
from sereno.core.protocol.values import UNSET
from sereno.tui.agent_state import AgentState
from sereno.tui.lines import plain, width_of
from sereno.tui.model import Connection, FleetModel, Phase
from sereno.tui.pane_view import failure_lines, pane_lines, tool_words
from sereno.tui.screens.fleet import view as fleet
from sereno.tui.screens.new_agent import view as new_agent
from sereno.tui.timeline import Row, Timeline
from sereno.tui.widgets.attention import attention_lines, wants
from tests.tui import sample


def model(*agents: object) -> FleetModel:
    made = FleetModel()
    made.apply(sample.listing(agents or sample.fleet()))  # type: ignore[arg-type]
    made.connected(Connection(Phase.READY, "ready"))
    return made


def look(width: int = 100) -> fleet.Look:
    return fleet.Look(sample.NOW_MS, "14:15", sample.HOME, width)


def blocks(*items: TimelineItem) -> Timeline:
    timeline = Timeline()
    for seq, item in enumerate(items, 1):
        timeline.take(Row(item, seq, seq, 0), "e")
    return timeline


def pane(*items: TimelineItem, width: int = 30, height: int = 8) -> list[str]:
    return [plain(line) for line in pane_lines(blocks(*items).blocks, width, height)]


# -- fleet --------------------------------------------------------------------------------------


def test_the_header_counts_in_words() -> None:
    left, right = fleet.header(model(), look())
    assert plain(left) == "sereno  7 agents:  2 busy  2 ask  1 failed  1 done  1 idle"
    assert plain(right) == "14:15"


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        (Phase.STARTING, "starting the daemon …  14:15"),
        (Phase.LOST, "no daemon  14:15"),
        (Phase.STOPPED, "no daemon  14:15"),
    ],
)
def test_the_header_says_when_the_link_is_not_well(phase: Phase, words: str) -> None:
    fleet_model = model()
    fleet_model.connected(Connection(phase, "why"))
    assert plain(fleet.header(fleet_model, look())[1]) == words


@pytest.mark.parametrize("width", [34, 38, 58, 98])
@pytest.mark.parametrize("two_lines", [False, True])
def test_rows_fit_their_width(width: int, two_lines: bool) -> None:
    rows = fleet.agent_rows(model().ordered(), look(width), two_lines=two_lines)
    for row in rows:
        assert len(row.lines) == (2 if two_lines else 1)
        for line in row.lines:
            assert width_of(line) <= width


def test_every_state_reads_without_colour() -> None:
    rows = fleet.agent_rows(model().ordered(), look(58), two_lines=True)
    told = [plain(row.lines[0]) for row in rows]
    assert [line[0] for line in told] == list("??x>>+-")
    assert told[0].rstrip().endswith("asks 0:41")
    assert told[2].rstrip().endswith("failed 8 min")


def test_the_second_line_is_the_wish_the_cause_or_the_last_act() -> None:
    rows = fleet.agent_rows(model().ordered(), look(58), two_lines=True)
    second = [plain(row.lines[1]).strip() for row in rows]
    assert second[:4] == [
        "wants to run: psql -c 'create database scratch'",
        "wants to write docs/index.md",
        "exit 1: rate limit, resets 16:00",
        "running tests (42 of 118)",
    ]


def test_the_second_line_of_one_that_works_is_what_it_does_now() -> None:
    one = AgentState(sample.agent(3, "x", status="running", last_line=""))

    def second() -> str:
        (row,) = fleet.agent_rows([one], look(58), two_lines=True)
        return plain(row.lines[1]).strip()

    assert second() == "works"
    one.timeline = blocks(AssistantMessage("I look.\nNow I read the tests"))
    assert second() == "works", "not loaded: it may be old"
    one.timeline.loaded = True
    assert second() == "Now I read the tests"
    detail = ShellDetail(command="pytest -x", output="42 of 118")
    one.timeline = blocks(ToolCall(call_id="t", name="Bash", detail=detail, status="running"))
    one.timeline.loaded = True
    assert second() == "$ pytest -x", "not its output, which says little alone"


def test_details_name_cause_and_next_step_of_a_failure() -> None:
    state = next(each for each in model().ordered() if each.title == "Upgrade the framework")
    told = [plain(line) for line in fleet.details(state, look(60))]
    assert told[0] == "why     exit 1: rate limit, resets 16:00"
    assert told[1] == "next    Wait until 16:00, then send the prompt again."


def test_a_long_cause_is_shown_whole() -> None:
    cause = "quitter ended with exit code 7. Its last words: licence expired"
    failed = sample.agent(
        1, "a", status="error", last_error=cause, next_step="Run it by itself to see what it lacks."
    )
    (state,) = model(failed).ordered()
    box = " ".join(plain(line)[8:].strip() for line in fleet.details(state, look(36)))
    assert cause in box
    assert "Run it by itself to see what it lacks." in box
    told = " ".join(plain(line)[2:] for line in failure_lines(state, 30))
    assert told == f"{cause} Run it by itself to see what it lacks."
    said = model(failed).ordered()[0]
    said.timeline.take(Row(ErrorItem(message=cause), 1, 1, 0), "e")
    assert cause not in " ".join(plain(line) for line in failure_lines(said, 90)), "not twice"


def test_details_show_what_is_known_only() -> None:
    state = model().ordered()[0]
    told = [plain(line) for line in fleet.details(state, look(36))]
    assert told == [
        "where   ~/src/shop",
        "branch  main",
        "mode    Ask always",
        "model   opus",
        "spent   $0.37  98k tokens",
        "context 48 %",
    ]
    assert fleet.details(None, look()) == []


def test_queued_prompts_are_counted() -> None:
    state = next(each for each in model().ordered() if each.title == "Vouchers at checkout")
    assert "queue   1 prompt waiting" in [plain(line) for line in fleet.details(state, look())]


def test_an_empty_list_says_why() -> None:
    assert "starting" in plain(fleet.empty_lines(FleetModel(), "")[0])
    assert "n starts one" in plain(fleet.empty_lines(model(), "")[1])
    assert "nothing matches zz" in plain(fleet.empty_lines(model(), "zz")[0])


def test_the_attention_bar() -> None:
    line = plain(*attention_lines(model(), sample.NOW_MS, 160))
    assert line.startswith(
        " ! 2 requests wait: Fix the tax rounding wants to run a command (0:41), "
        "Repair links in the docs wants to write docs/index.md (0:12)"
    )
    assert line.rstrip().endswith("ctrl+g")
    assert plain(*attention_lines(model(), sample.NOW_MS, 60)).split() == [
        "!", "2", "requests", "wait", "ctrl+g",
    ]  # fmt: skip
    assert attention_lines(FleetModel(), 0, 100) == []


def test_the_attention_bar_says_what_is_wrong_with_the_link_first() -> None:
    fleet_model = model()
    fleet_model.connected(Connection(Phase.LOST, "The daemon went away"))
    assert plain(*attention_lines(fleet_model, 0, 100)) == " ! The daemon went away"


@pytest.mark.parametrize(
    ("detail", "kind", "words"),
    [
        (ShellDetail(command="ls"), "tool", "to run a command"),
        (WriteDetail(file_path="a.md"), "tool", "to write a.md"),
        (ReadDetail(file_path="a.md"), "tool", "to read a.md"),
        (FetchDetail(url="https://x"), "tool", "to fetch https://x"),
        (SearchDetail(query="x"), "tool", "to search"),
        (UNSET, "question", "an answer"),
        (UNSET, "plan", "its plan accepted"),
        (UNSET, "other", "Something else"),
    ],
)
def test_wants(detail: ToolDetail, kind: str, words: str) -> None:
    assert wants(sample.request(1, detail, 0, kind=kind, name="Something\nelse")) == words


@pytest.mark.parametrize("width", range(40, 100))
def test_a_row_of_two_lines_is_cut_in_its_title_alone(width: int) -> None:
    failed = AgentState(sample.agent(1, "hi", status="error", since=28 * 60))
    (row,) = fleet.agent_rows([failed], look(width), two_lines=True)
    assert "…" not in plain(row.lines[0])
    assert plain(row.lines[0]).rstrip().endswith("failed 28 min")


def test_an_empty_list_says_what_is_waited_for() -> None:
    made = FleetModel()
    assert "starting" in plain(fleet.empty_lines(made, "")[0])
    made.connected(Connection(remote="box:6767"))
    assert "connecting" in plain(fleet.empty_lines(made, "")[0])
    made.connected(Connection(Phase.LOST, remote="box:6767"))
    assert "no daemon" in plain(fleet.empty_lines(made, "")[0])


# -- live panes ---------------------------------------------------------------------------------


def test_a_pane_shows_the_end() -> None:
    lines = pane(AssistantMessage(text="\n".join(f"line {n}" for n in range(50))), height=3)
    assert lines == ["line 47", "line 48", "line 49"]


def test_a_pane_of_every_kind() -> None:
    call = ToolCall(
        call_id="t", name="Bash", status="failed", error="x",
        detail=ShellDetail(command="make  all", output="one\ntwo\n"),
    )  # fmt: skip
    lines = pane(
        UserMessage(text="Do it"),
        Reasoning(text="I think"),
        call,
        Todo(items=[TodoItem(text="a", completed=True), TodoItem(text="b", completed=False)]),
        Compaction(status="completed"),
        ErrorItem(message="broken"),
        height=20,
    )
    assert lines == [
        "› Do it",
        "I think",
        "$ make all  failed",
        "  one",
        "  two",
        "[x] a",
        "[ ] b",
        "talk condensed",
        "x broken",
    ]


@pytest.mark.parametrize("width", [1, 2, 8, 40])
def test_panes_never_exceed_their_size(width: int) -> None:
    lines = pane_lines(
        blocks(
            UserMessage(text="漢字 " * 40),
            AssistantMessage(text="word " * 200),
            ToolCall(
                call_id="t", name="x", status="running",
                detail=ShellDetail(command="c" * 99, output="o" * 99),
            ),
        ).blocks,
        width,
        5,
    )  # fmt: skip
    assert len(lines) <= 5
    if width >= 8:
        assert all(cell_len(plain(line)) <= width for line in lines)


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        (ShellDetail(command="ls\n-l"), ("$", "ls -l")),
        (ReadDetail(file_path="a"), ("Read", "a")),
        (EditDetail(file_path="a"), ("Edit", "a")),
        (WriteDetail(file_path="a"), ("Write", "a")),
        (SearchDetail(query="q"), ("Search", "q")),
        (FetchDetail(url="u"), ("Fetch", "u")),
        (SubAgentDetail(log="", description="d"), ("Agent", "d")),
        (PlainTextDetail(label="l"), ("-", "l")),
        (UnknownDetail(input=None, output=None), ("-", "Name")),
    ],
)
def test_tool_words(detail: ToolDetail, words: tuple[str, str]) -> None:
    assert tool_words(ToolCall(call_id="t", name="Name", detail=detail, status="running")) == words


# -- new agent and first run --------------------------------------------------------------------


def test_the_demo_is_offered_first_only_when_nothing_else_is_there() -> None:
    assert new_agent.first_ready(sample.providers()) == "claude"
    only = [each for each in sample.providers() if each.provider in ("opencode", "demo")]
    assert new_agent.first_ready(only) == "demo"
    assert new_agent.first_ready([]) == ""


def test_a_mode_that_asks_nothing_is_loud_in_the_fleet() -> None:
    snapshot = sample.agent(1, "Free", status="running")
    state = AgentState(snapshot, None)
    assert "asks nothing" not in str(fleet.details(state, look(width=36)))
    bypass = Mode(id="ask", label="Bypass permissions", color_tier="dangerous")
    snapshot.available_modes = [bypass]
    lines = fleet.details(state, look(width=36))
    (line,) = [line for line in lines if "Bypass" in plain(line)]
    assert plain(line) == "mode    ! Bypass permissions: asks"
    assert line[1][1] == "failed"
    assert "nothing" in plain(lines[lines.index(line) + 1])
    (row,) = fleet.agent_rows([state], look(width=60), two_lines=True)
    assert "! asks nothing" in plain(row.lines[1])


def test_who_is_not_signed_in_is_said_and_not_offered_first() -> None:
    entries = sample.providers()
    hint = "Run `claude` in a terminal and log in there."
    entries[0].sign_in = SignIn(state="no", hint=hint)
    entries[1].sign_in = SignIn(state="unknown", words="It has no command that says so.")
    assert new_agent.first_ready(entries) == "codex"
    assert new_agent.state_of(entries[0]) == ("2.1.4  not signed in", "asks")
    assert new_agent.state_of(entries[1])[0] == "0.13  ready"
    assert new_agent.how_to_install(entries[0]) == f"Not signed in. {hint}"
    assert new_agent.how_to_install(entries[1]) == ""


def test_what_was_not_found_says_how_to_install_it() -> None:
    lines = [plain(line) for line in new_agent.found_lines(sample.providers(), 80)]
    assert lines[0].split() == ["Claude", "Code", "2.1.4", "ready"]
    assert lines[-1].strip() == "not found: OpenCode; choose one to see how to install it", (
        "what is ready comes first"
    )
    entry = new_agent.find(sample.providers(), "opencode")
    assert new_agent.how_to_install(entry) == "not found. Install it: npm install -g opencode-ai"
    assert new_agent.how_to_install(new_agent.find(sample.providers(), "claude")) == ""
    options = new_agent.provider_options(sample.providers())
    assert [option.value for option in options] == ["claude", "codex", "demo", "opencode"]


def test_a_dangerous_mode_is_marked() -> None:
    modes = [Mode(id="all", label="Bypass", color_tier="dangerous", description="asks nothing")]
    entry = ProviderEntry(provider="x", status="ready", modes=modes)
    (option,) = new_agent.mode_options(entry)
    assert (option.style, option.note) == ("failed", "dangerous! asks nothing")
    assert new_agent.mode_options(None)[0].label == "default"


def test_the_command_is_shown_as_a_shell_takes_it() -> None:
    entry = ProviderEntry(provider="x", status="ready", command=["my agent", "--flag=a b"])
    assert new_agent.command_line(entry) == "'my agent' '--flag=a b'"
    assert new_agent.command_line(None) == ""
