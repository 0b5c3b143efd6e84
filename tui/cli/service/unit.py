"""The systemd user unit, as text. Only values come in; nothing is read or run here.

What an agent would inherit is left out on purpose (design, section 5): a sandbox around the daemon
(PrivateTmp=, ProtectHome=, NoNewPrivileges= ...) would be one around every agent program, which a
person starts to work on this very machine.
"""

from __future__ import annotations

from sereno.tui.cli.service.facts import Facts
from sereno.tui.cli.service.sealed import seal

_TEXT = """\
# Sereno as a service of your user. `sereno service install` wrote this file and writes it anew.
# Your changes belong into a drop-in, where that never meets them:
# systemctl --user edit {name}

[Unit]
Description=Sereno, which runs coding agents{whose}
# What failed may work later: a network that is not up yet, a full disk.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
{environment}
# Stopping, restarting and a crash end the daemon alone: agents live on in their runners, and the
# next daemon goes on with them.
KillMode=process
Restart=on-failure
RestartSec=3
# Refused by the configuration; the home or an address is in use. Trying again changes neither.
RestartPreventExitStatus=2 3
TimeoutStartSec=120
TimeoutStopSec=30
WatchdogSec=60

# The agents are in the control group of this service. What they may use is what they may in a
# terminal, and one that runs out of memory does not end the daemon of all others.
OOMPolicy=continue
TasksMax=infinity

[Install]
WantedBy=default.target
"""


def systemd_unit(facts: Facts) -> str:
    """The whole file, sealed."""
    variables = {"PATH": facts.path} | ({"SERENO_HOME": facts.home} if facts.home else {})
    text = _TEXT.format(
        name=f"{facts.name}.service",
        whose=f" (home {facts.home.replace('%', '%%')})" if facts.home else "",
        command=_command(facts.command),
        environment="\n".join(
            f"Environment={_word(f'{name}={value}')}" for name, value in variables.items()
        ),
    )
    return seal(text, "# {}")


def _command(words: tuple[str, ...]) -> str:
    """In the program's own path "$" means itself, in its arguments it begins a variable."""
    program, *arguments = words
    return " ".join([_word(program), *(_word(each).replace("$", "$$") for each in arguments)])


def _word(text: str) -> str:
    """As systemd.syntax(7) and systemd.unit(5) quote: "%" begins a specifier."""
    escaped = text.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
