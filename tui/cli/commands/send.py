"""`sereno send`: another prompt for an agent, and the answer."""

from __future__ import annotations

import click

from sereno.core.client.blocking import SyncClient
from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.messages import SendMessageResult
from sereno.core.protocol.requests import SendMessage
from sereno.core.protocol.values import UNSET, given
from sereno.tui.cli import complete, exits
from sereno.tui.cli.answer import follow_answer
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.link import connect, find, short
from sereno.tui.cli.output import emit, note
from sereno.tui.cli.prompts import fresh_id, prompt_text
from sereno.tui.cli.tail import end_of


@click.command("send")
@click.argument("agent", shell_complete=complete.agents)
@click.argument("prompt", nargs=-1)
@click.option("--now", is_flag=True, help="Interrupt the running turn instead of waiting for it.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the answer.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Stop waiting; it goes on.")
@output_options
def command(
    out: Output,
    agent: str,
    prompt: tuple[str, ...],
    now: bool,
    no_wait: bool,
    timeout: float | None,
) -> int:
    """Send PROMPT to AGENT and print the answer as it streams.

    While a turn runs the prompt waits for its end (`--now` interrupts it). Output, requests for
    permission, ctrl+c and exit codes are those of `run`.
    """
    text = prompt_text(prompt)
    message_id = fresh_id()
    with connect() as client:
        snapshot = find(client, agent).agent
        agent_id = snapshot.id
        position = end_of(client, agent_id)
        accepted = _send(client, agent_id, text, message_id, now)
        waits = _waits_for(snapshot) if accepted and not now else ""
        if not no_wait:
            if waits and out.plain:
                note(f"sereno: {waits}.")
            return follow_answer(client, agent_id, message_id, position, out, timeout)
    result = {"id": message_id, "agentId": agent_id, "queued": bool(waits)}
    line = f"{short(agent_id)}  {waits or 'sent'}"
    emit(result, [message_id], [line], as_json=out.as_json, quiet=out.quiet)
    return exits.OK


def _waits_for(agent: AgentSnapshot) -> str:
    """What a prompt waits for that an agent has taken and not begun, by the state before it."""
    if agent.status == "running":
        return "the prompt waits for the running turn (`--now` interrupts it)"
    before = len(agent.sereno.queue) if agent.sereno else 0
    if before:
        return f"the prompt waits for {before} that {'was' if before == 1 else 'were'} sent before"
    return "the agent is being started; the prompt goes first"


def _send(client: SyncClient, agent_id: str, text: str, message_id: str, now: bool) -> bool:
    """True where the prompt waits: for a turn, or for the program. Raises CliError if refused."""
    reply = client.request(
        SendMessage(
            request_id="",
            agent_id=agent_id,
            text=text,
            message_id=message_id,
            delivery="interrupt" if now else UNSET,
        )
    )
    assert isinstance(reply, SendMessageResult)
    if not reply.accepted:
        raise CliError("refused", reply.error or "the prompt was refused", "")
    return bool(given(reply.queued_as, None))
