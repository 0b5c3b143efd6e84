"""Errors of Codex in words that a person understands: cause, next step, code, time of reset.

Codex names the kind in `codexErrorInfo`, a word or an object with an HTTP status; where it does
not, the text decides (common/failures.py). Pure; the time of reset is UTC, because nothing here
knows where the person is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sereno.core.providers.codex.state import Limit
from sereno.core.providers.codex.values import as_dict, as_int, as_text
from sereno.core.providers.common.failures import Failure, explain, message_of
from sereno.core.providers.jsonrpc import RpcFailure

__all__ = [
    "Failure",
    "explain_reply",
    "explain_turn",
    "reset_words",
    "status_of",
    "words_of",
]

LOGIN = "Run `codex login` in a terminal, then send the prompt again."
FULL_AT = 99.5
"""Per cent of a limit from which it counts as reached."""

_CAUSES: dict[str, tuple[str, str, str]] = {
    "usageLimitExceeded": (
        "quota",
        "The account's usage limit is reached",
        "Wait for the reset, or choose another account with `codex login`.",
    ),
    "sessionBudgetExceeded": (
        "quota",
        "The budget of this session is used up",
        "Begin a new agent.",
    ),
    "rateLimitExceeded": (
        "rate_limited",
        "The model's provider limits the rate of requests",
        "Wait a little and send the prompt again.",
    ),
    "serverOverloaded": (
        "overloaded",
        "The model's provider has trouble at the moment",
        "Send the prompt again in a while.",
    ),
    "contextWindowExceeded": (
        "context_full",
        "The conversation has become too long for the model",
        "Send /compact to shorten it, or begin a new agent.",
    ),
    "modelNotFound": (
        "provider_error",
        "The model's provider does not know this model",
        "Choose another model.",
    ),
    "unauthorized": (
        "auth_required",
        "The model's provider did not accept the credentials",
        LOGIN,
    ),
    "cyberPolicy": ("refused", "The model refused to go on with this", "Ask in another way."),
    "tooManyDenials": (
        "refused",
        "Codex gave up after too many denials",
        "Tell it how to go on, or choose another mode.",
    ),
}
_SAME = {
    "flexUnavailable": "serverOverloaded",
    "policyCapacityUnavailable": "serverOverloaded",
    "internalServerError": "serverOverloaded",
    "misalignmentPolicyViolation": "cyberPolicy",
}
_UNREACHED = frozenset(
    {"httpConnectionFailed", "responseStreamConnectionFailed", "responseStreamDisconnected"}
)


def explain_turn(error: Any, label: str, login: str, limits: Sequence[Limit]) -> Failure:
    """The `error` of a failed turn. `login`: how to log in, `limits`: what is known of them."""
    told = as_dict(error)
    words = words_of(told)
    kind, status = _kind(told.get("codexErrorInfo"))
    cause = _CAUSES.get(_SAME.get(kind, kind))
    if cause is None and status:
        cause = _by_status(status)
    if cause is None:
        found = explain(RpcFailure(0, words), label, login)
        if found.code == "provider_error" and kind in _UNREACHED:
            step = "Look at the network and proxy settings, then send the prompt again."
            return Failure("network", f"The model's provider could not be reached: {words}", step)
        return found
    code, text, step = cause
    if code == "auth_required":
        step = login or step
    if code in ("quota", "rate_limited"):
        text += reset_words(limits)
    return Failure(code, f"{text}: {words}" if words else text, step)


def explain_reply(failure: RpcFailure, label: str, login: str) -> Failure:
    """The error of a reply to a request of ours."""
    if "already has an active writer" in failure.message:
        return Failure(
            "start_failed",
            f"Another {label} has this conversation open, and only one may write to it at a time",
            f"Close the other {label} (a terminal, an editor), then send a prompt to try again.",
        )
    return explain(failure, label, login)


def words_of(error: dict[str, Any]) -> str:
    """What an error object says, without wrappers, on one line."""
    message = as_text(error.get("message"))
    details = error.get("additionalDetails")
    return message_of(RpcFailure(0, message or "no reason was given", details))


def status_of(error: dict[str, Any]) -> int:
    """The HTTP status in an error object, or 0."""
    return _kind(error.get("codexErrorInfo"))[1]


def reset_words(limits: Sequence[Limit]) -> str:
    """` (it resets at …)` for the limit that is reached, or nothing."""
    reached = [limit for limit in limits if limit.used >= FULL_AT and limit.resets_at > 0]
    if not reached:
        return ""
    try:
        at = datetime.fromtimestamp(max(limit.resets_at for limit in reached), UTC)
    except (OverflowError, OSError, ValueError):
        return ""
    return f" (it resets at {at:%Y-%m-%d %H:%M} UTC)"


def _kind(info: Any) -> tuple[str, int]:
    """The name of the kind, and the HTTP status that came with it or 0."""
    if isinstance(info, str):
        return info, 0
    for name, inner in as_dict(info).items():
        return name, as_int(as_dict(inner).get("httpStatusCode")) or 0
    return "", 0


def _by_status(status: int) -> tuple[str, str, str] | None:
    match status:
        case 401 | 403:
            return _CAUSES["unauthorized"]
        case 402:
            return _CAUSES["usageLimitExceeded"]
        case 429:
            return _CAUSES["rateLimitExceeded"]
        case _ if status >= 500:
            return _CAUSES["serverOverloaded"]
        case _:
            return None
