"""Frames: JSON bytes to typed messages and back, at both ends (wire reference 5.8 and 6.1).

Decoding never raises anything but `BadFrame`, which says what section 7.1 wants answered.
"""

from __future__ import annotations

import functools
from typing import Any, Literal, get_args

import msgspec

from sereno.core.protocol import (
    additions,
    apps,
    files,
    importing,
    messages,
    pairing,
    requests,
    security,
    workspaces,
)
from sereno.core.protocol.decoders import decoder
from sereno.core.protocol.values import UNSET, UnsetType, Wire

__all__ = [
    "PROTOCOL_VERSION",
    "BadFrame",
    "ClientFrame",
    "CloseCode",
    "Hello",
    "Payload",
    "RecordingState",
    "Request",
    "SessionRequest",
    "UnknownPayload",
    "WirePing",
    "WirePong",
    "decode_client_frame",
    "decode_daemon_frame",
    "encode_frame",
    "encode_payload",
    "encode_request",
    "encode_timeline_row",
    "request_name",
]

PROTOCOL_VERSION = 1

Payload = Wire
"""Any D→C payload: a Wire struct whose class has `wire_type`."""


class CloseCode:
    """WebSocket close codes of section 5.9, and ours."""

    NORMAL = 1000
    GOING_AWAY = 1001
    BROKEN = 1011
    TOO_SLOW = 1013
    RESTART = 1012
    HELLO_TIMEOUT = 4001
    INVALID_HELLO = 4002
    INCOMPATIBLE = 4003
    UNAUTHORISED = 4401


class Hello(Wire, tag_field="type", tag="hello"):
    client_id: str
    client_type: Literal["mobile", "browser", "cli", "mcp"]
    protocol_version: int
    app_version: str | UnsetType = UNSET
    capabilities: dict[str, Any] | UnsetType = UNSET


class WirePing(Wire, tag_field="type", tag="ping"):
    pass


class WirePong(Wire, tag_field="type", tag="pong"):
    pass


class RecordingState(Wire, tag_field="type", tag="recording_state"):
    is_recording: bool


Request = (
    requests.Ping
    | requests.FetchAgents
    | requests.FetchAgentHistory
    | requests.FetchAgent
    | requests.CreateAgent
    | requests.SendMessage
    | requests.WaitForFinish
    | requests.CancelAgent
    | requests.ArchiveAgent
    | requests.DeleteAgent
    | requests.UpdateAgent
    | requests.SetAgentMode
    | requests.SetAgentModel
    | requests.SetAgentThinking
    | requests.ClearAttention
    | requests.FetchTimeline
    | requests.PermissionAnswer
    | requests.GetProvidersSnapshot
    | requests.RefreshProvidersSnapshot
    | requests.ListProviderModels
    | requests.ListProviderModes
    | requests.ListAvailableProviders
    | requests.ListCommands
    | requests.DirectorySuggestions
    | requests.ClientHeartbeat
    | requests.RegisterPushToken
    | requests.RestartServer
    | requests.ShutdownServer
    | additions.TakeBackPrompt
    | additions.EndAgent
    | additions.ParkAgent
    | additions.UnarchiveAgent
    | additions.InspectAgent
    | additions.ReadLog
    | additions.DaemonStatus
    | additions.ReloadDaemon
    | additions.MakeOffer
    | additions.ListRequests
    | additions.AuditVerify
    | security.ReadSecurity
    | security.ChangeSecurity
    | security.SetPassword
    | security.RotateToken
    | security.TryHost
    | pairing.ReadPairing
    | pairing.OfferPairing
    | pairing.CloseOffer
    | pairing.AnswerQuestion
    | pairing.RotatePairings
    | pairing.SwitchRelay
    | pairing.RevokeDevice
    | pairing.ChangeDevice
    | files.ExploreFiles
    | files.RequestDownload
    | files.RequestProjectIcon
    | workspaces.FetchWorkspaces
    | workspaces.OpenProject
    | workspaces.ArchiveWorkspace
    | workspaces.WorkspaceSetup
    | apps.RefreshAgent
    | apps.CloseItems
    | apps.SetAgentFeature
    | apps.ListProviderFeatures
    | apps.GetDaemonConfig
    | apps.ListTerminals
    | apps.SubscribeTerminals
    | apps.UnsubscribeTerminals
    | apps.ListEditors
    | apps.ListWorktrees
    | apps.DictationStart
    | apps.DictationFinish
    | importing.ListProviderSessions
    | importing.ImportAgent
)


