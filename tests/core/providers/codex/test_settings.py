"""Mode, model and effort while the session stands; limits, warnings and failures in words."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.core.protocol.timeline import ErrorItem
from sereno.core.providers.codex.failures import explain_turn, reset_words
from sereno.core.providers.codex.modes import MODES, mode_list, mode_of, stricter
from sereno.core.providers.codex.state import Limit
from sereno.core.providers.driver import DriverBusy, Prompt, Setup
from sereno.core.providers.effects import Changed, Diagnostic, TurnEnded
from tests.core.providers.codex.feed import LISTED, THREAD, WORKSPACE, Fed, items_of, one, sent

SETTINGS = {
    "approvalPolicy": "untrusted",
    "approvalsReviewer": "user",
    "sandboxPolicy": {"type": "workspaceWrite"},
    "model": "gpt-x",
    "effort": None,
    "collaborationMode": {"mode": "default", "settings": {}},
}


@pytest.fixture
def fed() -> Fed:
    fed = Fed()
    fed.open()
    return fed


def updated(fed: Fed, **changes: Any) -> list[Any]:
    return fed.say("thread/settings/updated", threadSettings={**SETTINGS, **changes})


def test_a_mode_is_a_policy_a_sandbox_and_people_who_answer(fed: Fed) -> None:
    (message,) = sent(fed.take(fed.driver.set_mode("workspace-write")))
    assert message["method"] == "thread/settings/update"
    assert message["params"] == {
        "threadId": THREAD,
        "approvalPolicy": "on-request",
        "sandboxPolicy": WORKSPACE,
        "approvalsReviewer": "user",
        "collaborationMode": {
            "mode": "default",
            "settings": {
                "model": "gpt-x",
                "reasoning_effort": None,
                "developer_instructions": None,
            },
        },
    }
    assert fed.reply("thread/settings/update") == []
    assert one(updated(fed, approvalPolicy="on-request"), Changed).mode_id == "workspace-write"
    assert updated(fed, approvalPolicy="on-request") == []
    plan = {"mode": "plan", "settings": {}}
    policy = {"sandboxPolicy": {"type": "readOnly"}, "collaborationMode": plan}
    assert one(updated(fed, **policy), Changed).mode_id == "plan"


def test_every_mode_is_known_again_by_what_it_sets() -> None:
    for mode_id, policy in MODES.items():
        sandbox = policy.sandbox_policy({})["type"]
        assert mode_of(policy.approval, sandbox, policy.plan) == mode_id
    assert mode_of({"granular": {}}, ["x"], False) is None
    assert [mode.id for mode in mode_list()] == list(MODES)
    assert stricter("auto", "full-access")
    assert stricter("full-access", None)
    assert not stricter("full-access", "auto")


def test_a_policy_that_is_none_of_ours_is_told(fed: Fed) -> None:
    effects = updated(fed, approvalPolicy="never")
    assert one(effects, Changed).mode_id is None
    assert "none of its modes" in items_of(effects)[0].message
    assert one(updated(fed), Changed).mode_id == "auto"
    assert one(updated(fed, approvalsReviewer="auto_review"), Changed).mode_id is None


def test_a_stricter_mode_in_a_running_turn_says_from_when_it_counts(fed: Fed) -> None:
    full = {"approvalPolicy": "never", "sandboxPolicy": {"type": "dangerFullAccess"}}
    updated(fed, **full)
    fed.begin()
    (item,) = items_of(fed.take(fed.driver.set_mode("auto")))
    assert "counts from the next turn on" in item.message
    assert items_of(fed.take(fed.driver.set_mode("full-access"))) == []


def test_a_new_model_brings_its_own_efforts(fed: Fed) -> None:
    updated(fed, effort="high")
    fed.waiting.clear()
    (message,) = sent(fed.take(fed.driver.set_model("gpt-x2")))
    assert message["params"] == {"threadId": THREAD, "model": "gpt-x2"}
    effects = updated(fed, model="gpt-x2", effort="high")
    assert one(effects, Changed).model_id == "gpt-x2"
    listed = {"data": [{**LISTED["data"][0], "model": "gpt-x2"}]}  # type: ignore[index]
    effects = fed.reply("model/list", listed)
    changed = one(effects, Changed)
    assert [option.id for option in changed.thinking_options] == ["low", "medium"]
    assert changed.thinking_option_id == "medium"
    (message,) = sent(effects)
    assert message["params"] == {"threadId": THREAD, "effort": "medium"}


def test_defaults_are_asked_for(fed: Fed) -> None:
    fed.take(fed.driver.set_model(None))
    (message,) = sent(fed.reply("model/list", LISTED))
    assert message["params"] == {"threadId": THREAD, "model": "gpt-x"}
    fed.take(fed.driver.set_thinking(None))
    (message,) = sent(fed.reply("model/list", LISTED))
    assert message["params"] == {"threadId": THREAD, "effort": "medium"}
    fed.take(fed.driver.set_model(None))
    assert one(fed.reply("model/list", {"data": []}), Diagnostic).level == "notice"


def test_refusals_are_said(fed: Fed) -> None:
    (item,) = items_of(fed.driver.set_mode("yolo"))
    assert "no mode “yolo”" in item.message
    (item,) = items_of(fed.driver.set_feature("fast", "on"))
    assert "no such setting: fast = on" in item.message
    fed.take(fed.driver.set_model("m"))
    (item,) = items_of(fed.reply("thread/settings/update", error="not you"))
    assert item.message == "Codex refused the model “m”: not you"
    with pytest.raises(DriverBusy):
        Fed().driver.set_mode("auto")


@pytest.mark.parametrize(
    ("info", "message", "code"),
    [
        ("unauthorized", "x", "auth_required"),
        ({"httpConnectionFailed": {"httpStatusCode": 401}}, "x", "auth_required"),
        ({"responseTooManyFailedAttempts": {"httpStatusCode": 429}}, "x", "rate_limited"),
        ({"responseStreamDisconnected": {"httpStatusCode": 503}}, "x", "overloaded"),
        ({"responseStreamConnectionFailed": {"httpStatusCode": None}}, "gone", "network"),
        ("usageLimitExceeded", "x", "quota"),
        ("contextWindowExceeded", "x", "context_full"),
        ("serverOverloaded", "x", "overloaded"),
        ("cyberPolicy", "x", "refused"),
        ("other", '{"error": {"message": "odd"}}', "provider_error"),
        ("other", "unexpected status 401 Unauthorized", "auth_required"),
        (None, "x", "provider_error"),
        ([1], "x", "provider_error"),
    ],
)
def test_failures_have_causes(info: Any, message: str, code: str) -> None:
    failure = explain_turn({"message": message, "codexErrorInfo": info}, "Codex", "log in", [])
    assert failure.code == code
    assert failure.error
    if code == "auth_required":
        assert failure.next_step == "log in"


def test_the_time_of_reset_is_told(fed: Fed) -> None:
    windows = {
        "primary": {"usedPercent": 100, "windowDurationMins": 300, "resetsAt": 1_795_269_600},
        "secondary": {"usedPercent": 40, "windowDurationMins": 10_080, "resetsAt": 1_795_800_000},
    }
    told = one(fed.say("account/rateLimits/updated", rateLimits=windows), Diagnostic)
    assert told.level == "notice"
    assert told.text == (
        "100 % of the account's 5-hour limit are used (it resets at 2026-11-21 14:00 UTC)"
    )
    assert fed.say("account/rateLimits/updated", rateLimits=windows) == []
    assert fed.say("account/rateLimits/updated", rateLimits={"limitId": "codex"}) == []
    fed.restart()
    fed.begin()
    error = {"message": "You've hit your usage limit.", "codexErrorInfo": "usageLimitExceeded"}
    end = one(fed.end("failed", error), TurnEnded)
    assert (end.outcome, end.code) == ("failed", "quota")
    assert end.error == (
        "The account's usage limit is reached (it resets at 2026-11-21 14:00 UTC): "
        "You've hit your usage limit."
    )


@pytest.mark.parametrize("at", [0, -5, 10**18])
def test_impossible_times_are_not_told(at: int) -> None:
    assert reset_words([Limit(100, 300, at)]) == ""


def test_warnings_are_told_once_and_retries_each_time(fed: Fed) -> None:
    assert one(fed.say("warning", message="No metadata"), Diagnostic).level == "warning"
    assert fed.say("warning", message="No metadata") == []
    assert one(fed.say("configWarning", summary="Odd", details="d"), Diagnostic).detail == "d"
    error = {"message": "Reconnecting... 1/2", "additionalDetails": "status 429"}
    for _ in range(2):
        told = one(fed.say("error", error=error, willRetry=True), Diagnostic)
        assert (told.level, told.text) == (
            "notice",
            "Codex tries again: Reconnecting... 1/2: status 429",
        )
    failed = {"name": "db", "status": "failed", "error": "no such file"}
    told = one(fed.say("mcpServer/startupStatus/updated", **failed), Diagnostic)
    assert "db did not start: no such file" in told.text
    assert one(fed.say("teleport/begun"), Diagnostic).level == "debug"


def test_a_wait_for_a_limit_stands_in_the_talk_once_a_turn(fed: Fed) -> None:
    error = {
        "message": "Reconnecting... 1/5",
        "codexErrorInfo": {"responseStreamDisconnected": {"httpStatusCode": 429}},
        "additionalDetails": "exceeded retry limit, last status: 429 Too Many Requests",
    }
    fed.begin()
    (told,) = items_of(fed.say("error", error=error, willRetry=True))
    assert isinstance(told, ErrorItem)
    assert told.message.startswith("The model's provider limits the rate of requests (Reconnecting")
    assert "does not say how long" in told.message
    again = one(fed.say("error", error=error, willRetry=True), Diagnostic)
    assert again.level == "notice"
    fed.end()
    fed.take(fed.driver.prompt(Prompt("p2", "go on")))
    assert items_of(fed.say("error", error=error, willRetry=True))


def test_what_is_spent_counts_over_turns_and_not_for_a_thread_that_is_reopened(fed: Fed) -> None:
    def tell(total: int, last: int) -> Any:
        counts = [{"inputTokens": n, "outputTokens": n, "totalTokens": n} for n in (total, last)]
        usage = {"total": counts[0], "last": counts[1], "modelContextWindow": 1_000}
        return one(fed.say("thread/tokenUsage/updated", tokenUsage=usage), Changed).usage

    fed.begin()
    assert (tell(10, 10).input_tokens, tell(30, 20).output_tokens) == (10, 30)
    fed.end()
    fed.take(fed.driver.prompt(Prompt("p2", "go on")))
    assert (tell(35, 5).input_tokens, tell(35, 6).context_window_used_tokens) == (35, 6)
    reopened = Fed(Setup("/repo", run=2, spent=one(fed.end(), TurnEnded).usage))
    reopened.open(resume=THREAD)
    counts = {"inputTokens": 35, "outputTokens": 35, "totalTokens": 35}
    usage = {"total": counts, "last": counts, "modelContextWindow": 1_000}
    told = one(reopened.say("thread/tokenUsage/updated", tokenUsage=usage), Changed).usage
    assert (told.input_tokens, told.context_window_used_tokens) == (35, 35)


def test_titles_are_those_of_this_thread(fed: Fed) -> None:
    assert one(fed.say("thread/name/updated", threadName="New\nname"), Changed).title == "New name"
    assert fed.say("thread/name/updated", threadName="New name") == []
    assert fed.say("thread/name/updated", threadId="kid", threadName="Other") == []


def test_a_flood_of_noise_stays_readable(fed: Fed) -> None:
    effects = [effect for _ in range(500) for effect in fed.driver.receive(b"noise\n")]
    assert len(effects) < 15
