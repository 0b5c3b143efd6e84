"""Joins the links to the rules: what a link tells goes in, the acts that come out are carried out.

Also looks after time: unanswered handshakes and closes, silent and stalled sockets, the rooms' own
timers. One call of `tick` does it all; no socket has a task or a timer of its own.
"""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from http import HTTPStatus

from websockets.http11 import Request, Response

from sereno.relay_server.acts import Acts, Close, Code, Frame, Hold, Release, Send
from sereno.relay_server.answers import (
    Network,
    answer,
    decide,
    is_forwarded,
    is_loopback,
    is_within,
    peer_address,
    wants_metrics,
)
from sereno.relay_server.ledger import account_of
from sereno.relay_server.limits import Limits, Timing
from sereno.relay_server.link import HIGH, Link
from sereno.relay_server.mesh import Mesh
from sereno.relay_server.mesh_words import Words
from sereno.relay_server.metrics import CONTENT_TYPE, Counts, Gauges, as_text
from sereno.relay_server.names import Names
from sereno.relay_server.place import Place
from sereno.relay_server.switchboard import Switchboard

__all__ = ["Hub"]

log = logging.getLogger("sereno.relay")

_ROOM_FOR_REFUSALS = 256
"""Sockets beyond a limit, of all or of an address, that are still told that there is no room."""
_MOST_PINGS_AT_ONCE = 500
_MOST_AFTER_THE_END = 64 * 1024
_SECONDS_BETWEEN_WARNINGS = 10.0


