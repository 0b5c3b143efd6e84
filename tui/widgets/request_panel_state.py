"""The request panel as a state machine: what is asked now, and what a key does to it. Pure.

Inputs are method calls with the time in seconds; outputs are lists of effects that the widget
carries out. Rules 3 to 5 of the design and T43, T44 live here and in request_panel_gate.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sereno.core.protocol.permissions import (
    Allow,
    Deny,
    PermissionAction,
    PermissionRequest,
    PermissionResponse,
)
from sereno.core.protocol.values import UNSET, given
from sereno.tui.denial import takes_words
from sereno.tui.widgets.request_panel_effects import (
    SCROLLS,
    AskWords,
    Effect,
    Focus,
    Page,
    Purpose,
    Send,
)
from sereno.tui.widgets.request_panel_gate import BURST_S, KeyGate, Verdict
from sereno.tui.widgets.request_panel_phase import END_FIRST, LISTENING, REMARKS, Phase
from sereno.tui.widgets.request_panel_questions import Answering, questions_of
from sereno.tui.widgets.request_panel_text import Answers, answers_of, editable, id_of

__all__ = ["Desk", "Phase"]


class Desk:
    """All open requests of one agent; one is looked at, the others wait behind it."""

    def __init__(self) -> None:
        self.phase = Phase.EMPTY
        self.gate = KeyGate()
        self.queue: tuple[PermissionRequest, ...] = ()
        self.current: PermissionRequest | None = None
        self.answers = Answers(plain=True)
        self.options: tuple[PermissionAction, ...] = ()
        """What CHOOSING offers."""
        self.option: PermissionAction | None = None
        """What CONFIRMING would send."""
        self.asking: Answering | None = None
        """What was answered so far, in ANSWERING."""
        self.writing: Purpose = "deny"
        """What WRITING is for."""
        self.end_seen = False
        self.remark = ""
        """Why the last key did nothing, or what became of an answer."""
        self._put_off: set[str] = set()
        self._left: set[str] = set()
        self._armed: tuple[str, float] | None = None

    # -- requests come and go ------------------------------------------------------------------

    def update(self, now: float, requests: Sequence[PermissionRequest]) -> list[Effect]:
        """The open requests, oldest first. One that is looked at stays; others queue behind."""
        self.queue = tuple(requests)
        ids = {request.id for request in requests}
        self._put_off &= ids
        self._left &= ids
        current = self.current
        if current is not None and current.id in ids:
            mine = next(request for request in requests if request.id == current.id)
            if mine != current:
                self._look_at(now, mine)
                self.remark = "The request has changed: read it again."
            elif self.phase is Phase.PUT_OFF:
                return self._next(now, keyboard=False)
            return []
        held = self.phase in (*LISTENING, Phase.SENT)
        writing = self.phase is Phase.WRITING
        # Who writes words is typing: the next request does not get those keys.
        effects = self._next(now, keyboard=held)
        if writing and self.phase is Phase.SHOWN:
            effects.append(Focus("composer"))
        if (held or writing) and self.phase in (Phase.EMPTY, Phase.PUT_OFF):
            effects.append(Focus("composer"))
        return effects

    def _next(self, now: float, *, keyboard: bool) -> list[Effect]:
        waiting = [request for request in self.queue if request.id not in self._put_off]
        if not waiting:
            self._rest()
            return []
        if self.current is not None and self.current.id == waiting[0].id:
            return []
        self._look_at(now, waiting[0])
        if keyboard:
            self.phase = Phase.ASKING
            return [Focus("panel")]
        return []

    def _look_at(self, now: float, request: PermissionRequest) -> None:
        same = self.current is not None and self.current.id == request.id
        keyboard = same and self.phase not in (Phase.SHOWN, Phase.PUT_OFF, Phase.EMPTY)
        self.current = request
        self.answers = answers_of(request)
        self.phase = Phase.ASKING if keyboard else Phase.SHOWN
        self.end_seen = False
        self.remark = ""
        self.option, self.options, self.asking, self._armed = None, (), None, None
        self.gate.restart(now)

    def _rest(self) -> None:
        """Nothing to decide now: no request, or all put off."""
        self._armed = None
        self.phase = Phase.PUT_OFF if self.queue else Phase.EMPTY
        self.current = self.queue[0] if self.queue else None

    @property
    def place(self) -> tuple[int, int]:
        """`request 1 of 2`."""
        ids = [request.id for request in self.queue]
        number = ids.index(self.current.id) + 1 if self.current and self.current.id in ids else 0
        return number, len(ids)

    # -- the keyboard --------------------------------------------------------------------------

    def typed(self, now: float, key: str = "") -> None:
        """A key or a paste anywhere outside the panel."""
        self.gate.typed(now, key)

    def pasted(self, now: float) -> None:
        """A paste into the panel answers nothing and starts the dead time again."""
        self._armed = None
        self.gate.typed(now)
        self.gate.restart(now)
        self.remark = "Pasted text answers nothing."

    def may_take_keyboard(self, now: float, *, composer_empty: bool) -> bool:
        """Rule 3: nobody types, and the person did not leave this request before."""
        current = self.current
        return (
            self.phase is Phase.SHOWN
            and current is not None
            and current.id not in self._left
            and composer_empty
            and self.gate.is_quiet(now)
        )

    def take_keyboard(self, now: float) -> list[Effect]:
        """The panel gets the keyboard; its keys are dead for a moment. Wakes one put off."""
        if self.phase in (Phase.EMPTY, Phase.SENT, Phase.WRITING):
            return []
        if self.phase is Phase.PUT_OFF:
            self._put_off.clear()
            self.current = None
            self._next(now, keyboard=True)
        if self.phase is Phase.SHOWN:
            self.phase = Phase.ASKING if self.asking is None else Phase.ANSWERING
        self.gate.restart(now)
        return [Focus("panel")]

    def lost_keyboard(self) -> None:
        """The keyboard went elsewhere, by a click for instance."""
        self._armed = None
        if self.phase in LISTENING:
            self.phase = Phase.SHOWN
            if self.current is not None:
                self._left.add(self.current.id)

    def next_request(self, now: float) -> list[Effect]:
        """On to the request behind this one; this one stays open. Nothing where it is alone."""
        if len(self.queue) < 2 or self.phase is Phase.SENT:
            return []
        number, size = self.place
        self._look_at(now, self.queue[number % size])
        self.phase = Phase.ASKING
        return [Focus("panel")]

    # -- keys ----------------------------------------------------------------------------------

    @property
    def answering(self) -> Answering | None:
        """The questions, while the person is at them."""
        writing = self.phase is Phase.WRITING and self.writing == "answer"
        return self.asking if writing or self.phase is Phase.ANSWERING else None

    @property
    def may_allow(self) -> bool:
        """Whether `y` would allow it now."""
        return self.answers.can_allow and self.end_seen

    def key(self, now: float, key: str) -> list[Effect]:
        """A key while the panel has the keyboard. Answers come out of `tick`, a moment later."""
        self._armed = None
        verdict = self.gate.press(now, key)
        if self.phase is Phase.SENT or self.current is None:
            return []
        if key in SCROLLS and verdict is not Verdict.DEAD:
            return [SCROLLS[key]]
        if key in ("tab", "shift+tab"):
            return self._leave()
        if verdict is not Verdict.COUNTS:
            self.remark = REMARKS[verdict]
            return [SCROLLS[key]] if key in SCROLLS else []
        self.remark = ""
        if key not in self._keys():
            self.gate.restart(now)
            self.remark = "That key does nothing here. Typing? tab goes to the draft."
            return []
        self._armed = (key, now + BURST_S)
        return []

    def _keys(self) -> tuple[str, ...]:
        match self.phase:
            case Phase.ASKING:
                return ("y", "n", "s", "o", "r", "v", "e", "escape")
            case Phase.CHOOSING:
                return ("escape", *(str(number + 1) for number in range(len(self.options))))
            case Phase.CONFIRMING:
                return ("escape", "enter")
            case Phase.ANSWERING:
                return self.asking.keys if self.asking is not None else ()
            case _:
                return ()

    @property
    def wake_at(self) -> float | None:
        """When `tick` is due for a key that waits; None when none does."""
        return self._armed[1] if self._armed else None

    def tick(self, now: float) -> list[Effect]:
        """Carries out a key that no other key followed."""
        if self._armed is None or now < self._armed[1]:
            return []
        key, self._armed = self._armed[0], None
        match self.phase:
            case Phase.ASKING:
                return self._asking(now, key)
            case Phase.CHOOSING:
                return self._choosing(now, key)
            case Phase.CONFIRMING:
                return self._confirming(now, key)
            case Phase.ANSWERING:
                return self._answering(now, key)
            case _:
                return []

    def _asking(self, now: float, key: str) -> list[Effect]:
        match key:
            case "y":
                return self._allow(now)
            case "n":
                return self._send(self._denial())
            case "s":
                return self._choose(now, self.answers.standing, "to allow it for longer")
            case "o":
                return self._choose(now, self.answers.others, "any other answer")
            case "r" if self.current is not None and not takes_words(self.current):
                self.remark = "This agent is not told why: n, then say it in a prompt."
                return []
            case "r":
                self.phase, self.writing = Phase.WRITING, "deny"
                return [AskWords("deny")]
            case "e":
                return self._edit()
            case "v":
                return [Page()]
            case _:
                return self._put_off_now(now)

    def _allow(self, now: float) -> list[Effect]:
        if not self.answers.can_allow:
            self.remark = "The agent offers no way to allow this once."
            return []
        if not self.end_seen:
            self.remark = f"y works {END_FIRST}"
            return []
        questions = questions_of(self.current) if self.current is not None else ()
        if questions:
            self._ask(now, Answering.begin(questions))
            return []
        return self._send(Allow(selected_action_id=id_of(self.answers.allow)))

    def _ask(self, now: float, asking: Answering | None) -> None:
        """On to a question, to the end of all, or (None) back to the request."""
        self._back(now)
        if asking is not None:
            self.phase, self.asking = Phase.ANSWERING, asking

    def _answering(self, now: float, key: str) -> list[Effect]:
        asking = self.asking
        assert asking is not None
        question = asking.question
        if key == "escape":
            self._ask(now, asking.back())
        elif question is None:
            return self._allow_with({"answers": asking.answers()})
        elif key == "w":
            self.phase, self.writing = Phase.WRITING, "answer"
            return [AskWords("answer", secret=question.secret)]
        else:
            self._ask(now, asking.on() if key == "enter" else asking.pick(int(key) - 1))
        return []

    def _allow_with(self, changes: dict[str, Any]) -> list[Effect]:
        assert self.current is not None
        changed = {**given(self.current.input, {}), **changes}
        return self._send(Allow(id_of(self.answers.allow), updated_input=changed))

    def _denial(self, words: str = "") -> Deny:
        return Deny(selected_action_id=id_of(self.answers.deny), message=words or UNSET)

    def _choose(
        self, now: float, options: tuple[PermissionAction, ...], words: str
    ) -> list[Effect]:
        if not options:
            self.remark = f"The agent does not offer {words}."
        elif not self.end_seen and any(option.behavior == "allow" for option in options):
            self.remark = f"That works {END_FIRST}"
        elif len(options) == 1:
            self._confirm(now, options[0])
        else:
            self.phase, self.options = Phase.CHOOSING, options[:9]
            self.gate.restart(now)
        return []

    def _confirm(self, now: float, option: PermissionAction) -> None:
        self.phase, self.option = Phase.CONFIRMING, option
        self.gate.restart(now)

    def _choosing(self, now: float, key: str) -> list[Effect]:
        if key == "escape":
            self._back(now)
        else:
            self._confirm(now, self.options[int(key) - 1])
        return []

    def _confirming(self, now: float, key: str) -> list[Effect]:
        option = self.option
        if key == "escape" or option is None:
            self._back(now)
            return []
        if option.behavior == "allow":
            return self._send(Allow(selected_action_id=option.id))
        return self._send(Deny(selected_action_id=option.id))

    def _back(self, now: float) -> None:
        self.phase, self.option, self.options, self.asking = Phase.ASKING, None, (), None
        self.gate.restart(now)

    def _edit(self) -> list[Effect]:
        command = editable(self.current) if self.current is not None else None
        if command is None:
            self.remark = "This agent cannot take a changed command."
            return []
        self.phase, self.writing = Phase.WRITING, "edit"
        return [AskWords("edit", command)]

    def _put_off_now(self, now: float) -> list[Effect]:
        if self.current is not None:
            self._put_off.add(self.current.id)
        self.current = None
        return [*self._next(now, keyboard=False), Focus("composer")]

    def _leave(self) -> list[Effect]:
        self.lost_keyboard()
        return [Focus("composer")]

    # -- words ---------------------------------------------------------------------------------

    def words(self, now: float, purpose: Purpose, text: str | None) -> list[Effect]:
        """What was typed in the field; None: it was left with escape."""
        if self.phase is not Phase.WRITING:
            return []
        if purpose == "answer" and self.asking is not None:
            self._ask(now, self.asking.say(text.strip()) if text and text.strip() else self.asking)
            return [Focus("panel")]
        self._back(now)
        if text is None or not text.strip():
            return [Focus("panel")]
        if purpose == "deny":
            return self._send(self._denial(text.strip()))
        if not self.end_seen or self.current is None:
            return [Focus("panel")]
        return self._allow_with({"command": text})

    def _send(self, response: PermissionResponse) -> list[Effect]:
        assert self.current is not None
        self.phase = Phase.SENT
        self.remark = ""
        return [Send(self.current.id, response)]

    def failed(self, now: float, request_id: str, words: str) -> list[Effect]:
        """The daemon did not take the answer; the request is asked again where it still stands."""
        if self.current is None or self.current.id != request_id:
            return []
        self._ask(now, self.asking)
        self.remark = words
        return [Focus("panel")]
