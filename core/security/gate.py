"""Who may connect over TCP, and as what: the one place where the rules of design section 7 meet.

Pure: the listener brings the facts and the time, runs bcrypt where it is told to, and does what it
is answered. Host and Origin were judged before (hosts.py, origins.py).
"""

from __future__ import annotations

import secrets
from typing import Literal

import msgspec

from sereno.core.security import tokens
from sereno.core.security.addresses import is_loopback, neighbourhood
from sereno.core.security.credentials import NOTHING, Presented
from sereno.core.security.offers import Offer, Offers
from sereno.core.security.passwords import Proven
from sereno.core.security.roles import Role
from sereno.core.security.same_user import Owner, Sight
from sereno.core.security.throttle import Throttle

__all__ = ["Admit", "Facts", "Gate", "GateSettings", "Prove", "Refuse"]

UNAUTHORIZED, TOO_MANY, BUSY = 401, 429, 503
CLOSE_UNAUTHORIZED = 4401
CLOSE_LATER = 1013
"""Official clients take 4401 for a password that is wrong, and ask for another."""
_PENDING_S = 60.0
_BUSY_S = 10
_MOST_PENDING = 256
_Proof = Literal["token", "password", "same-user", "trust"]


class GateSettings(msgspec.Struct, frozen=True):
    """`hostnames`, `origins`: see hosts.py and origins.py; origins hold our own ones too.
    `password_hash`: None while none is set. `token_digest`: of the file auth_token (tokens.py).
    `loopback`: who may connect on this machine while no password is set. `uid`: our own."""

    uid: int
    hostnames: tuple[str, ...] | Literal[True] = ()
    origins: frozenset[str] = frozenset()
    password_hash: str | None = None
    token_digest: bytes | None = None
    loopback: Literal["same-user", "token", "trust"] = "same-user"

    def __repr__(self) -> str:
        """Without hash and digest."""
        return f"GateSettings({self.loopback!r}, {self.hostnames!r}, {sorted(self.origins)!r})"


class Facts(msgspec.Struct, frozen=True):
    """What the listener knows of one connection.

    `local`, `peer`: address and port of both ends. `forwarded`: a Forwarded, X-Forwarded-*,
    X-Real-IP or Via header is there, so a proxy stands between. `sight`: who is at the other end
    (sockets.sight_of), to be asked for every connection, as agents may also come by the machine's
    own address. `agent`: its process descends from a runner (sockets.agent_behind).
    """

    way: Literal["tcp", "tls"]
    local: tuple[str, int]
    peer: tuple[str, int]
    presented: Presented = NOTHING
    forwarded: bool = False
    sight: Owner | Sight = Sight.UNTOLD
    agent: bool = False

    @property
    def is_local(self) -> bool:
        """Whether the peer is a process of this machine that came by loopback, with no proxy
        between. Where a platform tells, one that it does not know is somewhere else."""
        loops = is_loopback(self.local[0]) and is_loopback(self.peer[0])
        known = isinstance(self.sight, Owner) or self.sight is Sight.UNTOLD
        return loops and known and not self.forwarded


class Admit(msgspec.Struct, frozen=True):
    """`credential`: how the peer proved itself and its role, such as "token:owner": two peers with
    the same one may share a session, and it is what `Gate.use` names to be dropped."""

    role: Role
    credential: str

    def as_agent(self) -> Admit:
        """The same proof, shown by a process that turned out to descend from a runner (T46)."""
        return Admit(Role.AGENT, _credential(self.credential.partition(":")[0], Role.AGENT))


class Refuse(msgspec.Struct, frozen=True):
    """`status`: for plain HTTP and for upgrades that offered a subprotocol of ours. `close`,
    `reason`: for other upgrades, after the 101; the reason fits a close frame. `retry_after_s`:
    whole seconds until trying again makes sense, 0 for never."""

    reason: str
    status: int = UNAUTHORIZED
    close: int = CLOSE_UNAUTHORIZED
    retry_after_s: int = 0


class Prove(msgspec.Struct, frozen=True):
    """The password must be hashed, off the loop and at most two at once; then `Gate.proved`.
    Verifications of equal pairs that run at the same time must be made one."""

    password: str
    hash: str

    def __repr__(self) -> str:
        """Without either."""
        return "Prove()"


Verdict = Admit | Refuse | Prove


