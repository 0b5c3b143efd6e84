"""`sereno device`: who was let in by pairing; rename, change what they may, throw out."""

from __future__ import annotations

import sys
import time
from typing import Any, Literal

import click
import msgspec

from sereno.core.protocol.pairing import (
    ChangeDevice,
    ChangeDeviceResult,
    Device,
    RevokeDevice,
    RevokeDeviceResult,
)
from sereno.tui import pairing_words as words
from sereno.tui.cli import exits
from sereno.tui.cli.app import Output, output_options
from sereno.tui.cli.link import connect, short
from sereno.tui.cli.output import emit, note, terminal_width
from sereno.tui.cli.pairing import asked, found, state_of
from sereno.tui.cli.text import ago, columns
from sereno.tui.timeline import milliseconds


@click.group("device")
def command() -> None:
    """List, rename and revoke the devices that were let in by pairing."""


@command.command("ls")
@output_options
def list_devices(out: Output) -> int:
    """List the paired devices, with what they may and when they were here."""
    with connect() as client:
        devices = state_of(client).devices
    rows = [("ID", "NAME", "FOR", "MAY", "SEEN", "WAY"), *map(_row, devices)]
    lines = columns(rows, terminal_width(), 1) if devices else ["No device is paired."]
    value = [_json(device) for device in devices]
    emit(value, [device.id for device in devices], lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK


def _row(device: Device) -> tuple[str, ...]:
    seen = milliseconds(device.last_seen_at) if device.last_seen_at else 0
    when = ago(time.time_ns() // 1_000_000 - seen) if seen else "never"
    way = device.way or "-"
    return (
        short(device.id),
        words.device_name(device),
        words.KINDS.get(device.kind, device.kind),
        device.rights,
        "now" if device.connections else when,
        f"{way}, {device.connections} open" if device.connections else way,
    )


def _json(device: Device) -> dict[str, Any]:
    value: dict[str, Any] = {**msgspec.to_builtins(device), "shortId": short(device.id)}
    return value


@command.command("revoke")
@click.argument("devices", nargs=-1, required=True, metavar="DEVICE...")
@click.option("-y", "--yes", is_flag=True, help="Do not ask on a terminal.")
@output_options
def revoke(out: Output, devices: tuple[str, ...], yes: bool) -> int:
    """Throw DEVICES out, by id or name: their connections close at once.

    The others stay. A device that was revoked has to pair again.
    """
    lines: list[str] = []
    with connect() as client:
        known = state_of(client).devices
        chosen = list({one.id: one for one in (found(known, each) for each in devices)}.values())
        if not yes and sys.stdin.isatty():
            note(*(f"{short(one.id)}  {words.device_name(one)}" for one in chosen))
            click.confirm("Throw out? It has to pair again to come back", abort=True, err=True)
        for one in chosen:
            asked(client, RevokeDevice(request_id="", device_id=one.id), RevokeDeviceResult)
            lines.append(f"{short(one.id)}  revoked  {words.device_name(one)}")
    results = [{"id": one.id, "revoked": True} for one in chosen]
    value: Any = results[0] if len(results) == 1 else results
    emit(value, [one.id for one in chosen], lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK


@command.command("rename")
@click.argument("device")
@click.argument("name", nargs=-1, required=True)
@output_options
def rename(out: Output, device: str, name: tuple[str, ...]) -> int:
    """Call DEVICE something else."""
    return _change(out, device, name=" ".join(name))


@command.command("rights")
@click.argument("device")
@click.argument("rights", type=click.Choice(["operator", "viewer"]))
@output_options
def rights(out: Output, device: str, rights: Literal["operator", "viewer"]) -> int:
    """Change what DEVICE may do; its connections close, and it comes back with the new rights."""
    return _change(out, device, rights=rights)


def _change(out: Output, device: str, **change: Any) -> int:
    with connect() as client:
        one = found(state_of(client).devices, device)
        request = ChangeDevice(request_id="", device_id=one.id, **change)
        reply = asked(client, request, ChangeDeviceResult)
    now = reply.device or one
    lines = [f"{short(now.id)}  {words.device_name(now)}  {now.rights}"]
    emit(_json(now), [now.id], lines, as_json=out.as_json, quiet=out.quiet)
    return exits.OK
