"""Why a daemon on a network was not reached, in words: cause, next step, code. Pure.

Everything that can go wrong between a Target and the first frame becomes a ClientError here; what
came from outside is repeated only where it is short and printable.
"""

from __future__ import annotations

import errno
import ssl

from sereno.core.client.errors import ClientError, ConnectionLost, NoDaemon, Refused
from sereno.core.client.frames import FrameError
from sereno.core.client.target import Target
from sereno.core.client.upgrade import Answer, SpeaksTls
from sereno.core.protocol.frames import CloseCode

__all__ = ["of_answer", "of_broken", "of_close", "of_network", "of_nonsense", "of_tls", "timed_out"]

_ADDRESS = "Check the address, and what `sereno daemon status` there says under `listens`"
_CREDENTIAL = "Give it by SERENO_PASSWORD, --password-file or --token-file"
# OpenSSL's X509_V_ERR_ numbers, which the ssl module does not name.
_EXPIRED, _NOT_YET = (10,), (9,)
_WRONG_NAME = (62, 63, 64)
_UNTRUSTED = (2, 18, 19, 20, 21, 27)


def timed_out(target: Target) -> NoDaemon:
    return NoDaemon(
        "host_timeout",
        f"{target.name} does not answer in time",
        "Check the address, the network and a firewall between",
    )


def of_network(error: OSError, target: Target) -> ClientError:
    """The connection could not be made."""
    if target.local:
        return _of_socket(error, target)
    if isinstance(error, TimeoutError):
        return timed_out(target)
    if isinstance(error, ConnectionRefusedError):
        words, step = f"nobody listens on {target.name}", _ADDRESS
    elif type(error).__name__ == "gaierror":
        words, step = f"there is no machine called {target.host}", "Check the name"
    elif error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        words, step = f"there is no way to {target.name}", "Check the network, or a VPN"
    else:
        words = f"{target.name} cannot be reached: {error.strerror or error}"
        step = "Check the address and the network"
    return NoDaemon("host_unreachable", words, step)


def _of_socket(error: OSError, target: Target) -> ClientError:
    if isinstance(error, PermissionError):
        return NoDaemon("not_allowed", f"{target.path} belongs to another user", "")
    if isinstance(error, TimeoutError):
        return NoDaemon("no_answer", f"the daemon at {target.path} does not answer")
    return NoDaemon("host_unreachable", f"nobody listens on {target.path}", "Check the path")


def of_tls(error: OSError, target: Target) -> ClientError:
    """TLS could not be agreed. There is no switch that leaves the check out."""
    name = target.name
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_certificate(error, target)
    reason = getattr(error, "reason", None) or ""
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return Refused("no_tls", f"{name} does not speak TLS", "Leave ?ssl=true away")
    if reason in ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION"):
        return Refused("tls_failed", f"{name} speaks too old a version of TLS", "Update it")
    if isinstance(error, TimeoutError):
        return timed_out(target)
    words = reason.replace("_", " ").lower() or error.strerror or "the connection was closed"
    return Refused(
        "tls_failed", f"no TLS connection to {name} could be agreed: {words}", "Is it a TLS port?"
    )


def _of_certificate(error: ssl.SSLCertVerificationError, target: Target) -> ClientError:
    code, name = error.verify_code, target.name
    if code in _EXPIRED:
        return Refused("expired", f"the certificate of {name} has expired", "Renew it there")
    if code in _NOT_YET:
        return Refused(
            "expired", f"the certificate of {name} is not valid yet", "Check the clocks of both"
        )
    if code in _WRONG_NAME:
        return Refused(
            "wrong_name",
            f"the certificate of {name} is made out to another name than {target.server_name}",
            "Call the daemon by the name in its certificate",
        )
    if code in _UNTRUSTED:
        return Refused(
            "untrusted",
            f"the certificate of {name} is not signed by anybody this machine trusts",
            "If it is your own, name its file by --ca-file or SERENO_CA_FILE",
        )
    words = error.verify_message or "it does not hold"
    return Refused("untrusted", f"the certificate of {name} was refused: {words}")


def of_broken(error: OSError, target: Target) -> ClientError:
    """Somebody listens, and cut the connection before it answered."""
    return ConnectionLost(
        f"{target.name} broke the connection off: {error.strerror or error}",
        "" if target.tls else f"Does it speak TLS? {_with_tls(target)}",
    )


