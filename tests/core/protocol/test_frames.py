"""Frames in both directions: the wire's examples, what is refused, what must round-trip."""

from __future__ import annotations

import json
import typing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from sereno.core.protocol import frames, messages, requests
from sereno.core.protocol.agents import AgentSnapshot, Capabilities, Mode
from sereno.core.protocol.events import TimelineEvent
from sereno.core.protocol.messages import AgentStream, FetchAgentsResult, RpcError
from sereno.core.protocol.permissions import Allow, Deny, PermissionRequest
from sereno.core.protocol.timeline import AssistantMessage, ToolCall
from sereno.core.protocol.tools import ShellDetail
from sereno.core.protocol.values import UNSET, iso, parse_iso

EXAMPLES = [
    line.split(" ", 1)
    for line in (Path(__file__).parent / "wire_examples.txt").read_text().splitlines()
]
LATER = {
    # Messages of later issues; a client of ours takes them as unknown, and goes on.
    "checkout_status_response",
    "subscribe_terminal_response",
}


@pytest.mark.parametrize("line", [text for way, text in EXAMPLES if way == "S2C"])
def test_daemon_examples_round_trip(line: str) -> None:
    payload = frames.decode_daemon_frame(line)
    if isinstance(payload, frames.UnknownPayload):
        assert payload.message_type in LATER
    else:
        assert json.loads(frames.encode_payload(payload)) == json.loads(line)


def read(data: bytes | str) -> object:
    try:
        return frames.decode_daemon_frame(data)
    except frames.BadFrame:
        return "refused"


@pytest.mark.parametrize("line", [text for way, text in EXAMPLES if way == "S2C"])
def test_a_frame_read_in_one_pass_is_the_one_read_in_two(line: str) -> None:
    compact = json.dumps(json.loads(line), separators=(",", ":"), ensure_ascii=False)
    assert read(compact.encode()) == read(line)


PONG = '"requestId":"r","clientSentAt":1,"serverReceivedAt":2,"serverSentAt":3'


@hypothesis_given(
    st.sampled_from(["pong", "rpc_error", "status", "unknown", "po\\u006eg", ""]),
    st.sampled_from(["{" + PONG + "}", "{}", "{" + PONG + '},"x":{}', "1", "", "{", '{"a":"}}"}']),
    st.sampled_from(["}}", "}} ", "},1}", "}}}", '},"type":"pong"}', '},"x":{"y":{}}}']),
)
def test_what_looks_like_ours_is_judged_the_same(name: str, payload: str, tail: str) -> None:
    text = '{"type":"session","message":{"type":"' + name + '","payload":' + payload + tail
    assert read(text.encode()) == read(text)


@pytest.mark.parametrize("line", [text for way, text in EXAMPLES if way == "C2S"])
def test_client_examples_round_trip(line: str) -> None:
    frame = frames.decode_client_frame(line)
    match frame:
        case frames.SessionRequest(message=message):
            assert json.loads(frames.encode_request(message)) == json.loads(line)
        case frames.Hello():
            assert json.loads(frames.encode_frame(frame)) == json.loads(line)
        case _:
            pytest.fail(f"an example that is neither hello nor session: {line}")


@pytest.mark.parametrize(
    ("text", "code", "request_id"),
    [
        (
            '{"type":"session","message":{"type":"frobnicate","requestId":"r"}}',
            "unknown_schema",
            "r",
        ),
        ('{"type":"session","message":{"type":"ping","requestId":7}}', "", ""),
        (
            '{"type":"session","message":{"type":"fetch_agent_request","requestId":"r"}}',
            "unknown_schema",
            "r",
        ),
        (
            '{"type":"session","message":{"type":"fetch_agents_request","requestId":"r","page":null}}',
            "unknown_schema",
            "r",
        ),
        ('{"type":"other","requestId":"r"}', "invalid_message", "r"),
        ("[1,2]", "", ""),
        ("nonsense", "", ""),
        ('{"a":' * 5000, "", ""),
        ("[" * 100_000, "", ""),
    ],
)
def test_bad_client_frames_say_whom_to_answer(text: str, code: str, request_id: str) -> None:
    with pytest.raises(frames.BadFrame) as caught:
        frames.decode_client_frame(text)
    assert (caught.value.code, caught.value.request_id) == (code, request_id)


@hypothesis_given(st.binary(max_size=300))
def test_any_bytes_give_a_frame_or_bad_frame(data: bytes) -> None:
    for decode in (frames.decode_client_frame, frames.decode_daemon_frame):
        try:
            decode(data)
        except frames.BadFrame:
            continue


@hypothesis_given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "message", "requestId", "payload", "x"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_gives_a_frame_or_bad_frame(value: object) -> None:
    data = json.dumps(value)
    for decode in (frames.decode_client_frame, frames.decode_daemon_frame):
        try:
            decode(data)
        except frames.BadFrame:
            continue


