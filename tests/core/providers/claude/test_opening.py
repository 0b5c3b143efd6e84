"""From the first frame to Ready, or to words that say why there is no session."""

from __future__ import annotations

import pytest

from sereno.core.protocol.timeline import ErrorItem
from sereno.core.providers.driver import DriverBusy, Prompt, Setup
from sereno.core.providers.effects import Diagnostic, Effect, Ready, SessionFailed
from tests.core.providers.claude.bench import Bench, items, only, sent


def ready_of(effects: list[Effect]) -> Ready:
    found: Ready = only(effects, Ready)
    return found


def test_ready_says_what_the_program_offers() -> None:
    bench = Bench(Setup("/repo", session_id="s-1", thinking="high"))
    bench.take(bench.driver.start(None))
    ready = ready_of(bench.introduce())
    assert ready.session_id == "s-1"
    assert not ready.resumed
    assert ready.mode_id == "default"
    assert ready.model_id == "default"
    assert [model.id for model in ready.models] == ["default", "haiku"]
    assert [option.id for option in ready.thinking_options] == ["low", "high"]
    assert ready.thinking_option_id == "high"
    assert [command.name for command in ready.commands] == ["compact"]
    assert ready.can_explain_denial
    assert ready.version == "2.1.330"
    tiers = {mode.id: mode.color_tier for mode in ready.modes}
    assert tiers["bypassPermissions"] == "dangerous"


def test_a_wished_mode_is_set_before_anything_else() -> None:
    bench = Bench(Setup("/repo", mode="plan"))
    bench.take(bench.driver.start(None))
    effects = bench.introduce(current_permission_mode="acceptEdits")
    assert not [e for e in effects if isinstance(e, Ready)]
    assert sent(effects)[0]["request"] == {"subtype": "set_permission_mode", "mode": "plan"}
    bench.restart()
    with pytest.raises(DriverBusy):
        bench.driver.prompt(Prompt("p", "go"))
    ready = ready_of(bench.reply_to("set_permission_mode", mode="plan"))
    assert ready.mode_id == "plan"
    assert len(ready.models) == 2
    assert len(ready.commands) == 1


def test_a_program_that_refuses_the_mode_is_not_used() -> None:
    bench = Bench(Setup("/repo", mode="plan"))
    bench.take(bench.driver.start(None))
    bench.introduce(current_permission_mode="acceptEdits")
    failed = only(bench.refuse("set_permission_mode", "no such mode"), SessionFailed)
    assert failed.code == "mode_refused"
    assert "no such mode" in failed.error


def test_a_resumed_session_that_refuses_the_mode_is_not_used_either() -> None:
    bench = Bench(Setup("/repo", mode="plan"))
    bench.take(bench.driver.start("s-0"))
    bench.introduce(current_permission_mode="acceptEdits")
    failed = only(bench.refuse("set_permission_mode", "not now"), SessionFailed)
    assert failed.code == "mode_refused"
    assert "not now" in failed.error


@pytest.mark.parametrize("taken", ["acceptEdits", "bypassPermissions", "newest"])
def test_a_program_that_takes_a_looser_mode_than_the_wished_one_is_not_used(taken: str) -> None:
    bench = Bench(Setup("/repo", mode="default"))
    bench.take(bench.driver.start(None))
    bench.introduce(current_permission_mode="auto")
    failed = only(bench.reply_to("set_permission_mode", mode=taken), SessionFailed)
    assert failed.code == "mode_refused"
    assert taken in failed.error


def test_a_program_that_would_ask_nothing_by_its_own_settings_is_made_to_ask() -> None:
    bench = Bench(Setup("/repo"))
    bench.take(bench.driver.start(None))
    effects = bench.introduce(current_permission_mode="bypassPermissions")
    assert sent(effects)[0]["request"]["mode"] == "default"
    ready = ready_of(bench.reply_to("set_permission_mode", mode="default"))
    assert ready.mode_id == "default"


def test_one_that_cannot_be_made_to_ask_is_not_used() -> None:
    bench = Bench(Setup("/repo"))
    bench.take(bench.driver.start("s-0"))
    bench.introduce(current_permission_mode="bypassPermissions")
    assert only(bench.refuse("set_permission_mode", "no"), SessionFailed).code == "mode_refused"


def test_a_session_that_the_program_does_not_know_is_lost() -> None:
    bench = Bench()
    bench.take(bench.driver.start("s-0"))
    errors = ["No conversation found with session ID: s-0"]
    effects = bench.say("result", subtype="error_during_execution", is_error=True, errors=errors)
    assert only(effects, SessionFailed).code == "session_lost"
    assert isinstance(items(effects)[0], ErrorItem)
    ends = bench.driver.exited(1, None, errors[0])
    assert [type(e) for e in ends] == [Diagnostic]  # said already


def test_a_lost_session_is_known_by_the_last_words_too() -> None:
    bench = Bench()
    bench.take(bench.driver.start("s-0"))
    ends = bench.driver.exited(1, None, "No conversation found with session ID: s-0")
    assert only(ends, SessionFailed).code == "session_lost"


def test_a_program_that_does_not_start_says_why_and_what_to_do() -> None:
    bench = Bench()
    bench.take(bench.driver.start(None))
    words = "--dangerously-skip-permissions cannot be used with root/sudo privileges"
    failed = only(bench.driver.exited(1, None, words), SessionFailed)
    assert failed.code == "exited"
    assert words in failed.error
    assert "not as root" in failed.next_step
    other = Bench()
    other.take(other.driver.start(None))
    assert "claude" in only(other.refuse("initialize", "bad"), SessionFailed).next_step


def test_a_program_that_floods_and_never_answers_is_given_up() -> None:
    bench = Bench()
    bench.take(bench.driver.start(None))
    effects = bench.driver.receive(b"y\n" * 5_000)
    assert only(effects, SessionFailed).code == "start_failed"
    assert bench.driver.receive(b"y\n" * 5_000) == []
    assert len([e for e in effects if isinstance(e, Diagnostic)]) < 20


def test_it_is_started_once() -> None:
    bench = Bench.opened()
    with pytest.raises(RuntimeError):
        bench.driver.start(None)
