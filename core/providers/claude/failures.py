"""Failures of Claude Code in words that a person understands: cause, next step, code.

By the kind that the program gives to an error, else by its words (common/failures.py). Times of
reset are said in UTC, because a driver knows no clock and no place. Pure.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from sereno.core.providers.claude.state import Core, Limit
from sereno.core.providers.claude.values import number, text
from sereno.core.providers.common.failures import Failure, explain, message_of
from sereno.core.providers.jsonrpc import RpcFailure

__all__ = ["Failure", "failure_of", "limit_name", "reset_words"]

_KINDS: dict[str, tuple[str, str, str]] = {
    "authentication_failed": (
        "auth_required",
        "The model's provider did not accept the credentials",
        "",
    ),
    "oauth_org_not_allowed": (
        "auth_required",
        "This account's organisation does not allow Claude Code",
        "Log in with another account, or ask the administrator.",
    ),
    "cloud_credential_error": (
        "auth_required",
        "The credentials of the cloud provider do not work",
        "Renew them as you do for that provider, then send the prompt again.",
    ),
    "account_on_hold": ("quota", "The account is on hold", "Look at the account's page."),
    "verification_required": (
        "auth_required",
        "The account must be verified first",
        "Run `claude` in a terminal and follow what it says.",
    ),
    "billing_error": (
        "quota",
        "The account's credit is used up, or its payment failed",
        "Look at the account's billing page, or choose another model.",
    ),
    "rate_limit": (
        "rate_limited",
        "The account's limit is reached, or requests come too fast",
        "Wait a little and send the prompt again.",
    ),
    "overloaded": (
        "overloaded",
        "The model's provider is overloaded",
        "Send the prompt again in a while.",
    ),
    "server_error": (
        "overloaded",
        "The model's provider has trouble at the moment",
        "Send the prompt again in a while.",
    ),
    "model_not_found": (
        "provider_error",
        "The model is not known, or this account may not use it",
        "Choose another model.",
    ),
    "max_output_tokens": (
        "max_tokens",
        "The model's answer was cut off: it reached its limit of tokens",
        "Ask it to go on, or ask for less at once.",
    ),
}
_LIMITS = {
    "five_hour": "the five-hour limit",
    "seven_day": "the weekly limit",
    "seven_day_opus": "the weekly limit for Opus",
    "seven_day_sonnet": "the weekly limit for Sonnet",
    "seven_day_overage_included": "the weekly limit with extra usage",
    "overage": "the limit of extra usage",
}
_RESET = re.compile(r"\|(\d{10})\b")
_STATUS = {
    401: "authentication_failed",
    402: "billing_error",
    403: "authentication_failed",
    429: "rate_limit",
    500: "server_error",
    502: "server_error",
    503: "server_error",
    529: "overloaded",
}
_SUBTYPES = {
    "error_max_turns": Failure(
        "max_tokens", "The program stopped: it reached its limit of steps", "Ask it to go on."
    ),
    "error_max_budget_usd": Failure(
        "quota",
        "The program stopped: the budget for this session is used up",
        "Raise the budget in the program's own settings, or begin a new agent.",
    ),
}


def failure_of(core: Core, result: dict[str, Any]) -> Failure:
    """Why a turn failed, from its result."""
    fixed = _SUBTYPES.get(text(result.get("subtype")))
    if fixed is not None:
        return fixed
    label, hint = core.identity.label, core.identity.login_hint
    errors = result.get("errors")
    said = [each for each in errors if isinstance(each, str)] if isinstance(errors, list) else []
    told = text(result.get("result")) or "; ".join(said)
    words = message_of(RpcFailure(0, told)) if told else ""
    status = number(result.get("api_error_status"))
    if result.get("stop_reason") == "refusal" or result.get("terminal_reason") == "refusal":
        why = f": {words}" if words else ""
        return Failure("refused", f"The model refused to go on with this{why}", "Ask otherwise.")
    kind = core.state.error_kind
    if kind not in _KINDS:
        kind = _STATUS.get(int(status), "") if status is not None else ""
    if kind not in _KINDS:
        number_or_none = int(status) if status is not None else 0
        return explain(RpcFailure(number_or_none, words or "no reason was given"), label, hint)
    code, cause, step = _KINDS[kind]
    if "not logged in" in words.lower():
        cause = f"{label} is not signed in"
    if code == "auth_required" and not step:
        step = hint or "Log in with the program itself, then send the prompt again."
        if "not logged in" not in words.lower():
            step += " If you gave it a key of your own, correct ANTHROPIC_API_KEY."
    limit = _limit_of(core, words) if code == "rate_limited" else None
    if limit is not None:
        cause = f"You have reached {limit_name(limit)}"
        if limit.resets_at:
            step = f"It resets at {reset_words(limit.resets_at)}; send the prompt again then."
        words = _RESET.sub("", words)
    return Failure(code, f"{cause}: {words}" if words else cause, step)


def _limit_of(core: Core, words: str) -> Limit | None:
    """The limit that was reached: said by an event, or (older releases) behind a bar in words."""
    found = _RESET.search(words)
    if found is not None:
        return Limit("rejected", "", int(found.group(1)))
    limit = core.state.limit
    return limit if limit is not None and limit.status == "rejected" else None


def limit_name(limit: Limit) -> str:
    return _LIMITS.get(limit.kind, "the account's limit")


def reset_words(seconds: int) -> str:
    """A moment, to the minute. `seconds` since 1970."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return "a time that it did not say"
    return f"{moment:%Y-%m-%d %H:%M} UTC"
