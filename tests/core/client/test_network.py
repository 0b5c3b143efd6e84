"""Both clients over TCP and TLS at the real door: who is let in, and what the others are told."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sereno.core.client.errors import ClientError, ConnectionLost, NoDaemon, Refused
from sereno.core.client.target import Target
from sereno.core.listeners.tls import TlsContext
from tests.certificates import made
from tests.core.client.network import Reach, by_blocking, by_loop, saying
from tests.core.listeners.house import gate
from tests.core.listeners.street import PASSWORD, TOKEN, Street, hashed, settings, street

SERVER = "srv_test"


@pytest.fixture(params=[by_loop, by_blocking], ids=["loop", "blocking"])
def reach(request: pytest.FixtureRequest) -> Reach:
    chosen: Reach = request.param
    return chosen


def target_of(place: Street, **changes: object) -> Target:
    host, port = place.address
    return replace(Target(host=host, port=port), **changes)  # type: ignore[arg-type]


async def refused(call: Awaitable[str]) -> ClientError:
    with pytest.raises(ClientError) as caught:
        await call
    assert "secret" not in str(caught.value)
    return caught.value


async def test_the_same_user_is_let_in(reach: Reach) -> None:
    async with street() as place:
        assert await reach(target_of(place)) == SERVER


@pytest.mark.parametrize("host", ["localhost", "web.localhost"])
async def test_names_of_this_machine(reach: Reach, host: str) -> None:
    if host != "localhost" and not _resolves(host):
        host = "LOCALHOST"
    async with street() as place:
        await reach(target_of(place, host=host))


def _resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, 1))
    except OSError:
        return False


async def test_ipv6(reach: Reach) -> None:
    async with street(host="::1") as place:
        await reach(target_of(place, host="::1"))


async def test_c40_password_and_token(reach: Reach) -> None:
    async with street(settings(password_hash=hashed())) as place:
        await reach(target_of(place, secret=PASSWORD))
        await reach(target_of(place, secret=TOKEN))
        nothing = await refused(reach(target_of(place)))
        assert (type(nothing), nothing.code) == (Refused, "unauthorized")
        assert "wants a password or a token" in nothing.message
        wrong = await refused(reach(target_of(place, secret="the secret is wrong")))
        assert (type(wrong), wrong.code) == (Refused, "unauthorized")
        assert "does not take this password" in wrong.message


async def test_t27_too_many_wrong_passwords_are_said(reach: Reach) -> None:
    async with street(settings(password_hash=hashed())) as place:
        for _ in range(20):
            error = await refused(reach(target_of(place, secret="a wrong secret")))
            if error.code == "too_many_attempts":
                break
        assert error.code == "too_many_attempts"
        assert "Try again in" in error.next_step
        await reach(target_of(place, secret=TOKEN))


async def test_where_only_the_token_tells_that_is_said(reach: Reach) -> None:
    async with street(settings(loopback="token")) as place:
        error = await refused(reach(target_of(place)))
        assert error.code == "unauthorized"
        assert "sereno token show" in error.next_step
        await reach(target_of(place, secret=TOKEN))


async def test_c36_a_name_that_is_not_allowed_says_which_setting(
    reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def here(host: str, *rest: object, **more: object) -> object:
        return real("127.0.0.1", *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", here)
    async with street() as place:
        error = await refused(reach(target_of(place, host="devbox.example")))
        assert (type(error), error.code) == (Refused, "host_not_allowed")
        assert '"devbox.example" to hostnames' in error.next_step
    async with street(settings(hostnames=(".example",))) as place:
        await reach(target_of(place, host="devbox.example"))


async def test_a_unix_socket_that_was_named(reach: Reach, tmp_path: Path) -> None:
    path = tmp_path / "daemon.sock"
    async with gate(path):
        await reach(Target(path=str(path)))
    missing = await refused(reach(Target(path=str(tmp_path / "none.sock"))))
    assert (type(missing), missing.code) == (NoDaemon, "host_unreachable")


# TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    made(folder / "good", "DNS:localhost", "IP:127.0.0.1")
    made(folder / "other", "DNS:elsewhere.example")
    made(folder / "old", "DNS:localhost", "IP:127.0.0.1", expired=True)
    return folder


async def tried(folder: Path, name: str, trusted: str | None, reach: Reach) -> ClientError | None:
    context = TlsContext(folder / name / "cert.pem", folder / name / "key.pem")
    ca_file = str(folder / trusted / "cert.pem") if trusted else None
    async with street(settings(password_hash=hashed()), tls=context) as place:
        target = target_of(place, host="localhost", tls=True, ca_file=ca_file, secret=PASSWORD)
        try:
            await reach(target)
        except ClientError as error:
            return error
    return None


async def test_tls_with_a_certificate_that_is_trusted(certificates: Path, reach: Reach) -> None:
    assert await tried(certificates, "good", "good", reach) is None


@pytest.mark.parametrize(
    ("name", "trusted", "code", "words"),
    [
        ("good", None, "untrusted", "--ca-file"),
        ("good", "other", "untrusted", "--ca-file"),
        ("other", "other", "wrong_name", "localhost"),
        ("old", "old", "expired", "expired"),
    ],
)
async def test_t15_certificates_that_are_refused(
    certificates: Path, reach: Reach, name: str, trusted: str | None, code: str, words: str
) -> None:
    error = await tried(certificates, name, trusted, reach)
    assert isinstance(error, Refused)
    assert error.code == code
    assert words in str(error)


async def test_tls_and_none_mixed_up(certificates: Path, reach: Reach) -> None:
    good = certificates / "good"
    async with street() as plain:
        target = target_of(plain, tls=True, ca_file=str(good / "cert.pem"))
        error = await refused(reach(target))
        assert error.code == "no_tls"
    async with street(tls=TlsContext(good / "cert.pem", good / "key.pem")) as secured:
        error = await refused(reach(target_of(secured)))
        assert error.code == "tls_expected"
        assert error.next_step.endswith("?ssl=true")


async def test_a_file_that_holds_no_certificate(tmp_path: Path, reach: Reach) -> None:
    bad = tmp_path / "ca.pem"
    for words in ("there is no such file", "no certificate"):
        async with saying(b"") as target:
            error = await refused(reach(replace(target, tls=True, ca_file=str(bad))))
        assert error.code == "bad_ca_file"
        assert words in error.message
        bad.write_text("nothing\n")


# Whoever else listens


async def test_nobody_listens(reach: Reach) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        error = await refused(reach(Target(host="127.0.0.1", port=held.getsockname()[1])))
    assert (type(error), error.code) == (NoDaemon, "host_unreachable")
    assert "nobody listens" in error.message


async def test_a_name_that_nobody_has(reach: Reach) -> None:
    error = await refused(reach(Target(host="nobody.invalid", port=6767)))
    assert (type(error), error.code) == (NoDaemon, "host_unreachable")
    assert "nobody.invalid" in error.message


@pytest.mark.parametrize(
    "call",
    [lambda target: by_loop(target, 0.2), lambda target: by_blocking(target, 0.2)],
    ids=["loop", "blocking"],
)
@pytest.mark.parametrize("tls", [False, True])
async def test_somebody_who_says_nothing(
    call: Callable[[Target], Awaitable[str]], tls: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = await refused(call(Target(host="127.0.0.1", port=silent.getsockname()[1], tls=tls)))
    assert (type(error), error.code) == (NoDaemon, "host_timeout")


PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"
PROXY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
MOVED = b"HTTP/1.1 301 Moved\r\nLocation: https://x/ws\r\nContent-Length: 0\r\n\r\n"
NGINX = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 17\r\n\r\nsent to HTTPS por"
FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\n\r\nToo many\n"
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nNo!\n"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (PAGE, "not_a_daemon", "a web page"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "not_a_daemon", "HTTP 404"),
        (PROXY, "host_unreachable", "no daemon behind it"),
        (MOVED, "tls_expected", "?ssl=true"),
        (NGINX, "tls_expected", "?ssl=true"),
        (FULL, "host_unreachable", "busy: Too many"),
        (FORBIDDEN, "forbidden", "in: No!"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "not_a_daemon", "SSH-2.0"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "tls_expected", "?ssl=true"),
        (b"", "not_a_daemon", "without a word"),
        (b"\x1b]0;evil\x07\r\n\r\n", "not_a_daemon", ".]0;evil."),
    ],
)
async def test_somebody_who_is_no_daemon(reach: Reach, words: bytes, code: str, says: str) -> None:
    async with saying(words) as target:
        error = await refused(reach(target))
    assert error.code == code
    assert says in str(error)
    assert str(error).isprintable()


async def test_an_official_daemon_that_wants_its_password(reach: Reach) -> None:
    """Paseo lets everybody upgrade and closes with 4401 (wire reference 4.3)."""
    from websockets.asyncio.server import ServerConnection, serve

    async def close(connection: ServerConnection) -> None:
        await connection.close(4401, "Password required")

    async with serve(close, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await refused(reach(Target(host="127.0.0.1", port=port)))
        assert (type(error), error.code) == (Refused, "unauthorized")


@pytest.mark.parametrize(("code", "kind"), [(4003, Refused), (1011, ConnectionLost)])
async def test_a_daemon_that_breaks_off(reach: Reach, code: int, kind: type[ClientError]) -> None:
    from websockets.asyncio.server import ServerConnection, serve

    async def close(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.close(code, "Because")

    async with serve(close, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await refused(reach(Target(host="127.0.0.1", port=port)))
        assert type(error) is kind
        assert "Because" in error.message
