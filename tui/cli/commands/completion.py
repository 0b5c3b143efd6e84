"""`sereno completion`: the script that makes a shell complete our commands, made by click."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from sereno.tui.cli import exits
from sereno.tui.cli.app import command as root
from sereno.tui.cli.output import say

HOW = {
    "bash": 'eval "$(sereno completion bash)"   in ~/.bashrc (bash 4.4 or newer)',
    "zsh": 'eval "$(sereno completion zsh)"    in ~/.zshrc',
    "fish": "sereno completion fish | source    in ~/.config/fish/config.fish",
}


@click.command(
    "completion",
    help="Print the completion script of SHELL.\n\n\b\n" + "\n".join(HOW.values()),
)
@click.argument("shell", type=click.Choice(tuple(HOW)))
def command(shell: str) -> int:
    kind = get_completion_class(shell)
    assert kind is not None
    say(kind(root, {}, "sereno", "_SERENO_COMPLETE").source().rstrip("\n"))
    return exits.OK
