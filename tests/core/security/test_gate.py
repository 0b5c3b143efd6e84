"""Who may connect and as what: each row of design section 7, and what changes end."""

from __future__ import annotations

from itertools import product
from typing import Any, Literal

import pytest
from msgspec.structs import replace

from sereno.core.security import tokens
from sereno.core.security.credentials import Presented, from_http, from_upgrade
from sereno.core.security.gate import Admit, Facts, Gate, GateSettings, Prove, Refuse, Verdict
from sereno.core.security.passwords import hash_new, matches
from sereno.core.security.roles import Role
from sereno.core.security.same_user import Owner, Sight

UID = 1000
TOKEN = "0123456789abcdef" * 4
PASSWORD = "correct-horse"
HASH = hash_new(PASSWORD, cost=4)
OTHER_HASH = hash_new("battery-staple", cost=4)

OPEN = GateSettings(uid=UID, token_digest=tokens.digest(TOKEN))
LOCKED = replace(OPEN, password_hash=HASH)

LOOP: dict[str, Any] = {"local": ("127.0.0.1", 6767), "peer": ("127.0.0.1", 40000)}
LOOP6: dict[str, Any] = {"local": ("::1", 6767), "peer": ("::1", 40000)}
LAN: dict[str, Any] = {"local": ("10.0.0.1", 6767), "peer": ("10.0.0.9", 40000)}
ME, OTHER, ROOT = Owner(UID, 7), Owner(1001, 8), Owner(0, 9)


def facts(where: dict[str, Any] = LOOP, secret: str | None = None, **more: Any) -> Facts:
    if "sight" not in more:
        more["sight"] = Sight.ELSEWHERE if where is LAN else ME
    return Facts(way="tcp", presented=Presented(secret=secret), **{**where, **more})


def judged(gate: Gate, given: Facts, now: float = 0.0) -> Verdict:
    """As a listener does it, bcrypt and all."""
    verdict = gate.judge(given, now)
    if isinstance(verdict, Prove):
        ok = matches(verdict.password, verdict.hash)
        return gate.proved(given, verdict, ok, now)
    return verdict


def admits(settings: GateSettings, given: Facts) -> Role | None:
    verdict = judged(Gate(settings), given)
    return verdict.role if isinstance(verdict, Admit) else None


# While no password is set


@pytest.mark.parametrize("where", [LOOP, LOOP6])
def test_c39_the_same_user_needs_nothing_on_loopback(where: dict[str, Any]) -> None:
    assert admits(OPEN, facts(where)) is Role.OWNER
    assert admits(OPEN, facts(where, "what official clients have stored")) is Role.OWNER


@pytest.mark.parametrize("sight", [OTHER, ROOT, Sight.ELSEWHERE, Sight.UNTOLD, Sight.UNCLEAR])
def test_c39_others_on_loopback_need_the_token(sight: Owner | Sight) -> None:
    assert admits(OPEN, facts(sight=sight)) is None
    assert admits(OPEN, facts(secret=TOKEN + "0", sight=sight)) is None
    if sight is not Sight.UNCLEAR:
        assert admits(OPEN, facts(secret=TOKEN, sight=sight)) is not None


def test_t37_a_proxy_is_not_its_user() -> None:
    """The same user's proxy on loopback: whoever stands behind it must show the token."""
    assert admits(OPEN, facts(forwarded=True)) is None
    assert admits(OPEN, facts(forwarded=True, secret=TOKEN)) is Role.ADMIN
    trusting = replace(OPEN, loopback="trust")
    assert admits(trusting, facts(forwarded=True)) is None


def test_c39_trust_is_for_processes_of_this_machine() -> None:
    trusting = replace(OPEN, loopback="trust")
    for sight in (ME, OTHER, ROOT, Sight.UNTOLD):
        assert admits(trusting, facts(sight=sight)) is Role.OWNER
    for sight in (Sight.ELSEWHERE, Sight.UNCLEAR):
        assert admits(trusting, facts(sight=sight)) is None
    assert admits(trusting, facts(LAN)) is None


def test_c46_the_token_rule_asks_everybody() -> None:
    asking = replace(OPEN, loopback="token")
    assert admits(asking, facts()) is None
    assert admits(asking, facts(secret=TOKEN)) is Role.OWNER