class Gate:
    """Judges connections by its settings, which are replaced as a whole when any of them changes.

    Keeps what it learned from tries: who proved the password lately, and who was wrong too often.
    Belongs to one loop. Times are seconds of a clock that never goes back.
    """

    def __init__(self, settings: GateSettings) -> None:
        self._settings = settings
        self._throttle = Throttle()
        self._proven = Proven()
        self._pending: dict[bytes, float] = {}
        self._offers = Offers(secrets.token_urlsafe)

    @property
    def settings(self) -> GateSettings:
        return self._settings

    def use(self, settings: GateSettings) -> frozenset[str]:
        """From now on judges by these. Gives the credentials that ended with the old ones: their
        live connections are to be closed (T39). A new token or password ends all offers too."""
        old, self._settings = self._settings, settings
        ended: set[str] = set()
        if settings.token_digest != old.token_digest:
            ended.add("token")
        if settings.password_hash != old.password_hash:
            ended.add("password")
            self._proven.clear()
            self._pending.clear()
        if settings.password_hash is not None or settings.loopback == "token":
            ended |= {"same-user", "trust"}
        elif settings.loopback != "trust":
            ended.add("trust")
        if ended & {"token", "password"}:
            ended |= set(self._offers.withdraw())
        return frozenset(_credential(proof, role) for proof in ended for role in Role)

    def offer(self, now: float) -> Offer:
        """A secret that lets whoever shows it first in once, as an operator (C-51)."""
        return self._offers.make(now)

    def subprotocol(self, presented: Presented) -> str | None:
        """Which subprotocol the 101 selects (wire reference 4.3). Clients abort a connection whose
        101 selects none of what they offered; without a password anything they know will do."""
        if presented.strict or presented.echo is not None:
            return presented.echo
        return presented.first if self._settings.password_hash is None else None

    def judge(self, facts: Facts, now: float, *, busy: bool = False) -> Verdict:
        """May this connection in? What gives Prove is counted as a try, before it is known to be
        wrong (T27); `proved` or `given_up` has to follow. `busy`: no password can be hashed now;
        who would need that is told to come back, and nothing is counted."""
        if facts.sight is Sight.UNCLEAR:
            return Refuse("This connection was half-closed: nobody can tell whose it is")
        secret = facts.presented.secret
        kept = self._settings.token_digest
        if secret and kept is not None and tokens.same(secret, kept):
            return _admit(facts, "token")
        if secret and (name := self._offers.take(secret, now)) is not None:
            role = Role.AGENT if facts.agent else Role.OPERATOR
            return Admit(role, _credential(name, role))
        if self._settings.password_hash is None:
            return self._without_password(facts)
        if secret is None:
            return Refuse("Password required")
        if not secret:
            return Refuse("Incorrect password")
        return self._password(facts, secret, self._settings.password_hash, now, busy=busy)

    def given_up(self, facts: Facts, prove: Prove) -> None:
        """The peer went away before bcrypt answered. Its try stays counted, and the next one is
        another: or leaving early would be a way to have any number of passwords hashed."""
        self._pending.pop(self._proven.mark(_who(facts), prove.password, prove.hash), None)

    def proved(self, facts: Facts, prove: Prove, ok: bool, now: float) -> Admit | Refuse:
        """After bcrypt: `ok` as it said of `prove`, which `judge` had answered for these facts."""
        if prove.hash != self._settings.password_hash:
            return Refuse("The password was changed just now: try again")
        who = _who(facts)
        mark = self._proven.mark(who, prove.password, prove.hash)
        self._pending.pop(mark, None)
        if not ok:
            return Refuse("Incorrect password")
        self._proven.add(mark, now)
        self._throttle.proved(who)
        return _admit(facts, "password")

    def _without_password(self, facts: Facts) -> Admit | Refuse:
        rule = self._settings.loopback
        if not facts.is_local:
            return Refuse("Token required")
        if rule == "trust":
            return _admit(facts, "trust")
        owner = facts.sight
        if rule == "same-user" and isinstance(owner, Owner) and owner.uid == self._settings.uid:
            return _admit(facts, "same-user")
        return Refuse("Token required: show the one that `sereno token show` prints")

    def _password(self, facts: Facts, secret: str, kept: str, now: float, *, busy: bool) -> Verdict:
        who = _who(facts)
        mark = self._proven.mark(who, secret, kept)
        if self._proven.holds(mark, now):
            return _admit(facts, "password")
        if self._pending.get(mark, now - _PENDING_S) > now - _PENDING_S:
            return Prove(secret, kept)  # the same try, by another connection of the same device
        wait = self._throttle.wait(who, now)
        if wait > 0:
            seconds = int(wait) + 1
            return Refuse(
                f"Too many wrong passwords: try again in {seconds} s",
                status=TOO_MANY,
                retry_after_s=seconds,
            )
        if busy:
            return Refuse(
                "Too many show a password at this moment: try again in a while",
                status=BUSY,
                close=CLOSE_LATER,
                retry_after_s=_BUSY_S,
            )
        self._throttle.failed(who, now)
        self._pending[mark] = now
        while len(self._pending) > _MOST_PENDING:
            del self._pending[next(iter(self._pending))]
        return Prove(secret, kept)


def _who(facts: Facts) -> str:
    """Who shares one count of failures: an address; within this machine a user of it, whichever of
    its addresses they call from, so that one of them cannot lock the others out; and strangers
    behind a proxy apart from the user who runs it. Whether it is an agent is known only later."""
    owner = facts.sight
    name = f"uid {owner.uid}" if isinstance(owner, Owner) else neighbourhood(facts.peer[0])
    return f"{name}, by a proxy" if facts.forwarded else name


def _admit(facts: Facts, proof: _Proof) -> Admit:
    """An agent stays one whatever it knows (T46). A secret by itself makes nobody the owner: who
    comes from elsewhere with the token is an admin, with the password an operator."""
    if facts.agent:
        role = Role.AGENT
    elif facts.is_local:
        role = Role.OWNER
    else:
        role = Role.ADMIN if proof == "token" else Role.OPERATOR
    return Admit(role, _credential(proof, role))


def _credential(proof: str, role: Role) -> str:
    return f"{proof}:{role.value}"
