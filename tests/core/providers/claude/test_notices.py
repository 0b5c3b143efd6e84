"""News beside the talk, and settings that the person changes."""

from __future__ import annotations

import pytest

from sereno.core.protocol.permissions import Allow
from sereno.core.protocol.timeline import Compaction, ErrorItem
from sereno.core.providers.driver import DriverBusy, Setup
from sereno.core.providers.effects import Changed, Diagnostic
from tests.core.providers.claude.bench import Bench, items, only, sent


def test_a_mode_is_set_and_told_once() -> None:
    bench = Bench.opened()
    (wish,) = sent(bench.take(bench.driver.set_mode("acceptEdits")))
    assert wish["request"] == {"subtype": "set_permission_mode", "mode": "acceptEdits"}
    assert only(bench.reply_to("set_permission_mode", mode="acceptEdits"), Changed).mode_id
    assert bench.say("system", subtype="status", permissionMode="acceptEdits") == []


def test_a_refused_mode_is_said() -> None:
    bench = Bench.opened()
    bench.take(bench.driver.set_mode("auto"))
    (item,) = items(bench.refuse("set_permission_mode", "not for this account"))
    assert isinstance(item, ErrorItem)
    assert "not for this account" in item.message


def test_nobody_gets_into_bypass_by_a_switch() -> None:
    bench = Bench.opened()
    effects = bench.driver.set_mode("bypassPermissions")
    assert not sent(effects)
    assert isinstance(items(effects)[0], ErrorItem)
    setup = Setup("/repo", mode="bypassPermissions", session_id="s")
    chosen = Bench.opened(setup, current_permission_mode="bypassPermissions")
    assert sent(chosen.driver.set_mode("bypassPermissions"))


def test_a_model_is_known_by_the_name_it_was_offered_under() -> None:
    bench = Bench.opened()
    bench.take(bench.driver.set_model("haiku"))
    changed = only(bench.reply_to("set_model", model="haiku-5"), Changed)
    assert changed.model_id == "haiku"
    assert changed.thinking_options == ()
    assert bench.say("system", subtype="init", model="haiku-5", session_id="s-1") == []
    changed = only(bench.say("system", subtype="init", model="opus-5", session_id="s-1"), Changed)
    assert changed.model_id == "default"
    bench.take(bench.driver.set_model(None))
    assert bench.refuse("set_model", "no") != []
    custom = only(bench.say("system", subtype="init", model="my-own", session_id="s-1"), Changed)
    assert custom.model_id == "my-own"


def test_a_thinking_level_is_one_that_the_model_has() -> None:
    bench = Bench.opened()
    (wish,) = sent(bench.take(bench.driver.set_thinking("high")))
    assert wish["request"]["settings"] == {"effortLevel": "high"}
    assert only(bench.reply_to("apply_flag_settings"), Changed).thinking_option_id == "high"
    assert isinstance(items(bench.driver.set_thinking("enormous"))[0], ErrorItem)
    bench.take(bench.driver.set_thinking(None))
    assert only(bench.reply_to("apply_flag_settings"), Changed).thinking_option_id is None


def test_settings_need_a_session() -> None:
    bench = Bench()
    with pytest.raises(DriverBusy):
        bench.driver.set_mode("plan")
    with pytest.raises(DriverBusy):
        bench.driver.set_model("x")
    with pytest.raises(DriverBusy):
        bench.driver.set_thinking("x")
    with pytest.raises(DriverBusy):
        bench.driver.set_feature("x", "y")
    assert isinstance(items(Bench.opened().driver.set_feature("fast", "on"))[0], ErrorItem)


def test_a_retry_is_a_notice() -> None:
    fields = {"attempt": 1, "max_retries": 10, "retry_delay_ms": 540, "error_status": 529}
    told = only(Bench.in_turn().say("system", subtype="api_retry", **fields), Diagnostic)
    assert told.level == "notice"
    assert told.text.endswith("(529); Claude tries again in 0.5 s, attempt 1 of 10")


@pytest.mark.parametrize(
    ("status", "delay_ms", "words"),
    [
        (429, 32_321, "limits the rate of requests (429 rate_limit). Claude waits 32 s and then"),
        (529, 300_000, "has trouble at the moment (529 rate_limit). Claude waits 5 minutes and"),
    ],
)
def test_a_long_wait_for_the_provider_stands_in_the_talk(
    status: int, delay_ms: int, words: str
) -> None:
    fields = {"attempt": 2, "max_retries": 10, "retry_delay_ms": delay_ms, "error_status": status}
    (told,) = items(
        Bench.in_turn().say("system", subtype="api_retry", error="rate_limit", **fields)
    )
    assert isinstance(told, ErrorItem)
    assert words in told.message
    assert told.message.endswith("tries again, attempt 2 of 10.")