def test_c34_from_elsewhere_nobody_without_a_credential() -> None:
    for rule in ("same-user", "token", "trust"):
        settings = replace(OPEN, loopback=rule)
        assert admits(settings, facts(LAN)) is None
        assert admits(settings, facts(LAN, TOKEN)) is Role.ADMIN


def test_the_same_user_by_the_machine_s_own_address_is_not_on_loopback() -> None:
    here = facts(LAN, sight=ME)
    assert admits(OPEN, here) is None
    half: dict[str, Any] = {"local": ("10.0.0.1", 6767), "peer": ("127.0.0.1", 40000)}
    assert admits(OPEN, facts(half, sight=ME)) is None


def test_without_a_token_there_is_none_to_guess() -> None:
    bare = GateSettings(uid=UID)
    for secret in ("", TOKEN, "None"):
        assert admits(bare, facts(LAN, secret)) is None


# Once a password is set


@pytest.mark.parametrize("where", [LOOP, LOOP6, LAN])
@pytest.mark.parametrize("loopback", ["same-user", "token", "trust"])
def test_c40_everybody_shows_the_password_or_the_token(
    where: dict[str, Any], loopback: Literal["same-user", "token", "trust"]
) -> None:
    settings = replace(LOCKED, loopback=loopback)
    assert judged(Gate(settings), facts(where)) == Refuse("Password required")
    assert judged(Gate(settings), facts(where, "")) == Refuse("Incorrect password")
    assert judged(Gate(settings), facts(where, "wrong")) == Refuse("Incorrect password")
    local = where is not LAN
    assert admits(settings, facts(where, PASSWORD)) is (Role.OWNER if local else Role.OPERATOR)
    assert admits(settings, facts(where, TOKEN)) is (Role.OWNER if local else Role.ADMIN)
    assert admits(settings, facts(where, HASH)) is None


def test_c40_refusals_are_those_of_the_wire() -> None:
    refused = judged(Gate(LOCKED), facts())
    assert refused == Refuse("Password required", status=401, close=4401)
    refusals = [
        judged(Gate(settings), facts(where, secret, sight=sight))
        for settings, where, secret, sight in product(
            (OPEN, LOCKED), (LOOP, LAN), (None, "wrong"), (OTHER, Sight.UNCLEAR, Sight.UNTOLD)
        )
    ]
    for one in refusals:
        assert isinstance(one, Refuse)
        assert len(one.reason.encode()) <= 123, "does not fit a close frame"


def test_half_closed_peers_are_refused_whatever_they_show() -> None:
    for secret in (None, PASSWORD, TOKEN):
        for settings in (OPEN, LOCKED):
            for where in (LOOP, LAN):
                assert admits(settings, facts(where, secret, sight=Sight.UNCLEAR)) is None


# Agents


def test_t46_an_agent_is_never_more() -> None:
    for settings, where, secret, sight in product(
        (OPEN, LOCKED, replace(OPEN, loopback="trust")),
        (LOOP, LAN),
        (None, PASSWORD, TOKEN),
        (ME, OTHER),
    ):
        for forwarded in (False, True):
            given = facts(where, secret, sight=sight, agent=True, forwarded=forwarded)
            assert admits(settings, given) in (None, Role.AGENT)
    assert admits(OPEN, facts(agent=True)) is Role.AGENT
    assert admits(LOCKED, facts(agent=True)) is None
    assert admits(LOCKED, facts(LAN, TOKEN, sight=ME, agent=True)) is Role.AGENT


def test_t46_who_turns_out_to_be_an_agent_is_what_it_would_have_been() -> None:
    for settings, where, secret in product((OPEN, LOCKED), (LOOP, LAN), (None, PASSWORD, TOKEN)):
        first = judged(Gate(settings), facts(where, secret, sight=ME))
        known = judged(Gate(settings), facts(where, secret, sight=ME, agent=True))
        assert (first.as_agent() if isinstance(first, Admit) else first) == known


# The throttle and the memory of proofs


def test_t27_a_hundred_wrong_tries_cost_five_hashes() -> None:
    gate = Gate(LOCKED)
    verdicts = [gate.judge(facts(LAN, f"wrong {number}"), 0) for number in range(100)]
    assert sum(isinstance(one, Prove) for one in verdicts) == 5
    last = verdicts[-1]
    assert isinstance(last, Refuse)
    assert (last.status, last.close, last.retry_after_s) == (429, 4401, 61)


