"""TLS for direct connections: the certificate and its key, and the pump that speaks it (T15, T25).

The library is OpenSSL through `ssl`; the bytes go through the same pump as without. Certificate and
key can be read anew while connections are open: those go on with the old ones.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import stat
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Final

from sereno.core.listeners.answers import as_text
from sereno.core.listeners.pump import SIP, Pump, Reader

__all__ = ["TlsContext", "TlsPump", "TlsRefused"]

_HANDSHAKE: Final = 22
"""How a client begins that speaks TLS (RFC 8446, 5.1)."""
_PIECE: Final = 256 * 1024


class TlsRefused(Exception):
    """`code`, `message` and `next_step` as every error of ours."""

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(f"{message} {next_step}")
        self.code = "tls_refused"
        self.message = message
        self.next_step = next_step


class TlsContext:
    """`cert`: a PEM file with the chain, our own certificate first; `key`: its key."""

    def __init__(self, cert: Path, key: Path) -> None:
        """Reads both. Raises TlsRefused."""
        self._cert = cert
        self._key = key
        self._context = _load(cert, key)

    def reload(self) -> None:
        """Reads both again, for connections from now on. Raises TlsRefused; the old ones stay."""
        self._context = _load(self._cert, self._key)

    @property
    def current(self) -> ssl.SSLContext:
        return self._context


def _load(cert: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 and 1.3, no client certificates."""
    for path, what in ((cert, "certificate"), (key, "key")):
        try:
            mode = path.stat().st_mode
        except OSError as error:
            raise TlsRefused(
                f"The TLS {what} {path} cannot be read: {error.strerror}.",
                f"Correct `{'cert' if path is cert else 'key'}` in [daemon.tls] of config.toml.",
            ) from error
        if path is key and mode & (stat.S_IRWXO | stat.S_IWGRP):
            raise TlsRefused(
                f"Others on this machine can read or change the TLS key {path}.",
                f"Run: chmod 600 {path}",
            )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert, key, password=_nobody_to_ask)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise TlsRefused(
            f"The TLS certificate {cert} and the key {key} cannot be used: {_words(error)}.",
            "Both must be PEM, belong together, and the key must have no passphrase.",
        ) from error
    return context


def _nobody_to_ask() -> str:
    raise ValueError("the key has a passphrase")


def _words(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error).replace("_", " ").lower()


class TlsPump:
    """A pump (see pump.Wire) that encrypts; it is the reader of the plain one."""

    def __init__(self, connection: socket.socket, reader: Reader, context: ssl.SSLContext) -> None:
        self.reader = reader
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self._begun = False
        self._shaken = False
        self._deaf = False
        self._lost = False
        self._pump = Pump(connection, self, chunk=SIP)

    # The plain pump's Reader

    def received(self, data: bytes) -> None:
        if self._lost:
            return
        if not self._begun:
            self._begun = True
            if data[0] != _HANDSHAKE:
                self._tell_in_plain()
                return
        self._in.write(data)
        if self._shaken or self._shake():
            self._decrypt()

    def _shake(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return False
        except ssl.SSLError:
            self._fail()
            return False
        self._shaken = True
        self._flush()
        return True

    def _decrypt(self) -> None:
        while not (self._deaf or self._lost):
            pieces, size = [], 0
            end: Callable[[], None] | None = None
            while size < _PIECE:
                try:
                    piece = self._tls.read(_PIECE)
                except ssl.SSLWantReadError:
                    break
                except ssl.SSLZeroReturnError:
                    piece = b""
                except ssl.SSLError:
                    end = self._fail
                    break
                if not piece:  # The peer says that nothing more comes.
                    end = self._pump.close
                    break
                pieces.append(piece)
                size += len(piece)
            self._flush()  # Key updates and the like.
            if pieces:
                self.reader.received(b"".join(pieces))
            if end is not None:
                end()
            if end is not None or size < _PIECE:
                return

    def _fail(self) -> None:
        """Tells the peer by an alert what was wrong, as far as OpenSSL has one."""
        self._lost = True
        self._flush()
        self._pump.finish()
        self._pump.close()

    def _tell_in_plain(self) -> None:
        self._lost = True
        words = "This address speaks TLS: use https or wss, or ?ssl=true"
        self._pump.write(as_text(HTTPStatus.BAD_REQUEST, words).serialize())
        self._pump.finish()

    def ended(self) -> None:
        self._lost = True
        self.reader.ended()

    def busy(self) -> None:
        self.reader.busy()

    def drained(self) -> None:
        self.reader.drained()

    # Out

    def write(self, data: bytes) -> None:
        if self._lost or not self._shaken:
            return
        view = memoryview(data)
        while view:
            sent = self._tls.write(view)
            view = view[sent:]
        self._flush()

    def _flush(self) -> None:
        if self._out.pending:
            self._pump.write(self._out.read())

    # In

    def pause(self) -> None:
        self._deaf = True
        self._pump.pause()

    def resume(self) -> None:
        if self._deaf:
            self._deaf = False
            self._pump.resume()
            if self._shaken:
                self._decrypt()

    def look(self) -> None:
        self._pump.look()

    def trust(self) -> None:
        self._pump.trust()

    # The end

    def finish(self) -> None:
        self._say_goodbye()
        self._pump.finish()

    def close(self) -> None:
        self._say_goodbye()
        self._pump.close()

    def abort(self) -> None:
        self._pump.abort()

    def _say_goodbye(self) -> None:
        """So that the peer can tell the end from a cut (T12)."""
        if self._shaken and not self._lost:
            # It is said in any case; the peer's own goodbye is not waited for.
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLError):
                self._tls.unwrap()
            self._flush()
