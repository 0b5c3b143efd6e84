"""From the first frame to Ready: initialize, and the mode that was wished for.

A program that comes up in another mode than the person chose is set right first, and not used if
that fails, because it might not ask. A session that it does not know any more is said to be lost.
"""

from __future__ import annotations

from typing import Any

from sereno.core.protocol.agents import Capabilities
from sereno.core.protocol.timeline import ErrorItem
from sereno.core.providers.claude.arguments import BYPASS
from sereno.core.providers.claude.lines import Channel
from sereno.core.providers.claude.modes import CLAUDE_MODES, looser
from sereno.core.providers.claude.offers import read_commands, read_models, thinking_options
from sereno.core.providers.claude.state import Core
from sereno.core.providers.claude.values import text
from sereno.core.providers.common.core import FAILED, NEW, OPENING, READY
from sereno.core.providers.common.failures import by_hand
from sereno.core.providers.effects import Effect, Item, Ready, Send, SessionFailed
from sereno.core.security.sanitise import reveal, sanitise_line

__all__ = ["SETTING_MODE", "Opening"]

SETTING_MODE = "opening"
_LOST = "No conversation found"


class Opening:
    """The hand-shake of one run."""

    def __init__(self, core: Core, channel: Channel) -> None:
        self._core = core
        self._channel = channel

    def begin(self, resume: str | None) -> list[Effect]:
        state = self._core.state
        if state.phase != NEW:
            raise RuntimeError("start() was called before, in this run or before a restart")
        state.phase = OPENING
        state.session_id = resume or self._core.setup.session_id or ""
        state.resuming = bool(resume)
        self._core.touch()
        request = self._channel.request("initialize", hooks=None, forwardSubagentText=True)
        return [*self._left_out(), Send(request)]

    def _left_out(self) -> list[Effect]:
        """Once in an agent's life: what the folder has that the program does not get."""
        setup, state = self._core.setup, self._core.state
        if setup.trusted or not setup.left_out or (setup.run > 1 and state.resuming):
            return []
        names = ", ".join(sanitise_line(reveal(each), 200) for each in setup.left_out[:8])
        more = f" and {len(setup.left_out) - 8} more" if len(setup.left_out) > 8 else ""
        label, provider = self._core.identity.label, self._core.identity.provider
        words = (
            f"Left out, because you have not said that you trust this folder: {names}{more}. "
            f"They can make {label} run commands, use other servers and allow things without "
            "asking you. If you trust whoever wrote them, put the folder, or one above it, into "
            f"`trusted_folders` of [providers.{provider}] in config.toml and restart the daemon; "
            "it holds from the agent's next start."
        )
        return [Item(ErrorItem(message=words))]

    def initialized(self, answer: dict[str, Any], error: str) -> list[Effect]:
        """The answer to `initialize`."""
        if error:
            return self._failed("start_failed", f"could not begin a session: {error}")
        core, setup, state = self._core, self._core.setup, self._core.state
        state.version = sanitise_line(text(answer.get("claude_code_version")), 40)
        state.mode = text(answer.get("current_permission_mode")) or None
        state.model = setup.model or "default"
        state.thinking = setup.thinking
        state.offered = read_models(core, answer)
        state.commands = read_commands(answer.get("commands"))
        core.touch()
        wanted = setup.mode
        if wanted is None and state.mode == BYPASS:
            wanted = "default"  # its own settings say so, and nobody chose it for this agent
        if wanted is not None and wanted != state.mode:
            return [Send(self._channel.request("set_permission_mode", SETTING_MODE, mode=wanted))]
        return [self._ready()]

    def mode_set(self, answer: dict[str, Any], error: str) -> list[Effect]:
        """The answer to the wish for another mode, before anything else is done."""
        core, state = self._core, self._core.state
        wanted = core.setup.mode or "default"
        if error:
            words = f"refused the mode “{sanitise_line(wanted, 80)}”: {error}"
            return self._failed("mode_refused", words)
        taken = text(answer.get("mode")) or wanted
        if looser(taken, wanted):
            words = f"took the mode “{sanitise_line(taken, 80)}” instead of “{wanted}”"
            return self._failed("mode_refused", words)
        state.mode = sanitise_line(taken, 80)
        core.touch()
        return [self._ready()]

    def refused(self, result: dict[str, Any]) -> list[Effect]:
        """A result before anything was asked: the session cannot be opened."""
        errors = result.get("errors")
        said = (
            [each for each in errors if isinstance(each, str)] if isinstance(errors, list) else []
        )
        words = sanitise_line("; ".join(said) or text(result.get("result")))
        if self._core.state.resuming and _LOST in words:
            return self.lost()
        return self._failed("start_failed", f"could not open the session: {words or 'no reason'}")

    def lost(self) -> list[Effect]:
        """The program has no such conversation: it never got a prompt, or somebody deleted it."""
        core = self._core
        core.state.phase = FAILED
        core.touch()
        label = core.identity.label
        error = f"{label} has no earlier conversation of this agent: it is gone, or never began"
        told = ErrorItem(message=f"{error}. A new one begins, which knows nothing from before.")
        step = "Send a prompt: it begins a new conversation."
        return [Item(told), SessionFailed(error, "session_lost", step)]

    def _failed(self, code: str, words: str) -> list[Effect]:
        core = self._core
        core.state.phase = FAILED
        core.touch()
        label, command = core.identity.label, core.identity.command
        step = by_hand(label, command)
        if code == "mode_refused":
            step = "Start it with another mode, or without naming one."
        return [SessionFailed(f"{label} {words}", code, step)]

    def _ready(self) -> Ready:
        core, state = self._core, self._core.state
        ready = Ready(
            session_id=state.session_id,
            resumed=state.resuming,
            capabilities=Capabilities(
                supports_streaming=True,
                supports_session_persistence=True,
                supports_dynamic_modes=True,
                supports_mcp_servers=False,
                supports_reasoning_stream=True,
                supports_tool_invocations=True,
            ),
            modes=CLAUDE_MODES,
            mode_id=state.mode,
            models=state.offered,
            model_id=state.model,
            thinking_options=thinking_options(core, state.model),
            thinking_option_id=state.thinking,
            commands=state.commands,
            program="Claude Code",
            version=state.version,
            can_explain_denial=True,
        )
        state.phase, state.offered = READY, ()
        core.new_sum("commands", state.commands)
        state.commands = ()
        core.touch()
        return ready
