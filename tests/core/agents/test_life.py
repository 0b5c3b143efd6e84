"""What effects do to an agent: the order that clients hear, ledger, attention, and laws for any
sequence (wire 6.4, 6.8, 6.14)."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.agents import life
from sereno.core.agents.news import EventNews, PayloadNews, StateNews
from sereno.core.agents.record import Failure
from sereno.core.agents.states import ALIVE, Event, State, after
from sereno.core.agents.step import Base, Step
from sereno.core.protocol.events import AttentionRequired, PermissionResolved, TurnFailed
from sereno.core.protocol.messages import PermissionResolvedPush
from sereno.core.protocol.permissions import Allow, Deny, PermissionRequest
from sereno.core.protocol.timeline import AssistantMessage, Reasoning, ToolCall
from sereno.core.protocol.tools import ShellDetail
from sereno.core.protocol.values import UnsetType
from sereno.core.providers import effects
from tests.core.agents import sample


def stamp(request: PermissionRequest) -> dict[str, object]:
    assert not isinstance(request.metadata, UnsetType)
    found = request.metadata["sereno"]
    assert isinstance(found, dict)
    return found


def take(step: Step, *wanted: effects.Effect) -> None:
    for effect in wanted:
        life.take(step, effect, step.now_ms, "srv_1")


def running(*, queue: int = 0) -> Base:
    step = Step(sample.base(State.IDLE), 100)
    step.enqueue(sample.prompt("p0", "m0"), first=False)
    for number in range(queue):
        step.enqueue(sample.prompt(f"q{number}", None), first=False)
    life.begin_turn(step, step.queue[0])
    take(step, effects.TurnStarted("p0"))
    _, base, _ = sample.finish(step)
    return base


def test_a_turn_is_told_in_the_wires_order() -> None:
    step = Step(sample.base(State.IDLE), 100)
    step.enqueue(sample.prompt(), first=False)
    life.begin_turn(step, step.queue[0])
    take(step, effects.TurnStarted("p1"), effects.Send(b"prompt"))
    take(step, effects.Item(AssistantMessage(text="Hi"), delta=True))
    take(step, effects.TurnEnded("p1", "completed"))
    rows, base, news = sample.finish(step)
    assert sample.told(news) == [
        "row",
        "state running",
        "event turn_started",
        "row",
        "state idle",
        "event turn_completed",
        "event attention_required",
    ]
    assert [change.state for change in rows.prompt_changes] == ["done"]
    assert (base.current, base.queue, base.record.turn) == (None, (), None)
    assert base.record.attention is not None
    assert base.record.last_line == "Hi"
    assert [intent.data for intent in rows.intents] == [b"prompt"]


def test_turn_events_name_the_prompt() -> None:
    step = Step(running(), 200)
    take(step, effects.TurnEnded("p0", "completed"))
    _, _, news = sample.finish(step)
    assert news[1].event.message_id == "m0"  # type: ignore[union-attr]


def test_attention_is_not_called_between_queued_prompts() -> None:
    step = Step(running(queue=1), 200)
    take(step, effects.TurnEnded("p0", "completed"))
    _, base, news = sample.finish(step)
    assert sample.told(news) == ["state idle", "event turn_completed"]
    assert base.record.attention is None


def test_a_failure_does_not_run_into_the_words_before_it() -> None:
    call = ToolCall(call_id="c1", name="sh", status="running", detail=ShellDetail(command="ls"))
    broken, after_a_call = Step(running(), 200), Step(running(), 200)
    take(broken, effects.Item(AssistantMessage(text="It brok"), delta=True))
    take(after_a_call, effects.Item(AssistantMessage(text="So:"), delta=True), effects.Item(call))
    ends = []
    for step in (broken, after_a_call, Step(running(), 200)):
        take(step, effects.TurnEnded("p0", "failed", "Killed."))
        rows, _, _ = sample.finish(step)
        ends.append(msgspec.json.decode(rows.rows[-1].item)["text"])
    plain = "The turn failed: Killed."
    assert ends == [f"\n\n{plain}", plain, plain]


def test_a_failed_turn_says_so_in_a_row_and_holds_the_queue() -> None:
    step = Step(running(queue=1), 200)
    take(step, effects.Asked(sample.request()))
    end = effects.TurnEnded("p0", "failed", "Rate limited.", "rate_limited", "Wait a minute.")
    take(step, end)
    rows, base, news = sample.finish(step)
    assert sample.told(news)[-5:] == [
        "payload PermissionResolvedPush",
        "row",
        "state error",
        "event turn_failed",
        "event attention_required",
    ]
    failed = next(
        n.event for n in news if isinstance(n, EventNews) and isinstance(n.event, TurnFailed)
    )
    assert (failed.error, failed.code, failed.next_step) == (
        "Rate limited.",
        "rate_limited",
        "Wait a minute.",
    )
    assert b"Rate limited." in rows.rows[-1].item
    assert base.record.held
    assert base.record.state is State.FAILED
    assert base.requests == ()
    assert msgspec.json.decode(rows.closings[0].response, type=Deny).message == "Turn failed"


def test_a_request_is_told_in_the_wires_order_and_calls_once() -> None:
    step = Step(running(), 200)
    take(step, effects.Asked(sample.request("r1")), effects.Asked(sample.request("r2")))
    _, base, news = sample.finish(step)
    one = ["state running", "event permission_requested", "payload PermissionPush"]
    assert sample.told(news) == [*one, "event attention_required", *one]
    call = news[3].event  # type: ignore[union-attr]
    assert isinstance(call, AttentionRequired)
    assert call.reason == "permission"
    assert base.record.attention is None, "a request does not set the unread mark"
    shown = news[0].picture.requests[0].request  # type: ignore[union-attr]
    assert stamp(shown)["askedAt"] == "1970-01-01T00:00:00.200Z"


def test_an_answer_names_who_gave_it() -> None:
    step = Step(running(), 200)
    take(step, effects.Asked(sample.request()))
    _, base, _ = sample.finish(step)
    step = Step(base, 300)
    life.answered(step, "r1", Allow(), "Pixel 9")
    rows, base, news = sample.finish(step)
    assert sample.told(news) == [
        "state running",
        "event permission_resolved",
        "payload PermissionResolvedPush",
    ]
    push = news[2].payload  # type: ignore[union-attr]
    assert isinstance(push, PermissionResolvedPush)
    assert push.answered_by == "Pixel 9"
    assert [(c.state, c.by) for c in rows.closings] == [("answered", "Pixel 9")]
    assert [(entry.actor, entry.action) for entry in rows.audit] == [
        ("Pixel 9", "request.answered")
    ]
    assert base.requests == ()


@pytest.mark.parametrize("takes", [True, False])
def test_whether_the_words_of_a_no_reach_the_agent_is_said(takes: bool) -> None:
    """With the request before it is answered, and with the call that was denied."""
    step = Step(sample.base(State.STARTING), 100)
    take(step, msgspec.structs.replace(sample.READY, can_explain_denial=takes))
    asked = msgspec.structs.replace(sample.request(), metadata={"sereno": {"callId": "c1"}})
    take(step, effects.Asked(asked))
    (shown,) = step.requests
    assert stamp(shown.request)["takesWords"] is takes
    life.answered(step, "r1", Deny(message="use mkdir"), "Anna")
    detail = ShellDetail(command="ls")
    call = ToolCall(call_id="c1", name="sh", status="failed", detail=detail, error="no")
    take(step, effects.Item(call))
    rows, _, _ = sample.finish(step)
    said = msgspec.json.decode(rows.rows[-1].item)["metadata"]["sereno"]["denied"]
    told = {} if takes else {"told": False}
    assert said == {"by": "Anna", "words": "use mkdir", **told}


def test_a_driver_may_say_of_one_request_that_it_takes_no_words() -> None:
    step = Step(sample.base(State.STARTING), 100)
    take(step, msgspec.structs.replace(sample.READY, can_explain_denial=True))
    own = msgspec.structs.replace(sample.request(), metadata={"sereno": {"takesWords": False}})
    take(step, effects.Asked(own))
    assert stamp(step.requests[0].request)["takesWords"] is False


def test_an_interrupted_turn_denies_with_the_wires_word() -> None:
    base = running()
    step = Step(base, 200)
    take(step, effects.Asked(sample.request()))
    step.move(Event.INTERRUPT)
    assert step.record.turn is not None
    step.set(turn=msgspec.structs.replace(step.record.turn, interrupted_by="Anna"))
    take(step, effects.Withdrawn("r1", "the turn was cancelled"))
    _, base, news = sample.finish(step)
    resolved = next(
        n.event
        for n in news
        if isinstance(n, EventNews) and isinstance(n.event, PermissionResolved)
    )
    assert resolved.resolution == Deny(message="Interrupted")


def test_a_lost_session_ends_turn_requests_and_queue_in_words() -> None:
    step = Step(running(queue=1), 200)
    take(step, effects.Asked(sample.request()))
    life.break_down(step, Failure("It died.", "exited", "Start it."), "srv_1")
    rows, base, news = sample.finish(step)
    assert base.record.state is State.BROKEN
    assert base.record.failure == Failure("It died.", "exited", "Start it.")
    assert (base.record.held, len(base.queue), base.current) == (True, 1, None)
    assert rows.forget_intents
    assert sample.told(news).count("event attention_required") == 2, "one for the request, one now"
    assert sample.told(news)[-1] != "event turn_started"


def test_chunks_of_one_voice_become_one_row_until_something_comes_between() -> None:
    step = Step(running(), 200)
    tool = ToolCall(call_id="c", name="sh", detail=ShellDetail(command="ls"), status="running")
    for item in (
        AssistantMessage(text="a"),
        AssistantMessage(text="b"),
        Reasoning(text="hm"),
        AssistantMessage(text="c"),
        AssistantMessage(text=""),
        tool,
        AssistantMessage(text="d"),
    ):
        take(step, effects.Item(item, delta=not isinstance(item, ToolCall)))
    rows, _, _ = sample.finish(step)
    texts = [msgspec.json.decode(row.item).get("text", "-") for row in rows.rows]
    assert texts == ["ab", "hm", "c", "-", "d"]


def test_only_text_may_wait_for_its_window() -> None:
    step = Step(running(), 200)
    take(step, effects.Item(AssistantMessage(text="a"), delta=True))
    assert not step.urgent
    take(step, effects.Diagnostic("info", "hm"))
    assert not step.urgent
    take(step, effects.Send(b"x"))
    assert step.urgent


def test_a_flood_of_log_lines_keeps_its_end_and_says_what_is_missing() -> None:
    step = Step(sample.base(State.IDLE), 100)
    for number in range(10_000):
        step.log("info", "stderr", f"line {number}")
    rows, _, _ = sample.finish(step)
    assert len(rows.log_lines) <= 401
    assert rows.log_lines[-1].text == "line 9999"
    kept = len(rows.log_lines) - 1
    assert rows.log_lines[0].text == f"… {10_000 - kept} lines left out"


@pytest.mark.parametrize("state", list(State))
def test_the_table_has_no_state_without_a_way_out(state: State) -> None:
    assert any(after(state, event) is not None for event in Event)


texts = st.sampled_from(["", "a", "bc\n"])
effect_lists = st.lists(
    st.one_of(
        st.builds(effects.Item, st.builds(AssistantMessage, text=texts), st.booleans()),
        st.builds(effects.Item, st.builds(Reasoning, text=texts), st.just(value=True)),
        st.just(sample.READY),
        st.just(effects.Send(b"x")),
        st.builds(effects.Withdrawn, st.sampled_from(["r1", "r2"]), st.just("gone")),
        st.builds(effects.TurnEnded, st.just("p0"), st.sampled_from(["completed", "failed"])),
        st.builds(effects.TurnStarted, st.just("p0")),
        st.builds(effects.Changed, title=st.just("t")),
        st.builds(effects.SessionFailed, st.just("gone"), st.just("exited")),
    ),
    max_size=12,
)


@given(st.sampled_from(State), st.lists(effect_lists, max_size=3))
def test_laws_for_any_program(state: State, steps: list[list[effects.Effect]]) -> None:
    """Whatever a program says: rows without gaps, times that grow, and no impossible state."""
    base = sample.base(state)
    seq, updated, write_id = 1, base.record.updated_ms, 1
    asked = 0
    for wanted in steps:
        step = Step(base, 50)
        if step.record.state in ALIVE:
            take(step, effects.Asked(sample.request(f"r{asked}")))
            asked += 1
        take(step, *wanted)
        rows, base, news = sample.finish(step)
        for row in rows.rows:
            assert row.seq == seq
            seq += 1
        for intent in rows.intents:
            assert intent.write_id == write_id
            write_id += 1
        write_id = base.progress.next_write
        for one in news:
            if isinstance(one, StateNews):
                assert one.picture.record.updated_ms > updated
                updated = one.picture.record.updated_ms
        closed = [closing.id for closing in rows.closings]
        assert len(closed) == len(set(closed))
        assert base.progress.next_seq == seq
        if base.record.state not in ALIVE:
            assert base.record.turn is None or state not in ALIVE
        pushes = [n for n in news if isinstance(n, PayloadNews)]
        assert len(pushes) == len(closed) + len(rows.asked)
