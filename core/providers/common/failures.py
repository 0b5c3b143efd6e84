"""Errors of agent programs in words that a person understands: cause, next step, code.

Programs report the same trouble in many ways: JSON-RPC codes, HTTP numbers, texts, JSON inside of
texts. Pure functions; the texts have not been sanitised before and are here.
"""

from __future__ import annotations

import re
import shlex
import signal as signals
from collections.abc import Sequence
from typing import Any

import msgspec

from sereno.core.providers.jsonrpc import RpcFailure
from sereno.core.security.sanitise import sanitise, sanitise_line

__all__ = ["Failure", "by_hand", "describe_exit", "explain", "message_of"]


class Failure(msgspec.Struct, frozen=True):
    """`error`: what happened; `next_step`: what the person can do."""

    code: str
    error: str
    next_step: str | None = None


_KINDS: tuple[tuple[str, re.Pattern[str], str, str], ...] = tuple(
    (code, re.compile(pattern, re.IGNORECASE), cause, step)
    for code, pattern, cause, step in (
        (
            "quota",
            r"insufficient.quota|usage.?limit|billing|credit balance|payment required|\b402\b",
            "The account's quota or credit is used up",
            "Look at the account with the model's provider, or choose another model.",
        ),
        (
            "rate_limited",
            r"\b429\b|rate.?limit|too many requests|resource.?exhausted",
            "The model's provider limits the rate of requests",
            "Wait a little and send the prompt again.",
        ),
        (
            "overloaded",
            r"\b(529|503|502|500)\b|overloaded|service unavailable|bad gateway|server_error",
            "The model's provider has trouble at the moment",
            "Send the prompt again in a while.",
        ),
        (
            "auth_required",
            r"auth(entication)?.?required|unauthori[sz]ed|\b401\b|\b403\b|invalid.{0,12}api.?key"
            r"|not logged in|log ?in (again|first)|credentials|authentication.?error",
            "The model's provider did not accept the credentials",
            "Log in with the agent program itself, then send the prompt again.",
        ),
        (
            "context_full",
            r"context.?(length|window|size)|too many tokens|prompt is too long|maximum context",
            "The conversation has become too long for the model",
            "Begin a new agent, or let the program shorten the conversation if it can.",
        ),
        (
            "network",
            r"ECONNREFUSED|ENOTFOUND|ECONNRESET|ETIMEDOUT|EAI_AGAIN|fetch failed|network error"
            r"|getaddrinfo|socket hang up|connection (error|refused|reset)|unable to connect",
            "The model's provider could not be reached",
            "Look at the network and proxy settings, then send the prompt again.",
        ),
    )
)
_NOISE = re.compile(r"^\s*(internal error|error|api error)\s*:\s*", re.IGNORECASE)
AUTH_REQUIRED = -32000


def explain(failure: RpcFailure, label: str, login_hint: str = "") -> Failure:
    """A reply's error in words. `label` names the program, `login_hint` how to log in to it."""
    message = message_of(failure)
    if failure.code == AUTH_REQUIRED and not message:
        message = "authentication required"
    haystack = f"{failure.code} {message}" if 400 <= failure.code < 600 else message
    for code, pattern, cause, step in _KINDS:
        if pattern.search(haystack) or (code == "auth_required" and failure.code == AUTH_REQUIRED):
            if code == "auth_required" and login_hint:
                step = login_hint
            return Failure(code, f"{cause}: {message}", step)
    return Failure("provider_error", f"{label} reported an error: {message}")


def message_of(failure: RpcFailure) -> str:
    """The most telling text in an error, clean, on one line, without wrappers."""
    parts = [_unwrap(failure.message)]
    detail = _detail(failure.data)
    if detail and detail not in parts[0]:
        parts.append(detail)
    text = ": ".join(part for part in parts if part and part.lower() != "internal error")
    return sanitise_line(text or failure.message or f"error {failure.code}")


def _unwrap(text: str) -> str:
    """The inner message of `Internal error: …` and of JSON texts."""
    while (shorter := _NOISE.sub("", text, count=1)) != text:
        text = shorter
    stripped = text.strip()
    if stripped.startswith("{"):
        try:
            return _detail(msgspec.json.decode(stripped)) or text
        except msgspec.DecodeError:
            return text
    return stripped


def _detail(data: Any) -> str:
    if isinstance(data, str):
        return data
    if not isinstance(data, dict):
        return ""
    for key in ("details", "message", "error", "detail", "description"):
        found = _detail(data.get(key))
        if found:
            return found
    return ""


def by_hand(label: str, command: Sequence[str]) -> str:
    """The next step for a program that does not get ready: its command line, to be tried."""
    if not command:
        return f"Run {label} by itself in a terminal to see what it lacks."
    return f"Run it by hand in a terminal to see what it lacks: {shlex.join(command)}"


def describe_exit(label: str, code: int | None, signal: int | None, stderr_tail: str) -> str:
    """How a program ended, with its last words."""
    if signal is not None:
        how = f"{label} was ended by signal {_signal_name(signal)}"
    elif code is None:
        how = f"{label} is gone; how it ended is not known"
    elif code == 0:
        how = f"{label} ended by itself (exit code 0)"
    else:
        how = f"{label} ended with exit code {code}"
    lines = [line.strip() for line in sanitise(stderr_tail).splitlines() if line.strip()]
    if not lines:
        return how + "."
    return f"{how}. Its last words: {sanitise_line(' / '.join(lines[-3:]), 400)}"


def _signal_name(number: int) -> str:
    try:
        return f"{number} ({signals.Signals(number).name.removeprefix('SIG')})"
    except ValueError:  # one that this system does not know
        return str(number)
