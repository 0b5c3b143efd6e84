"""`sereno doctor`: looks at everything that Sereno stands on, and says what to do."""

from __future__ import annotations

import os
from dataclasses import asdict

import click

from sereno.tui.cli import exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.checks import CHECKS, ERROR, OK, WARN, Finding
from sereno.tui.cli.errors import sentence
from sereno.tui.cli.link import home
from sereno.tui.cli.output import emit
from sereno.tui.cli.text import clean_line

MARKS = {OK: "+", WARN: "!", ERROR: "x"}


@click.command("doctor")
@output_options
def command(out: Output) -> int:
    """Check this machine, this home, the daemon and the terminal. Changes nothing.

    Exit code 1 when something does not work; warnings are 0. Prints no secrets.
    """
    place = home()
    found = [finding for check in CHECKS for finding in check(place, os.environ)]
    worst = next((s for s in (ERROR, WARN) if any(f.status == s for f in found)), OK)
    checks = []
    for finding in found:
        value = asdict(finding)
        value["nextStep"] = value.pop("next_step")
        checks.append(value)
    lines = [line for finding in found for line in _lines(finding)]
    ids = [finding.id for finding in found if finding.status != OK]
    emit({"status": worst, "checks": checks}, ids, lines, as_json=out.as_json, quiet=out.quiet)
    return exits.FAILED if worst == ERROR else exits.OK


def _lines(finding: Finding) -> list[str]:
    lines = [f"{MARKS[finding.status]} {finding.id:<14} {clean_line(finding.message, 1000)}"]
    if finding.next_step:
        lines.append(f"{'':<17}{sentence(finding.next_step)}")
    return lines
