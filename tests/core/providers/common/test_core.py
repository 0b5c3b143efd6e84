"""The core of every driver: its memory is encoded where it changed, and can be read for ever."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sereno.core.providers.acp.driver import AcpDriver
from sereno.core.providers.acp.state import State as AcpState
from sereno.core.providers.claude.driver import ClaudeDriver
from sereno.core.providers.claude.state import State as ClaudeState
from sereno.core.providers.codex.driver import CodexDriver
from sereno.core.providers.codex.state import State as CodexState
from sereno.core.providers.common.core import Core, DriverState
from sereno.core.providers.driver import Driver, Identity, Setup
from sereno.core.providers.effects import SessionFailed, TurnEnded

IDENTITY = Identity("some", "Some")

WRITTEN = (
    b'{"phase":"ready","version":"1.2.3","peer":[7,{"6":["work",""]},""],'
    b'"prompt_id":"p1","text_kind":"text","sums":{"title":17},"asked":3,"junk":2,"junk_bytes":40}'
)
"""As the first release wrote it: the fields of all drivers, some of them set."""


@pytest.mark.parametrize("kind", [AcpState, ClaudeState, CodexState])
def test_what_an_earlier_release_remembered_is_read(kind: type[DriverState]) -> None:
    state = msgspec.json.decode(WRITTEN, type=kind)
    assert (state.phase, state.version, state.prompt_id) == ("ready", "1.2.3", "p1")
    assert (state.text_kind, state.sums, state.asked) == ("text", {"title": 17}, 3)
    assert (state.junk, state.junk_bytes, state.peer.next_id) == (2, 40, 7)
    assert msgspec.json.decode(msgspec.json.encode(state), type=kind) == state


@pytest.mark.parametrize("kind", [AcpDriver, ClaudeDriver, CodexDriver])
def test_the_memory_of_a_turn_ends_with_the_program(kind: Any) -> None:
    driver: Driver = kind(IDENTITY, Setup("/repo"), WRITTEN)
    assert driver.snapshot() is WRITTEN
    effects = driver.exited(3, None, "out of luck")
    assert [type(one) for one in effects[-2:]] == [TurnEnded, SessionFailed]
    assert isinstance(effects[-1], SessionFailed)
    assert effects[-1].error == "Some ended with exit code 3. Its last words: out of luck"
    assert driver.snapshot() != WRITTEN


def test_it_is_encoded_only_when_it_changed() -> None:
    core = Core(IDENTITY, Setup("/repo"), DriverState())
    first = core.snapshot()
    assert core.snapshot() is first
    assert core.new_sum("title", "a")
    second = core.snapshot()
    assert second != first
    assert not core.new_sum("title", "a")
    assert core.snapshot() is second


def test_checksums_of_subjects_that_come_and_go_are_bounded() -> None:
    core = Core(IDENTITY, Setup("/repo"), DriverState())
    core.sums_kept = 3
    for number in range(5):
        assert core.new_sum(f"item {number}", number)
    assert list(core.state.sums) == ["item 2", "item 3", "item 4"]
