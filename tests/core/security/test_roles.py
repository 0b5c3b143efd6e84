"""The table of message types by role, tested whole: each cell is written down here again."""

from __future__ import annotations

from typing import get_args

import pytest

from sereno.core.protocol.frames import Request
from sereno.core.security.roles import ALLOWED, CHANGES, Role, may

# o owner, a admin, p operator, v viewer, g agent
EXPECTED = {
    "ping": "oapvg",
    "client_heartbeat": "oapvg",
    "fetch_agents_request": "oapvg",
    "fetch_agent_request": "oapvg",
    "fetch_agent_history_request": "oapvg",
    "wait_for_finish_request": "oapvg",
    "get_providers_snapshot_request": "oapvg",
    "list_provider_models_request": "oapvg",
    "list_provider_modes_request": "oapvg",
    "list_available_providers_request": "oapvg",
    "sereno.daemon.status.request": "oapvg",
    "fetch_agent_timeline_request": "oapv",
    "list_commands_request": "oapv",
    "directory_suggestions_request": "oapv",
    "sereno.agent.inspect.request": "oapv",
    "sereno.log.read.request": "oapv",
    "sereno.requests.list.request": "oapv",
    "sereno.provider.sessions.request": "oapv",
    "project_icon_request": "oapv",
    "fetch_workspaces_request": "oapv",
    "workspace_setup_status_request": "oapv",
    "list_provider_features_request": "oapv",
    "list_terminals_request": "oapv",
    "subscribe_terminals_request": "oapv",
    "unsubscribe_terminals_request": "oapv",
    "list_available_editors_request": "oapv",
    "paseo_worktree_list_request": "oapv",
    "get_daemon_config_request": "oapv",
    "file_explorer_request": "oap",
    "file_download_token_request": "oap",
    "import_agent_request": "oap",
    "create_agent_request": "oap",
    "send_agent_message_request": "oap",
    "cancel_agent_request": "oap",
    "archive_agent_request": "oap",
    "delete_agent_request": "oap",
    "update_agent_request": "oap",
    "set_agent_mode_request": "oap",
    "set_agent_model_request": "oap",
    "set_agent_thinking_request": "oap",
    "set_agent_feature_request": "oap",
    "refresh_agent_request": "oap",
    "close_items_request": "oap",
    "dictation_stream_start": "oap",
    "dictation_stream_finish": "oap",
    "open_project_request": "oap",
    "archive_workspace_request": "oap",
    "clear_agent_attention": "oap",
    "agent_permission_response": "oap",
    "refresh_providers_snapshot_request": "oap",
    "register_push_token": "oap",
    "sereno.prompt.take_back.request": "oap",
    "sereno.agent.end.request": "oap",
    "sereno.agent.park.request": "oap",
    "sereno.agent.unarchive.request": "oap",
    "restart_server_request": "oa",
    "shutdown_server_request": "oa",
    "sereno.daemon.reload.request": "oa",
    "sereno.audit.verify.request": "oa",
    "sereno.token.offer.request": "o",
    "sereno.security.read.request": "o",
    "sereno.security.change.request": "o",
    "sereno.security.set_password.request": "o",
    "sereno.security.rotate_token.request": "o",
    "sereno.security.try_host.request": "o",
    "sereno.pairing.read.request": "o",
    "sereno.pairing.offer.request": "o",
    "sereno.pairing.close.request": "o",
    "sereno.pairing.answer.request": "o",
    "sereno.pairing.rotate.request": "o",
    "sereno.pairing.relay.request": "o",
    "sereno.device.revoke.request": "o",
    "sereno.device.change.request": "o",
}
LETTERS = {
    "o": Role.OWNER,
    "a": Role.ADMIN,
    "p": Role.OPERATOR,
    "v": Role.VIEWER,
    "g": Role.AGENT,
}


def test_c74_the_table_has_a_row_for_each_request_and_no_other() -> None:
    requests = {str(kind.__struct_config__.tag) for kind in get_args(Request)}
    assert set(EXPECTED) == requests
    assert set(ALLOWED) == requests


@pytest.mark.parametrize("name", EXPECTED)
def test_c74_each_cell(name: str) -> None:
    for letter, role in LETTERS.items():
        assert may(role, name) is (letter in EXPECTED[name]), (role, name)


def test_what_is_not_in_the_table_may_nobody_ask() -> None:
    assert not any(may(role, "frobnicate_request") for role in Role)


def test_t46_an_agent_changes_nothing() -> None:
    assert not any(may(Role.AGENT, name) for name in CHANGES)
    harmless = {
        "sereno.audit.verify.request",
        "sereno.security.read.request",
        "sereno.security.try_host.request",
        "sereno.pairing.read.request",
        "file_explorer_request",
        "file_download_token_request",
    }
    changes = {name for name, letters in EXPECTED.items() if "v" not in letters} - harmless
    assert changes == CHANGES
