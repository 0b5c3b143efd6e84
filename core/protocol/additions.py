"""What Sereno adds to the wire: types that begin with `sereno.` (design section 6).

A client that does not know them sees nothing of them; `server_info.features.sereno` says that
they are there. Requests and payloads of one subject stand together here.
"""

from typing import ClassVar, Literal

from sereno.core.protocol.permissions import PermissionRequest, PermissionResponse
from sereno.core.protocol.values import UNSET, UnsetType, Wire

__all__ = [
    "AuditVerify",
    "AuditVerifyResult",
    "DaemonStatus",
    "DaemonStatusResult",
    "DoorStatus",
    "EndAgent",
    "EndAgentResult",
    "InspectAgent",
    "InspectAgentResult",
    "LedgerEntry",
    "ListRequests",
    "ListRequestsResult",
    "LogLine",
    "MakeOffer",
    "MakeOfferResult",
    "ParkAgent",
    "ParkAgentResult",
    "ProcessRow",
    "ReadLog",
    "ReadLogResult",
    "ReloadDaemon",
    "ReloadDaemonResult",
    "TakeBackPrompt",
    "TakeBackPromptResult",
    "UnarchiveAgent",
    "UnarchiveAgentResult",
]


class TakeBackPrompt(Wire, tag_field="type", tag="sereno.prompt.take_back.request"):
    """Takes a queued prompt back before it is sent; by id, or the newest."""

    request_id: str
    agent_id: str
    prompt_id: str | UnsetType = UNSET


class TakeBackPromptResult(Wire):
    """`text` is the whole prompt; null where it had been sent or did not exist."""

    wire_type: ClassVar[str] = "sereno.prompt.take_back.response"
    request_id: str
    agent_id: str
    prompt_id: str | None
    text: str | None
    error: str | None


class EndAgent(Wire, tag_field="type", tag="sereno.agent.end.request"):
    """Ends the agent's whole process tree; the session stays and resumes at the next prompt."""

    request_id: str
    agent_id: str


class EndAgentResult(Wire):
    """`verified`: nothing of the process tree is left; else `remaining` names the pids."""

    wire_type: ClassVar[str] = "sereno.agent.end.response"
    request_id: str
    agent_id: str
    verified: bool
    remaining: list[int]
    error: str | None


class ParkAgent(Wire, tag_field="type", tag="sereno.agent.park.request"):
    """As EndAgent, for an idle agent that can go on at the next prompt without a loss; refused with
    "not_parked" and the reason for any other."""

    request_id: str
    agent_id: str


class ParkAgentResult(Wire):
    """`verified`, `remaining`: as in EndAgentResult."""

    wire_type: ClassVar[str] = "sereno.agent.park.response"
    request_id: str
    agent_id: str
    verified: bool
    remaining: list[int]
    error: str | None


class UnarchiveAgent(Wire, tag_field="type", tag="sereno.agent.unarchive.request"):
    request_id: str
    agent_id: str


class UnarchiveAgentResult(Wire):
    wire_type: ClassVar[str] = "sereno.agent.unarchive.response"
    request_id: str
    agent_id: str
    error: str | None


class InspectAgent(Wire, tag_field="type", tag="sereno.agent.inspect.request"):
    request_id: str
    agent_id: str


class ProcessRow(Wire):
    pid: int
    ppid: int
    command: str
    rss_kib: int
    pss_kib: int | UnsetType = UNSET
    """As `rss_kib`, with what it shares with others counted in parts; absent where not known."""
    background: bool | UnsetType = UNSET
    """True for what a tool left at work: it keeps an idle agent from being parked."""


class InspectAgentResult(Wire):
    """What stands behind an agent. Pids are null where no process runs."""

    wire_type: ClassVar[str] = "sereno.agent.inspect.response"
    request_id: str
    agent_id: str
    error: str | None
    run: int = 0
    command: list[str] = []
    runner_pid: int | None = None
    agent_pid: int | None = None
    memory_kib: int = 0
    """The sum of `rss_kib`: what processes share counts for each of them."""
    pss_kib: int | UnsetType = UNSET
    """The sum of `pss_kib`: what would be free without it; absent where not known."""
    processes: list[ProcessRow] = []
    journal_bytes: int = 0
    started_at: str | None = None
    exit: str | None = None
    """How the last process ended, in words."""
    stderr_tail: list[str] = []