def test_a_limit_that_comes_close_is_told() -> None:
    info = {"status": "allowed_warning", "utilization": 0.83, "rateLimitType": "seven_day"}
    told = only(Bench.in_turn().say("rate_limit_event", rate_limit_info=info), Diagnostic)
    assert told.level == "notice"
    assert "83% of the weekly limit is used" in told.text
    quiet = Bench.in_turn().say("rate_limit_event", rate_limit_info={"status": "allowed"})
    assert quiet == []


def test_shortening_the_conversation_is_shown() -> None:
    bench = Bench.in_turn()
    begun = bench.say("system", subtype="status", status="compacting")
    assert items(begun) == [Compaction(status="loading")]
    assert bench.say("system", subtype="status", status="compacting") == []
    data = {"trigger": "auto", "pre_tokens": 900}
    done = bench.say("system", subtype="compact_boundary", compact_metadata=data)
    assert items(done) == [Compaction(status="completed", trigger="auto", pre_tokens=900)]


def test_titles_and_commands_are_told_when_they_change() -> None:
    bench = Bench.opened()
    assert only(bench.say("system", subtype="session_title_changed", title="A b"), Changed).title
    assert bench.say("system", subtype="session_title_changed", title="A b") == []
    commands = [{"name": "review", "description": "Look at it"}]
    told = only(bench.say("system", subtype="commands_changed", commands=commands), Changed)
    assert [each.name for each in told.commands] == ["review"]
    assert bench.say("system", subtype="commands_changed", commands=commands) == []


def test_a_new_conversation_is_named_after_its_first_prompt() -> None:
    bench = Bench.opened()
    wish = sent(bench.prompt("Build a parser"))[1]["request"]
    assert wish["subtype"] == "generate_session_title"
    assert wish["description"] == "Build a parser"
    assert only(bench.reply_to("generate_session_title", title="A parser"), Changed).title
    bench.result()
    assert len(sent(bench.prompt("More"))) == 1
    assert len(sent(Bench.opened().prompt("/compact"))) == 1
    assert len(sent(Bench.opened(resume="s-0").prompt("Go on"))) == 1
    failing = Bench.in_turn()
    assert [type(e) for e in failing.refuse("generate_session_title", "no")] == [Diagnostic]


def test_what_the_program_refused_by_itself_is_a_notice() -> None:
    effects = Bench.in_turn().say("system", subtype="permission_denied", tool_name="Bash")
    assert only(effects, Diagnostic).level == "notice"


def test_unknown_kinds_are_noted_and_change_nothing() -> None:
    bench = Bench.in_turn()
    before = bench.driver.snapshot()
    assert only(bench.say("telepathy"), Diagnostic).level == "debug"
    assert only(bench.say("system", subtype="telepathy"), Diagnostic).level == "debug"
    assert bench.driver.snapshot() is before


@pytest.mark.parametrize("mode", ["acceptEdits", "auto", "bypassPermissions", "newest"])
def test_a_looser_mode_that_nobody_chose_is_said_in_the_timeline(mode: str) -> None:
    bench = Bench.opened()
    effects = bench.say("system", subtype="status", permissionMode=mode)
    assert only(effects, Changed).mode_id == mode
    (item,) = items(effects)
    assert isinstance(item, ErrorItem)
    assert f"“{mode}”" in item.message


def test_a_mode_that_was_chosen_or_asks_more_needs_no_words() -> None:
    bench = Bench.opened()
    bench.take(bench.driver.set_mode("acceptEdits"))
    bench.restart()
    assert items(bench.say("system", subtype="status", permissionMode="acceptEdits")) == []
    assert items(bench.say("system", subtype="status", permissionMode="plan")) == []
    bench = Bench.in_turn()
    update = {"type": "setMode", "mode": "acceptEdits", "destination": "session"}
    request = bench.asked(permission_suggestions=[update])
    bench.driver.answer(request.id, Allow(selected_action_id="session-mode-acceptEdits"))
    assert items(bench.say("system", subtype="status", permissionMode="acceptEdits")) == []


def test_a_refused_choice_is_no_choice() -> None:
    bench = Bench.opened()
    bench.take(bench.driver.set_mode("auto"))
    bench.refuse("set_permission_mode", "no")
    assert items(bench.say("system", subtype="status", permissionMode="auto"))
