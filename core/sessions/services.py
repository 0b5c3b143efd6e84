"""What handlers may use, in one value that daemon.py builds.

It keeps handlers free of composition: tests hand them a fleet of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from sereno.core.protocol.additions import (
    AuditVerifyResult,
    DaemonStatusResult,
    MakeOfferResult,
    ReadLogResult,
    ReloadDaemonResult,
)
from sereno.core.protocol.pairing import (
    AnswerQuestion,
    AnswerQuestionResult,
    ChangeDevice,
    ChangeDeviceResult,
    CloseOffer,
    CloseOfferResult,
    OfferPairing,
    OfferPairingResult,
    PairingState,
    RevokeDevice,
    RevokeDeviceResult,
    RotatePairings,
    RotatePairingsResult,
    SwitchRelay,
    SwitchRelayResult,
)
from sereno.core.protocol.security import ChangeSecurity, SecurityState, TryHost, TryHostResult

if TYPE_CHECKING:
    from sereno.core.agents.fleet import Fleet
    from sereno.core.sessions.files import Files
    from sereno.core.sessions.providers import ProviderDirectory
    from sereno.core.sessions.workspaces import Workspaces
    from sereno.core.workspaces.suggestions import Suggestions

__all__ = ["DaemonControl", "PairingControl", "SecurityControl", "Services"]


class DaemonControl(Protocol):
    """What a client may ask of the daemon itself; implemented by core/daemon/daemon.py."""

    def stop(self, reason: Literal["stop", "restart"], by: str) -> None:
        """Begins to stop, a moment later, so that the reply still goes out."""

    async def status(self, request_id: str) -> DaemonStatusResult: ...

    async def reload(self, request_id: str) -> ReloadDaemonResult:
        """Reads the configuration again; one that is not valid is told and changes nothing."""
        ...

    def offer(self, request_id: str) -> MakeOfferResult:
        """A secret that lets somebody in over TCP, once."""
        ...

    async def verify_audit(self, request_id: str) -> AuditVerifyResult: ...

    async def read_log(
        self,
        request_id: str,
        direction: Literal["tail", "before", "after"],
        cursor: int | None,
        limit: int,
    ) -> ReadLogResult:
        """A page of the daemon's own log."""
        ...


class SecurityControl(Protocol):
    """What its owner may look at and change about the daemon's security; implemented by
    core/daemon/warden.py. A refusal is its cause and next step; both None where all went well."""

    async def state(self) -> SecurityState: ...

    async def change(self, request: ChangeSecurity) -> tuple[str | None, str | None]: ...

    async def set_password(
        self, password: str | None
    ) -> tuple[tuple[str, ...], str | None, str | None]:
        """Doubts about a password that was taken, then the refusal."""
        ...

    async def rotate_token(self) -> tuple[str | None, str | None]: ...

    def try_host(self, request: TryHost) -> TryHostResult: ...


class PairingControl(Protocol):
    """Offers, the questions before somebody is let in, and devices; implemented by
    core/daemon/pairing.py. What is refused stands in the result, with cause and next step."""

    async def state(self, after: int | None) -> PairingState:
        """As it is; with `after`, once it is newer than that revision, or after 25 s."""
        ...

    async def offer(self, request: OfferPairing) -> OfferPairingResult: ...

    async def close_offer(self, request: CloseOffer) -> CloseOfferResult: ...

    async def answer(self, request: AnswerQuestion) -> AnswerQuestionResult: ...

    async def rotate(self, request: RotatePairings) -> RotatePairingsResult: ...

    async def switch_relay(self, request: SwitchRelay) -> SwitchRelayResult: ...

    async def revoke(self, request: RevokeDevice) -> RevokeDeviceResult: ...

    async def change(self, request: ChangeDevice) -> ChangeDeviceResult: ...


class Services(msgspec.Struct, frozen=True):
    """`note`: an entry for the audit (actor, action, subject, details), written soon.
    `now_ms`: epoch milliseconds."""

    fleet: Fleet
    providers: ProviderDirectory
    suggestions: Suggestions
    files: Files
    workspaces: Workspaces
    daemon: DaemonControl
    security: SecurityControl
    pairing: PairingControl
    user_home: Path
    now_ms: Callable[[], int]
    note: Callable[[str, str, str, dict[str, str]], Coroutine[None, None, None]]
