"""Asking the daemon about pairing, and waiting on a terminal for whoever comes by an offer.

The person is asked under the prompt, without a screen of its own (tui-design rule 11). Leaving with
ctrl+c closes the offer.
"""

from __future__ import annotations

import select
import sys
import termios
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import ClientError, ConnectionLost
from sereno.core.protocol.pairing import (
    AnswerQuestion,
    AnswerQuestionResult,
    CloseOffer,
    Device,
    Offer,
    PairingState,
    Question,
    ReadPairing,
    ReadPairingResult,
)
from sereno.core.protocol.values import UNSET, Wire
from sereno.tui import pairing_words as words
from sereno.tui.cli import exits
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import SHORT, connect
from sereno.tui.cli.output import note, say

READ_S = 40.0
"""The daemon answers after 25 s where nothing changed."""
LOOK_S = 1.0
"""While the person is asked: between two looks whether the question still stands."""
_YES = ("y", "yes")
Reply = TypeVar("Reply", bound=Wire)


def asked(client: SyncClient, request: Wire, kind: type[Reply], timeout_s: float = 30.0) -> Reply:
    """The answer of that kind. Raises CliError where the daemon says no in it."""
    reply = client.request(request, timeout_s=timeout_s)
    assert isinstance(reply, kind)
    error = getattr(reply, "error", None)
    if error is not None:
        code = getattr(reply, "code", None) or "refused"
        raise CliError(code, error, getattr(reply, "next_step", None) or "", exits.FAILED)
    return reply


def state_of(client: SyncClient, after: int | None = None) -> PairingState:
    """As it is; with `after`, once it is newer, or after a while."""
    request = ReadPairing(request_id="", after=UNSET if after is None else after)
    return asked(client, request, ReadPairingResult, READ_S).state


def clock(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M")


def found(devices: Sequence[Device], identifier: str) -> Device:
    """The device that an id, an unambiguous beginning of one, or a name means. Raises CliError."""
    wanted = identifier.strip()
    by_id = [device for device in devices if wanted and device.id.startswith(wanted)]
    fitting = by_id or [device for device in devices if device.name == wanted]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(f"{one.id[:SHORT]} ({words.device_name(one)})" for one in fitting[:8])
        raise CliError(
            "ambiguous_device",
            f"{words.told(identifier)} could be {len(fitting)} devices: {names}",
            "Give more characters of the id",
            exits.NOT_FOUND,
        )
    raise CliError(
        "unknown_device",
        f"no device {words.told(identifier)} is paired",
        "`sereno device ls` lists them",
        exits.NOT_FOUND,
    )


class Waiting:
    """At a terminal, until the offer is used, dead, or left."""

    def __init__(self, client: SyncClient, offer: Offer, rights: str) -> None:
        self._client = client
        self._id = offer.id
        self._rights = rights

    def run(self, shown: Callable[[], Iterable[str]]) -> int:
        """Says what is shown of the offer, waits; the exit code. ctrl+c closes the offer, from the
        first line on, and goes on as KeyboardInterrupt."""
        try:
            say(*shown())
            return self._wait()
        except KeyboardInterrupt:
            self._close()
            raise

    def _wait(self) -> int:
        state = state_of(self._client)
        while True:
            question = _of(state, self._id)
            if question is not None:
                code = self._ask(question)
                if code is not None:
                    return code
            over = self._over(state)
            if over is not None:
                return over
            state = self._next(state.revision)

    def _next(self, revision: int) -> PairingState:
        """What is newer; a daemon that changes hands is called again."""
        try:
            return state_of(self._client, revision)
        except ConnectionLost:
            self._client.close()
            self._client = connect()
            return state_of(self._client)

    def _over(self, state: PairingState) -> int | None:
        """What the end of the offer means; None while it may be used."""
        offer = next((each for each in state.offers if each.id == self._id), None)
        if offer is not None and offer.device_id is None and offer.ended is None:
            return None
        if offer is not None and offer.device_id is not None:
            device = next((each for each in state.devices if each.id == offer.device_id), None)
            say(_paired(device) if device is not None else "Somebody was let in by it.")
            return exits.OK
        why = words.ended(offer) if offer is not None else "It is over."
        note(f"Nobody was let in. {why}")
        late = offer is not None and offer.ended == "expired"
        return exits.TIMEOUT if late else exits.FAILED

    def _ask(self, question: Question) -> int | None:
        """The exit code after the answer; None where the question went away."""
        note(*question_lines(question, self._rights))
        allow = self._answer(question)
        if allow is None:
            return None
        request = AnswerQuestion(request_id="", question_id=question.id, allow=allow)
        reply = asked(self._client, request, AnswerQuestionResult)
        if not allow:
            note(f"Nobody was let in. {words.ENDED['refused']}")
            return exits.FAILED
        assert reply.device is not None
        say(_paired(reply.device))
        return exits.OK

    def _answer(self, question: Question) -> bool | None:
        """What was typed and ended with enter; None where the question is gone, or is another one.
        What was typed before it was asked answers nothing."""
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
        sys.stderr.write(f"{words.kind_of(question.kind)} ({words.who(question)}) wants in: "
                         "let it in? y/N ")  # fmt: skip
        sys.stderr.flush()
        while not select.select([sys.stdin], [], [], LOOK_S)[0]:
            now = _of(state_of(self._client), self._id)
            if now is None or now.words != question.words:
                note("" if now is None else "\nIt was cut off and came again: other words count.")
                return None
        return sys.stdin.readline().strip().casefold() in _YES

    def _close(self) -> None:
        """By a connection of its own: the old one may wait in the middle of an answer."""
        try:
            with connect() as client:
                client.request(CloseOffer(request_id="", offer_id=self._id))
        except ClientError as error:
            note(f"\nThe offer could not be closed ({error.message}); it expires by itself.")
        else:
            note("\nThe offer is closed; nobody was let in.")


def question_lines(question: Question, rights: str) -> list[str]:
    """What is to be known before the answer."""
    lines = [""]
    if question.words:
        lines.append(f"Compare with the other side: {'   '.join(map(words.told, question.words))}")
    lines.append(f"A yes lets it {words.grants(rights)}; not: {words.WITHHELD}.")
    return lines


def _of(state: PairingState, offer_id: str) -> Question | None:
    return next((each for each in state.questions if each.offer_id == offer_id), None)


def _paired(device: Device) -> str:
    name = words.device_name(device)
    return f"{device.id[:SHORT]}  {name} is paired ({device.rights}). `sereno device ls` lists all."
