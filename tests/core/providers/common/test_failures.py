"""Errors and ends of programs in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.providers.common.failures import by_hand, describe_exit, explain, message_of
from sereno.core.providers.jsonrpc import RpcFailure
from sereno.core.security.sanitise import sanitise


@pytest.mark.parametrize(
    ("code", "message", "data", "expected_code", "words"),
    [
        (-32603, "Internal error: API Error: 400 fake failure", None, "provider_error", "400 fake"),
        (-32603, "Internal error", {"details": "the wheel"}, "provider_error", "the wheel"),
        (429, "Too many", None, "rate_limited", "limits the rate"),
        (400, '{"error":{"code":400,"message":"fake failure"}}', None, "provider_error", "fake"),
        (-32000, "", None, "auth_required", "credentials"),
        (-32603, "401 invalid x-api-key: invalid api key", None, "auth_required", "credentials"),
        (-32603, "prompt is too long: 250000 tokens", None, "context_full", "too long"),
        (-32603, "fetch failed: connect ECONNREFUSED 127.0.0.1:1", None, "network", "reached"),
        (-32603, "529 overloaded_error", None, "overloaded", "trouble"),
        (-32603, "insufficient_quota: billing", None, "quota", "used up"),
        (-32603, "", None, "provider_error", "error -32603"),
        (0, "\x1b[31mred\x1b]0;t\x07", None, "provider_error", "red"),
    ],
)
def test_errors_in_words(
    code: int, message: str, data: object, expected_code: str, words: str
) -> None:
    failure = explain(RpcFailure(code, message, data), "Agent")
    assert failure.code == expected_code
    assert words in failure.error
    assert "Internal error" not in failure.error
    assert "\x1b" not in failure.error
    if expected_code != "provider_error":
        assert failure.next_step


def test_the_hint_to_log_in_is_the_program_s() -> None:
    assert explain(RpcFailure(-32000, "x"), "A", "Run `a login`.").next_step == "Run `a login`."


@given(st.integers(), st.text(max_size=60), st.recursive(st.none() | st.text(), st.lists))
def test_no_error_is_without_words(code: int, message: str, data: object) -> None:
    assert message_of(RpcFailure(code, message, data)) or not sanitise(message).strip()
    assert explain(RpcFailure(code, message, data), "Agent").error


def test_ends_in_words() -> None:
    assert describe_exit("A", 0, None, "") == "A ended by itself (exit code 0)."
    assert "exit code 127" in describe_exit("A", 127, None, "")
    text = describe_exit("A", None, 9, "one\n\ntwo\nthree\nfour\x1b[0m\n")
    assert text == "A was ended by signal 9 (KILL). Its last words: two / three / four"


def test_what_does_not_get_ready_is_tried_by_its_command_line() -> None:
    words = by_hand("quitter", ("sh", "-c", "echo licence expired >&2; exit 7"))
    assert words.endswith("what it lacks: sh -c 'echo licence expired >&2; exit 7'")
    assert "quitter" not in words, "the provider's name is no program"
    assert by_hand("quitter", ()).startswith("Run quitter by itself")
