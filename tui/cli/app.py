"""The tree of commands, and what they have in common: options, sections of help, exit codes.

A command's module is imported when it is called, never before; the one-line texts stand here so
that `sereno --help` imports none of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, TypeVar

import click

from sereno.tui.cli import exits, target
from sereno.tui.cli.errors import CliError

_F = TypeVar("_F", bound=Callable[..., Any])

SECTIONS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Agents",
        (
            ("ls", "List the agents of this project."),
            ("run", "Start an agent with a prompt and print its answer."),
            ("send", "Send a prompt to an agent and print its answer."),
            ("attach", "Follow an agent live; ctrl+c leaves."),
            ("logs", "Print an agent's timeline."),
            ("wait", "Wait until an agent is done, failed or asks."),
            ("stop", "Interrupt an agent's turn, or end its process."),
            ("park", "End an idle agent's program until the next prompt."),
            ("archive", "End an agent and hide it; its timeline stays."),
            ("unarchive", "Bring an archived agent back."),
            ("delete", "Remove an agent and its timeline for good."),
            ("inspect", "Show what stands behind an agent."),
            ("import", "List and take over sessions that were begun outside Sereno."),
        ),
    ),
    (
        "Permission",
        (("permit", "List, allow and deny requests for permission."),),
    ),
    (
        "Sereno",
        (
            ("provider", "List agent programs and their models."),
            ("daemon", "Start, stop and look at the daemon."),
            ("pair", "Let another device in, by a code that it scans."),
            ("device", "List, rename and revoke paired devices."),
            ("import-paseo", "Take over a Paseo home, and the phones that were paired with it."),
            ("token", "Show or replace the key of this daemon, or let one device in."),
            ("service", "Install the daemon as a service of your user."),
            ("relay", "Run a relay, which joins daemons and clients and reads nothing."),
            ("doctor", "Check this machine and this home."),
            ("audit", "Verify the audit trail."),
            ("completion", "Print the completion script of a shell."),
        ),
    ),
)
COMMANDS = {name: words for _, commands in SECTIONS for name, words in commands}


_MODULES = {"import": "importing", "import-paseo": "import_paseo"}
"""Where a command's name can be no module's."""


class LazyGroup(click.Group):
    """Finds a command in the module of its name, in tui/cli/commands."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = _MODULES.get(cmd_name, cmd_name)
        module = import_module(f"sereno.tui.cli.commands.{name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS:
            raise click.UsageError(_unknown("command", args[0], COMMANDS), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in SECTIONS:
            with formatter.section(title):
                formatter.write_dl(commands)
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), words) for code, words in exits.MEANINGS])


def _unknown(what: str, given: str, known: Sequence[str] | dict[str, str]) -> str:
    near = nearest(given, known)
    return f"no such {what}: {given}." + (f" Did you mean `{near}`?" if near else "")


def nearest(given: str, known: Sequence[str] | dict[str, str]) -> str | None:
    """The known name most like the given one."""
    from difflib import get_close_matches

    found = get_close_matches(given, list(known), 1, 0.5)
    return found[0] if found else None