class SessionRequest(Wire, tag_field="type", tag="session"):
    message: Request


ClientFrame = Hello | WirePing | RecordingState | SessionRequest


class BadFrame(Exception):
    """A client frame that cannot be taken, in the terms of section 7.1.

    `code`: "unknown_schema" (a session message with a request id, but unknown or invalid),
    "invalid_message" (another object with a request id), or "" (nothing to answer to).
    """

    def __init__(
        self,
        code: str,
        request_id: str,
        request_type: str,
        detail: str,
        *,
        known_type: bool = False,
    ) -> None:
        """`known_type`: the request has a type that we know, so its fields must be wrong."""
        super().__init__(detail)
        self.known_type = known_type
        self.code = code
        self.request_id = request_id
        self.request_type = request_type
        self.detail = detail


class UnknownPayload(Wire):
    """A message of a type that this version does not know."""

    message_type: str
    payload: msgspec.Raw


_encoder = msgspec.json.Encoder()


# Decoders are built at first use: the command line, which must start fast, needs few of them.
@functools.cache
def _client_frames() -> msgspec.json.Decoder[ClientFrame]:
    return decoder(ClientFrame)


@functools.cache
def _request_names() -> frozenset[str]:
    return frozenset(str(kind.__struct_config__.tag) for kind in get_args(Request))


def request_name(request: object) -> str:
    """The wire name of a request struct."""
    return str(type(request).__struct_config__.tag)  # type: ignore[attr-defined]


def decode_client_frame(data: bytes | str) -> ClientFrame:
    """One C→D frame.

    Raises:
        BadFrame: it is not JSON, nested too deeply, of an unknown type or of a wrong shape.
    """
    try:
        return _client_frames().decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _classify(data, str(error)) from error


def _classify(data: bytes | str, detail: str) -> BadFrame:
    """Says whom to answer, and how, when a frame could not be read."""
    try:
        loose = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return BadFrame("", "", "", detail)
    if not isinstance(loose, dict):
        return BadFrame("", "", "", detail)
    message = loose.get("message")
    if loose.get("type") == "session" and isinstance(message, dict):
        request_id, kind = message.get("requestId"), message.get("type")
        if isinstance(request_id, str):
            name = kind if isinstance(kind, str) else ""
            known = name in _request_names()
            return BadFrame("unknown_schema", request_id, name, detail, known_type=known)
    request_id = loose.get("requestId")
    if isinstance(request_id, str):
        return BadFrame("invalid_message", request_id, "", detail)
    return BadFrame("", "", str(loose.get("type", "")), detail)


def encode_frame(frame: Hello | WirePing | WirePong | RecordingState) -> bytes:
    """A frame that is no session message."""
    return _encoder.encode(frame)


def encode_request(request: Wire) -> bytes:
    """A C→D session message as a whole frame."""
    return b'{"type":"session","message":' + _encoder.encode(request) + b"}"


def encode_payload(payload: Wire) -> bytes:
    """A D→C payload as a whole frame; its class names the message in `wire_type`."""
    name: str = type(payload).wire_type  # type: ignore[attr-defined]
    return _wrap(name, _encoder.encode(payload))


def _wrap(name: str, payload: bytes) -> bytes:
    head = b'{"type":"session","message":{"type":"' + name.encode() + b'","payload":'
    return head + payload + b"}}"


