"""`sereno service` against a systemctl that writes down what it is asked: files and words."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sereno.core.home import Home
from sereno.tui.cli.service import acts, systemd
from sereno.tui.cli.service.facts import gather

SYSTEMCTL = """\
#!/bin/sh
shift 2  # --user --no-pager
echo "$*" >> "$FAKE/calls"
if [ -e "$FAKE/broken-$1" ]; then echo "Failed to $1: no bus" >&2; exit 1; fi
if [ "$1" = restart ]; then touch "$FAKE/runs"; fi
if [ "$1" = disable ]; then rm -f "$FAKE/runs"; fi
if [ "$1" = show ]; then
  if [ -e "$FAKE/runs" ]; then
    printf 'ActiveState=active\\nSubState=running\\nMainPID=4711\\nUnitFileState=enabled\\n'
    printf 'StatusText=answers\\nResult=success\\n'
  else
    printf 'ActiveState=inactive\\nSubState=dead\\nMainPID=0\\nUnitFileState=\\nResult=success\\n'
  fi
fi
exit 0
"""


class Fake:
    """A machine with a systemd of its own: `unit` is the file of this home's service."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = {
            **os.environ,
            "HOME": str(root),
            "SERENO_HOME": str(root / "home"),
            "XDG_RUNTIME_DIR": str(root),
            "XDG_CONFIG_HOME": "",
            "FAKE": str(root),
            "PATH": f"{root / 'bin'}:{os.environ['PATH']}",
        }
        self.name = f"{gather(self.env, 'x').name}.service"
        self.unit = root / ".config/systemd/user" / self.name

    def calls(self) -> list[str]:
        """Since the last time: what changed something."""
        file = self.root / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [line for line in lines if not line.startswith("show")]

    def logs(self, home: Home, number: int, text: str, file: Path | None = None) -> None:
        line = {"n": number, "at": "x", "level": "error", "area": "daemon", "text": text}
        with (file or home.daemon_log).open("a") as log:
            log.write(json.dumps(line) + "\n")

    def breaks(self, verb: str) -> None:
        (self.root / f"broken-{verb}").touch()


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    made = Fake(tmp_path)
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "bin").mkdir()
    (tmp_path / "linger").mkdir()
    (tmp_path / "bin" / "systemctl").write_text(SYSTEMCTL)
    (tmp_path / "bin" / "systemctl").chmod(0o755)
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(systemd, "LINGER", tmp_path / "linger")
    monkeypatch.setattr(sys, "platform", "linux")
    return made