def _set_home(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        os.environ["SERENO_HOME"] = os.path.abspath(value)  # noqa: PTH100 - cwd may be gone later


def _set_target(_ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        setattr(target.given(), parameter.name or "", value)


def home_option(function: _F) -> _F:
    option = click.option(
        "--home",
        metavar="FOLDER",
        expose_value=False,
        is_eager=True,
        callback=_set_home,
        help="Use this home instead of SERENO_HOME or ~/.sereno.",
    )
    return option(function)


_TARGET_OPTIONS = (
    ("--host", "HOST:PORT", "Talk to the daemon there; tcp://HOST:PORT?ssl=true, unix:///PATH."),
    ("--password-file", "FILE", "Show the password in FILE to that daemon."),
    ("--token-file", "FILE", "Show the token in FILE to that daemon."),
    ("--ca-file", "FILE", "Trust the certificates in FILE instead of the system's."),
)


def target_options(function: _F, *, all_shown: bool = False) -> _F:
    """Adds --host and what belongs to it; a command's own help shows the first only."""
    command: Any = function
    for name, metavar, words in reversed(_TARGET_OPTIONS):
        command = click.option(
            name,
            metavar=metavar,
            expose_value=False,
            is_eager=True,
            callback=_set_target,
            hidden=not (all_shown or name == "--host"),
            help=words,
        )(command)
    return command  # type: ignore[no-any-return]


class Output:
    """In what form a command prints its result."""

    def __init__(self, as_json: bool, quiet: bool) -> None:
        self.as_json = as_json
        self.quiet = quiet

    @property
    def plain(self) -> bool:
        return not (self.as_json or self.quiet)


def output_options(function: _F) -> _F:
    """Adds --json, -q, --home and --host; the command gets one `out: Output`."""
    from functools import wraps

    @wraps(function)
    def wrapped(*args: Any, as_json: bool, quiet: bool, **kwargs: Any) -> Any:
        _keep_local(click.get_current_context().command_path)
        return function(*args, out=Output(as_json, quiet), **kwargs)

    options = (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option("-q", "--quiet", is_flag=True, help="Print ids only, or nothing."),
        home_option,
        target_options,
    )
    command: Any = wrapped
    for option in reversed(options):
        command = option(command)
    return command  # type: ignore[no-any-return]


_LOCAL = (
    "sereno daemon start",
    "sereno daemon stop",
    "sereno daemon restart",
    "sereno daemon reload",
    "sereno daemon set-password",
    "sereno daemon pair",
    "sereno device",
    "sereno doctor",
    "sereno import-paseo",
    "sereno pair",
    "sereno service",
    "sereno token",
)
"""Commands about processes and files of this machine."""


def _keep_local(command_path: str) -> None:
    if any(f"{command_path} ".startswith(f"{name} ") for name in _LOCAL):
        target.local_only(command_path)


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"sereno {version('sereno')}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@home_option
@partial(target_options, all_shown=True)
@click.option("--no-ui", is_flag=True, help="Run the daemon in the foreground, without a screen.")
@click.option(
    "-c",
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a key of config.toml for this start (log.level=debug).",
)
@click.option("--take-fds", hidden=True, metavar="NUMBERS")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
@click.pass_context
def command(
    ctx: click.Context, no_ui: bool, settings: tuple[str, ...], take_fds: str | None
) -> int | None:
    """Runs coding agents on your own machine, shows them live, asks before anything dangerous.

    Without a command it opens the screen.
    """
    if ctx.invoked_subcommand is not None:
        if no_ui or settings:
            raise click.UsageError("--no-ui and --set go without a command.", ctx)
        return None
    flags = parse_settings(settings)
    if no_ui:
        if target.given().host is not None:
            raise click.UsageError("--host goes with the screen and with commands.", ctx)
        from sereno.tui.cli.commands.headless import run_headless

        return run_headless(flags, take_fds)
    from sereno.tui.cli.commands.ui import run_ui

    return run_ui(flags)


def parse_settings(settings: Sequence[str]) -> dict[str, str]:
    """KEY=VALUE words as a mapping. Raises CliError for what is none."""
    flags: dict[str, str] = {}
    for setting in settings:
        key, found, value = setting.partition("=")
        if not found:
            raise CliError(
                "usage",
                f"--set {setting} is not KEY=VALUE",
                "Write it like `--set log.level=debug`",
                exits.USAGE,
            )
        flags[key.strip()] = value
    return flags


def run(arguments: Sequence[str]) -> int:
    """Run a command through click; gives the exit code. Raises CliError."""
    try:
        result = command.main(list(arguments), "sereno", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        # A group without its command: what it takes, as a whole page, where errors go.
        click.echo(error.format_message(), err=True)
        return exits.USAGE
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "sereno"
        raise CliError(
            "usage", _message(error), f"`{path} --help` shows what it takes", exits.USAGE
        ) from error
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        raise CliError("failed", _message(error), "", error.exit_code) from error
    return result if isinstance(result, int) else exits.OK


_TYPES = (
    ("is not a valid float", "is no number"),
    ("is not a valid integer range", "is no whole number"),
    ("is not a valid integer", "is no whole number"),
)


def _message(error: click.ClickException) -> str:
    """click's words in our form: lower case, one line, types by their names in English."""
    text = " ".join(error.format_message().split())
    for name, words in _TYPES:
        text = text.replace(name, words)
    return text[:1].lower() + text[1:]
