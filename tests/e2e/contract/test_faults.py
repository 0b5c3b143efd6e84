"""What a person sees of a model's server that fails, and that the agent can go on after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sereno.core.protocol.values import given
from tests.e2e.contract.conftest import Stage
from tests.e2e.contract.scenarios import scenario
from tests.e2e.contract.session import TURN_S, Session
from tests.e2e.harness import until

Script = Callable[..., str]


def fail(stage: Stage, script: Script, **fault: Any) -> tuple[Session, str]:
    """The agent after a turn that must fail, and all that it says about that."""
    talk = stage.talk()
    talk.send(script({"text": "never said"}, error=fault))
    done = talk.wait()
    assert done.status == "error", done
    snapshot = talk.snapshot()
    extra = given(snapshot.sereno, None)
    next_step = given(extra.next_step, "") if extra is not None else ""
    return talk, f"{given(snapshot.last_error, '')} {next_step}".lower()


def go_on(talk: Session, script: Script) -> None:
    talk.send(script({"text": "Well again."}))
    talk.finish()
    assert talk.said() == "Well again."


def recover(stage: Stage, script: Script, **fault: Any) -> None:
    """A turn that meets a failure once, and is told whole and once."""
    talk = stage.talk()
    before = len(stage.models.turns())
    talk.send(script({"text": "After all."}, error={"times": 1, **fault}))
    talk.finish()
    assert talk.said().endswith("After all.")
    assert len(stage.models.turns()) - before >= 2


@scenario("rate_limit")
def test_rate_limit(stage: Stage, script: Script) -> None:
    recover(stage, script, kind="429", retry_after=1)


@scenario("rate_limit_lasts")
def test_rate_limit_that_lasts(stage: Stage, script: Script) -> None:
    talk, words = fail(stage, script, kind="429", retry_after=0.1)
    assert "limit" in words
    go_on(talk, script)


@scenario("unauthorized")
def test_unauthorized(stage: Stage, script: Script) -> None:
    talk, words = fail(stage, script, kind="401")
    assert any(hint in words for hint in ("log in", "login", "sign in")), words
    go_on(talk, script)


@scenario("bad_request")
def test_bad_request(stage: Stage, script: Script) -> None:
    talk, words = fail(stage, script, kind="400", message="the prompt is too colourful")
    assert "too colourful" in words
    go_on(talk, script)


@scenario("server_error")
def test_server_error(stage: Stage, script: Script) -> None:
    recover(stage, script, kind="500")


@scenario("dropped")
def test_dropped_stream(stage: Stage, script: Script) -> None:
    # Before its first word: OpenCode takes a text that breaks off for a whole one, and asks on.
    recover(stage, script, kind="drop", after=1)


@scenario("slow")
def test_slow_answer(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    text = "piece " * 30
    talk.send(script({"text": text}, delay_ms=60))
    seen = until(lambda: talk.said().split(), "the first piece", TURN_S)
    assert len(seen) < 30
    talk.finish()
    assert talk.said().split() == text.split()
