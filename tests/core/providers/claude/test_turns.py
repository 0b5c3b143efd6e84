"""A turn from prompt to result, ours and those that nobody asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sereno.core.protocol.permissions import Allow
from sereno.core.protocol.requests import Image
from sereno.core.protocol.timeline import AssistantMessage, ErrorItem
from sereno.core.protocol.values import UNSET
from sereno.core.providers.driver import DriverBusy, Prompt, Setup
from sereno.core.providers.effects import (
    Asked,
    Changed,
    Diagnostic,
    SessionFailed,
    TurnEnded,
    TurnStarted,
    Withdrawn,
)
from tests.core.providers.claude.bench import Bench, calls, items, only, sent


def end_of(effects: Any) -> TurnEnded:
    found: TurnEnded = only(effects, TurnEnded)
    return found


def test_a_turn_ends_with_the_result_that_names_its_message() -> None:
    bench = Bench.opened()
    assert only(bench.prompt(), TurnStarted).prompt_id == "p"
    usage = {"input_tokens": 7, "cache_read_input_tokens": 3, "output_tokens": 2}
    models = {"opus-5": {"contextWindow": 1000}, "haiku-5": {"contextWindow": 20}}
    end = end_of(bench.result(usage=usage, total_cost_usd=0.5, modelUsage=models))
    assert (end.prompt_id, end.outcome, end.error) == ("p", "completed", None)
    assert end.usage is not None
    assert end.usage.total_cost_usd == 0.5
    assert (end.usage.input_tokens, end.usage.cached_input_tokens) == (7, 3)
    assert end.usage.context_window_max_tokens == 1000
    with pytest.raises(DriverBusy):
        Bench.in_turn().driver.prompt(Prompt("q", "more"))


def test_the_context_is_counted_after_each_turn() -> None:
    bench = Bench.in_turn()
    effects = bench.result()
    assert sent(effects)[-1]["request"] == {"subtype": "get_context_usage", "detail": "summary"}
    usage = only(bench.reply_to("get_context_usage", totalTokens=50, maxTokens=200), Changed).usage
    assert (usage.context_window_used_tokens, usage.context_window_max_tokens) == (50, 200)


def test_a_result_of_another_message_is_not_ours() -> None:
    bench = Bench.in_turn()
    effects = bench.result(user_message_uuids=["other"])
    assert not [e for e in effects if isinstance(e, TurnEnded)]
    effects = bench.result(user_message_uuids=None, origin={"kind": "task-notification"})
    assert not [e for e in effects if isinstance(e, TurnEnded)]
    assert end_of(bench.result(user_message_uuids=["other", bench.uuid])).outcome == "completed"


def test_an_older_program_names_no_messages() -> None:
    assert end_of(Bench.in_turn().result(user_message_uuids=None)).outcome == "completed"


def test_a_turn_that_nobody_asked_for_is_items_only() -> None:
    bench = Bench.opened()
    said = bench.block("m", type="text", text="The build is done.")
    assert items(said) == [AssistantMessage(text="The build is done.")]
    effects = bench.say("result", subtype="success", is_error=False, origin={"kind": "x"})
    assert not [e for e in effects if isinstance(e, TurnEnded)]
    assert not items(effects)
    effects = bench.say("result", subtype="success", is_error=True, result="API Error: 500")
    assert isinstance(items(effects)[0], ErrorItem)


def test_an_interrupted_turn_is_canceled_and_no_failure() -> None:
    bench = Bench.in_turn()
    bench.tool("Bash", command="sleep 9")
    request = bench.asked(tool_use_id="c")
    effects = bench.take(bench.driver.interrupt())
    assert sent(effects)[0]["request"] == {"subtype": "interrupt", "cancel_queued": True}
    assert only(effects, Withdrawn).request_id == request.id
    assert bench.say("control_cancel_request", request_id="r") == []
    bench.restart()
    late = bench.ask(rpc_id="late")
    assert sent(late)[0]["response"]["response"]["interrupt"] is True
    effects = bench.result(
        subtype="error_during_execution", is_error=True, terminal_reason="aborted_tools"
    )
    assert end_of(effects).outcome == "canceled"
    assert end_of(effects).error is None
    assert calls(effects)[0].status == "canceled"
    assert bench.driver.interrupt() == []


def test_a_prompt_that_had_not_begun_is_taken_back_by_the_interrupt() -> None:
    bench = Bench.in_turn()
    bench.take(bench.driver.interrupt())
    assert end_of(bench.reply_to("interrupt", cancelled=[bench.uuid])).outcome == "canceled"
    again = Bench.in_turn()
    again.take(again.driver.interrupt())
    cancelled = again.say("command_lifecycle", command_uuid=again.uuid, state="cancelled")
    assert end_of(cancelled).outcome == "canceled"
    assert not again.reply_to("interrupt", cancelled=[again.uuid])


def test_an_interrupt_stops_what_the_turn_began_in_the_background() -> None:
    bench = Bench.in_turn()
    bench.tool("Agent", "a", description="look")
    bench.say("system", subtype="task_started", task_id="t1", tool_use_id="a", is_backgrounded=True)
    wishes = [each["request"] for each in sent(bench.take(bench.driver.interrupt()))]
    assert wishes[1] == {"subtype": "stop_task", "task_id": "t1"}


def test_an_interrupt_of_an_idle_agent_stops_what_runs_in_the_background() -> None:
    bench = Bench.in_turn()
    for number in ("1", "2"):
        bench.tool("Agent", number, description="look")
        bench.say("system", subtype="task_started", task_id=f"t{number}", tool_use_id=number)
    first = bench.asked(agent_id="t1")
    again = only(bench.result(), Asked).request
    assert again.id != first.id
    assert bench.driver.background == 2
    bench.restart()
    effects = bench.take(bench.driver.interrupt())
    wishes = [each["request"] for each in sent(effects) if each["type"] == "control_request"]
    stopped = [each["task_id"] for each in wishes if each["subtype"] == "stop_task"]
    assert stopped == ["t1", "t2"]
    assert only(effects, Withdrawn).request_id == again.id
    for number in ("1", "2"):
        bench.say("system", subtype="task_notification", task_id=f"t{number}", status="stopped")
    assert bench.driver.background == 0
    assert bench.driver.interrupt() == []


def test_what_a_sub_agent_asks_outlives_the_turn() -> None:
    bench = Bench.in_turn()
    bench.tool("Agent", "a", description="look")
    bench.say("system", subtype="task_started", task_id="t1", tool_use_id="a", is_backgrounded=True)
    bench.tool("Bash", "b", parent="a", command="touch x")
    first = bench.asked(tool_use_id="b", agent_id="t1")
    assert isinstance(first.description, str)
    assert "sub-agent" in first.description
    effects = bench.result()
    kinds = [type(e) for e in effects if isinstance(e, Withdrawn | TurnEnded | Asked)]
    assert kinds == [Withdrawn, TurnEnded, Asked]
    again = only(effects, Asked).request
    assert again.id != first.id
    assert again.input == first.input
    bench.restart()
    (answer,) = sent(bench.driver.answer(again.id, Allow()))
    assert answer["response"]["request_id"] == "r"
    done = bench.say(
        "system", subtype="task_notification", task_id="t1", status="completed", summary="Found it."
    )
    assert calls(done)[-1].status == "completed"
    assert "Found it." in calls(done)[-1].detail.log  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("result", "code", "words"),
    [
        ({"api_error_status": 401, "result": "Invalid API key"}, "auth_required", "credentials"),
        ({"api_error_status": 429, "result": "slow down"}, "rate_limited", "limit"),
        ({"api_error_status": 529, "result": "busy"}, "overloaded", "overloaded"),
        ({"api_error_status": 500, "result": "oops"}, "overloaded", "trouble"),
        ({"api_error_status": 400, "result": "bad thing"}, "provider_error", "bad thing"),
        ({"result": "prompt is too long"}, "context_full", "too long"),
        ({"subtype": "error_max_turns"}, "max_tokens", "limit of steps"),
        ({"subtype": "error_during_execution", "errors": ["boom"]}, "provider_error", "boom"),
        ({"is_error": False, "stop_reason": "refusal"}, "refused", "refused"),
    ],
)
def test_failures_are_said_in_words(result: dict[str, Any], code: str, words: str) -> None:
    bench = Bench.in_turn()
    end = end_of(bench.result(**{"is_error": True, **result}))
    assert end.outcome == "failed"
    assert end.code == code
    assert end.error is not None
    assert words in end.error


def test_an_authentication_failure_says_how_to_sign_in() -> None:
    bench = Bench.in_turn()
    message = {"id": "m", "content": [{"type": "text", "text": "Not logged in"}]}
    bench.say("assistant", message=message, error="authentication_failed")
    end = end_of(bench.result(is_error=True, result="Not logged in · Please run /login"))
    assert end.code == "auth_required"
    assert end.next_step == "Run `claude` in a terminal and log in there."


def test_a_refused_key_says_where_a_key_is_corrected() -> None:
    end = end_of(Bench.in_turn().result(is_error=True, api_error_status=401, result="invalid key"))
    assert end.code == "auth_required"
    assert "log in there" in (end.next_step or "")
    assert "ANTHROPIC_API_KEY" in (end.next_step or "")


def test_a_rate_limit_says_when_it_resets() -> None:
    bench = Bench.in_turn()
    info = {"status": "rejected", "resetsAt": 1_795_300_000, "rateLimitType": "five_hour"}
    notice = only(bench.say("rate_limit_event", rate_limit_info=info), Diagnostic)
    assert notice.level == "notice"
    assert "2026-11-21 22:26 UTC" in notice.text
    assert bench.say("rate_limit_event", rate_limit_info=info) == []
    end = end_of(bench.result(is_error=True, api_error_status=429, result="limit"))
    assert end.code == "rate_limited"
    assert "five-hour" in (end.error or "")
    assert "2026-11-21 22:26 UTC" in (end.next_step or "")


def test_older_releases_say_the_time_of_reset_behind_a_bar() -> None:
    bench = Bench.in_turn()
    words = "Claude AI usage limit reached|1795300000"
    end = end_of(bench.result(is_error=True, api_error_status=429, result=words))
    assert end.error is not None
    assert "|" not in end.error
    assert "2026-11-21 22:26 UTC" in (end.next_step or "")


def test_a_cleared_conversation_says_so() -> None:
    bench = Bench.in_turn()
    bench.say("conversation_reset", new_conversation_id="s-2")
    bench.say("system", subtype="init", session_id="s-2")
    (item,) = items(bench.result(result=""))
    assert isinstance(item, AssistantMessage)
    assert "remembers nothing" in item.text
    (told,) = sent(bench.prompt())
    assert told["session_id"] == "s-2"


def test_images_and_files_go_along() -> None:
    bench = Bench.opened()
    images = (
        Image(data="aGk=", mime_type="image/png"),
        Image(data="aGk=", mime_type="application/pdf"),
        Image(data="aGk=", mime_type="image/tiff"),
    )
    attachments = ({"type": "text", "title": "notes.txt", "text": "hello"},)
    effects = bench.driver.prompt(Prompt("p", "see", images, attachments))
    content = sent(effects)[0]["message"]["content"]
    assert [block["type"] for block in content] == ["text", "text", "image", "document"]
    source = {"type": "base64", "media_type": "image/png", "data": "aGk="}
    assert content[2]["source"] == source
    assert "image/tiff" in only(effects, Diagnostic).text
    plain = sent(Bench.opened().prompt("/compact"))[0]["message"]["content"]
    assert plain == "/compact"


def test_no_two_messages_share_an_id() -> None:
    seen = set()
    for session in ("s-1", "s-2"):
        for run in (1, 2):
            bench = Bench.opened(Setup("/repo", run=run, session_id=session), resume="same")
            for number in ("a", "b"):
                bench.prompt(prompt_id=number)
                seen.add(bench.uuid)
                bench.result()
    assert len(seen) == 8


def test_what_a_slash_command_printed_is_said_once() -> None:
    bench = Bench.in_turn()
    bench.say(
        "user", message={"content": "<local-command-stdout>Compacted </local-command-stdout>"}
    )
    assert items(bench.result(result="")) == [AssistantMessage(text="Compacted ")]
    bench.prompt()
    bench.block("x", type="text", text="Said.")
    assert items(bench.result(result="Said.")) == []


def test_the_end_of_the_program_ends_all_that_was_open() -> None:
    bench = Bench.in_turn()
    bench.tool("Agent", "a", description="look")
    bench.say("system", subtype="task_started", task_id="t1", tool_use_id="a", is_backgrounded=True)
    request = bench.asked(agent_id="t1")
    effects = bench.driver.exited(None, 9, "last words")
    assert only(effects, Withdrawn).request_id == request.id
    assert calls(effects)[0].status == "failed"
    assert end_of(effects).code == "exited"
    assert "9 (KILL)" in (end_of(effects).error or "")
    assert isinstance(effects[-1], SessionFailed)
    assert not sent(effects)


def test_an_end_with_nothing_open_is_quiet() -> None:
    effects = Bench.opened().driver.exited(0, None, "")
    assert [type(e) for e in effects] == [Diagnostic]


def test_usage_is_unset_where_nothing_is_known() -> None:
    end = end_of(Bench.in_turn().result())
    assert end.usage is not None
    assert end.usage.input_tokens is UNSET
    assert json.loads(json.dumps(sent(Bench.opened().prompt())))[0]["type"] == "user"
