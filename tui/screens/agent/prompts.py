"""What the agent screen does with prompts: send, queue, take back, edit, restore.

A mixin of screen.py: the screen has the parts, this has the acts and what came of them.
"""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Literal

from textual import on

from sereno.core.protocol.additions import TakeBackPromptResult
from sereno.core.protocol.timeline import UserMessage
from sereno.tui.attachments import AttachError, image_paths, read_images
from sereno.tui.editor import EditorError, edit_text
from sereno.tui.lines import Line
from sereno.tui.messages import ActDone, ActFailed, Answer, SendPrompt, SetMode, TakeBack
from sereno.tui.model import AgentState
from sereno.tui.screens.agent import view
from sereno.tui.screens.base import SerenoScreen
from sereno.tui.widgets.composer import Composer
from sereno.tui.widgets.request_panel import RequestPanel
from sereno.tui.widgets.talk import Talk

__all__ = ["PromptActs"]


class PromptActs(SerenoScreen[None]):
    """Acts on prompts; `agent_id` is the screen's agent."""

    agent_id: str
    _taken: Literal["composer", "now"] = "composer"
    """Where a prompt goes that is being taken back."""
    _waking = ""
    """The prompt that brings the agent back from the archive, by its id."""
    _learned = -1
    _mode_wanted = ""
    """A mode that was asked for from here, and has not come yet."""
    _folder = "/"
    """Where the agent works; it stays known while the agent is archived."""

    @property
    def talk(self) -> Talk:
        return self.query_one("#talk", Talk)

    @property
    def panel(self) -> RequestPanel:
        return self.query_one("#request", RequestPanel)

    @property
    def composer(self) -> Composer:
        return self.query_one("#composer", Composer)

    @property
    def state(self) -> AgentState | None:
        return self.model.agents.get(self.agent_id)

    @property
    def away(self) -> str:
        """Why it is not in the fleet: "archived" or "deleted"; empty while it is."""
        return "" if self.state is not None else self.model.gone.get(self.agent_id, "archived")

    def say(self, words: Line) -> None:
        """One line of news under the composer."""
        raise NotImplementedError

    def words_changed(self) -> None:
        """Something changed that only words show."""
        raise NotImplementedError

    def learn_prompts(self, state: AgentState) -> None:
        """Earlier prompts for `up`, from the talk."""
        version = state.timeline.version
        if version != self._learned:
            self._learned = version
            blocks = state.timeline.blocks
            said = [block.text for block in blocks if isinstance(block.item, UserMessage)]
            self.composer.earlier.learn(said)

    async def find_files(self, query: str, limit: int) -> list[str]:
        """Paths in the agent's folder that match. Raises ActError."""
        state = self.state
        if state is None:
            return []
        return await self.sereno.link.find_files(state.snapshot.cwd, query, limit)

    def images_in(self, text: str) -> list[Path]:
        """The images that go with a text."""
        state = self.state
        if state is not None:
            self._folder = state.snapshot.cwd
        return image_paths(text, self._folder, self.sereno.home)

    @on(Composer.Submitted)
    async def _submitted(self, event: Composer.Submitted) -> None:
        event.stop()
        await self._send(event.text, event.delivery)
        self.talk.action_newest()

    async def _send(self, text: str, delivery: Literal["queue", "interrupt"]) -> None:
        """With its images. Prompts stay in order: this handler is awaited before the next."""
        if self.away == "deleted":
            self.composer.put(text)
            self.say((("Not sent: this agent was deleted. The text stays here.", "failed"),))
            return
        paths = self.images_in(text)
        try:
            images = await asyncio.to_thread(read_images, paths) if paths else ()
        except AttachError as error:
            if not self.composer.text.strip():
                self.composer.put(text)
            self.say(((str(error), "failed"),))
            return
        self.sereno.drafts.pop(self.agent_id, None)
        message_id = str(uuid.uuid4())
        self._waking = message_id if self.away else ""
        self.post_message(SendPrompt(self.agent_id, text, message_id, delivery, images))

    @on(Composer.Changed)
    def _changed(self) -> None:
        text = self.composer.text
        if text:
            self.sereno.drafts[self.agent_id] = text
        else:
            self.sereno.drafts.pop(self.agent_id, None)
        self.words_changed()

    @on(Composer.TakeBackWanted)
    def action_take_back(self) -> None:
        state = self.state
        if state is not None and state.queued:
            self._taken = "composer"
            self.post_message(TakeBack(self.agent_id, state.queued[-1].id))

    def action_send_now(self) -> None:
        """What is typed, else the oldest queued prompt, now: the running turn is stopped."""
        state = self.state
        if self.composer.text.strip():
            self.composer.send("interrupt")
        elif state is not None and state.queued:
            self._taken = "now"
            self.post_message(TakeBack(self.agent_id, state.queued[0].id))

    @on(Composer.Blank)
    def _send_held(self) -> None:
        """Sending the oldest lets the others go on after it."""
        state = self.state
        if state is not None and state.holds:
            self.action_send_now()

    def action_edit_text(self) -> None:
        try:
            text = edit_text(self.app, self.composer.text)
        except EditorError as error:
            self.say(((str(error), "failed"),))
            return
        self.composer.put(text)
        self.composer.focus()

    @on(Composer.Left)
    def _to_view(self) -> None:
        self.talk.focus()

    async def on_act_done(self, event: ActDone) -> None:
        match event.act, event.reply:
            case SetMode(mode_id=mode_id), _:
                self._mode_asked(mode_id)
            case SendPrompt(message_id=name), _ if name and name == self._waking:
                self._waking = ""
                self.say((("Brought back from the archive, and sent.", "dim"),))
            case TakeBack(), TakeBackPromptResult(text=str() as text):
                await self._took_back(text)
            case TakeBack(), TakeBackPromptResult():
                self.say((("It has been sent already.", "dim"),))
            case _:
                pass

    def _mode_asked(self, mode_id: str) -> None:
        """The daemon passed it on; whether the program takes it shows a moment later."""
        self._mode_wanted = mode_id
        self.mode_came()
        if self._mode_wanted:
            self.set_timer(self.sereno.times.mode, lambda: self._mode_late(mode_id))

    def mode_came(self) -> None:
        """Says the mode that was asked for, once the agent is in it."""
        state, wanted = self.state, self._mode_wanted
        if wanted and state is not None and state.snapshot.current_mode_id == wanted:
            self._mode_wanted = ""
            self.say(view.mode_words(state))

    def _mode_late(self, mode_id: str) -> None:
        state = self.state
        if self._mode_wanted == mode_id and state is not None:
            self._mode_wanted = ""
            self.say(view.mode_not_taken(state, mode_id))

    async def _took_back(self, text: str) -> None:
        if self._taken == "now":
            await self._send(text, "interrupt")
            return
        mine = self.composer.text
        self.composer.put(f"{text}\n{mine}" if mine.strip() else text)
        self.composer.focus()

    def on_act_failed(self, event: ActFailed) -> None:
        match event.act:
            case SendPrompt(text=text):
                if not self.composer.text.strip():
                    self.composer.put(text)
            case Answer(request_id=request_id):
                self.panel.answer_failed(request_id, event.words)
            case _:
                pass
        self.say(((event.words, "failed"),))