class ReadLog(Wire, tag_field="type", tag="sereno.log.read.request"):
    """Pages through a log. `source`: "daemon", or an agent id for its stderr and diagnostics.

    `cursor` is opaque; "tail" needs none. `limit`: lines, 1 to 2,000.
    """

    request_id: str
    source: str
    direction: Literal["tail", "before", "after"] = "tail"
    cursor: int | UnsetType = UNSET
    limit: int = 500


class LogLine(Wire):
    at: str
    level: Literal["debug", "info", "warn", "error"]
    area: str
    text: str


class ReadLogResult(Wire):
    wire_type: ClassVar[str] = "sereno.log.read.response"
    request_id: str
    source: str
    lines: list[LogLine]
    start_cursor: int
    end_cursor: int
    has_older: bool
    error: str | None


class DaemonStatus(Wire, tag_field="type", tag="sereno.daemon.status.request"):
    request_id: str


class DoorStatus(Wire):
    """One address of `daemon.listen`. `open`: as it is bound, empty where it could not be opened;
    `error` and `nextStep` say why not. `warning`: what its being open makes possible."""

    address: str
    open: list[str]
    error: str | None = None
    next_step: str | None = None
    warning: str | None = None


class DaemonStatusResult(Wire):
    wire_type: ClassVar[str] = "sereno.daemon.status.response"
    request_id: str
    version: str
    pid: int
    started_at: str
    home: str
    listen: list[str]
    """What is open, as it is bound; the home's own unix socket first."""
    embedded: bool
    agents: dict[str, int]
    """How many agents are in each status."""
    open_requests: int
    sessions: int
    memory_kib: int
    schema_version: int
    doors: list[DoorStatus] = []
    """Each address that the configuration names, open or not."""


class ReloadDaemon(Wire, tag_field="type", tag="sereno.daemon.reload.request"):
    """The configuration is read again and applied: hostnames, origins, password, addresses, TLS
    and log level; nothing is dropped that still may be there."""

    request_id: str


class ReloadDaemonResult(Wire):
    """`error` and `nextStep`: why the configuration, or what of it, was kept as it was."""

    wire_type: ClassVar[str] = "sereno.daemon.reload.response"
    request_id: str
    error: str | None = None
    next_step: str | None = None


class MakeOffer(Wire, tag_field="type", tag="sereno.token.offer.request"):
    """A secret that lets whoever shows it first in, once, within ten minutes. For the owner, on
    the local socket or in memory only."""

    request_id: str


class MakeOfferResult(Wire):
    """`addresses`: the open TCP addresses as they are bound, at which it can be shown. `tls`:
    whether they speak TLS."""

    wire_type: ClassVar[str] = "sereno.token.offer.response"
    request_id: str
    secret: str
    expires_at: str
    addresses: list[str]
    tls: bool

    def __repr__(self) -> str:
        """Without the secret: a traceback may show it."""
        return f"MakeOfferResult({self.expires_at}, {self.addresses})"


class ListRequests(Wire, tag_field="type", tag="sereno.requests.list.request"):
    """The ledger of permission requests: the open ones, or with `all` the answered ones too."""

    request_id: str
    all: bool = False
    limit: int = 200


class LedgerEntry(Wire):
    agent_id: str
    request: PermissionRequest
    state: Literal["open", "answered", "withdrawn"]
    asked_at: str
    answered_at: str | UnsetType = UNSET
    answered_by: str | UnsetType = UNSET
    response: PermissionResponse | UnsetType = UNSET


class ListRequestsResult(Wire):
    wire_type: ClassVar[str] = "sereno.requests.list.response"
    request_id: str
    entries: list[LedgerEntry]


class AuditVerify(Wire, tag_field="type", tag="sereno.audit.verify.request"):
    request_id: str


class AuditVerifyResult(Wire):
    """`first_bad` is the number of the first entry whose chain does not hold."""

    wire_type: ClassVar[str] = "sereno.audit.verify.response"
    request_id: str
    entries: int
    ok: bool
    first_bad: int | None
