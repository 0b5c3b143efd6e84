"""The protocol's own SDK as the judge: its client drives our demo agent, its agent our driver."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from sereno.core.protocol.permissions import Allow
from sereno.core.protocol.tools import EditDetail
from sereno.core.providers.acp.driver import AcpDriver
from sereno.core.providers.driver import Identity, Setup
from sereno.core.providers.effects import Asked, Item, TurnEnded
from tests.core.providers.rig import Rig, calls, text_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def demo(tmp_path: Path) -> tuple[str, ...]:
    options = ("--pace", "0", "--state", str(tmp_path / "state"))
    return (sys.executable, "-P", "-m", "sereno.core.providers.demo", *options)


async def test_the_demo_agent_speaks_the_protocol(tmp_path: Path) -> None:
    from tests.core.providers.acp import judge as sdk

    judge = sdk.Judge()  # type: ignore[abstract]
    observed: list[Any] = []
    async with sdk.spawn_agent_process(
        lambda _: judge,
        *demo(tmp_path),
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        observers=[observed.append],
    ) as (agent, _):
        started = await agent.initialize(protocol_version=1)
        assert started.agent_capabilities is not None
        assert started.agent_capabilities.load_session
        session = await agent.new_session(cwd=str(tmp_path), mcp_servers=[])
        assert session.modes is not None
        assert session.config_options
        prompts = "show\nedit a.txt\nrun echo hi; exit 1\nplan\nthink x\nfind demo\nread a.txt"
        for prompt in (prompts, "look around please", "stream 3 tools"):
            done = await agent.prompt(
                session_id=session.session_id, prompt=[sdk.text_block(prompt)]
            )
            assert done.stop_reason == "end_turn"
            assert done.usage is not None
        with pytest.raises(sdk.RequestError, match="429"):
            await agent.prompt(session_id=session.session_id, prompt=[sdk.text_block("fail rate")])
        await agent.set_session_mode(session_id=session.session_id, mode_id="plan")
        await agent.set_config_option(
            session_id=session.session_id, config_id="model", value="demo-2"
        )
        before = len(judge.updates)
        await agent.load_session(session_id=session.session_id, cwd=str(tmp_path), mcp_servers=[])
        replayed = {type(update).__name__ for update in judge.updates[before:]}
        assert "UserMessageChunk" in replayed
        assert "ToolCallStart" in replayed
    assert len(judge.asked) == 2
    kinds = {type(update).__name__ for update in judge.updates}
    assert kinds >= {
        "AgentMessageChunk",
        "AgentThoughtChunk",
        "AgentPlanUpdate",
        "AvailableCommandsUpdate",
        "CurrentModeUpdate",
        "ToolCallStart",
        "ToolCallProgress",
        "UsageUpdate",
    }
    # Nothing that the SDK could not read: what it cannot is dropped before it reaches the judge.
    sent = [o for o in observed if "incoming" in str(o.direction).lower()]
    updates = [o for o in sent if o.message.get("method") == "session/update"]
    assert len(updates) == len(judge.updates)


SDK_AGENT = """
import asyncio, acp
from acp import schema

class Agent(acp.Agent):
    def on_connect(self, conn):
        self.conn = conn

    async def initialize(self, protocol_version, client_capabilities=None, client_info=None, **_):
        assert not client_capabilities.terminal and not client_capabilities.fs.read_text_file
        assert client_info.name == "sereno"
        return schema.InitializeResponse(protocol_version=protocol_version)

    async def new_session(self, cwd, mcp_servers=None, **_):
        modes = [schema.SessionMode(id="m1", name="One"), schema.SessionMode(id="m2", name="Two")]
        state = schema.SessionModeState(current_mode_id="m1", available_modes=modes)
        return schema.NewSessionResponse(session_id="sdk-1", modes=state)

    async def set_session_mode(self, mode_id, session_id, **_):
        self.mode = mode_id
        return schema.SetSessionModeResponse()

    async def cancel(self, session_id, **_):
        self.cancelled.set()

    async def prompt(self, prompt, session_id, **_):
        say = lambda text: self.conn.session_update(session_id, acp.update_agent_message_text(text))
        if prompt[0].text == "hang":
            self.cancelled = asyncio.Event()
            await say("hanging")
            await self.cancelled.wait()
            return schema.PromptResponse(stop_reason="cancelled")
        await say(f"mode {self.mode}, ")
        diff = acp.tool_diff_content("/a", "new\\n", "old\\n")
        start = acp.start_edit_tool_call("t1", "Edit a", "/a", diff)
        await self.conn.session_update(session_id, start)
        options = [
            schema.PermissionOption(option_id="y", kind="allow_once", name="Yes"),
            schema.PermissionOption(option_id="n", kind="reject_once", name="No"),
        ]
        call = schema.ToolCallUpdate(tool_call_id="t1", title="Edit a", kind="edit", content=[diff])
        answer = await self.conn.request_permission(
            options=options, session_id=session_id, tool_call=call
        )
        await self.conn.session_update(session_id, acp.update_tool_call("t1", status="completed"))
        await say(f"you said {answer.outcome.option_id}")
        return schema.PromptResponse(stop_reason="end_turn")

asyncio.run(acp.run_agent(Agent(), use_unstable_protocol=True))
"""


async def test_the_driver_drives_an_agent_of_the_sdk(tmp_path: Path) -> None:
    program = tmp_path / "agent.py"
    program.write_text(SDK_AGENT)
    identity, setup = Identity("sdk", "SDK agent"), Setup(str(tmp_path), mode="m2")
    rig = Rig(
        (sys.executable, "-W", "ignore", str(program)),
        {"PATH": os.environ["PATH"]},
        tmp_path,
        lambda state: AcpDriver(identity, setup, state),
    )
    async with rig:
        ready = await rig.open()
        assert (ready.session_id, ready.mode_id) == ("sdk-1", "m2")
        effects, end = await rig.turn("go", Allow())
        assert end.outcome == "completed"
        assert text_of(effects) == "mode m2, you said y"
        (call,) = calls(effects).values()
        assert call.status == "completed"
        assert isinstance(call.detail, EditDetail)
        assert "-old\n+new\n" in str(call.detail.unified_diff)
        assert len([e for e in effects if isinstance(e, Asked)]) == 1
        rig.prompt("hang")
        await rig.until(Item)
        rig.take(rig.driver.interrupt())
        assert (await rig.until(TurnEnded)).outcome == "canceled"
