"""What a new agent can be made of: pure functions from provider entries to choices and words.

Shared by the new-agent screen and the first run.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from sereno.core.protocol.agents import ProviderEntry
from sereno.core.protocol.values import given
from sereno.core.security.sanitise import sanitise_line
from sereno.tui.agent_state import is_dangerous
from sereno.tui.lines import Line, beside, wrap
from sereno.tui.model import ASKING
from sereno.tui.widgets.choice import Option
from sereno.tui.words import count, cut, one_line

__all__ = [
    "Draft",
    "command_line",
    "danger_of",
    "first_ready",
    "found_lines",
    "how_to_install",
    "images_words",
    "mode_options",
    "model_options",
    "provider_options",
    "signed_out",
    "state_of",
    "thinking_options",
]

DEFAULT = "default"


@dataclass
class Draft:
    """What was filled in and not started yet; it outlives the screen."""

    provider: str = ""
    model: str = ""
    thinking: str = ""
    mode: str = ""
    folder: str = ""
    task: str = ""


def enabled(entries: Sequence[ProviderEntry]) -> list[ProviderEntry]:
    return [entry for entry in entries if given(entry.enabled, True)]


def find(entries: Sequence[ProviderEntry], name: str) -> ProviderEntry | None:
    return next((entry for entry in entries if entry.provider == name), None)


def first_ready(entries: Sequence[ProviderEntry]) -> str:
    """The provider to offer first: one that is there; the demo agent only when none is."""
    ready = [entry for entry in enabled(entries) if entry.status == "ready"]
    real = [entry for entry in ready if entry.provider != "demo"]
    signed_in = [entry for entry in real if not signed_out(entry)]
    chosen = (signed_in or real or ready or enabled(entries))[:1]
    return chosen[0].provider if chosen else ""


def signed_out(entry: ProviderEntry) -> bool:
    """Whether its own status command says that nobody is signed in."""
    sign_in = given(entry.sign_in, None)
    return sign_in is not None and sign_in.state == "no"


def state_of(entry: ProviderEntry) -> tuple[str, str]:
    """Its availability in words, and their style."""
    version = one_line(given(entry.version, ""))
    match entry.status:
        case "ready" if signed_out(entry):
            return f"{version}  not signed in".strip(), "asks"
        case "ready":
            return (f"{version}  ready" if version else "ready"), "done"
        case "loading":
            return "looking ...", "dim"
        case "error":
            return one_line(given(entry.error, "failed")), "failed"
        case _:
            return one_line(given(entry.error, "") or "not found"), "dim"


def provider_options(entries: Sequence[ProviderEntry]) -> list[Option]:
    options = []
    for entry in sorted(enabled(entries), key=lambda entry: entry.status == "unavailable"):
        words, style = state_of(entry)
        if entry.status == "unavailable":
            words = "not found"
        options.append(Option(entry.provider, given(entry.label, entry.provider), words, style))
    return options


def model_options(entry: ProviderEntry | None, asked: str = "") -> list[Option]:
    """The models; `asked`: ASKING while the program is asked, or why it could not tell."""
    note, style = "what the agent itself chooses", "dim"
    if entry is not None and asked:
        label = one_line(given(entry.label, entry.provider))
        asking = asked == ASKING
        note = f"asking {label} for its models ..." if asking else one_line(asked)
        style = "dim" if asking else "failed"
    options = [Option("", DEFAULT, note, style)]
    if entry is not None:
        for model in given(entry.models, []):
            note = one_line(given(model.description, ""))
            options.append(Option(model.id, one_line(model.label), note))
    return options


def thinking_options(entry: ProviderEntry | None, model_id: str) -> list[Option]:
    """How much the chosen model can think; none where it cannot be told how much."""
    models = [] if entry is None else given(entry.models, [])
    chosen = [model for model in models if model.id == model_id]
    own = [model for model in models if given(model.is_default, False)]
    levels = [each for model in (chosen or own)[:1] for each in given(model.thinking_options, [])]
    if not levels:
        return []
    return [
        Option("", DEFAULT, "as much as the model itself chooses"),
        *(
            Option(each.id, one_line(each.label), one_line(given(each.description, "")))
            for each in levels
        ),
    ]


def mode_options(entry: ProviderEntry | None) -> list[Option]:
    """The modes; the provider's default one first chosen. A dangerous one says so."""
    if entry is None or not given(entry.modes, []):
        return [Option("", DEFAULT, "")]
    options = []
    for mode in given(entry.modes, []):
        note = one_line(given(mode.description, ""))
        if is_dangerous(mode):
            note = f"dangerous! {note}".rstrip()
        style = "failed" if is_dangerous(mode) else "dim"
        options.append(Option(mode.id, one_line(mode.label), note, style))
    return options


def danger_of(entry: ProviderEntry | None, mode_id: str) -> str:
    """What must be said before an agent begins in this mode; empty where nothing must."""
    for mode in [] if entry is None else given(entry.modes, []):
        if mode.id == mode_id and is_dangerous(mode):
            return f'In "{one_line(mode.label)}" nothing is asked before it happens.'
    return ""


def images_words(names: Sequence[str]) -> str:
    """Which images go with the task; empty where none does."""
    if not names:
        return ""
    goes = "goes" if len(names) == 1 else "go"
    return f"{count(len(names), 'image')} {goes} with it: {sanitise_line(', '.join(names), 200)}"


def default_mode(entry: ProviderEntry | None) -> str:
    return "" if entry is None else given(entry.default_mode_id, None) or ""


def command_line(entry: ProviderEntry | None) -> str:
    """The exact command, as a shell would take it; empty where the daemon did not say."""
    return "" if entry is None else shlex.join(given(entry.command, []))


def found_lines(entries: Sequence[ProviderEntry], width: int) -> list[Line]:
    """The agents of this machine: those that are ready a line each, then the names of the rest."""
    lines: list[Line] = []
    absent: list[str] = []
    for entry in enabled(entries):
        label = one_line(given(entry.label, entry.provider))
        if entry.status == "unavailable":
            absent.append(label)
            continue
        words, style = state_of(entry)
        cells: list[tuple[Line, int]] = [
            (((cut(label, 14), "strong"),), 15),
            (((words, style),), max(1, width - 15)),
        ]
        lines.append(beside(cells))
    if absent:
        names = ", ".join(absent)
        told = wrap(f"not found: {names}; choose one to see how to install it", width)
        lines += [((words, "faint"),) for words in told]
    return lines


def how_to_install(entry: ProviderEntry | None) -> str:
    """What is wrong with a provider that is not ready, and the way out, in full; else empty."""
    if entry is None or entry.status == "loading":
        return ""
    if entry.status == "ready":
        sign_in = given(entry.sign_in, None)
        if sign_in is None or not signed_out(entry):
            return ""
        return f"Not signed in. {one_line(given(sign_in.hint, ''))}".strip()
    words = one_line(given(entry.error, "") or "It was not found").rstrip(".")
    hint = one_line(given(entry.install_hint, ""))
    if not hint:
        return f"{words}."
    return f"{words}. {hint}" if hint.startswith("See") else f"{words}. Install it: {hint}"