def encode_timeline_row(
    *, agent_id: str, provider: str, item: bytes, timestamp: str, seq: int, epoch: str
) -> bytes:
    """A stored row as an `agent_stream` frame, around an item that is encoded already."""
    head, middle, tail = _row_parts(agent_id, provider, epoch)
    return b"".join((head, item, middle, timestamp.encode(), b'","seq":%d' % seq, tail))


@functools.lru_cache(maxsize=256)
def _row_parts(agent_id: str, provider: str, epoch: str) -> tuple[bytes, bytes, bytes]:
    """What is the same in all rows of an agent: before the item, behind it, behind the number."""
    text = _encoder.encode
    head = (
        b'{"type":"session","message":{"type":"agent_stream","payload":{"agentId":'
        + text(agent_id)
        + b',"event":{"type":"timeline","provider":'
        + text(provider)
        + b',"item":'
    )
    return head, b'},"timestamp":"', b',"epoch":' + text(epoch) + b"}}}"


_MODULES = (messages, additions, apps, files, importing, pairing, security, workspaces)


@functools.cache
def _payload_types() -> dict[str, Any]:
    """Message name to the type in which its payload is decoded."""
    found: dict[str, Any] = {}
    for module in _MODULES:
        for name in module.__all__:
            candidate = getattr(module, name)
            wire_type = getattr(candidate, "wire_type", None)
            if isinstance(wire_type, str):
                known = found.get(wire_type)
                found[wire_type] = candidate if known is None else known | candidate
    return found


@functools.cache
def _payload_decoder(name: str) -> msgspec.json.Decoder[Any]:
    """Only for known names, so that the cache is bounded."""
    return decoder(_payload_types()[name])


class _Inner(Wire):
    type: str
    payload: msgspec.Raw = msgspec.Raw(b"null")


class _Outer(Wire):
    type: str
    message: _Inner | UnsetType = UNSET


_outer = msgspec.json.Decoder(_Outer)
_HEAD = b'{"type":"session","message":{"type":"'
_MIDDLE = b'","payload":'


def _written_by_us(data: bytes | str) -> Wire | None:
    """The payload of a frame that looks exactly as our daemon writes it: read in one pass instead
    of two. None for any other frame; what stands between head and tail is one whole JSON value, or
    the decoder refuses it."""
    if not isinstance(data, bytes) or not (data.startswith(_HEAD) and data.endswith(b"}}")):
        return None
    name_end = data.find(b'"', len(_HEAD))
    if not data.startswith(_MIDDLE, name_end):
        return None
    name = data[len(_HEAD) : name_end].decode("ascii", "replace")
    if name not in _payload_types():
        return None
    try:
        payload: Wire = _payload_decoder(name).decode(
            memoryview(data)[name_end + len(_MIDDLE) : -2]
        )
    except msgspec.DecodeError:
        return None
    return payload


def decode_daemon_frame(data: bytes | str) -> Wire:
    """One D→C frame: its payload struct, WirePong, or UnknownPayload.

    Raises:
        BadFrame: it is no frame, or a known message in a wrong shape.
    """
    try:
        quick = _written_by_us(data)
        if quick is not None:
            return quick
        outer = _outer.decode(data)
        if outer.type == "pong":
            return WirePong()
        if isinstance(outer.message, UnsetType):
            raise BadFrame("", "", outer.type, f"not a session frame: {outer.type}")
        name = outer.message.type
        if name not in _payload_types():
            return UnknownPayload(message_type=name, payload=outer.message.payload)
        return _decode_payload(_payload_decoder(name), name, outer.message.payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadFrame("", "", "", str(error)) from error


def _decode_payload(decoder: msgspec.json.Decoder[Any], name: str, raw: msgspec.Raw) -> Wire:
    try:
        payload: Wire = decoder.decode(raw)
    except msgspec.ValidationError:
        if name != "status":
            raise
        # Other kinds of status are informational and may come from newer daemons.
        return UnknownPayload(message_type=name, payload=raw)
    return payload
