"""Requests for permission and questions: what is shown, what each answer sends (T42, T43)."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.protocol.timeline import UserMessage
from sereno.core.protocol.tools import EditDetail, ShellDetail, WriteDetail
from sereno.core.providers.driver import CannotAnswer
from sereno.core.providers.effects import Asked, Diagnostic, TurnEnded, TurnStarted, Withdrawn
from tests.core.providers.codex.feed import THREAD, TURN, Fed, items_of, one, sent

COMMAND = "item/commandExecution/requestApproval"
CHANGE = "item/fileChange/requestApproval"
RIGHTS = "item/permissions/requestApproval"
QUESTION = "item/tool/requestUserInput"
ELICIT = "mcpServer/elicitation/request"
RUN = {"itemId": "i1", "command": "/bin/bash -lc 'touch a'", "cwd": "/repo"}
EDIT = [{"path": "a", "kind": {"type": "update"}, "diff": "@@ -1 +1 @@\n-x\n+y\n"}]


@pytest.fixture
def fed() -> Fed:
    fed = Fed()
    fed.open()
    fed.begin()
    return fed


def asked(effects: list[Any]) -> Any:
    return one(effects, Asked).request


def answer(fed: Fed, effects: list[Any], response: Allow | Deny) -> list[dict[str, Any]]:
    return sent(fed.take(fed.driver.answer(asked(effects).id, response)))


def actions(effects: list[Any]) -> dict[str, Any]:
    return {action.id: action for action in asked(effects).actions}


def test_a_command_is_shown_whole(fed: Fed) -> None:
    prefix = ["touch", "a"]
    amendment = {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": prefix}}
    effects = fed.ask(
        7,
        COMMAND,
        **RUN,
        kind="command",
        reason="needs \u202eit",
        proposedExecpolicyAmendment=prefix,
        availableDecisions=["accept", amendment, "cancel"],
        additionalPermissions={"network": {"enabled": True}},
    )
    request = asked(effects)
    assert (request.title, request.kind, request.name) == ("Run command", "tool", "shell")
    assert request.description == "needs \\u202eit"
    assert request.detail == ShellDetail(command="touch a", cwd="/repo")
    assert request.input == {
        "command": "/bin/bash -lc 'touch a'",
        "cwd": "/repo",
        "reason": "needs \\u202eit",
        "additionalPermissions": {"network": {"enabled": True}},
    }
    assert request.metadata["sereno"]["callId"] == "i1"
    assert {key: bool(a.standing is True) for key, a in actions(effects).items()} == {
        "accept": False,
        "acceptForSession": True,
        "acceptWithExecpolicyAmendment": True,
        "decline": False,
        "cancel": False,
    }
    rule = Allow(selected_action_id="acceptWithExecpolicyAmendment")
    assert answer(fed, effects, rule) == [{"id": 7, "result": {"decision": amendment}}]


@pytest.mark.parametrize(
    ("response", "decision"),
    [
        (Allow(), "accept"),
        (Allow(selected_action_id="allow"), "accept"),
        (Allow(selected_action_id="acceptForSession"), "acceptForSession"),
        (Deny(), "decline"),
        (Deny(selected_action_id="reject", message="Denied by user"), "decline"),
    ],
)
def test_plain_answers(fed: Fed, response: Allow | Deny, decision: str) -> None:
    effects = fed.ask("x", COMMAND, **RUN)
    assert answer(fed, effects, response) == [{"id": "x", "result": {"decision": decision}}]
    with pytest.raises(CannotAnswer):
        fed.driver.answer(asked(effects).id, response)


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (Allow(selected_action_id="decline"), "unknown_action"),
        (Deny(selected_action_id="acceptForSession"), "unknown_action"),
        (Allow(selected_action_id="forever"), "unknown_action"),
        (Allow(updated_input={"command": "rm"}), "input_unchangeable"),
    ],
)
def test_answers_that_cannot_be_given_send_nothing(
    fed: Fed, response: Allow | Deny, code: str
) -> None:
    effects = fed.ask(1, COMMAND, **RUN)
    with pytest.raises(CannotAnswer) as caught:
        fed.driver.answer(asked(effects).id, response)
    assert caught.value.code == code
    assert answer(fed, effects, Allow()) == [{"id": 1, "result": {"decision": "accept"}}]


def test_words_of_a_denial_are_said_into_the_turn_first(fed: Fed) -> None:
    fed.item("commandExecution", command=RUN["command"], cwd="/repo")
    effects = fed.ask(1, COMMAND, **RUN)
    steer, decline = answer(fed, effects, Deny(message="use b"))
    assert steer["method"] == "turn/steer"
    assert steer["params"] == {
        "threadId": THREAD,
        "expectedTurnId": TURN,
        "input": [{"type": "text", "text": "I did not allow `touch a`: use b"}],
    }
    assert decline == {"id": 1, "result": {"decision": "decline"}}
    (call,) = items_of(fed.done("commandExecution", command="touch a", cwd="/", status="declined"))
    assert (call.status, call.error) == ("failed", "Not allowed by you.")
    told = one(fed.reply("turn/steer", error="not steerable"), Diagnostic)
    assert told.level == "warning"


@pytest.mark.parametrize("method", [COMMAND, "mcpServer/elicitation/request"])
def test_a_request_of_no_turn_says_that_it_takes_no_words(fed: Fed, method: str) -> None:
    given = RUN if method == COMMAND else {"serverName": "db", "message": "May I?"}
    effects = fed.ask(1, method, **given)
    assert "takesWords" not in asked(effects).metadata["sereno"]
    effects = fed.ask(2, method, **{**given, "turnId": None, "itemId": "i2"})
    assert asked(effects).metadata["sereno"]["takesWords"] is False
    told = fed.take(fed.driver.answer(asked(effects).id, Deny(message="not this one")))
    assert [message["id"] for message in sent(told)] == [2]
    notice = one(told, Diagnostic)
    assert notice.text.startswith("This request belongs to no turn")
    assert notice.detail == "not this one"


def test_a_denial_can_stop_the_turn(fed: Fed) -> None:
    for number, response in enumerate(
        (Deny(interrupt=True, message="stop"), Deny(selected_action_id="cancel"))
    ):
        effects = fed.ask(number, COMMAND, **RUN)
        messages = answer(fed, effects, response)
        assert [m.get("method", "") for m in messages] == [
            "",
            "turn/interrupt",
            "thread/backgroundTerminals/clean",
        ]
        assert one(fed.end("interrupted"), TurnEnded).outcome == "canceled"
        fed.begin()


def test_the_network_is_asked_for_by_host(fed: Fed) -> None:
    rules = [{"action": "allow", "host": "a.org"}, {"action": "deny", "host": "a.org"}]
    effects = fed.ask(
        1,
        COMMAND,
        itemId="i1",
        networkApprovalContext={"host": "a.org", "protocol": "https"},
        proposedNetworkPolicyAmendments=rules,
    )
    assert asked(effects).title == "Allow network access to a.org"
    listed = actions(effects)
    assert listed["applyNetworkPolicyAmendment-1"].behavior == "deny"
    (reply,) = answer(fed, effects, Deny(selected_action_id="applyNetworkPolicyAmendment-1"))
    assert reply["result"]["decision"] == {
        "applyNetworkPolicyAmendment": {"network_policy_amendment": rules[1]}
    }


def test_a_change_is_shown_with_its_difference(fed: Fed) -> None:
    fed.item("fileChange", changes=EDIT)
    fed.restart()
    effects = fed.ask(1, CHANGE, itemId="i1", reason="because")
    request = asked(effects)
    assert isinstance(request.detail, EditDetail)
    assert request.input["changes"] == EDIT
    session = actions(effects)["acceptForSession"]
    assert session.standing is True
    assert answer(fed, effects, Allow()) == [{"id": 1, "result": {"decision": "accept"}}]


def test_t43_a_change_that_grows_is_asked_anew_and_at_last_denied(fed: Fed) -> None:
    effects = fed.ask(1, CHANGE, itemId="i1")
    assert "did not say" in asked(effects).metadata["sereno"]["warnings"][0]
    old = asked(effects).id
    effects = fed.item("fileChange", changes=EDIT)
    assert one(effects, Withdrawn).request_id == old
    assert isinstance(asked(effects).detail, EditDetail)
    assert asked(effects).id != old
    with pytest.raises(CannotAnswer):
        fed.driver.answer(old, Allow())
    same = fed.say("item/fileChange/patchUpdated", itemId="i1", changes=EDIT)
    assert not [effect for effect in same if isinstance(effect, Asked)]
    for number in range(3):
        more = [*EDIT, {"path": f"b{number}", "kind": {"type": "add"}, "diff": "z\n"}]
        effects = fed.say("item/fileChange/patchUpdated", itemId="i1", changes=more)
        assert asked(effects).input["changes"] == more
    last = fed.say("item/fileChange/patchUpdated", itemId="i1", changes=[*more, *EDIT])
    assert sent(last) == [{"id": 1, "result": {"decision": "decline"}}]
    assert not [effect for effect in last if isinstance(effect, Asked)]


def test_t42_nothing_is_hidden(fed: Fed) -> None:
    changes = [{"path": "p\u0430ypal.py", "kind": {"type": "add"}, "diff": "x\u200by\x1b[8m\n"}]
    fed.item("fileChange", changes=changes)
    request = asked(fed.ask(1, CHANGE, itemId="i1"))
    assert request.detail == WriteDetail(file_path="p\u0430ypal.py", content="x\\u200by\\x1b[8m\n")
    assert "mixes letters" in request.metadata["sereno"]["warnings"][0]


def test_more_permissions_for_the_turn_or_the_session(fed: Fed) -> None:
    wanted = {"network": {"enabled": True}}
    cases: tuple[tuple[Allow | Deny, Any], ...] = (
        (Allow(), {"permissions": wanted, "scope": "turn"}),
        (
            Allow(selected_action_id="acceptForSession"),
            {"permissions": wanted, "scope": "session"},
        ),
        (Deny(), {"permissions": {}, "scope": "turn"}),
    )
    for number, (response, result) in enumerate(cases):
        effects = fed.ask(number, RIGHTS, itemId="i1", cwd="/repo", permissions=wanted)
        assert asked(effects).input == {"cwd": "/repo", "permissions": wanted}
        assert answer(fed, effects, response) == [{"id": number, "result": result}]


QUESTIONS = [
    {
        "id": "db",
        "header": "DB",
        "question": "Which?",
        "options": [{"label": "a\u200b", "description": "one"}, {"label": "b", "description": ""}],
    },
    {"id": "name", "header": "DB", "question": "Its name?", "options": None, "isOther": True},
]


def test_questions_and_their_answers(fed: Fed) -> None:
    effects = fed.ask(1, QUESTION, itemId="q1", questions=QUESTIONS, isBlocking=True)
    request = asked(effects)
    assert request.kind == "question"
    assert [q["header"] for q in request.input["questions"]] == ["DB", "DB (2)"]
    assert [o["label"] for o in request.input["questions"][0]["options"]] == ["a\\u200b", "b"]
    with pytest.raises(CannotAnswer, match="“DB”"):
        fed.driver.answer(request.id, Allow())
    answers = {"DB": "a\\u200b", "DB (2)": "my name"}
    effects = fed.take(fed.driver.answer(request.id, Allow(updated_input={"answers": answers})))
    assert sent(effects) == [
        {
            "id": 1,
            "result": {
                "answers": {"db": {"answers": ["a\u200b"]}, "name": {"answers": ["my name"]}}
            },
        }
    ]
    (call,) = items_of(effects)
    assert (call.call_id, call.status) == ("q1", "completed")
    assert call.detail.label == "Which?\nIts name?"


def test_a_question_may_stay_unanswered(fed: Fed) -> None:
    effects = fed.ask(1, QUESTION, itemId="q1", questions=QUESTIONS)
    steer, reply = answer(fed, effects, Deny(message="decide yourself"))
    assert "I did not allow these questions: decide yourself" in str(steer)
    assert reply == {"id": 1, "result": {"answers": {}}}


FORM = {
    "type": "object",
    "properties": {
        "email": {"type": "string", "title": "E-mail", "description": "Where to?"},
        "size": {"type": "string", "enum": ["s", "m"], "enumNames": ["Small", "Medium"]},
        "kinds": {
            "type": "array",
            "items": {"anyOf": [{"const": "x", "title": "X"}, {"const": "y"}]},
        },
        "count": {"type": "integer"},
        "sure": {"type": "boolean", "default": True},
    },
    "required": ["email", "size"],
}


def test_forms_of_mcp_servers_are_questions(fed: Fed) -> None:
    effects = fed.ask(
        1, ELICIT, serverName="post", mode="form", message="Send it?", requestedSchema=FORM
    )
    request = asked(effects)
    assert (request.kind, request.title) == ("question", "post asks")
    with pytest.raises(CannotAnswer, match="“size”"):
        fed.driver.answer(request.id, Allow(updated_input={"answers": {"E-mail": "a@b"}}))
    answers = {"E-mail": "a@b", "size": "Medium", "kinds": "X, y", "count": "3"}
    effects = fed.take(fed.driver.answer(request.id, Allow(updated_input={"answers": answers})))
    content = {"email": "a@b", "size": "m", "kinds": ["x", "y"], "count": 3, "sure": True}
    assert sent(effects) == [{"id": 1, "result": {"action": "accept", "content": content}}]


def test_tools_of_mcp_servers_are_asked_with_their_arguments(fed: Fed) -> None:
    meta = {
        "codex_approval_kind": "mcp_tool_call",
        "persist": ["session", "always"],
        "tool_title": "drop",
        "tool_params": {"table": "users"},
    }
    for number, (action, persist) in enumerate(
        (("accept", None), ("acceptForSession", "session"), ("acceptForever", "always"))
    ):
        effects = fed.ask(
            number,
            ELICIT,
            serverName="db",
            mode="form",
            message="Allow it?",
            requestedSchema={"type": "object", "properties": {}},
            _meta=meta,
        )
        request = asked(effects)
        assert (request.kind, request.name) == ("tool", "db.drop")
        assert request.input["arguments"] == {"table": "users"}
        (reply,) = answer(fed, effects, Allow(selected_action_id=action))
        assert reply["result"]["action"] == "accept"
        assert reply["result"]["_meta"] == (None if persist is None else {"persist": persist})
    effects = fed.ask(9, ELICIT, serverName="db", mode="form", message="?", _meta=meta)
    assert answer(fed, effects, Deny()) == [
        {"id": 9, "result": {"action": "decline", "content": None}}
    ]


def test_a_link_of_a_server_is_shown_and_confirmed(fed: Fed) -> None:
    url = "https://x.org/login"
    effects = fed.ask(1, ELICIT, serverName="x", mode="url", message="Log in", url=url)
    assert asked(effects).detail.label == url
    (reply,) = answer(fed, effects, Allow())
    assert reply["result"] == {"action": "accept", "content": {}, "_meta": None}


def test_what_is_not_supported_is_answered_with_an_error(fed: Fed) -> None:
    effects = fed.ask(3, "item/tool/call", tool="x")
    (reply,) = sent(effects)
    assert (reply["id"], reply["error"]["code"]) == (3, -32601)
    assert "item/tool/call" in one(effects, Diagnostic).text
    effects = fed.ask(4, ELICIT, mode="openai/userVerification", challenge="c")
    assert sent(effects)[0]["error"]["code"] == -32601


def test_codex_may_take_a_request_back(fed: Fed) -> None:
    effects = fed.ask(1, COMMAND, **RUN)
    fed.restart()
    gone = fed.say("serverRequest/resolved", requestId=1)
    assert one(gone, Withdrawn).request_id == asked(effects).id
    assert fed.say("serverRequest/resolved", requestId=1) == []


def test_one_number_cannot_stand_for_two_requests(fed: Fed) -> None:
    first = asked(fed.ask(1, COMMAND, **RUN))
    effects = fed.ask(1, COMMAND, **{**RUN, "command": "rm -rf /"})
    assert one(effects, Withdrawn).request_id == first.id
    assert sent(effects)[0]["error"]["code"] == -32600


def test_what_is_asked_after_an_interrupt_is_refused(fed: Fed) -> None:
    fed.take(fed.driver.interrupt())
    effects = fed.ask(1, COMMAND, **RUN)
    assert sent(effects) == [{"id": 1, "result": {"decision": "cancel"}}]


def planned(fed: Fed) -> list[Any]:
    """The end of a turn that made a plan."""
    told = {"mode": "plan", "settings": {}}
    policy = {"approvalPolicy": "untrusted", "sandboxPolicy": {"type": "readOnly"}}
    fed.say("thread/settings/updated", threadSettings={**policy, "collaborationMode": told})
    fed.done("plan", text="# Plan\n1. do\n")
    return fed.end()


def test_a_plan_is_offered_after_its_turn_and_carried_out(fed: Fed) -> None:
    effects = planned(fed)
    assert [type(effect).__name__ for effect in effects[-2:]] == ["TurnEnded", "Asked"]
    request = asked(effects)
    assert (request.kind, request.metadata["planText"]) == ("plan", "# Plan\n1. do\n")
    fed.restart()
    effects = fed.take(fed.driver.answer(request.id, Allow()))
    update, start = sent(effects)
    assert update["params"]["collaborationMode"]["mode"] == "default"
    assert update["params"]["approvalPolicy"] == "untrusted"
    assert start["params"]["input"] == [{"type": "text", "text": "Implement the plan."}]
    assert one(effects, TurnStarted).prompt_id == "own-1-1"
    assert items_of(effects) == [UserMessage(text="Implement the plan.")]


def test_a_plan_may_be_talked_about_left_or_forgotten(fed: Fed) -> None:
    (message,) = answer(fed, planned(fed), Deny(message="shorter"))
    assert message["params"]["input"] == [{"type": "text", "text": "shorter"}]
    fed.reply("turn/start", {"turn": {"id": TURN}})
    assert answer(fed, planned(fed), Deny()) == []
    fed.begin()
    request = asked(planned(fed))
    assert one(fed.begin(), Withdrawn).request_id == request.id


def test_a_turn_of_its_own_is_a_turn(fed: Fed) -> None:
    fed.end()
    effects = fed.say("turn/started", turn={"id": "goal-1"})
    assert one(effects, TurnStarted).prompt_id == "own-1-1"
    (stop, _) = sent(fed.take(fed.driver.interrupt()))
    assert stop["params"]["turnId"] == "goal-1"
    end = one(fed.say("turn/completed", turn={"id": "goal-1", "status": "interrupted"}), TurnEnded)
    assert (end.prompt_id, end.outcome) == ("own-1-1", "canceled")


def test_what_a_sub_agent_asks_outlives_the_turn(fed: Fed) -> None:
    fed.item("subAgentActivity", agentThreadId="kid", agentPath="/root/a")
    fed.say("turn/started", threadId="kid", turn={"id": "kt"})
    effects = fed.ask(1, COMMAND, **{**RUN, "threadId": "kid", "turnId": "kt"})
    assert asked(effects).description == "Asked by the sub-agent “/root/a”."
    effects = fed.end()
    kinds = [type(effect).__name__ for effect in effects]
    assert kinds[0] == "Withdrawn"
    assert kinds[-2:] == ["TurnEnded", "Asked"]
    steer, reply = answer(fed, effects, Deny(message="no"))
    assert (steer["params"]["threadId"], steer["params"]["expectedTurnId"]) == ("kid", "kt")
    assert reply["result"] == {"decision": "decline"}