def test_t27_a_right_try_during_the_lock_is_refused_and_other_addresses_are_not() -> None:
    gate = Gate(LOCKED)
    for number in range(5):
        judged(gate, facts(LAN, f"wrong {number}"))
    assert isinstance(judged(gate, facts(LAN, PASSWORD)), Refuse)
    other: dict[str, Any] = {**LAN, "peer": ("10.0.0.10", 40000)}
    assert isinstance(judged(gate, facts(other, PASSWORD, sight=Sight.ELSEWHERE)), Admit)
    assert isinstance(judged(gate, facts(LAN, PASSWORD), now=60), Admit)


def test_t27_loopback_is_no_exemption_and_its_users_do_not_lock_each_other_out() -> None:
    gate = Gate(LOCKED)
    for number in range(5):
        judged(gate, facts(secret=f"wrong {number}", sight=OTHER))
    assert isinstance(judged(gate, facts(secret=PASSWORD, sight=OTHER)), Refuse)
    assert isinstance(judged(gate, facts(secret=PASSWORD, sight=ME)), Admit)


def test_t27_calling_from_other_addresses_of_this_machine_is_no_way_around() -> None:
    """All of 127.0.0.0/8 is this machine, and a user may call from any of it."""
    gate = Gate(LOCKED)
    hashes = 0
    for number in range(50):
        place: dict[str, Any] = {**LOOP, "peer": (f"127.0.1.{number}", 40000)}
        hashes += isinstance(gate.judge(facts(place, f"wrong {number}", sight=OTHER), 0), Prove)
    assert hashes == 5


def test_t27_strangers_behind_a_proxy_do_not_lock_out_the_user_who_runs_it() -> None:
    gate = Gate(LOCKED)
    for number in range(5):
        judged(gate, facts(secret=f"wrong {number}", forwarded=True))
    assert isinstance(judged(gate, facts(secret=PASSWORD, forwarded=True)), Refuse)
    assert isinstance(judged(gate, facts(secret=PASSWORD)), Admit)


def test_an_agent_may_be_told_apart_after_its_password_was_hashed() -> None:
    """Looking for agents takes long, so listeners do it behind those only who would come in."""
    gate = Gate(LOCKED)
    given = facts(secret=PASSWORD)
    prove = gate.judge(given, 0)
    assert isinstance(prove, Prove)
    verdict = gate.proved(replace(given, agent=True), prove, True, 0)
    assert verdict == Admit(Role.AGENT, "password:agent")
    for number in range(4):
        assert isinstance(gate.judge(facts(secret=f"wrong {number}"), 0), Prove)


def test_t27_what_is_proved_is_never_locked_out() -> None:
    gate = Gate(LOCKED)
    assert isinstance(judged(gate, facts(LAN, PASSWORD)), Admit)
    for number in range(20):
        judged(gate, facts(LAN, f"wrong {number}"), now=1)
    assert isinstance(gate.judge(facts(LAN, PASSWORD), 2), Admit)
    assert isinstance(gate.judge(facts(LAN, TOKEN), 2), Admit)


def test_once_proved_there_is_no_second_hash_for_five_minutes() -> None:
    gate = Gate(LOCKED)
    assert isinstance(gate.judge(facts(LAN, PASSWORD), 0), Prove)
    assert isinstance(judged(gate, facts(LAN, PASSWORD), 0), Admit)
    assert isinstance(gate.judge(facts(LAN, PASSWORD), 299), Admit)
    assert isinstance(gate.judge(facts(LAN, PASSWORD), 301), Prove)
    other: dict[str, Any] = {**LAN, "peer": ("10.0.0.10", 40000)}
    assert isinstance(gate.judge(facts(other, PASSWORD), 1), Prove)


def test_a_device_that_comes_with_many_sockets_at_once_made_one_try() -> None:
    gate = Gate(LOCKED)
    given = facts(LAN, PASSWORD)
    proves = [gate.judge(given, 0) for _ in range(20)]
    assert all(isinstance(one, Prove) for one in proves)
    for one in proves:
        assert isinstance(one, Prove)
        assert isinstance(gate.proved(given, one, True, 1), Admit)


