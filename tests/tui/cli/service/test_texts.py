"""The unit and the property list: what is in them, what agents would inherit, and the seal."""

from __future__ import annotations

import configparser
import os
import plistlib
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.tui.cli.service.facts import Facts
from sereno.tui.cli.service.plist import launchd_plist
from sereno.tui.cli.service.sealed import State, seal, state_of
from sereno.tui.cli.service.unit import systemd_unit

FACTS = Facts(("/opt/bin/sereno", "--no-ui"), "/opt/bin:/usr/bin", None, "sereno")
ODD = Facts(
    ('/opt/my $HOME/100%/"q"/back\\slash\'s/py', "-m", "$HOME 100%", "--no-ui"),
    "/a b:/50%:/usr/bin",
    "/srv/ho me%h",
    "sereno-ho-me-h-000000",
)

# systemd.exec(5): whatever shuts the daemon in shuts in every agent, too.
SANDBOX = {
    *("AppArmorProfile", "CapabilityBoundingSet", "DynamicUser", "IPAddressDeny", "LimitNPROC"),
    *("LockPersonality", "MemoryDenyWriteExecute", "MemoryMax", "NoNewPrivileges", "PrivateTmp"),
    *("PrivateDevices", "PrivateNetwork", "PrivateUsers", "ProcSubset", "ProtectClock"),
    *("ProtectControlGroups", "ProtectHome", "ProtectHostname", "ProtectKernelLogs"),
    *("ProtectKernelModules", "ProtectKernelTunables", "ProtectProc", "ProtectSystem"),
    *("ReadOnlyPaths", "InaccessiblePaths", "RestrictAddressFamilies", "RestrictNamespaces"),
    *("RestrictRealtime", "RestrictSUIDSGID", "RootDirectory", "SystemCallFilter", "UMask", "User"),
}


def sections(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(
        interpolation=None, comment_prefixes=("#",), delimiters=("=",), strict=True
    )
    parser.optionxform = str  # type: ignore[assignment]
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


def test_c04_the_unit_ends_the_daemon_alone_and_brings_it_back() -> None:
    unit = sections(systemd_unit(FACTS))
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["ExecStart"] == '"/opt/bin/sereno" "--no-ui"'
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["KillMode"] == "process"
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == "2 3"
    assert unit["Unit"]["StartLimitIntervalSec"] == "0", "code 1 is tried again for ever"
    assert service["OOMPolicy"] == "continue"
    assert int(service["WatchdogSec"]) > 0
    assert unit["Install"] == {"WantedBy": "default.target"}


def test_agents_inherit_no_sandbox() -> None:
    service = sections(systemd_unit(FACTS))["Service"]
    assert service.keys() & SANDBOX == set()
    assert set(service) == {
        *("Type", "ExecStart", "ExecReload", "Environment", "KillMode", "Restart", "RestartSec"),
        *("RestartPreventExitStatus", "TimeoutStartSec", "TimeoutStopSec", "WatchdogSec"),
        *("OOMPolicy", "TasksMax"),
    }


def test_odd_folders_are_quoted_as_systemd_reads_them() -> None:
    """`%` begins a specifier everywhere, `$` a variable in commands only."""
    text = systemd_unit(ODD)
    command = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    words = [word.replace("%%", "%") for word in shlex.split(command.partition("=")[2])]
    assert words == [*ODD.command[:2], "$$HOME 100%", "--no-ui"]
    variables = [line.partition("=")[2] for line in text.splitlines() if line[:4] == "Envi"]
    assert [shlex.split(one)[0].replace("%%", "%") for one in variables] == [
        f"PATH={ODD.path}",
        f"SERENO_HOME={ODD.home}",
    ]
    assert "(home /srv/ho me%%h)" in text


@pytest.mark.parametrize("facts", [FACTS, ODD])
def test_systemd_itself_reads_the_unit(facts: Facts, tmp_path: Path) -> None:
    """Where its checker is not installed, configparser above has read it."""
    if shutil.which("systemd-analyze") is None:
        assert sections(systemd_unit(facts))["Unit"]
        return
    program = tmp_path / "odd %h $x" / "sereno"
    program.parent.mkdir()
    program.symlink_to("/bin/true")
    real = Facts((str(program), "--no-ui"), facts.path, facts.home, facts.name)
    unit = tmp_path / f"{facts.name}.service"
    unit.write_text(systemd_unit(real))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    assert f"{facts.name}.service" not in done.stderr
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("facts", [FACTS, ODD])
def test_the_property_list_says_the_same(facts: Facts) -> None:
    job = plistlib.loads(launchd_plist(facts).encode())
    assert job["Label"] == f"io.sereno.{facts.name}"
    assert job["ProgramArguments"] == list(facts.command)
    assert job["EnvironmentVariables"]["PATH"] == facts.path
    assert job["EnvironmentVariables"].get("SERENO_HOME") == facts.home
    assert job["AbandonProcessGroup"] is True
    assert job["KeepAlive"] == {"SuccessfulExit": False}


@pytest.mark.parametrize("make", [systemd_unit, launchd_plist])
def test_a_file_that_a_person_edited_is_told_from_ours(make: object) -> None:
    assert callable(make)
    ours, theirs = make(FACTS), make(ODD)
    assert state_of(None, ours) is State.ABSENT
    assert state_of(ours, ours) is State.CURRENT
    assert state_of(theirs, ours) is State.OUTDATED
    assert state_of(theirs.replace("/usr/bin", "/usr/sbin"), ours) is State.EDITED
    assert state_of(theirs + "# mine\n", ours) is State.EDITED
    assert state_of(ours.replace("sereno-seal", "seal"), ours) is State.EDITED
    assert state_of("", ours) is State.EDITED
    assert state_of(ours + ours, ours) is State.EDITED


@given(st.text(), st.text(), st.integers(0, 10_000))
def test_any_change_breaks_the_seal(text: str, more: str, at: int) -> None:
    ours = seal(text.replace("sereno-seal", "") + "\n", "# {}")
    changed = ours[: at % len(ours)] + more + ours[at % len(ours) :]
    state = state_of(changed, "another text")
    assert state is (State.OUTDATED if changed == ours else State.EDITED)
