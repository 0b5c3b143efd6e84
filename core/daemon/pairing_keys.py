"""The secrets of pairings: drawn, kept in files of 0600, held in memory while a pairing lives.

A damaged file is refused with the way out, never made anew (C-14). Cryptography is imported when
there is a pairing, not before.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable
from pathlib import Path

import anyio.to_thread
import msgspec

from sereno.core.home import Home, secret_files
from sereno.core.home import pairings as files
from sereno.core.protocol.pairing import Kind

__all__ = ["Keys"]

OFFER_SECRET_BYTES = 16
"""Of an offer for our own clients: short, so that its code fits small terminals."""
DEVICE_BYTES = 32


class _Secret(msgspec.Struct, frozen=True):
    """What stands in a `.secret` file. `device`: the public key of the only device that may show
    the secret; None while it is an offer's. `moved`: that device calls by the ids of each day."""

    v: int
    secret: str
    device: str | None = None
    moved: bool = False


class _Held(msgspec.Struct, frozen=True):
    """`secret`, `public`: the key pair, X25519, 32 bytes each. `psk`: for our own clients only."""

    secret: bytes
    public: bytes
    psk: bytes | None = None
    device: bytes | None = None
    moved: bool = False

    def __repr__(self) -> str:
        return "_Held(…)"


class Keys:
    """Belongs to the daemon's loop; files are touched on threads."""

    def __init__(self, home: Home, random: Callable[[int], bytes] = os.urandom) -> None:
        self._home = home
        self._random = random
        self._held: dict[str, _Held] = {}

    def __contains__(self, server_id: str) -> bool:
        return server_id in self._held

    def secret(self, server_id: str) -> bytes:
        """Raises KeyError for a pairing that does not live (any more)."""
        return self._held[server_id].secret

    def public(self, server_id: str) -> bytes:
        """Raises KeyError as `secret` does."""
        return self._held[server_id].public

    def psk(self, server_id: str) -> bytes:
        """The offer's secret, or the device's from the first greeting on. Raises KeyError."""
        psk = self._held[server_id].psk
        if psk is None:
            raise KeyError("a pairing for the official apps has no such secret")
        return psk

    def device(self, server_id: str) -> bytes | None:
        """The public key of the device whose secret `psk` is; None while it is the offer's."""
        return self._held[server_id].device

    def has_moved(self, server_id: str) -> bool:
        """Whether its device has called by the id of a day, and so always will. Raises KeyError."""
        return self._held[server_id].moved

    async def make(self, server_id: str, kind: Kind) -> None:
        """Draws them and writes their files. Raises HomeError; then nothing is held."""
        from sereno.relay_client.keypair import KeyPair

        pair = KeyPair.of(self._random(32))
        psk = self._random(OFFER_SECRET_BYTES) if kind == "sereno" else None
        if psk is not None:
            await anyio.to_thread.run_sync(self._save_secret, server_id, _Held(b"", b"", psk))
        await anyio.to_thread.run_sync(files.save, self._home, server_id, pair.encode())
        self._held[server_id] = _Held(pair.secret, pair.public, psk)

    async def greeted(self, server_id: str, device: bytes, secret: bytes) -> None:
        """From now on only this device may come, and shows this secret. Raises HomeError."""
        held = self._held[server_id]
        await self._change(server_id, _Held(held.secret, held.public, secret, device))

    async def moved(self, server_id: str) -> None:
        """Its device calls by the ids of each day from now on. Raises HomeError, KeyError."""
        await self._change(server_id, msgspec.structs.replace(self._held[server_id], moved=True))

    async def _change(self, server_id: str, held: _Held) -> None:
        await anyio.to_thread.run_sync(self._save_secret, server_id, held)
        self._held[server_id] = held

    async def load(self, server_id: str, kind: Kind) -> bool:
        """Reads what is there; False where a file is missing. Raises HomeError for a file that is
        damaged or not ours."""
        held = await anyio.to_thread.run_sync(self._load, server_id, kind)
        if held is not None:
            self._held[server_id] = held
        return held is not None

    def forget(self, server_id: str) -> None:
        """Holds them no longer; the files are another matter."""
        self._held.pop(server_id, None)

    async def remove(self, server_id: str, kind: Kind) -> None:
        """Removes the files, and forgets. Raises HomeError for one that stays."""
        self.forget(server_id)
        if kind == "paseo":
            await anyio.to_thread.run_sync(
                secret_files.remove_file, files.daemon_key_path(self._home)
            )
        else:
            await anyio.to_thread.run_sync(files.remove, self._home, server_id)

    def place(self, server_id: str, kind: Kind) -> Path:
        """Where the key pair lies."""
        if kind == "paseo":
            return files.daemon_key_path(self._home)
        return files.path_of(self._home, server_id)

    async def strangers(self, known: frozenset[str]) -> list[Path]:
        """Files that belong to no pairing of these: left alone, for the log."""
        return await anyio.to_thread.run_sync(files.strangers, self._home, known)

    # On a thread

    def _load(self, server_id: str, kind: Kind) -> _Held | None:
        from sereno.relay_client.keypair import KeyPair, KeyPairDamaged

        path = self.place(server_id, kind)
        raw = secret_files.load_file(path) if kind == "paseo" else files.load(self._home, server_id)
        if raw is None:
            return None
        try:
            pair = KeyPair.decode(raw)
        except KeyPairDamaged as error:
            raise secret_files.damaged(path, error.message.removesuffix(".")) from None
        if kind != "sereno":
            return _Held(pair.secret, pair.public)
        shown = self._load_secret(server_id)
        return None if shown is None else _Held(pair.secret, pair.public, *shown)

    def _save_secret(self, server_id: str, held: _Held) -> None:
        assert held.psk is not None  # a pairing for the official apps has no such file
        device = None if held.device is None else _text(held.device)
        kept = _Secret(1, _text(held.psk), device, held.moved)
        files.save(self._home, server_id, msgspec.json.encode(kept) + b"\n", "secret")

    def _load_secret(self, server_id: str) -> tuple[bytes, bytes | None, bool] | None:
        raw = files.load(self._home, server_id, "secret")
        if raw is None:
            return None
        path = files.path_of(self._home, server_id, "secret")
        try:
            kept = msgspec.json.decode(raw, type=_Secret)
            secret = base64.b64decode(kept.secret, validate=True)
            device = None if kept.device is None else base64.b64decode(kept.device, validate=True)
        except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, ValueError):
            raise secret_files.damaged(path, "it cannot be read") from None
        if kept.v != 1:
            raise secret_files.damaged(path, f"it has version {kept.v}, known is 1")
        sizes = (len(secret), None if device is None else len(device))
        if sizes not in ((OFFER_SECRET_BYTES, None), (DEVICE_BYTES, DEVICE_BYTES)):
            raise secret_files.damaged(path, "what it holds has another length")
        return secret, device, kept.moved


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
