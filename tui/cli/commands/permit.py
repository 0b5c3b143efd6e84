"""`sereno permit`: requests for permission, listed and answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import msgspec

from sereno.core.protocol.additions import LedgerEntry, ListRequests, ListRequestsResult
from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.permissions import Allow, Deny, PermissionRequest, PermissionResponse
from sereno.core.protocol.values import UNSET, given
from sereno.tui.cli import complete, exits
from sereno.tui.cli.answering import answer
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import all_agents, connect, find, short
from sereno.tui.cli.output import emit, note, say
from sereno.tui.cli.permits import request_lines
from sereno.tui.cli.questions import answered
from sereno.tui.cli.text import clean_line
from sereno.tui.denial import takes_words


@click.group("permit")
def command() -> None:
    """List, allow and deny what agents ask permission for."""


@command.command("ls")
@click.option("-a", "--all", "everything", is_flag=True, help="Answered and withdrawn ones too.")
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=200, help="At most so many.")
@output_options
def list_requests(out: Output, everything: bool, limit: int) -> int:
    """List the open requests, oldest first, each with everything it wants to do."""
    with connect() as client:
        reply = client.request(ListRequests(request_id="", all=everything, limit=limit))
        assert isinstance(reply, ListRequestsResult)
        titles = {entry.agent.id: entry.agent.title for entry in all_agents(client)}
    lines: list[str] = []
    for entry in reply.entries:
        title = clean_line(titles.get(entry.agent_id) or "-", 80)
        lines += ["", f"{short(entry.agent_id)}  {title}  ({_state(entry)})"]
        lines += request_lines(entry.request, "  ", closed=entry.state != "open")
    value = [{"id": e.request.id, **_json(e)} for e in reply.entries]
    ids = [entry.request.id for entry in reply.entries]
    lines = lines[1:] or ["No agent asks for anything."]
    emit(value, ids, lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK


def _json(entry: LedgerEntry) -> dict[str, Any]:
    value: dict[str, Any] = msgspec.to_builtins(entry)
    return value


def _state(entry: LedgerEntry) -> str:
    if entry.state == "open":
        return f"asked {entry.asked_at}"
    who = clean_line(given(entry.answered_by, ""), 120)
    at = given(entry.answered_at, "")
    if entry.state == "withdrawn":
        return f"withdrawn {at}" + (f": {who}" if who else "")
    match given(entry.response, None):
        case Allow():
            verb = "allowed"
        case Deny():
            verb = "denied"
        case _:
            verb = "answered"
    return f"{verb} {at}" + (f" by {who}" if who else "")


def _answer_options(function: Any) -> Any:
    for option in reversed(
        (
            click.argument("agent", shell_complete=complete.agents),
            click.argument("request", required=False, shell_complete=complete.requests),
            click.option("--all", "everything", is_flag=True, help="Every open request of AGENT."),
            output_options,
        )
    ):
        function = option(function)
    return function


@command.command("allow")
@_answer_options
@click.option("--action", metavar="ID", help="One of the choices that `permit ls` shows.")
@click.option(
    "--answer",
    "answers",
    multiple=True,
    metavar="WORDS",
    help="To a question: the number of an option (1,3 for several), or words. Once for each.",
)
def allow(
    out: Output,
    agent: str,
    request: str | None,
    everything: bool,
    action: str | None,
    answers: tuple[str, ...],
) -> int:
    """Allow REQUEST of AGENT (or its only one), this once; or answer what it asks.

    Waits until the daemon has written the answer down, and says if somebody else was first.
    """

    def respond(asked: PermissionRequest) -> Allow:
        return answered(asked, answers, action)

    return _answer(out, agent, request, everything, respond)


@command.command("deny")
@_answer_options
@click.option(
    "-m", "--message", help="Tell the agent why. Said here where its program takes no words."
)
@click.option("--interrupt", is_flag=True, help="Interrupt its turn too.")
@click.option("--action", metavar="ID", help="One of the choices that `permit ls` shows.")
def deny(
    out: Output,
    agent: str,
    request: str | None,
    everything: bool,
    message: str | None,
    interrupt: bool,
    action: str | None,
) -> int:
    """Deny REQUEST of AGENT (or its only one)."""
    response = Deny(
        selected_action_id=UNSET if action is None else action,
        message=UNSET if message is None else message,
        interrupt=True if interrupt else UNSET,
    )
    return _answer(out, agent, request, everything, lambda _asked: response)


def _answer(
    out: Output,
    identifier: str,
    wanted: str | None,
    everything: bool,
    respond: Callable[[PermissionRequest], PermissionResponse],
) -> int:
    if wanted and everything:
        raise click.UsageError("name a request or give --all, not both")
    results: list[dict[str, Any]] = []
    with connect() as client:
        agent = find(client, identifier).agent
        chosen = _choose(agent, wanted, everything)
        for request, response in [(each, respond(each)) for each in chosen]:
            if out.plain:
                say(*request_lines(request))
            closing = answer(client, agent.id, request.id, response)
            untold = _untold(agent, request, response) if closing.ours else ""
            told = {"wordsTold": False} if untold and not takes_words(request) else {}
            result = {"id": request.id, "agentId": agent.id, **closing.as_json(), **told}
            results.append(result)
            if out.plain:
                say(f"  {closing.words()}", *([f"  {untold}"] if untold else []))
            elif untold and out.quiet:
                note(f"{request.id}: {untold}")
    value: Any = results[0] if len(results) == 1 else results
    ids = [result["id"] for result in results]
    emit(value, ids, (), as_json=out.as_json, quiet=out.quiet)
    ours = all(result["ours"] for result in results)
    return exits.OK if ours else exits.ANSWERED_ELSEWHERE


def _untold(agent: AgentSnapshot, request: PermissionRequest, response: PermissionResponse) -> str:
    """What is to be said of words that only the ledger gets: never that they were told.

    With a turn that ends, programs differ in what becomes of words; the talk says it.
    """
    if not isinstance(response, Deny) or not given(response.message, "").strip():
        return ""
    name, tell = clean_line(request.provider, 40), f'`sereno send {short(agent.id)} "…"` tells it'
    if not takes_words(request):
        return f"your words were kept here, but {name} takes no reason and was not told; {tell}"
    if given(response.interrupt, False):
        return f"the turn ends with this no, and {name} may not read your words; {tell} surely"
    return ""


def _choose(agent: AgentSnapshot, wanted: str | None, everything: bool) -> list[PermissionRequest]:
    """The requests that were meant. Raises CliError where that is not clear."""
    pending = agent.pending_permissions
    if wanted is not None:
        exact = [request for request in pending if request.id == wanted]
        fitting = exact or [request for request in pending if request.id.startswith(wanted)]
        if len(fitting) == 1:
            return fitting
        # A request that is not open any more: the daemon knows who answered it.
        if not fitting:
            raise CliError("unknown_request", *_not_open(agent, wanted))
        ids = ", ".join(request.id for request in fitting)
        raise CliError("ambiguous_request", f"{wanted} could be: {ids}", "", exits.NOT_FOUND)
    if not pending:
        raise CliError(
            "unknown_request", f"{short(agent.id)} asks for nothing", "`sereno permit ls` lists all"
        )
    if len(pending) > 1 and not everything:
        ids = ", ".join(request.id for request in pending)
        raise CliError(
            "ambiguous_request",
            f"{short(agent.id)} has {len(pending)} open requests: {ids}",
            "Name one, or give --all",
            exits.NOT_FOUND,
        )
    return pending


def _not_open(agent: AgentSnapshot, wanted: str) -> tuple[str, str]:
    ids = ", ".join(request.id for request in agent.pending_permissions) or "none"
    message = f"{short(agent.id)} has no open request {clean_line(wanted, 80)}; open: {ids}"
    return message, "`sereno permit ls -a` shows who answered what"
