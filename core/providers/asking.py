"""Asks an agent program about itself: version, whether it is signed in, its models, its sessions.

By the program's own commands, in a process that ends before the function returns: blocking, for a
thread. Credentials are the program's business: no file of them is opened here, and what a status
command says of a key is not passed on.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Literal

import msgspec

from sereno.core.security.sanitise import sanitise_line

if TYPE_CHECKING:
    from sereno.core.providers.catalog import Provider

__all__ = ["MOST_OUTPUT", "PATIENCE", "SignedIn", "ask", "read_sign_in", "read_version"]

PATIENCE = 45.0
"""Seconds for one question. They are asked in the background, once: a program of 180 MB on a busy
machine, or from a slow disk, must not count as one that says nothing."""
MOST_OUTPUT = 64 * 1024 * 1024
"""Bytes that are read of one answer; a long talk with pictures in it is some of these."""
# Compiled, and kept, by `re` when a program has answered.
_VERSION = r"\d+\.\d+[\w.+-]*"
_ESCAPES = r"\x1b\[[0-9;]*m"
_COUNTS = r"(\d+) (credential|environment variable)s?"


class SignedIn(msgspec.Struct, frozen=True):
    """`words`: by what, or why that is not known; for people."""

    state: Literal["yes", "no", "unknown"]
    words: str = ""


class _Said(msgspec.Struct, frozen=True):
    """`whole`: false where `out` was cut off after MOST_OUTPUT bytes."""

    code: int
    out: str
    err: str
    whole: bool = True


def ask(
    provider: Provider,
    env: Mapping[str, str],
    arguments: Sequence[str],
    *,
    timeout_s: float,
    cwd: str | None = None,
) -> _Said | None:
    """Runs the program with `arguments`; None where it is missing, or not done in time.

    It writes into files: programs that run on node or bun end while a pipe still holds back what
    is longer than its 64 KB, with 0 and without a word, and the rest is lost.
    """
    command = provider.asked_by(env)
    if command is None:
        return None
    try:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            done = subprocess.run(
                [*command, *arguments],
                env=provider.env(env),
                cwd=cwd or env.get("HOME") or "/",
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                timeout=timeout_s,
                check=False,
            )
            words, whole = _text(out)
            return _Said(done.returncode, words, _text(err)[0], whole)
    except (OSError, subprocess.TimeoutExpired):
        return None


def _text(file: IO[bytes]) -> tuple[str, bool]:
    """What was written into it, and whether that is all of it."""
    file.seek(0)
    data = file.read(MOST_OUTPUT + 1)
    words = data[:MOST_OUTPUT].decode("utf-8", "replace")
    return re.sub(_ESCAPES, "", words), len(data) <= MOST_OUTPUT


def read_version(
    provider: Provider, env: Mapping[str, str], timeout_s: float = PATIENCE
) -> str | None:
    """None if it does not say."""
    if not provider.real:
        return None
    said = ask(provider, env, ("--version",), timeout_s=timeout_s)
    match = re.search(_VERSION, said.out[:1_000]) if said else None
    return sanitise_line(match.group(), 40) if said and match and said.code == 0 else None


def read_sign_in(
    provider: Provider, env: Mapping[str, str], timeout_s: float = PATIENCE
) -> SignedIn:
    """By the program's own status command."""
    preset = provider.preset
    if not preset.status:
        return SignedIn("unknown", "It has no command that says so.")
    said = ask(provider, env, preset.status, timeout_s=timeout_s)
    if said is None:
        return SignedIn("unknown", "It was asked and gave no answer.")
    reader = _READERS[preset.status]
    return reader(said)


class _ClaudeStatus(msgspec.Struct, rename="camel"):
    logged_in: bool
    auth_method: str = ""
    subscription_type: str | None = None
    api_key_source: str | None = None


_METHODS = {"api_key": "an API key", "oauth_token": "a token", "claude.ai": "a Claude account"}


def _claude(said: _Said) -> SignedIn:
    try:
        status = msgspec.json.decode(said.out, type=_ClaudeStatus)
    except msgspec.DecodeError:
        return SignedIn("unknown", "Its answer was not understood.")
    if not status.logged_in:
        return SignedIn("no")
    words = _METHODS.get(status.auth_method, status.auth_method)
    extra = status.subscription_type or status.api_key_source
    return SignedIn("yes", sanitise_line(f"{words} ({extra})" if extra else words, 80))


def _codex(said: _Said) -> SignedIn:
    # It may show a part of the key: only what kind of thing it is goes on from here.
    words = f"{said.out}\n{said.err}".lower()
    if "not logged in" in words:
        return SignedIn("no")
    if said.code != 0:
        return SignedIn("unknown", "Its answer was not understood.")
    kinds = {"chatgpt": "a ChatGPT account", "api key": "an API key", "token": "an access token"}
    return SignedIn("yes", next((kind for word, kind in kinds.items() if word in words), ""))


def _opencode(said: _Said) -> SignedIn:
    """It keeps many credentials, and has models that need none."""
    found = {kind: int(count) for count, kind in re.findall(_COUNTS, said.out)}
    if said.code != 0 or not found:
        return SignedIn("unknown", "Its answer was not understood.")
    parts = [f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in found.items() if count]
    if not parts:
        return SignedIn("unknown", "It keeps no credentials; some of its models need none.")
    return SignedIn("yes", " and ".join(parts))


_READERS: dict[tuple[str, ...], Callable[[_Said], SignedIn]] = {
    ("auth", "status", "--json"): _claude,
    ("login", "status"): _codex,
    ("auth", "list"): _opencode,
}
"""By the status command of a preset, so that providers that extend it are read the same way."""
