"""The password: what may be one, its bcrypt hash, and who proved it lately (C-40, C-42, T27).

No clock or thread here: `hash_new` and `matches` take about a quarter of a second each, and whoever
calls them on a loop does so in a thread.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping

__all__ = ["COST", "VARIABLE", "PasswordRefused", "Proven", "check_new", "doubts", "hash_new"]
__all__ += ["hash_of_variable", "matches"]

COST = 12
"""Rounds of a new hash, as a power of two."""
VARIABLE = "SERENO_PASSWORD"
"""The password in plain text, hashed at start; wins over the hash in config.toml."""
PROVEN_S = 300.0
"""Seconds for which a password that was right is not hashed again for the same device."""
_LONGEST = 72  # bytes that bcrypt looks at
_SHORT = 12
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_MOST_PROVEN = 1_024


class PasswordRefused(Exception):
    """`code`, `message` and `next_step` as every error of ours; never holds the password."""

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(f"{message} {next_step}")
        self.code = "password_refused"
        self.message = message
        self.next_step = next_step


def check_new(password: str) -> None:
    """Raises PasswordRefused for what could be set and then not be used.

    Official clients send it as an HTTP token, in which blanks, quotes and letters beyond ASCII
    have no place; and bcrypt would silently ignore what stands behind byte 72.
    """
    if not password:
        raise PasswordRefused("The password is empty.", "Choose one of 12 characters or more.")
    if len(password.encode("utf-8", "surrogatepass")) > _LONGEST:
        raise PasswordRefused(
            "The password is longer than 72 bytes, and the rest would not count.",
            "Choose a shorter one; 20 random characters are plenty.",
        )
    if re.fullmatch(_TOKEN, password) is None:
        raise PasswordRefused(
            "The password holds a character that clients cannot send in a header: "
            f"{_first_bad(password)}.",
            "Use letters and digits of ASCII and any of !#$%&'*+-.^_`|~",
        )


def doubts(password: str) -> tuple[str, ...]:
    """Sentences for the person about a password that is accepted all the same."""
    if len(password) < _SHORT:
        count = "one character" if len(password) == 1 else f"{len(password)} characters"
        return (f"It has only {count}; 12 or more are hard to guess.",)
    return ()


def hash_new(password: str, cost: int = COST) -> str:
    """The bcrypt hash for config.toml. Raises PasswordRefused. Slow."""
    import bcrypt

    check_new(password)
    return bcrypt.hashpw(password.encode("ascii"), bcrypt.gensalt(cost)).decode("ascii")


def matches(password: str, kept: str) -> bool:
    """Whether a password has the hash. Slow; False, at once, for what can be no password."""
    import bcrypt

    raw = password.encode("utf-8", "surrogatepass")
    if not raw or len(raw) > _LONGEST or b"\0" in raw:
        return False
    try:
        return bcrypt.checkpw(raw, kept.encode("ascii"))
    except ValueError:  # no bcrypt hash after all: nobody knows its password
        return False


def hash_of_variable(env: Mapping[str, str]) -> str | None:
    """The hash of the password in the environment; None where there is none. Slow.

    Raises PasswordRefused: a password that is silently not the one that was given is worse than a
    daemon that does not start.
    """
    password = env.get(VARIABLE, "").strip()
    if not password:
        return None
    try:
        return hash_new(password)
    except PasswordRefused as refused:
        raise PasswordRefused(
            f"{VARIABLE} cannot be used. {refused.message}", refused.next_step
        ) from None


class Proven:
    """Remembers who showed the right password, so that reconnecting costs no second hash.

    Holds HMACs under a key of this process only: neither the password nor anything by which it
    could be guessed elsewhere. Bounded; the oldest is forgotten first.
    """

    def __init__(self, key: bytes | None = None, lasts_s: float = PROVEN_S) -> None:
        self._key = secrets.token_bytes(32) if key is None else key
        self._lasts_s = lasts_s
        self._until: dict[bytes, float] = {}

    def mark(self, who: str, password: str, kept: str) -> bytes:
        """What stands for one device, password and hash together."""
        parts = (who, password, kept)
        joined = b"".join(
            len(raw).to_bytes(4, "big") + raw
            for raw in (part.encode("utf-8", "surrogatepass") for part in parts)
        )
        return hmac.digest(self._key, joined, hashlib.sha256)

    def holds(self, mark: bytes, now: float) -> bool:
        until = self._until.get(mark)
        return until is not None and now < until

    def add(self, mark: bytes, now: float) -> None:
        self._until.pop(mark, None)
        self._until[mark] = now + self._lasts_s
        while len(self._until) > _MOST_PROVEN:
            del self._until[next(iter(self._until))]

    def clear(self) -> None:
        self._until.clear()


def _first_bad(password: str) -> str:
    bad = next(one for one in password if re.fullmatch(_TOKEN, one) is None)
    return "a blank" if bad == " " else f"U+{ord(bad):04X}"
