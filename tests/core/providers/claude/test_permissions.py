"""Requests for permission: shown whole, answered exactly once, and with what was shown."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.core.protocol.permissions import Allow, Deny, PermissionResponse
from sereno.core.protocol.tools import PlanDetail, ShellDetail
from sereno.core.providers.driver import CannotAnswer, Setup
from sereno.core.providers.effects import Asked, Diagnostic, Item, Withdrawn
from tests.core.providers.claude.bench import Bench, calls, only, sent

RULE = {
    "type": "addRules",
    "rules": [{"toolName": "Bash", "ruleContent": "touch a"}],
    "behavior": "allow",
    "destination": "localSettings",
}
FOLDERS = {"type": "addDirectories", "directories": ["/repo"], "destination": "session"}
EDITS = {"type": "setMode", "mode": "acceptEdits", "destination": "session"}
SUGGESTIONS = [RULE, FOLDERS, EDITS]


def answer(bench: Bench, request_id: str, response: PermissionResponse) -> dict[str, Any]:
    """What the program is told."""
    (told,) = sent(bench.driver.answer(request_id, response))
    assert told["response"]["request_id"] == "r"
    inner: dict[str, Any] = told["response"]["response"]
    return inner


def test_a_request_shows_all_arguments_and_all_answers() -> None:
    bench = Bench.in_turn()
    bench.tool("Bash", command="touch a")
    request = bench.asked(
        tool_use_id="c",
        input={"command": "touch a", "timeout": 5},
        description="Make it",
        decision_reason="Outside the folder",
        permission_suggestions=SUGGESTIONS,
    )
    assert request.kind == "tool"
    assert request.title == "Run a command"
    assert request.input == {"command": "touch a", "timeout": 5}
    assert request.detail == ShellDetail(command="touch a")
    assert request.description == "Make it\nOutside the folder"
    assert isinstance(request.actions, list)
    assert isinstance(request.metadata, dict)
    told = [(each.id, each.behavior, each.standing is True) for each in request.actions]
    assert told == [
        ("allow", "allow", False),
        ("session", "allow", True),
        ("session-folders", "allow", True),
        ("session-mode-acceptEdits", "allow", True),
        ("deny", "deny", False),
    ]
    assert request.metadata["sereno"]["callId"] == "c"
    assert request.metadata["sereno"]["editable"] is True
    assert "“Bash: touch a”" in request.actions[1].label


def test_allow_once_gives_back_what_was_shown_and_no_rule() -> None:
    bench = Bench.in_turn()
    request = bench.asked(permission_suggestions=SUGGESTIONS)
    bench.restart()
    told = answer(bench, request.id, Allow())
    assert told == {"behavior": "allow", "updatedInput": {"command": "touch a"}}
    with pytest.raises(CannotAnswer) as error:
        bench.driver.answer(request.id, Allow())
    assert error.value.code == "request_gone"


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("session", "addRules"),
        ("session-folders", "addDirectories"),
        ("session-mode-acceptEdits", "setMode"),
    ],
)
def test_a_standing_answer_is_one_rule_for_this_session_only(action: str, kind: str) -> None:
    bench = Bench.in_turn()
    request = bench.asked(permission_suggestions=SUGGESTIONS)
    told = answer(bench, request.id, Allow(selected_action_id=action))
    (update,) = told["updatedPermissions"]
    assert update["type"] == kind
    assert update["destination"] == "session"


def test_rules_are_taken_only_as_the_program_offered_them() -> None:
    bench = Bench.in_turn()
    request = bench.asked(permission_suggestions=SUGGESTIONS)
    bypass = {"type": "setMode", "mode": "bypassPermissions", "destination": "session"}
    with pytest.raises(CannotAnswer):
        bench.driver.answer(request.id, Allow(updated_permissions=[bypass]))
    with pytest.raises(CannotAnswer):
        bench.driver.answer(request.id, Allow(selected_action_id="always"))
    told = answer(bench, request.id, Allow(updated_permissions=[RULE]))
    assert told["updatedPermissions"] == [{**RULE, "destination": "session"}]


def test_a_suggestion_to_ask_nothing_any_more_is_never_offered() -> None:
    bench = Bench.in_turn()
    bypass = {"type": "setMode", "mode": "bypassPermissions", "destination": "session"}
    deny = {**RULE, "behavior": "deny"}
    request = bench.asked(permission_suggestions=[bypass, deny, "x", None])
    assert isinstance(request.actions, list)
    assert [each.id for each in request.actions] == ["allow", "deny"]


def test_a_denial_carries_the_words() -> None:
    bench = Bench.in_turn()
    bench.tool("Bash", command="touch a")
    request = bench.asked(tool_use_id="c")
    told = answer(bench, request.id, Deny(message="use the other file"))
    assert told == {"behavior": "deny", "message": "use the other file"}
    effects = bench.tool_result("use the other file", error=True)
    assert calls(effects)[0].status == "failed"
    assert calls(effects)[0].error == "Not allowed by you: use the other file"


def test_a_denial_without_words_still_tells_the_agent_something() -> None:
    bench = Bench.in_turn()
    told = answer(bench, bench.asked().id, Deny(selected_action_id="deny"))
    assert told["message"]
    with pytest.raises(CannotAnswer):
        bench.driver.answer(bench.asked(rpc_id="r2").id, Deny(selected_action_id="allow"))


def test_a_denial_may_stop_the_turn() -> None:
    bench = Bench.in_turn()
    bench.tool("Bash", command="touch a")
    request = bench.asked(tool_use_id="c")
    told = answer(bench, request.id, Deny(message="stop", interrupt=True))
    assert told["interrupt"] is True
    meta = [{"id": "c", "non_execution_kind": "user-rejected"}]
    words = "The user doesn't want to proceed with this tool use."
    effects = bench.tool_result(words, error=True, tool_result_meta=meta)
    assert calls(effects)[0].error == "Not allowed by you."


def test_changed_arguments_are_what_runs_and_what_is_shown() -> None:
    bench = Bench.in_turn()
    bench.tool("Bash", command="touch a")
    request = bench.asked(tool_use_id="c")
    effects = bench.driver.answer(request.id, Allow(updated_input={"command": "touch b"}))
    assert sent(effects)[0]["response"]["response"]["updatedInput"] == {"command": "touch b"}
    assert calls(effects)[0].detail == ShellDetail(command="touch b")


def test_t42_hidden_characters_are_shown_and_what_was_not_changed_stays_as_it_was() -> None:
    bench = Bench.in_turn()
    given = {"command": "rm \u202egnp.txt", "description": "zero\u200bwidth"}
    request = bench.asked(input=given)
    assert isinstance(request.input, dict)
    assert request.input["command"] == "rm \\u202egnp.txt"
    changed = {**request.input, "timeout": 3}
    told = answer(bench, request.id, Allow(updated_input=changed))
    assert told["updatedInput"] == {**given, "timeout": 3}


def nested(levels: int) -> dict[str, Any]:
    return {"deeper": nested(levels - 1)} if levels else {"command": "rm -rf /"}


@pytest.mark.parametrize(
    "given",
    [
        {"command": "x" * 3_000_000},
        {"edits": [{"old": "x" * 100, "new": "y" * 100} for _ in range(2_001)]},
        nested(13),
    ],
    ids=["long", "many", "deep"],
)
def test_t42_what_cannot_be_shown_whole_can_only_be_denied(given: dict[str, Any]) -> None:
    bench = Bench.in_turn()
    request = bench.asked(input=given, tool_use_id="c", permission_suggestions=SUGGESTIONS)
    assert isinstance(request.metadata, dict)
    assert isinstance(request.actions, list)
    assert "too long" in request.metadata["sereno"]["warnings"][0]
    assert [each.id for each in request.actions] == ["deny"]
    for response in (Allow(), Allow(selected_action_id="session"), Allow(updated_input={"a": 1})):
        with pytest.raises(CannotAnswer) as error:
            bench.driver.answer(request.id, response)
        assert error.value.code == "input_hidden"
    assert answer(bench, request.id, Deny())["behavior"] == "deny"


def test_entries_that_are_left_out_are_counted() -> None:
    bench = Bench.in_turn()
    request = bench.asked(input={"files": ["x" * 200] * 2_010})
    assert isinstance(request.input, dict)
    assert request.input["files"][-1] == "[… 10 entries left out …]"


def test_t43_what_is_too_long_to_be_kept_is_shown_and_cannot_be_changed() -> None:
    bench = Bench.in_turn()
    given = {"command": "x" * 900_000}
    request = bench.asked(input=given, tool_use_id="c")
    assert request.input == given
    assert isinstance(request.metadata, dict)
    assert request.metadata["sereno"]["editable"] is False
    assert "warnings" not in request.metadata["sereno"]
    assert len(bench.driver.snapshot()) < 1_000_000
    with pytest.raises(CannotAnswer) as error:
        bench.driver.answer(request.id, Allow(updated_input={"command": "ls"}))
    assert error.value.code == "input_unchangeable"
    assert answer(bench, request.id, Allow()) == {"behavior": "allow"}


def test_t43_two_requests_under_one_number_are_both_refused() -> None:
    bench = Bench.in_turn()
    request = bench.asked(input={"command": "ls"})
    effects = bench.ask(input={"command": "rm -rf /"})
    assert only(effects, Diagnostic).level == "warning"
    assert only(effects, Withdrawn).request_id == request.id
    (told,) = sent(effects)
    assert told["response"]["request_id"] == "r"
    assert told["response"]["response"]["behavior"] == "deny"
    with pytest.raises(CannotAnswer):
        bench.driver.answer(request.id, Allow())


def test_more_requests_than_anybody_reads_are_told_no() -> None:
    bench = Bench.in_turn()
    for number in range(100):
        bench.asked(rpc_id=f"r-{number}")
    effects = bench.ask(rpc_id="one-more")
    assert not [each for each in effects if isinstance(each, Asked)]
    assert sent(effects)[0]["response"]["response"]["behavior"] == "deny"
    assert only(effects, Diagnostic).level == "warning"


@pytest.mark.parametrize(
    "rules",
    [
        [{"toolName": "Bash", "ruleContent": "echo " + "x" * 120 + "; rm -rf /"}],
        [{"toolName": "Bash", "ruleContent": f"run {number}"} for number in range(5)],
        [{"toolName": "Bash", "ruleContent": "ls\nrm -rf /"}],
        [{"toolName": "Bash", "ruleContent": "ls"}, "Bash"],
    ],
    ids=["long", "many", "lines", "odd"],
)
def test_t43_a_rule_whose_label_cannot_say_all_of_it_is_not_offered(rules: list[Any]) -> None:
    bench = Bench.in_turn()
    request = bench.asked(permission_suggestions=[{**RULE, "rules": rules}])
    assert isinstance(request.actions, list)
    assert [each.id for each in request.actions] == ["allow", "deny"]
    with pytest.raises(CannotAnswer):
        bench.driver.answer(request.id, Allow(updated_permissions=[{**RULE, "rules": rules}]))


def test_look_alike_letters_are_warned_of() -> None:
    request = Bench.in_turn().asked(input={"command": "cat \u0430dmin.txt"})
    assert isinstance(request.metadata, dict)
    assert "look alike" in request.metadata["sereno"]["warnings"][0]


QUESTION: dict[str, Any] = {
    "questions": [
        {"question": "Which db?", "header": "DB", "options": [{"label": "a"}, {"label": "b"}]},
        {"question": "And\u200b why?", "header": "W", "multiSelect": True, "options": []},
    ]
}


def test_a_question_is_answered_by_its_answers() -> None:
    bench = Bench.in_turn()
    bench.tool("AskUserQuestion", **QUESTION)
    request = bench.asked("AskUserQuestion", input=QUESTION, tool_use_id="c")
    assert request.kind == "question"
    assert isinstance(request.input, dict)
    shown = [each["question"] for each in request.input["questions"]]
    answers = {shown[0]: "a", shown[1]: ["x", "y"]}
    told = answer(bench, request.id, Allow(updated_input={"answers": answers}))
    assert told["updatedInput"] == {
        **QUESTION,
        "answers": {"Which db?": "a", "And\u200b why?": "x, y"},
    }
    effects = bench.tool_result("ok", tool_use_result={"answers": {"Which db?": "a"}})
    assert "→ a" in calls(effects)[0].detail.text  # type: ignore[union-attr, operator]


def test_the_answers_of_official_apps_are_named_by_headers() -> None:
    bench = Bench.in_turn()
    bench.tool("AskUserQuestion", **QUESTION)
    request = bench.asked("AskUserQuestion", input=QUESTION, tool_use_id="c")
    assert isinstance(request.input, dict)
    response = Allow(updated_input=request.input | {"answers": {"DB": "b", "W": "x, y"}})
    told = answer(bench, request.id, response)
    assert told["updatedInput"] == {
        **QUESTION,
        "answers": {"Which db?": "b", "And\u200b why?": "x, y"},
    }


def test_a_header_that_two_questions_have_names_none() -> None:
    first, second = QUESTION["questions"]
    twice: dict[str, Any] = {"questions": [first, second | {"header": "DB"}]}
    bench = Bench.in_turn()
    bench.tool("AskUserQuestion", **twice)
    request = bench.asked("AskUserQuestion", input=twice, tool_use_id="c")
    told = answer(bench, request.id, Allow(updated_input={"answers": {"DB": "b"}}))
    assert told["updatedInput"]["answers"] == {"DB": "b"}


def test_a_plan_is_shown_and_approved() -> None:
    bench = Bench.in_turn(Setup("/repo", mode="default", session_id="s"))
    bench.tool("ExitPlanMode", plan="# Do it")
    request = bench.asked("ExitPlanMode", input={}, tool_use_id="c")
    assert request.kind == "plan"
    assert request.detail == PlanDetail(text="# Do it")
    assert isinstance(request.metadata, dict)
    assert request.metadata["planText"] == "# Do it"
    assert isinstance(request.actions, list)
    assert [each.intent for each in request.actions if each.id != "session-mode-acceptEdits"] == [
        "implement",
        "dismiss",
    ]
    told = answer(bench, request.id, Allow(selected_action_id="session-mode-acceptEdits"))
    assert told["updatedPermissions"] == [EDITS]


def test_plan_mode_is_no_guard_and_the_request_says_so() -> None:
    bench = Bench.in_turn()
    bench.say("system", subtype="status", permissionMode="plan")
    request = bench.asked("Write", input={"file_path": "/repo/x", "content": "y"})
    assert isinstance(request.description, str)
    assert "Plan mode does not stop" in request.description


def test_the_program_may_take_a_request_back() -> None:
    bench = Bench.in_turn()
    request = bench.asked()
    effects = bench.say("control_cancel_request", request_id="r")
    assert only(effects, Withdrawn).request_id == request.id
    assert bench.say("control_cancel_request", request_id="r") == []


def test_other_requests_of_the_program_are_refused_in_words() -> None:
    bench = Bench.in_turn()
    effects = bench.say("control_request", request_id="h", request={"subtype": "hook_callback"})
    assert sent(effects)[0]["response"]["subtype"] == "error"
    assert not [e for e in effects if isinstance(e, Asked | Item)]