def of_nonsense(error: FrameError, target: Target) -> ClientError:
    """Somebody listens who does not speak HTTP, or gave up in the middle of it."""
    if isinstance(error, SpeaksTls):
        return Refused("tls_expected", f"{target.name} speaks TLS", _with_tls(target))
    return Refused("not_a_daemon", f"{target.name} is no daemon of Sereno: {error}", _ADDRESS)


def of_answer(answer: Answer, target: Target) -> ClientError:
    """An HTTP answer that is no 101."""
    match answer.status:
        case 401:
            return _unauthorized(target, token=answer.body.startswith(b"Token"))
        case 400 | 426 | 497 if not target.tls and _mentions_tls(answer):
            return Refused("tls_expected", f"{target.name} speaks TLS", _with_tls(target))
        case 403 if b"host" in answer.body[:200].lower():
            return _host_not_allowed(target)
        case 403:
            return Refused(
                "forbidden",
                f"{target.name} does not let this machine or user in{_said(answer)}",
                "See the security section of its configuration",
            )
        case 429:
            wait = answer.headers.get("retry-after", "")
            when = f"in {wait} s" if wait.isascii() and wait.isdigit() else "in some minutes"
            return Refused(
                "too_many_attempts",
                f"{target.name} saw too many wrong passwords from here",
                f"Try again {when}",
            )
        case 503 if answer.body or "retry-after" in answer.headers:
            return NoDaemon(
                "host_unreachable", f"{target.name} is busy{_said(answer)}", "Try again"
            )
        case 502 | 503 | 504:
            return NoDaemon(
                "host_unreachable",
                f"what stands before {target.name} answers, but no daemon behind it",
                "Start the daemon there, or look into the proxy's log",
            )
        case 301 | 302 | 307 | 308 if not target.tls:
            return Refused(
                "tls_expected", f"{target.name} sends us on to another address", _with_tls(target)
            )
        case status:
            kind = "a web page" if _is_page(answer) else f"HTTP {status}"
            return Refused(
                "not_a_daemon",
                f"{target.name} is no daemon of Sereno: it answers with {kind}",
                f"{_ADDRESS}; a proxy must pass /ws on as a WebSocket",
            )


def of_close(lost: ConnectionLost, target: Target) -> ClientError:
    """The daemon closed the socket before it greeted."""
    match lost.close_code:
        case CloseCode.UNAUTHORISED:
            return _unauthorized(target)
        case CloseCode.INCOMPATIBLE | CloseCode.INVALID_HELLO:
            said = f": {lost.reason}" if lost.reason else ""
            return Refused(
                "incompatible",
                f"the daemon at {target.name} speaks another version of the protocol{said}",
                "Bring both to the same version of Sereno",
            )
        case _:
            return lost


def _unauthorized(target: Target, *, token: bool = False) -> Refused:
    """`token`: it said that a password will not do."""
    if target.secret is not None:
        words, step = f"{target.name} does not take this password or token", _CREDENTIAL
    elif token:
        words = f"{target.name} wants the token of its home, to know that you are its user"
        step = "`sereno token show` there prints it; give it by SERENO_TOKEN or --token-file"
    else:
        words, step = f"{target.name} wants a password or a token", _CREDENTIAL
    return Refused("unauthorized", words, step)


def _host_not_allowed(target: Target) -> Refused:
    name = target.server_name
    return Refused(
        "host_not_allowed",
        f"the daemon at {target.name} does not answer to the name {name}",
        f'There, add "{name}" to hostnames under [daemon] in config.toml, '
        "or on the security screen",
    )


def _later(answer: Answer) -> str:
    return "" if b"again" in answer.body else "Try again in a minute"


def _with_tls(target: Target) -> str:
    return f"Write it as tcp://{target.name}?ssl=true"


def _mentions_tls(answer: Answer) -> bool:
    words = answer.body[:1000].lower()
    return b"tls" in words or b"https" in words


def _is_page(answer: Answer) -> bool:
    kind = answer.headers.get("content-type", "").lower()
    return "html" in kind or answer.body.lstrip()[:1] == b"<"


def _said(answer: Answer) -> str:
    """The daemon's own words, where they are a short line."""
    text = answer.body.decode("utf-8", "replace").strip()
    if not text or len(text) > 200 or not text.isprintable() or text[0] in "<{":
        return ""
    return f": {text.rstrip('.')}"
