"""Why a relay could not be used, in words: cause, next step, code. Pure.

What came from outside is repeated only where it is short and printable; a proxy's address never,
because it may hold a password.
"""

from __future__ import annotations

import errno
import socket
import ssl

from websockets.exceptions import (
    InvalidMessage,
    InvalidProxy,
    InvalidProxyStatus,
    InvalidStatus,
    ProxyError,
)

from sereno.relay_client.control import Why
from sereno.relay_client.endpoints import Endpoint
from sereno.relay_client.sockets import SocketClosed

__all__ = ["CERTIFICATE", "RelayError", "of_closed", "of_dialling", "of_lost", "pin_mismatch"]

CERTIFICATE = frozenset({"relay_untrusted", "relay_expired", "relay_wrong_name"})
"""Codes that a changed trust store may cure."""
# OpenSSL's X509_V_ERR_ numbers, which the ssl module does not name.
_TIMES = (9, 10)
_WRONG_NAME = (62, 63, 64)
_OLD_TLS = ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE")
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
_NETWORK = "Check the relay's address and the network."


class RelayError(Exception):
    """`code`, `message` (the cause) and `next_step`, as every error of ours."""

    def __init__(self, code: str, message: str, next_step: str) -> None:
        super().__init__(f"{message} {next_step}")
        self.code = code
        self.message = message
        self.next_step = next_step


def of_dialling(error: Exception, endpoint: Endpoint, *, proxied: bool) -> RelayError:
    """The WebSocket could not be opened. `proxied`: a proxy stands between."""
    name = endpoint.authority
    match error:
        case TimeoutError():
            return RelayError(
                "relay_timeout",
                f"The relay {name} does not answer in time.",
                "Check its address, the network and a firewall between.",
            )
        case ssl.SSLCertVerificationError():
            return _of_certificate(error, name)
        case ssl.SSLError():
            return _of_tls(error, name)
        case InvalidProxy() | ProxyError() | ImportError():
            return _of_proxy(error)
        case OSError() if proxied:
            return RelayError(
                "relay_proxy",
                f"The proxy on the way to the relay cannot be reached: {_words(error)}.",
                "Check the proxy that the environment names (HTTPS_PROXY, NO_PROXY).",
            )
        case OSError() | UnicodeError():
            return _of_network(error, endpoint)
        case InvalidStatus():
            return _of_status(error.response.status_code, name)
        case InvalidMessage() if isinstance(error.__cause__, EOFError):
            return RelayError(
                "relay_broken",
                f"The relay {name} broke the connection off before it answered.",
                "" if endpoint.tls else f"Does it speak TLS? Then write wss://{name}.",
            )
        case _:
            return RelayError(
                "not_a_relay",
                f"Who answers at {name} is no relay.",
                f"Check its address.{'' if endpoint.tls else f' With TLS it is wss://{name}.'}",
            )


def _of_network(error: OSError | UnicodeError, endpoint: Endpoint) -> RelayError:
    name = endpoint.authority
    if isinstance(error, socket.gaierror | UnicodeError):
        return RelayError(
            "relay_unknown_host",
            f"There is no machine called {endpoint.host}.",
            "Check the relay's name, and whether this machine is online.",
        )
    if isinstance(error, ConnectionRefusedError):
        return RelayError("relay_unreachable", f"No relay listens on {name}.", _NETWORK)
    if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        return RelayError("relay_unreachable", f"There is no way to {name}.", _NETWORK)
    if isinstance(error, ConnectionError):
        words = f"The relay {name} broke the connection off."
        step = (
            f"Does it speak TLS 1.3? Without TLS it is ws://{name}." if endpoint.tls else _NETWORK
        )
        return RelayError("relay_broken", words, step)
    return RelayError("relay_unreachable", f"The relay {name} cannot be reached.", _NETWORK)


