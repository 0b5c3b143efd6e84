"""What Codex and its MCP servers ask in questions, forms and links; and the plan after a turn."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.core.protocol.permissions import Allow, Deny
from sereno.core.protocol.timeline import UserMessage
from sereno.core.providers.driver import CannotAnswer
from sereno.core.providers.effects import TurnStarted, Withdrawn
from tests.core.providers.codex.feed import TURN, Fed, answer, asked, items_of, one, sent

QUESTION = "item/tool/requestUserInput"
ELICIT = "mcpServer/elicitation/request"


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
