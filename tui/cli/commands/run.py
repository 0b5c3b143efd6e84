"""`sereno run`: a new agent, its first prompt, and the answer."""

from __future__ import annotations

import os

import click

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import RpcError
from sereno.core.protocol.agents import AgentSnapshot
from sereno.core.protocol.messages import AgentCreated, AgentCreateFailed, ProvidersSnapshot
from sereno.core.protocol.requests import AgentConfig, CreateAgent, GetProvidersSnapshot
from sereno.core.protocol.values import given
from sereno.tui.cli import complete, exits
from sereno.tui.cli.answer import follow_answer
from sereno.tui.cli.app import Output, nearest, output_options
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.follow import Position
from sereno.tui.cli.link import connect_or_start, elsewhere, folder_of, short
from sereno.tui.cli.output import emit, on_terminal
from sereno.tui.cli.prompts import fresh_id, prompt_text
from sereno.tui.cli.text import clean_line

WAIT_FOR_PROVIDERS_S = 15.0


@click.command("run")
@click.argument("prompt", nargs=-1)
@click.option("-d", "--detach", is_flag=True, help="Print the id and do not wait.")
@click.option(
    "--provider",
    metavar="NAME",
    shell_complete=complete.providers,
    help="Which agent program; `sereno provider ls` lists them. Default: the first that is ready.",
)
@click.option(
    "--cwd",
    metavar="FOLDER",
    type=click.Path(file_okay=False),
    help="Where it works. Default: here.",
)
@click.option("--title", help="Default: the beginning of the prompt.")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="May be repeated.")
@click.option("--mode", metavar="ID", help="How careful it is; `provider models` lists them.")
@click.option("--model", metavar="ID", help="`sereno provider models NAME` lists them.")
@click.option("--thinking", metavar="ID", help="How much it thinks.")
@click.option(
    "--timeout", type=float, metavar="SECONDS", help="Stop waiting (exit code 124); it goes on."
)
@output_options
def command(
    out: Output,
    prompt: tuple[str, ...],
    detach: bool,
    provider: str | None,
    cwd: str | None,
    title: str | None,
    labels: tuple[str, ...],
    mode: str | None,
    model: str | None,
    thinking: str | None,
    timeout: float | None,
) -> int:
    """Start an agent with PROMPT and print its answer as it streams.

    The answer goes to stdout, everything else to stderr. The exit code tells the outcome. When
    the agent asks for permission, a terminal is told how to answer and waits; without one the
    command ends with code 7. ctrl+c leaves; the agent goes on. Starts a daemon where none runs.
    """
    text = prompt_text(prompt)
    folder = _folder(cwd)
    marks = _labels(labels)
    with connect_or_start() as client:
        config = AgentConfig(provider=provider or _default_provider(client, folder), cwd=folder)
        if title is not None:
            config.title = title
        if mode is not None:
            config.mode_id = mode
        if model is not None:
            config.model = model
        if thinking is not None:
            config.thinking_option_id = thinking
        message_id = fresh_id()
        agent = _create(client, config, text, message_id, marks).agent
        if not detach:
            return follow_answer(client, agent.id, message_id, Position(), out, timeout)
    return _show_created(agent, out)


def _show_created(agent: AgentSnapshot, out: Output) -> int:
    """On a terminal the short id and the title; in a pipe the id alone: `id=$(sereno run -d …)`."""
    result = {
        "id": agent.id,
        "shortId": short(agent.id),
        "title": agent.title,
        "provider": agent.provider,
        "cwd": agent.cwd,
        "status": agent.status,
    }
    line = f"{short(agent.id)}  {clean_line(agent.title or '-')}"
    quiet = out.quiet or not on_terminal()
    emit(result, [agent.id], [line], as_json=out.as_json, quiet=quiet)
    return exits.OK


def _folder(cwd: str | None) -> str:
    """The working directory, which exists as far as we can see. Raises CliError."""
    path = folder_of(cwd)
    if not elsewhere() and not os.path.isdir(path):  # noqa: PTH112
        raise CliError(
            "cwd_missing",
            f"there is no folder {path}",
            "Make it, or give another --cwd",
            exits.USAGE,
        )
    return path


def _labels(words: tuple[str, ...]) -> dict[str, str]:
    labels = {}
    for word in words:
        key, found, value = word.partition("=")
        if not found or not key:
            raise CliError(
                "usage", f"--label {word} is not KEY=VALUE", "Write it like team=web", exits.USAGE
            )
        labels[key] = value
    return labels


def _create(
    client: SyncClient, config: AgentConfig, text: str, message_id: str, labels: dict[str, str]
) -> AgentCreated:
    request = CreateAgent(
        request_id="",
        config=config,
        initial_prompt=text,
        client_message_id=message_id,
        labels=labels,
    )
    try:
        reply = client.request(request, timeout_s=60.0)
    except RpcError as error:
        raise _not_created(client, config, error.code, error.message, error.next_step) from error
    if isinstance(reply, AgentCreateFailed):
        code, next_step = given(reply.error_code, "failed"), given(reply.next_step, "")
        raise _not_created(client, config, code, reply.error, next_step)
    assert isinstance(reply, AgentCreated)
    return reply


def _not_created(
    client: SyncClient, config: AgentConfig, code: str, message: str, next_step: str
) -> CliError:
    """The refusal; for a provider that nobody knows with the nearest name."""
    if code == "unknown_provider":
        near = nearest(config.provider, _names(client, config.cwd))
        hint = f"Did you mean `{near}`? " if near else ""
        return CliError(code, message, hint + "`sereno provider ls` lists them")
    usage = {"cwd_missing": exits.USAGE, "bad_title": exits.USAGE}
    return CliError(code, message, next_step, usage.get(code, exits.AGENT_FAILED))


def _snapshot(client: SyncClient, cwd: str) -> ProvidersSnapshot:
    reply = client.request(GetProvidersSnapshot(request_id="", cwd=cwd))
    assert isinstance(reply, ProvidersSnapshot)
    return reply


def _names(client: SyncClient, cwd: str) -> list[str]:
    return [entry.provider for entry in _snapshot(client, cwd).entries]


def _default_provider(client: SyncClient, cwd: str) -> str:
    """The first provider that is ready, in the daemon's order."""
    import time

    deadline = time.monotonic() + WAIT_FOR_PROVIDERS_S
    while True:
        entries = [entry for entry in _snapshot(client, cwd).entries if given(entry.enabled, True)]
        for entry in entries:
            if entry.status == "ready":
                return entry.provider
            if entry.status == "loading" and time.monotonic() < deadline:
                break
        else:
            break
        client.next_push(0.2)
    raise CliError(
        "no_provider",
        "no agent program is ready on this machine",
        "`sereno provider ls` says what is missing; `--provider demo` needs nothing",
        exits.NOT_FOUND,
    )