def test_t27_leaving_before_the_answer_is_a_try_too() -> None:
    gate = Gate(LOCKED)
    given = facts(LAN, "wrong")
    hashes = 0
    for _ in range(100):
        verdict = gate.judge(given, 0)
        if isinstance(verdict, Prove):
            hashes += 1
            gate.given_up(given, verdict)
    assert hashes == 5


def test_who_finds_everybody_busy_made_no_try() -> None:
    gate = Gate(LOCKED)
    for _ in range(20):
        busy = gate.judge(facts(LAN, PASSWORD), 0, busy=True)
        assert isinstance(busy, Refuse)
        assert (busy.status, busy.close, busy.retry_after_s) == (503, 1013, 10)
    assert isinstance(judged(gate, facts(LAN, PASSWORD)), Admit)
    assert isinstance(gate.judge(facts(LAN, PASSWORD), 1, busy=True), Admit)


# Changes


def test_t39_a_change_says_which_credentials_ended() -> None:
    gate = Gate(OPEN)
    kept = {"same-user:owner", "same-user:agent", "token:owner", "token:admin"}
    assert not kept & gate.use(OPEN)
    rotated = replace(OPEN, token_digest=tokens.digest("f" * 64))
    assert {"token:owner", "token:admin", "token:agent"} <= gate.use(rotated)
    assert "same-user:owner" not in gate.use(rotated)
    locked = replace(rotated, password_hash=HASH)
    ended = gate.use(locked)
    assert {"same-user:owner", "same-user:agent", "trust:owner", "password:owner"} <= ended
    assert "token:owner" not in ended
    ended = gate.use(replace(locked, password_hash=OTHER_HASH))
    assert {"password:owner", "password:operator", "password:agent"} <= ended
    assert "token:owner" not in ended


def test_t39_a_rule_that_grew_stricter_ends_what_it_let_in() -> None:
    gate = Gate(replace(OPEN, loopback="trust"))
    ended = gate.use(OPEN)
    assert "trust:owner" in ended
    assert "same-user:owner" not in ended
    assert "same-user:owner" in gate.use(replace(OPEN, loopback="token"))
    assert "trust:owner" not in gate.use(replace(OPEN, loopback="trust"))


def test_t39_a_proof_of_the_old_password_is_none_of_the_new() -> None:
    gate = Gate(LOCKED)
    assert isinstance(judged(gate, facts(LAN, PASSWORD)), Admit)
    gate.use(replace(LOCKED, password_hash=OTHER_HASH))
    assert isinstance(judged(gate, facts(LAN, PASSWORD), 1), Refuse)


def test_t39_a_password_that_changes_while_it_is_hashed_lets_nobody_in() -> None:
    gate = Gate(LOCKED)
    given = facts(LAN, PASSWORD)
    prove = gate.judge(given, 0)
    assert isinstance(prove, Prove)
    gate.use(replace(LOCKED, password_hash=OTHER_HASH))
    assert isinstance(gate.judge(given, 0), Prove)
    assert isinstance(gate.proved(given, prove, True, 0), Refuse)
    gate.use(OPEN)
    assert isinstance(gate.proved(given, prove, True, 0), Refuse)


# The subprotocol of the 101


def test_c40_what_the_101_selects() -> None:
    bearer = "paseo.bearer.abc"
    opened, locked = Gate(OPEN), Gate(LOCKED)
    for gate in (opened, locked):
        assert gate.subprotocol(from_upgrade([], ["chat", bearer])) == bearer
        assert gate.subprotocol(from_upgrade([], [])) is None
        assert gate.subprotocol(from_upgrade([], [bearer, "sereno.v1"])) == "sereno.v1"
        assert gate.subprotocol(from_upgrade([], ["sereno.bearer64.YQ"])) is None
        assert gate.subprotocol(from_http(["Bearer abc"])) is None
    assert opened.subprotocol(from_upgrade([], ["chat"])) == "chat"
    assert locked.subprotocol(from_upgrade([], ["chat"])) is None


def test_nothing_secret_is_in_what_a_log_would_print() -> None:
    words = repr([LOCKED, facts(LAN, PASSWORD), Gate(LOCKED).judge(facts(LAN, PASSWORD), 0)])
    for secret in (PASSWORD, HASH, str(LOCKED.token_digest)):
        assert secret not in words
