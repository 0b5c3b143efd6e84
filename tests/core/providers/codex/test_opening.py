"""From the first frame to Ready: modes that ask, conversations that are gone, missing log-in."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.core.protocol.timeline import ErrorItem
from sereno.core.providers.codex.arguments import arguments
from sereno.core.providers.codex.modes import MODES
from sereno.core.providers.driver import DriverBusy, Prompt, Setup
from sereno.core.providers.effects import Changed, Ready, SessionFailed
from tests.core.providers.codex.feed import (
    CONFIG,
    LISTED,
    THREAD,
    WORKSPACE,
    Fed,
    items_of,
    one,
    sent,
    thread_reply,
)


def test_a_new_thread_asks_where_nobody_chose_a_mode() -> None:
    fed = Fed()
    ready = one(fed.open(), Ready)
    (start,) = [m for m in sent(fed.effects) if m.get("method") == "thread/start"]
    assert "jsonrpc" not in start
    assert start["params"] == {
        "cwd": "/repo",
        "approvalPolicy": "untrusted",
        "sandbox": "read-only",  # with more, Codex would trust the repository's configuration
        "approvalsReviewer": "user",
    }
    (update,) = [m for m in sent(fed.effects) if m.get("method") == "thread/settings/update"]
    assert update["params"] == {"threadId": THREAD, "sandboxPolicy": WORKSPACE}
    assert (ready.session_id, ready.resumed, ready.mode_id) == (THREAD, False, "auto")
    assert [model.id for model in ready.models] == ["gpt-x"]
    assert [option.id for option in ready.thinking_options] == ["low", "medium"]
    assert ready.thinking_option_id == "medium"
    assert [command.name for command in ready.commands] == ["compact", "review"]
    assert (ready.program, ready.version) == ("codex", "0.169.0")


@pytest.mark.parametrize("mode", sorted(MODES))
def test_only_the_mode_that_says_so_asks_nobody(mode: str) -> None:
    policy = MODES[mode]
    assert (policy.approval == "never") == (mode == "full-access") == (policy.tier == "dangerous")
    assert (policy.sandbox == "danger-full-access") == (mode == "full-access")


@pytest.mark.parametrize("mode", sorted(MODES))
def test_no_thread_is_opened_with_more_than_reading(mode: str) -> None:
    for resume in (None, "old"):
        fed = Fed(Setup("/repo", mode=mode))
        fed.open(resume, approvalPolicy=MODES[mode].approval)
        method = "thread/resume" if resume else "thread/start"
        (opening,) = [m for m in sent(fed.effects) if m.get("method") == method]
        assert opening["params"]["sandbox"] == "read-only"
        assert one(fed.effects, Ready).mode_id == mode


def test_a_refused_sandbox_gives_the_session_up() -> None:
    fed = Fed(Setup("/repo", mode="full-access"))
    fed.take(fed.driver.start(None))
    fed.reply("initialize", {})
    fed.reply("config/read", error="no such method")
    fed.reply("thread/start", thread_reply(approvalPolicy="never"))
    failed = one(fed.reply("thread/settings/update", error="forbidden"), SessionFailed)
    assert failed.code == "mode_refused"


@pytest.mark.parametrize(
    "changed",
    [
        {"approvalPolicy": "never"},
        {"approvalPolicy": {"granular": {}}},
        {"sandbox": {"type": "dangerFullAccess"}},
        {"sandbox": None},
        {"sandbox": {"type": "workspaceWrite"}},
        {"approvalsReviewer": "auto_review"},
    ],
)
def test_a_thread_that_does_not_ask_as_it_should_is_not_used(changed: dict[str, Any]) -> None:
    fed = Fed()
    failed = one(fed.open(**changed), SessionFailed)
    assert failed.code == "mode_refused"
    assert not [effect for effect in fed.effects if isinstance(effect, Ready)]
    assert fed.driver.receive(b"anything\n") == []


def test_plan_and_effort_are_set_before_ready() -> None:
    fed = Fed(Setup("/repo", mode="plan", thinking="low"))
    fed.open()
    mode, effort = [m for m in sent(fed.effects) if m.get("method") == "thread/settings/update"]
    assert mode["params"] == {
        "threadId": THREAD,
        "collaborationMode": {
            "mode": "plan",
            "settings": {
                "model": "gpt-x",
                "reasoning_effort": None,
                "developer_instructions": None,
            },
        },
    }
    assert effort["params"] == {"threadId": THREAD, "effort": "low"}
    ready = one(fed.effects, Ready)
    assert (ready.mode_id, ready.thinking_option_id) == ("plan", "low")


def test_a_resumed_thread_leaves_the_plan_mode_that_it_was_in() -> None:
    fed = Fed()
    told = {"collaborationMode": {"mode": "plan", "settings": {"model": "gpt-x"}}}
    ready = one(fed.open("old-thread", **told), Ready)
    assert (ready.resumed, ready.mode_id) == (True, "auto")
    (update,) = [m for m in sent(fed.effects) if m.get("method") == "thread/settings/update"]
    assert update["params"]["collaborationMode"]["mode"] == "default"


def test_a_refused_plan_mode_gives_the_session_up() -> None:
    fed = Fed(Setup("/repo", mode="plan"))
    fed.take(fed.driver.start(None))
    fed.reply("initialize", {})
    fed.reply("config/read", CONFIG)
    fed.reply("thread/start", thread_reply())
    failed = one(fed.reply("thread/settings/update", error="no such method"), SessionFailed)
    assert failed.code == "mode_refused"


def test_a_lost_conversation_is_begun_anew_and_said() -> None:
    fed = Fed()
    fed.take(fed.driver.start("gone"))
    fed.reply("initialize", {})
    fed.reply("account/read", {})
    fed.reply("model/list", LISTED)
    fed.reply("thread/resume", error="no rollout found for thread id gone")
    fed.reply("config/read", CONFIG)
    fed.reply("thread/start", thread_reply())
    effects = fed.reply("thread/settings/update")
    (item,) = items_of(effects)
    assert isinstance(item, ErrorItem)
    assert "does not remember" in item.message
    assert not one(effects, Ready).resumed


def test_other_failures_to_resume_lose_nothing() -> None:
    fed = Fed()
    fed.take(fed.driver.start("mine"))
    fed.reply("initialize", {})
    effects = fed.reply("thread/resume", error="thread mine already has an active writer")
    failed = one(effects, SessionFailed)
    assert "Another Codex has this conversation open" in failed.error
    assert failed.next_step
    fed = Fed()
    fed.take(fed.driver.start("mine"))
    fed.reply("initialize", {})
    failed = one(fed.reply("thread/resume", error="disk on fire"), SessionFailed)
    assert (failed.code, "disk on fire" in failed.error) == ("start_failed", True)


def test_a_missing_login_is_said_at_once() -> None:
    fed = Fed()
    fed.take(fed.driver.start(None))
    fed.reply("initialize", {})
    failed = one(fed.reply("account/read", {"requiresOpenaiAuth": True}), SessionFailed)
    assert failed.code == "auth_required"
    assert "codex login" in str(failed.next_step)


def test_a_mode_of_another_driver_is_replaced_on_resume_and_refused_for_a_new_thread() -> None:
    fed = Fed(Setup("/repo", mode="bypassPermissions"))
    assert one(fed.driver.start(None), SessionFailed).code == "mode_refused"
    fed = Fed(Setup("/repo", mode="bypassPermissions"))
    (item,) = items_of(fed.take(fed.driver.start("old")))
    assert "it goes on with “Ask”" in item.message


def test_models_come_in_pages_and_the_current_one_is_always_among_them() -> None:
    fed = Fed()
    fed.take(fed.driver.start(None))
    fed.reply("initialize", {})
    fed.reply("account/read", {})
    fed.reply("config/read", CONFIG)
    fed.reply("thread/start", thread_reply(model="custom"))
    fed.reply("thread/settings/update")
    fed.reply("model/list", {"data": [{"model": "a"}], "nextCursor": "2"})
    assert sent(fed.effects)[-1]["params"] == {"cursor": "2"}
    ready = one(fed.reply("model/list", {"data": [{"model": "b"}]}), Ready)
    assert [model.id for model in ready.models] == ["custom", "a", "b"]


def test_skills_are_commands_early_and_late() -> None:
    skills = [{"name": "tidy", "description": "Tidies.", "path": "/s/SKILL.md", "enabled": True}]
    fed = Fed()
    fed.open()
    fed.say("skills/changed")
    changed = one(fed.reply("skills/list", {"data": [{"skills": skills}]}), Changed)
    assert [command.name for command in changed.commands] == ["compact", "review", "tidy"]
    fed.begin("/tidy the cellar")
    (start,) = [m for m in sent(fed.effects) if m.get("method") == "turn/start"]
    assert start["params"]["input"] == [
        {"type": "skill", "name": "tidy", "path": "/s/SKILL.md"},
        {"type": "text", "text": "/tidy the cellar"},
    ]


def test_skills_that_change_while_they_are_listed_are_listed_anew() -> None:
    old = {"data": [{"skills": [{"name": "a", "path": "/a", "enabled": True}]}]}
    new = {"data": [{"skills": [{"name": "b", "path": "/b", "enabled": True}]}]}
    fed = Fed()
    fed.open()
    fed.say("skills/changed")
    assert fed.say("skills/changed") == fed.say("skills/changed") == []
    (again,) = sent(fed.reply("skills/list", old))
    assert again["method"] == "skills/list"
    changed = one(fed.reply("skills/list", new), Changed)
    assert [command.name for command in changed.commands] == ["compact", "review", "b"]
    assert fed.waiting["skills/list"] == []


def test_a_program_whose_skills_change_with_each_list_is_not_asked_for_ever() -> None:
    fed = Fed()
    fed.open()
    fed.say("skills/changed")
    for _ in range(5):
        fed.say("skills/changed")
        assert sent(fed.reply("skills/list", {"data": []}))
    fed.say("skills/changed")
    assert sent(fed.reply("skills/list", {"data": []})) == []


def test_tools_are_taken_away_by_switches_and_the_rest_is_said() -> None:
    setup = Setup("/repo", disallowed_tools=("web_search", "shell", "exec_command", "teleport"))
    assert arguments(setup, None) == (
        *("-c", 'web_search="disabled"'),
        *("-c", "features.shell_tool=false"),
    )
    (told,) = items_of(Fed(setup).driver.start(None))
    assert "teleport" in told.message


def test_nothing_is_prompted_before_ready() -> None:
    fed = Fed()
    fed.take(fed.driver.start(None))
    with pytest.raises(DriverBusy):
        fed.driver.prompt(Prompt("p", "hi"))
    with pytest.raises(RuntimeError):
        fed.driver.start(None)