def _of_certificate(error: ssl.SSLCertVerificationError, name: str) -> RelayError:
    if error.verify_code in _TIMES:
        return RelayError(
            "relay_expired",
            f"The certificate of the relay {name} has expired, or is not valid yet.",
            "Have it renewed there, and check this machine's clock.",
        )
    if error.verify_code in _WRONG_NAME:
        return RelayError(
            "relay_wrong_name",
            f"The certificate of the relay {name} is made out to another name.",
            "Name the relay as its certificate does.",
        )
    return RelayError(
        "relay_untrusted",
        f"The certificate of the relay {name} is not signed by anybody this machine trusts.",
        "If it is your own, add it to the system's trust store, or name it by SSL_CERT_FILE.",
    )


def _of_tls(error: ssl.SSLError, name: str) -> RelayError:
    reason = error.reason or ""
    if reason in _OLD_TLS:
        return RelayError(
            "relay_old_tls", f"The relay {name} does not speak TLS 1.3.", "Have it updated."
        )
    if reason in _NO_TLS:
        return RelayError(
            "relay_no_tls", f"The relay {name} does not speak TLS.", f"Write ws://{name}."
        )
    words = reason.replace("_", " ").lower() or "the connection was closed"
    return RelayError(
        "relay_tls", f"No TLS connection to the relay {name}: {words}.", "Is it a TLS port?"
    )


def _of_proxy(error: Exception) -> RelayError:
    match error:
        case InvalidProxy():
            words = "The proxy that the environment names is not written as one."
            step = "Write it as http://host:port or socks5h://host:port, or set NO_PROXY."
        case ImportError():
            words = "The environment names a SOCKS proxy, and the package for that is missing."
            step = "pip install python-socks, or name an HTTP proxy."
        case InvalidProxyStatus() if error.response.status_code == 407:
            words = "The proxy on the way to the relay asks for a user name and password."
            step = "Write them into the proxy's address: http://name:password@host:port."
        case InvalidProxyStatus():
            status = error.response.status_code
            words = f"The proxy on the way to the relay refuses to lead there (HTTP {status})."
            step = "Have the relay's address allowed there, or set NO_PROXY for it."
        case _:
            words = "The proxy on the way to the relay does not lead there."
            step = "Check the proxy that the environment names (HTTPS_PROXY, NO_PROXY)."
    return RelayError("relay_proxy", words, step)


def _of_status(status: int, name: str) -> RelayError:
    if status in (429, 503):
        words = f"The relay {name} takes nobody in at the moment (HTTP {status})."
        return RelayError("relay_busy", words, "It is tried again by itself.")
    if 300 <= status < 400:
        words = f"The relay {name} sends us to another address, which is not followed."
        return RelayError("relay_redirects", words, "Write the relay's final address.")
    words = f"Who answers at {name} is no relay (HTTP {status})."
    return RelayError("not_a_relay", words, "Check its address and the way a proxy forwards it.")


def pin_mismatch(name: str, seen: str) -> RelayError:
    """`seen`: the pin of the certificate that was shown."""
    return RelayError(
        "relay_pin",
        f"The relay {name} shows another key than the one that is pinned: {seen}.",
        "Somebody stands between, or its key was changed: ask who runs it before you change a pin.",
    )


def of_closed(closed: SocketClosed, name: str) -> RelayError:
    """The relay closed the control socket."""
    if closed.code == 1008:
        return RelayError(
            "relay_replaced",
            f"Another daemon took this one's place at the relay {name}.",
            "A pairing belongs to one daemon: is a copy of its home in use elsewhere?",
        )
    if closed.code == 1013:
        words = f"The relay {name} is at a limit{_reason(closed)}."
        return RelayError("relay_busy", words, "It is tried again by itself.")
    words = f"The relay {name} closed the connection ({closed.code}{_reason(closed)})."
    return RelayError("relay_closed", words, "It is tried again by itself.")


def of_lost(why: Why, name: str) -> RelayError:
    """The control socket was given up."""
    if why is Why.NEVER_READY:
        words = f"Who answers at {name} takes connections, but does not speak as a relay."
        return RelayError("not_a_relay", words, "Check the relay's address.")
    words = f"The relay {name} says nothing any more."
    return RelayError("relay_silent", words, _NETWORK)


def _reason(closed: SocketClosed) -> str:
    return f": {closed.reason}" if closed.reason else ""


def _words(error: OSError) -> str:
    return error.strerror or "it does not answer"
