"""Request line and headers of a TCP connection: read, examined, and shaken hands with.

Besides that nothing is raised: however the bytes are cut into pieces, the same comes out of them;
and who may come in showed a Host and an Origin that a simpler reading of the rules allows too.
"""

from __future__ import annotations

from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from sereno.core.listeners.heads import LARGEST_HEAD, QUIET, HeadReader, Unfit
from sereno.core.listeners.stages import examine, is_forwarded, subprotocols_of
from sereno.core.security.credentials import from_http, from_upgrade
from sereno.core.security.gate import GateSettings

RULES = GateSettings(uid=1, hostnames=(".example.com",), origins=frozenset({"paseo://app"}))
_LINES = b"GET /ws HTTP/1.1\r\nHost: localhost:6767\r\n"
_UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
SEEDS = [
    b"\0" + _LINES + _UPGRADE + b"\r\n",
    b"\x20" + _LINES + _UPGRADE + b"Sec-WebSocket-Protocol: paseo.bearer.a.b, x\r\n\r\n\x81\x85",
    b"\x05" + _LINES + _UPGRADE + b"Sec-WebSocket-Protocol: sereno.v1, sereno.bearer64.YQ\r\n\r\n",
    b"\x10" + _LINES + _UPGRADE + b"Origin: http://localhost:6767\r\n\r\n",
    b"\0GET /api/status HTTP/1.1\r\nHost: [::1]:6767\r\nAuthorization: Bearer a.b\r\n\r\n",
    b"\0GET /api/health?x HTTP/1.1\r\nHost: a.example.com.\r\nX-Forwarded-For: ::1\r\n\r\n",
    b"\0OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: paseo://app\r\n\r\n",
    b"\0POST /ws HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
    b"\0HEAD /health HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n",
]
WORDS = [
    *(b"GET ", b"HEAD ", b"OPTIONS ", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b"\r\n\r\n", b"\r\n"),
    *(b"/ws", b"/api/status", b"/api/health", b"Host: ", b"Origin: ", b"Upgrade: websocket"),
    *(b"Connection: Upgrade", b"Sec-WebSocket-Protocol: ", b"Sec-WebSocket-Key: "),
    *(b"Sec-WebSocket-Version: 13", b"paseo.bearer.", b"sereno.v1", b"sereno.bearer64."),
    *(b"Authorization: Bearer ", b"Forwarded: ", b"X-Forwarded-For: ", b"Via: "),
    *(b"Sec-Fetch-Site: same-site", b"Sec-Fetch-Mode: navigate", b"Content-Length: 0"),
    *(b"Transfer-Encoding: chunked", b"localhost", b"127.0.0.1", b"[::1]", b".example.com"),
    *(b"http://", b"paseo://app", b"null", b"%25", b"\x00", b"\xff", b"\t"),
]
Outcome = tuple[str, object]


def one(data: bytes) -> None:
    cut, data = data[:1], data[1:]
    whole = read([data])
    at = cut[0] if cut else 0
    assert read([data[:at], data[at:]]) == whole
    if len(data) < 512:
        assert read([data[n : n + 1] for n in range(len(data))]) == whole


def read(pieces: list[bytes]) -> Outcome:
    """As an arrival does it; gives what became of it, in words that can be compared."""
    reader = HeadReader(ServerProtocol(extensions=None, logger=QUIET))
    size = 0
    for number, piece in enumerate(pieces):
        size += len(piece)
        try:
            request = reader.feed(piece)
        except Unfit as error:
            unfit = error.status
            break
        if request is not None:
            rest = reader.rest + b"".join(pieces[number + 1 :])
            return "request", (judged(request, reader.protocol), request.path, rest)
    else:
        assert size <= LARGEST_HEAD
        return "waits", None
    assert 400 <= unfit < 500
    return "unfit", None


def judged(request: Request, protocol: ServerProtocol) -> str:
    found = examine(request, RULES)
    if isinstance(found, Response):
        assert found.status_code in (200, 204, 400, 403)
        assert found.status_code != 200 or found.body == b'{"status":"ok"}'
        found.serialize()
        return f"answered {found.status_code}"
    allowed(request, upgrade=found.what == "websocket")
    authorization = request.headers.get_all("Authorization")
    is_forwarded(request)
    if found.what != "websocket":
        from_http(authorization)
        return found.what
    offered = subprotocols_of(request)
    if offered is None:
        return "unreadable subprotocols"
    from_upgrade(authorization, offered)
    response = protocol.accept(request)
    assert response.status_code in (101, 400, 405, 426, 505), response.status_code
    response.serialize()
    return f"upgraded {response.status_code}"


def allowed(request: Request, *, upgrade: bool) -> None:
    """The rules once more, as simple as can be: what came through must be one of these."""
    hosts = request.headers.get_all("Host")
    host = hosts[0].strip().lower() if hosts else ""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    name = name.rstrip(".:")
    assert len(hosts) == 1 or (upgrade and not hosts), hosts
    is_address = not set(name.strip("[]")) - set("0123456789abcdef.:")
    named = name in ("", "localhost", "example.com") or name.endswith(
        (".localhost", ".example.com")
    )
    assert named or is_address, hosts
    origins = request.headers.get_all("Origin")
    if request.method == "OPTIONS" and not upgrade:
        return
    assert len(origins) <= 1, origins
    own = {f"{scheme}://{hosts[0].strip()}" for scheme in ("http", "https")} if hosts else set()
    assert not origins or origins[0] in own | set(RULES.origins), origins