@pytest.fixture
def service(fake: Fake, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs `sereno service …` in this process."""
    from sereno.tui.cli.entry import main

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(("service", *arguments))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


Service = Callable[..., tuple[int, str, str]]


def test_print_installs_nothing(fake: Fake, service: Service) -> None:
    code, out, err = service("install", "--print")
    assert (code, err) == (0, "")
    assert "KillMode=process" in out
    assert f'"SERENO_HOME={fake.root}/home"' in out
    assert not fake.unit.exists()
    assert fake.calls() == []


def test_install_status_uninstall(fake: Fake, service: Service) -> None:
    code, out, _ = service("install")
    assert code == 0
    assert fake.calls() == [
        "daemon-reload",
        f"enable {fake.name}",
        f"reset-failed {fake.name}",
        f"restart {fake.name}",
    ]
    assert "The service runs (pid 4711)" in out
    code, out, _ = service("status")
    assert code == 0
    assert "as Sereno wrote it" in out
    assert "active (running): answers" in out
    code, out, _ = service("status", "--json")
    assert json.loads(out)["active"] is True
    code, out, _ = service("install")
    assert "runs already (pid 4711)" in out
    assert not [call for call in fake.calls() if call.startswith("restart")]
    code, out, _ = service("uninstall")
    assert code == 0
    assert not fake.unit.exists()
    assert f"disable --now {fake.name}" in fake.calls()
    assert "live on" in out
    code, out, _ = service("uninstall")
    assert (code, out) == (0, f"No service is installed: there is no {fake.unit}.\n")
    assert service("status")[0] == 3


def test_no_start_leaves_the_daemon_alone(fake: Fake, service: Service) -> None:
    code, out, _ = service("install", "--no-start")
    assert code == 0
    assert fake.calls() == ["daemon-reload", f"enable {fake.name}"]
    assert "not started" in out


def test_a_file_of_another_version_is_renewed_without_a_question(
    fake: Fake, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service("install")
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/new/folder")
    assert "another version" in service("status")[1]
    fake.calls()
    assert service("install")[0] == 0
    assert "/new/folder" in fake.unit.read_text()
    assert f"restart {fake.name}" in fake.calls(), "with the new PATH"


def test_an_edited_file_is_kept_unless_somebody_says_so(fake: Fake, service: Service) -> None:
    service("install")
    edited = fake.unit.read_text().replace("WatchdogSec=60", "WatchdogSec=0")
    fake.unit.write_text(edited)
    fake.calls()
    for verb, past in (("install", "overwritten"), ("uninstall", "removed")):
        code, out, err = service(verb)
        assert (code, out) == (1, "")
        assert f"edited by hand, so it is not {past}" in err
    assert fake.unit.read_text() == edited
    assert fake.calls() == []
    assert "edited by hand" in service("status")[1]
    assert service("install", "--force")[0] == 0
    assert "WatchdogSec=60" in fake.unit.read_text()


@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 130), (b"y\n", 0)])
def test_a_person_is_asked_and_shown_the_difference(
    fake: Fake, service: Service, answer: bytes, code: int
) -> None:
    service("install", "--no-start")
    ours = fake.unit.read_text()
    fake.unit.write_text(ours.replace("WatchdogSec=60", "WatchdogSec=0"))
    controller, terminal = pty.openpty()
    try:
        asking = subprocess.Popen(
            [sys.executable, "-P", "-m", "sereno", "service", "install", "--no-start"],
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=fake.env,
        )
        os.write(controller, answer)
        _, err = asking.communicate(timeout=30)
    finally:
        os.close(controller)
        os.close(terminal)
    assert b"-WatchdogSec=0\n+WatchdogSec=60\n" in err
    assert b"Overwrite it?" in err
    assert asking.returncode == code
    # argv[0] is another one in that process: what it wrote is its own text, and sealed.
    assert ("WatchdogSec=60" in fake.unit.read_text()) == (code == 0)


def test_drop_ins_of_the_person_stay(fake: Fake, service: Service) -> None:
    service("install")
    drop_in = fake.unit.with_name(f"{fake.name}.d") / "mine.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\n")
    assert "is yours and stays" in service("uninstall")[1]
    assert drop_in.exists()


def test_lingering_is_told(fake: Fake, service: Service) -> None:
    import pwd

    user = pwd.getpwuid(os.geteuid()).pw_name
    out = service("install")[1]
    assert "Lingering is off: your last logout ends the service, and its agents with it." in out
    assert "`loginctl enable-linger`" in out
    (fake.root / "linger" / user).touch()
    assert "Lingering is on" in service("status")[1]


def test_without_a_user_manager_nothing_is_written(fake: Fake, service: Service) -> None:
    fake.breaks("show-environment")
    for verb in ("install", "status", "uninstall"):
        code, out, err = service(verb)
        assert (code, out) == (1, "")
        assert "Failed to show-environment: no bus" in err
        assert "--no-ui" in err
    assert not fake.unit.exists()


def test_without_systemd_it_says_so(
    fake: Fake, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(fake.root))
    code, _, err = service("install")
    assert code == 1
    assert "systemctl is not installed" in err


def test_why_it_does_not_start_is_told(fake: Fake, service: Service) -> None:
    """systemctl knows a number only; the daemon's log has the words, and only the newest count."""
    fake.breaks("restart")
    home = Home(fake.root / "home")
    home.logs.mkdir()
    fake.logs(home, 1, "an old story")
    err = service("install")[2]
    assert "`systemctl --user restart" in err
    assert "an old story" not in err
    said = fake.root / "said"
    fake.logs(home, 2, "port 6767 is taken", file=said)
    (fake.root / "bin" / "systemctl").write_text(
        SYSTEMCTL.replace(
            "#!/bin/sh\n", f"#!/bin/sh\n[ $3 = restart ] && cat {said} >> {home.daemon_log}\n"
        )
    )
    err = service("install")[2]
    assert "the service does not start: port 6767 is taken." in err
    assert "journalctl" in err


def test_a_configuration_that_the_daemon_would_refuse_is_refused_first(
    fake: Fake, service: Service
) -> None:
    (fake.root / "home" / "config.toml").write_text("[daemon]\nlissten = []\n")
    code, out, err = service("install")
    assert (code, out) == (2, "")
    assert "lissten" in err
    assert not fake.unit.exists()
    assert [call for call in fake.calls() if call != "show-environment"] == []


def test_a_screen_with_its_daemon_inside_is_not_thrown_out(
    fake: Fake, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sereno.core.daemon import control

    state = control.DaemonState({"pid": 99, "embedded": True}, running=True, answers=True)
    monkeypatch.setattr(control, "status", lambda _home: state)
    code, _, err = service("install")
    assert code == 1
    assert "inside of an open screen (process 99)" in err
    assert f"restart {fake.name}" not in fake.calls()


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "No agent was running."), (1, "1 agent lives on"), (3, "3 agents live on")],
)
def test_uninstall_says_how_many_agents_live_on(
    fake: Fake, service: Service, monkeypatch: pytest.MonkeyPatch, count: int, words: str
) -> None:
    service("install")
    monkeypatch.setattr(acts, "running_agents", lambda: count)
    assert words in service("uninstall")[1]


def test_launchd(fake: Fake, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """launchctl is scripted after its documented output; nobody has tried it on a Mac. (A short
    name: outside Linux the whole path of a socket has to fit.)"""
    monkeypatch.setattr(sys, "platform", "darwin")
    launchctl = fake.root / "bin" / "launchctl"
    launchctl.write_text(
        '#!/bin/sh\necho "$*" >> "$FAKE/calls"\ncase "$1 $2" in\n'
        f'"print gui/{os.geteuid()}") exit 0;;\n'
        'print\\ */io.sereno*) [ -e "$FAKE/runs" ] || exit 113\n'
        "printf '\\tstate = running\\n\\tpid = 815\\n';;\n"
        'bootstrap*) touch "$FAKE/runs";;\nbootout*) rm -f "$FAKE/runs";;\nesac\n'
    )
    launchctl.chmod(0o755)
    label = "io.sereno." + fake.name.removesuffix(".service")
    file = fake.root / "Library/LaunchAgents" / f"{label}.plist"
    code, out, err = service("install")
    assert (code, err) == (0, "")
    assert "The service runs (pid 815)" in out
    assert f"bootstrap gui/{os.geteuid()} {file}" in fake.calls()
    assert service("status")[0] == 0
    assert service("uninstall")[0] == 0
    assert f"bootout gui/{os.geteuid()}/{label}" in fake.calls()
    assert not file.exists()