class Hub:
    """`clock` gives monotonic seconds. `proxies`: who may say whose request it is. `mesh`: what the
    other nodes are to this one, if there are any; `meshed` is called when it may speak to them."""

    def __init__(
        self,
        board: Switchboard,
        limits: Limits,
        timing: Timing,
        names: Names,
        clock: Callable[[], float],
        proxies: Sequence[Network] = (),
        mesh: Mesh | None = None,
    ) -> None:
        self.now = clock
        self.counts = Counts()
        self._board = board
        self._limits = limits
        self._timing = timing
        self._names = names
        self._proxies = proxies
        self._mesh = mesh
        self.meshed: Callable[[], object] = lambda: None
        self._numbers = itertools.count(1)
        self._links: dict[int, Link] = {}
        self._of_account: Counter[str] = Counter()
        self._asking: dict[int, Link] = {}
        self._ending: dict[int, Link] = {}
        self._busy: dict[int, Link] = {}
        self._heavy: dict[int, Link] = {}
        self._unsent: dict[int, Link] = {}
        self._warned_at = float("-inf")
        self._unwarned = 0
        self._when_empty: Callable[[], object] | None = None

    def __len__(self) -> int:
        return len(self._links)

    def link(self, *, metrics_only: bool = False) -> Link:
        number = next(self._numbers)
        return Link(self, number, self._limits.message, metrics_only=metrics_only)

    # What links tell

    def arrived(self, link: Link) -> None:
        link.account = account_of(link.address)
        there = 0 if is_within(link.address, self._proxies) else self._of_account[link.account]
        most = self._limits
        if (
            len(self._links) >= most.sockets + _ROOM_FOR_REFUSALS
            or there >= most.address_sockets + _ROOM_FOR_REFUSALS
        ):
            link.abort()
            return
        self._of_account[link.account] += 1
        self._links[link.number] = link
        self._asking[link.number] = link

    def asked(self, link: Link, request: Request) -> Place | Response:
        self._asking.pop(link.number, None)
        found = self._decide(link, request)
        if isinstance(found, Response):
            self.counts.turned_away[found.status_code] += 1
            self._end(link)
        else:
            link.address = peer_address(link.address, request, self._proxies)
        return found

    def _decide(self, link: Link, request: Request) -> Place | Response:
        if wants_metrics(request):
            near = is_loopback(link.address) and not (self._proxies or is_forwarded(request))
            if near or link.metrics_only:
                return answer(HTTPStatus.OK, self.metrics(), CONTENT_TYPE)
        elif link.metrics_only:
            return answer(HTTPStatus.NOT_FOUND, "Not found")
        return decide(request)

    def entered(self, link: Link, place: Place) -> None:
        link.kind = kind_of(place)
        self.counts.opened[link.kind] += 1
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s of %s opened", link.kind, self._names.of(place.server_id))
        self._perform(self._board.enter(link.number, place, link.address, self.now()))

    def received(self, link: Link, frame: Frame) -> None:
        acts = self._board.received(link.number, frame, link.heard)
        if acts:
            self._carry_out(acts)  # Sent when all that came with it has been read: `grown`.
        else:
            self._heavy[link.number] = link  # The room may have kept it.

    def grown(self, link: Link) -> None:
        self._flush()
        memory = link.memory
        if memory > _MOST_AFTER_THE_END and link.number in self._ending:
            link.abort()
        elif memory > HIGH or link.number in self._heavy:
            self._weigh(link)

    def gone(self, link: Link) -> None:
        self._end(link)
        self._perform(self._board.left(link.number, self.now()))

    def lost(self, link: Link) -> None:
        if link.number in self._links:
            self._of_account[link.account] -= 1
            if not self._of_account[link.account]:
                del self._of_account[link.account]
        for links in (self._links, self._asking, self._ending, self._busy, self._heavy):
            links.pop(link.number, None)
        if not self._links and self._when_empty is not None:
            self._when_empty()

    def behind(self, link: Link) -> None:
        self._busy[link.number] = link
        link.moved_at, link.outbox_seen = self.now(), link.outbox
        self._perform(self._board.behind(link.number))
        self._weigh(link)

    def caught_up(self, link: Link) -> None:
        self._busy.pop(link.number, None)
        self._perform(self._board.caught_up(link.number))
        self._weigh(link)

    def _end(self, link: Link) -> None:
        """It has the time of a close from now on, not from each sign of life."""
        if link.number in self._links and link.number not in self._ending:
            self._ending[link.number] = link
            link.begun = self.now()

    # Acts

    def _perform(self, acts: Acts) -> None:
        self._carry_out(acts)
        self._flush()

    def _flush(self) -> None:
        """What was said leaves, and what the other nodes have to say to it is obeyed."""
        while True:
            while self._unsent:
                _, link = self._unsent.popitem()
                link.flush()
            if self._mesh is None:
                return
            acts = self._mesh.settle(self.now())
            self.meshed()
            if not acts:
                return
            self._carry_out(acts)

    def _carry_out(self, acts: Acts) -> None:
        for act in acts:
            link = self._links.get(act.peer)
            if link is None:
                if self._mesh is not None:
                    self._mesh.act(act)
                continue
            match act:
                case Send(_, frame):
                    self._send(link, frame)
                case Close(_, code, reason):
                    self._close(link, code, reason)
                case Hold():
                    link.hold()
                case Release():
                    link.release()

    def _send(self, link: Link, frame: Frame) -> None:
        # What was read before its sender was held still comes; more does not.
        if link.busy and link.outbox > self._limits.waiting + HIGH:
            acts = self._board.expel(link.number, "Too slow", self.now())
            self._perform(acts)
            return
        if link.send(frame):
            self._unsent[link.number] = link
            self.counts.frames += 1
            self.counts.bytes += len(frame.data)

    def _close(self, link: Link, code: int, reason: str) -> None:
        if not link.close(code, reason):
            return
        self.counts.closed[code] += 1
        self._end(link)
        if code == Code.TRY_LATER:
            self._warn(f"closed a {link.kind} socket of {link.address}: {reason}")

    def _weigh(self, link: Link) -> None:
        memory = link.memory
        self._perform(self._board.weigh(link.number, memory, self.now()))
        if self._board.ledger.weight_of(link.number):
            self._heavy[link.number] = link
        else:
            self._heavy.pop(link.number, None)

    def _warn(self, words: str) -> None:
        """A flood of refusals fills no log."""
        if self.now() - self._warned_at < _SECONDS_BETWEEN_WARNINGS:
            self._unwarned += 1
            return
        more = f" ({self._unwarned} more since the last line)" if self._unwarned else ""
        self._warned_at, self._unwarned = self.now(), 0
        log.warning("%s%s", words, more)

    # Other nodes

    def heard(self, words: Words) -> None:
        """What another node said."""
        if self._mesh is not None:
            self._mesh.heard(words, self.now())
            self._flush()

    # Time

    def tick(self) -> None:
        """To be called every `Timing.tick` seconds."""
        now = self.now()
        if self._mesh is not None:
            self._mesh.tick(now)
        self._perform(self._board.elapsed(now))
        for link in list(self._asking.values()):
            if now - link.begun > self._timing.handshake:
                link.abort()
        for link in list(self._busy.values()):
            self._look_at_outbox(link, now)
        for link in list(self._ending.values()):
            if not link.busy and now - link.begun > self._timing.close:
                link.abort()
        for link in list(self._heavy.values()):
            self._weigh(link)
        self._look_for_the_silent(now)

    def _look_at_outbox(self, link: Link, now: float) -> None:
        outbox = link.outbox
        if outbox < link.outbox_seen:
            link.moved_at = link.begun = now
        elif now - link.moved_at > self._timing.stall:
            self._perform(self._board.expel(link.number, "Too slow", now))
            link.abort()  # A close would wait behind what is not taken.
        link.outbox_seen = outbox

    def _look_for_the_silent(self, now: float) -> None:
        pings = 0
        silent_since = now - self._timing.ping
        for link in list(self._links.values()):
            if link.heard > silent_since or link.held or not link.open:
                continue
            if now - link.heard > self._timing.dead:
                self.gone(link)
                link.abort()
            elif not link.pinged and pings < _MOST_PINGS_AT_ONCE:
                pings += 1
                link.ping()

    def close_all(self, code: int, reason: str, then: Callable[[], object]) -> None:
        """Ends every socket; those that did not ask for anything yet are dropped. Calls `then`
        when none is left."""
        self._when_empty = then
        if not self._links:
            then()
        for link in list(self._links.values()):
            if not link.open:
                link.abort()
                continue
            self._close(link, code, reason)
            self._board.left(link.number, self.now())

    def abort_all(self) -> None:
        for link in list(self._links.values()):
            link.abort()

    # What others ask

    def links(self) -> list[Link]:
        return list(self._links.values())

    def memory(self) -> int:
        """Bytes held for all sockets, as they are now."""
        return sum(link.memory for link in self._links.values())

    def metrics(self) -> str:
        kinds = Counter(link.kind for link in self._links.values() if link.kind)
        ledger = self._board.ledger
        gauges = Gauges(kinds, self._board.rooms, ledger.addresses, ledger.memory)
        return as_text(self.counts, gauges)


def kind_of(place: Place) -> str:
    """Short words for metrics and log: "v2 control", "v2 data", "v2 client", "v1 server"."""
    if place.version == 2 and place.role == "server":
        return "v2 data" if place.connection else "v2 control"
    return f"v{place.version} {place.role}"