def test_unknown_message_and_status_are_kept_not_refused() -> None:
    line = '{"type":"session","message":{"type":"from_the_future","payload":{"a":1}}}'
    payload = frames.decode_daemon_frame(line)
    assert isinstance(payload, frames.UnknownPayload)
    assert payload.message_type == "from_the_future"
    line = '{"type":"session","message":{"type":"status","payload":{"status":"new_kind"}}}'
    assert isinstance(frames.decode_daemon_frame(line), frames.UnknownPayload)


def test_a_known_message_in_a_wrong_shape_is_refused() -> None:
    with pytest.raises(frames.BadFrame):
        frames.decode_daemon_frame(
            '{"type":"session","message":{"type":"rpc_error","payload":{"requestId":1}}}'
        )


def test_tool_call_always_sends_error_and_takes_no_other_key() -> None:
    call = ToolCall(call_id="c", name="Bash", detail=ShellDetail(command="ls"), status="running")
    assert json.loads(msgspec.json.encode(call)) == {
        "type": "tool_call",
        "callId": "c",
        "name": "Bash",
        "detail": {"type": "shell", "command": "ls"},
        "status": "running",
        "error": None,
    }
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(call)[:-1] + b',"extra":1}', type=ToolCall)


def test_an_absent_key_is_never_sent_as_null() -> None:
    error = json.loads(frames.encode_payload(RpcError(request_id="r", error="no")))
    assert error["message"]["payload"] == {"requestId": "r", "error": "no"}
    info = messages.ServerInfo(server_id="s", features=messages.ServerFeatures())
    assert json.loads(frames.encode_payload(info))["message"]["payload"] == {
        "status": "server_info",
        "serverId": "s",
        "features": {"providersSnapshot": True},
    }


def test_required_nullable_keys_are_sent() -> None:
    snapshot = _snapshot()
    sent = json.loads(msgspec.json.encode(snapshot))
    for key in ("model", "lastUserMessageAt", "currentModeId", "persistence", "title"):
        assert sent[key] is None
    assert "lastError" not in sent


def _snapshot() -> AgentSnapshot:
    return AgentSnapshot(
        id="a",
        provider="demo",
        cwd="/srv",
        model=None,
        created_at=iso(0),
        updated_at=iso(1),
        last_user_message_at=None,
        status="idle",
        capabilities=Capabilities(),
        current_mode_id=None,
        available_modes=[Mode(id="ask", label="Ask")],
        pending_permissions=[],
        persistence=None,
        title=None,
        labels={},
    )


def test_a_row_around_an_encoded_item_equals_the_whole_struct() -> None:
    item = AssistantMessage(text='a "quoted" line\n')
    row = frames.encode_timeline_row(
        agent_id="a",
        provider="demo",
        item=msgspec.json.encode(item),
        timestamp=iso(5),
        seq=7,
        epoch="e",
    )
    whole = AgentStream(
        agent_id="a",
        event=TimelineEvent(provider="demo", item=item),
        timestamp=iso(5),
        seq=7,
        epoch="e",
    )
    assert row == frames.encode_payload(whole)


def test_permission_answers_round_trip() -> None:
    for response in (Allow(selected_action_id="once"), Deny(message="no", interrupt=True), Deny()):
        asked = requests.PermissionAnswer(agent_id="a", request_id="p", response=response)
        back = frames.decode_client_frame(frames.encode_request(asked))
        assert isinstance(back, frames.SessionRequest)
        assert back.message == asked


def test_every_request_has_its_own_name_and_a_place_in_the_union() -> None:
    names = [kind.__struct_config__.tag for kind in typing.get_args(frames.Request)]
    assert len(names) == len(set(names))
    for name in requests.__all__:
        kind = getattr(requests, name)
        if isinstance(kind, type) and msgspec.inspect.type_info(kind).tag is not None:  # type: ignore[attr-defined]
            assert kind in typing.get_args(frames.Request), name


def test_optional_lists_do_not_share_their_default() -> None:
    first = FetchAgentsResult(
        request_id="r",
        entries=[],
        page_info=messages.PageInfo(next_cursor=None, prev_cursor=None, has_more=False),
    )
    assert first.subscription_id is UNSET
    request = PermissionRequest(id="p", provider="demo", name="x", kind="tool")
    assert "input" not in json.loads(msgspec.json.encode(request))


@hypothesis_given(st.integers(min_value=0, max_value=253402300799999))
def test_times_round_trip(epoch_ms: int) -> None:
    assert parse_iso(iso(epoch_ms)) == epoch_ms


def test_times_have_milliseconds_and_z() -> None:
    assert iso(1777803630123) == "2026-05-03T10:20:30.123Z"
    assert parse_iso("2026-05-03T10:20:30") == 1777803630000
