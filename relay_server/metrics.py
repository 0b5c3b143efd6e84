"""Counts of a relay, printed as Prometheus reads them (text format 0.0.4). No id, no address.

docs/relay.md explains each name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["CONTENT_TYPE", "Counts", "Gauges", "as_text"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass
class Counts:
    """Since the start. `closed` counts the closes that the relay began, by code."""

    frames: int = 0
    bytes: int = 0
    opened: Counter[str] = field(default_factory=Counter)
    closed: Counter[int] = field(default_factory=Counter)
    turned_away: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True)
class Gauges:
    """Now."""

    sockets: Mapping[str, int]
    rooms: int
    addresses: int
    memory: int


def as_text(counts: Counts, gauges: Gauges) -> str:
    lines = [
        *_metric("sockets", "gauge", "Open sockets.", _labelled("kind", gauges.sockets)),
        *_metric("ids", "gauge", "Server ids with a socket.", [("", gauges.rooms)]),
        *_metric("addresses", "gauge", "Addresses with a socket.", [("", gauges.addresses)]),
        *_metric("held_bytes", "gauge", "Bytes that wait in the relay.", [("", gauges.memory)]),
        *_metric("frames_total", "counter", "Frames forwarded.", [("", counts.frames)]),
        *_metric("bytes_total", "counter", "Bytes forwarded.", [("", counts.bytes)]),
        *_metric("opened_total", "counter", "Sockets opened.", _labelled("kind", counts.opened)),
        *_metric(
            "closed_total", "counter", "Sockets closed by the relay.", _by_code(counts.closed)
        ),
        *_metric(
            "http_total", "counter", "Requests answered with HTTP.", _by_code(counts.turned_away)
        ),
    ]
    return "\n".join(lines) + "\n"


def _metric(name: str, kind: str, words: str, values: Iterable[tuple[str, int]]) -> Iterable[str]:
    full = f"sereno_relay_{name}"
    yield f"# HELP {full} {words}"
    yield f"# TYPE {full} {kind}"
    for labels, value in values:
        yield f"{full}{labels} {value}"


def _labelled(label: str, values: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(f'{{{label}="{name}"}}', value) for name, value in sorted(values.items())]


def _by_code(values: Mapping[int, int]) -> list[tuple[str, int]]:
    return [(f'{{code="{code}"}}', value) for code, value in sorted(values.items())]
