"""What nodes say to each other, and how it is written, in MessagePack.

A node says `Present` to all, `Hello`, `Beat` and `Packet` to one. Packets are numbered; the rest is
said again and again, so that losing one means nothing. What a body means stands in mesh.py.
"""

from __future__ import annotations

from functools import cache
from typing import Final, Literal, TypeAlias

import msgspec

__all__ = [
    "MOST_OF_A_PART",
    "BadWords",
    "Beat",
    "Body",
    "Claim",
    "End",
    "Hello",
    "Open",
    "Packet",
    "Part",
    "Present",
    "Standing",
    "Taken",
    "Unclaim",
    "Words",
    "decode",
    "encode",
]

MOST_OF_A_PART: Final = 128 * 1024
"""Bytes of a frame in one packet; a broker as installed takes 1 MiB."""


class BadWords(Exception):
    """No node of ours said this."""


class _Wire(msgspec.Struct, frozen=True, array_like=True):
    pass


class Standing(_Wire, frozen=True):
    """How well a node's claim to an id stands; see mesh_directory.py. Times are milliseconds."""

    control: int
    """When the daemon's control socket came; 0 where there is none."""
    begun: int
    node: str


class Open(_Wire, frozen=True, tag="open"):
    """A socket came to the sender, and the receiver owns its id. `address`: whom it counts for."""

    strand: int
    version: Literal[1, 2]
    server_id: str
    role: Literal["server", "client"]
    connection: str | None
    address: str


class Part(_Wire, frozen=True, tag="part"):
    """The next piece of a frame; `more` where it is not the last one."""

    strand: int
    text: bool
    more: bool
    data: bytes


class Taken(_Wire, frozen=True, tag="taken"):
    """So much of what was sent on the strand has been passed on: room for as much again."""

    strand: int
    cost: int


class End(_Wire, frozen=True, tag="end"):
    """From the owner: close the socket so. To the owner: the socket is gone."""

    strand: int
    code: int = 0
    reason: str = ""


class Claim(_Wire, frozen=True, tag="claim"):
    version: int
    server_id: str
    standing: Standing


class Unclaim(_Wire, frozen=True, tag="unclaim"):
    version: int
    server_id: str


Body: TypeAlias = Open | Part | Taken | End | Claim | Unclaim


class Present(_Wire, frozen=True, tag="present"):
    """To all. `node` is drawn at each start; `name` is for people."""

    node: str
    name: str
    leaving: bool = False


class Hello(_Wire, frozen=True, tag="hello"):
    """Begins a trunk: `mine` and `yours` are the tags of its ends, 0 where not known yet."""

    node: str
    name: str
    mine: int
    yours: int


class Beat(_Wire, frozen=True, tag="beat"):
    """`sent`: packets so far; `taken`: cost of all parts that came. Also says: still here."""

    node: str
    mine: int
    yours: int
    sent: int
    taken: int


class Packet(_Wire, frozen=True, tag="packet"):
    node: str
    mine: int
    yours: int
    number: int
    body: Body


Words: TypeAlias = Present | Hello | Beat | Packet


@cache
def _encoder() -> msgspec.msgpack.Encoder:
    return msgspec.msgpack.Encoder()


@cache
def _decoder() -> msgspec.msgpack.Decoder[Words]:
    return msgspec.msgpack.Decoder(Words)


def encode(words: Words) -> bytes:
    return _encoder().encode(words)


def decode(data: bytes) -> Words:
    """Raises BadWords."""
    try:
        return _decoder().decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadWords(str(error)) from error
