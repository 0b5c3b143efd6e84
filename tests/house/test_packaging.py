"""The installed program: what is in the archives, and that no repository can stand in its way.

The wheel is built once for all processes of pytest, from a copy of the tree, and installed by pip
into an environment of its own that finds the libraries of this one. Nothing is downloaded.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SITE = sysconfig.get_path("purelib")

# Whoever does not build waits for the one that does.
pytestmark = pytest.mark.timeout(180)


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel in it."""

    prefix: Path
    wheel: Path
    sdist: Path

    @property
    def python(self) -> str:
        return str(self.prefix / "bin" / "python")

    @property
    def program(self) -> str:
        return str(self.prefix / "bin" / "sereno")

    @property
    def site(self) -> Path:
        return next(self.prefix.glob("lib/python3*/site-packages"))


def environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": str(folder), "SERENO_HOME": str(folder / "sereno-home")}


def wait_until(condition: Callable[[], bool], limit_s: float = 30.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def run(*command: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        input="",
        env={**environment(cwd), **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def checked(*command: str, cwd: Path, **env: str) -> str:
    done = run(*command, cwd=cwd, **env)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


def copy_of_the_tree(target: Path) -> Path:
    """What a build needs, with the links in sereno/ as links."""
    target.mkdir()
    # Files come and go there while programs of other tests are compiled.
    compiled = shutil.ignore_patterns("__pycache__")
    for name in ("sereno", "core", "tui", "relay_client", "relay_server", "docs"):
        shutil.copytree(ROOT / name, target / name, symlinks=True, ignore=compiled)
    for path in (*ROOT.glob("*.md"), *ROOT.glob("*.toml"), ROOT / "LICENSE", ROOT / ".gitignore"):
        (target / path.name).write_bytes(path.read_bytes())
    (target / "hatch_build.py").write_bytes((ROOT / "hatch_build.py").read_bytes())
    return target


def built(folder: Path) -> Installed:
    folder.mkdir()
    tree = copy_of_the_tree(folder / "tree")
    checked(sys.executable, "-m", "hatchling", "build", "-d", str(folder / "dist"), cwd=tree)
    prefix = folder / "prefix"
    checked(sys.executable, "-m", "venv", "--without-pip", str(prefix), cwd=folder)
    installed = found(folder)
    checked(
        *(sys.executable, "-m", "pip", "--python", installed.python, "install", "--no-deps"),
        *("--no-index", "--disable-pip-version-check", str(installed.wheel)),
        cwd=folder,
    )
    # The libraries of the environment that runs the tests, without its editable Sereno: `.pth`
    # files count in site folders only, and a line of a `.pth` file makes no site folder.
    (installed.site / "libraries.pth").write_text(f"{SITE}\n")
    return installed


def found(folder: Path) -> Installed:
    (wheel,) = (folder / "dist").glob("*.whl")
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    return Installed(folder / "prefix", wheel, sdist)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Built by the first process of pytest that wants it. No test changes it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, done = shared / "packaging", shared / "packaging-done"
    with (shared / "packaging-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return found(folder)
        shutil.rmtree(folder, ignore_errors=True)
        installed = built(folder)
        done.touch()
        return installed


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A repository whose files have the names of ours and fail when anybody runs them."""
    for name in (
        "core",
        "tui",
        "relay_client",
        "relay_server",
        "sereno",
        "sereno/core",
        "click",
        "json",
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise SystemExit('trapped by {name}/')")
    for name in ("sereno", "core", "tui", "msgspec", "textual", "asyncio", "typing"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('trapped by {name}.py')")
    return tmp_path


# --- what is in it


def test_the_wheel_brings_one_name_only(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        names = wheel.namelist()
        tops = {name.split("/")[0] for name in names}
        assert tops == {"sereno", "sereno-0.1.0.dist-info"}
        for needed in ("core/home/paths.py", "tui/__init__.py", "relay_client/__init__.py"):
            assert f"sereno/{needed}" in names
        assert "sereno/py.typed" in names
        assert all((entry.external_attr >> 28) != 0o12 for entry in wheel.infolist()), "a link"
    assert {path.name for path in installed.site.iterdir()} & {
        "core",
        "tui",
        "relay_client",
        "relay_server",
    } == set()


def test_the_wheel_holds_every_file_of_the_tree(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        names = set(wheel.namelist())
    for folder in ("core", "tui", "relay_client", "relay_server"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"sereno/{path.relative_to(ROOT)}" in names


def test_the_wheel_is_compiled_for_the_python_that_built_it(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        names = wheel.namelist()
    sources = {name for name in names if name.endswith(".py")}
    tag = sys.implementation.cache_tag
    compiled = {name.replace(f".{tag}.pyc", ".py") for name in names if name.endswith(".pyc")}
    assert {name.replace("__pycache__/", "") for name in compiled} == sources


def test_a_wheel_for_the_world_holds_sources_only(tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path / "tree")
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    checked(*build, cwd=tree, SERENO_WHEEL_BYTECODE="0")
    (wheel,) = tmp_path.glob("*.whl")
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".pyc")]


def test_the_sdist_holds_real_files_once_and_builds_the_same_wheel(
    installed: Installed, tmp_path: Path
) -> None:
    with tarfile.open(installed.sdist) as sdist:
        members = sdist.getmembers()
        assert not [member.name for member in members if member.issym() or member.islnk()]
        names = {member.name.partition("/")[2] for member in members}
        assert "sereno/core/home/paths.py" in names
        assert not [name for name in names if name.startswith(("core/", "tui/"))]
        assert {"LICENSE", "README.md", "SECURITY.md", "CHANGELOG.md", "pyproject.toml"} <= names
        # Python before 3.11.4 has no filters; the archive is our own.
        safely: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        sdist.extractall(tmp_path, **safely)
    (tree,) = tmp_path.iterdir()
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    checked(*build, cwd=tree)
    (again,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(again) as one, zipfile.ZipFile(installed.wheel) as other:
        assert set(one.namelist()) == set(other.namelist())


# --- what it does


def test_the_program_says_its_version(installed: Installed, tmp_path: Path) -> None:
    said = checked(installed.program, "--version", cwd=tmp_path)
    assert "0.1.0" in said


def test_installed_modules_are_used_compiled(installed: Installed, tmp_path: Path) -> None:
    program = "import sereno.core.home as m; print(m.__cached__); print(m.__file__)"
    cached, source = checked(installed.python, "-P", "-c", program, cwd=tmp_path).splitlines()
    assert Path(source).is_relative_to(installed.prefix)
    assert Path(cached).exists()


def test_no_repository_stands_in_the_way_of_the_program(installed: Installed, trap: Path) -> None:
    assert "0.1.0" in checked(installed.program, "--version", cwd=trap)
    assert "0.1.0" in checked(installed.python, "-P", "-m", "sereno", "--version", cwd=trap)


def test_no_repository_stands_in_the_way_of_our_imports(installed: Installed, trap: Path) -> None:
    """Everything that the daemon and the UI import, from within the repository of traps."""
    modules = ["sereno.core.config", "sereno.core.workspaces.placement", "sereno.tui.app"]
    program = f"import importlib; [importlib.import_module(m) for m in {modules}]"
    checked(installed.python, "-P", "-c", program, cwd=trap)


def test_no_repository_stands_in_the_way_of_the_demo_agent(
    installed: Installed, trap: Path
) -> None:
    """It is started by the daemon in the person's folder, and ends when its input does."""
    command = (installed.python, "-P", "-m", "sereno.core.providers.demo")
    assert "trapped" not in checked(*command, cwd=trap)


def test_the_whole_program_works_inside_a_repository_of_traps(
    installed: Installed, trap: Path
) -> None:
    """Daemon, runner, demo agent and command line, each started in that folder, as installed."""
    daemon = subprocess.Popen(
        [installed.program, "--no-ui"],
        cwd=trap,
        env=environment(trap),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: run(installed.program, "ls", cwd=trap).returncode == 0)
        said = checked(installed.program, "run", "--provider", "demo", "hello", cwd=trap)
        assert "demo agent" in said
        listed = checked(installed.program, "ls", "-q", cwd=trap)
        checked(installed.program, "stop", "--end", *listed.split(), cwd=trap)
    finally:
        run(installed.program, "stop", "--end", "--all", cwd=trap)
        daemon.terminate()
        _, errors = daemon.communicate(timeout=20)
    assert daemon.returncode == 0
    assert "trapped" not in errors


def test_the_trap_works(installed: Installed, trap: Path) -> None:
    done = run(installed.python, "-c", "import core", cwd=trap)
    assert "trapped by core" in done.stderr
    done = run(installed.python, "-m", "sereno", "--version", cwd=trap)
    assert "trapped by sereno" in done.stderr, "python -m without -P is the person's own choice"


def test_it_can_be_taken_away_whole(installed: Installed, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    checked("cp", "-a", str(installed.prefix), str(copy), cwd=tmp_path)
    python = str(copy / "bin" / "python")
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    checked(*pip, "uninstall", "--yes", "sereno", cwd=tmp_path)
    assert not (copy / "bin" / "sereno").exists()
    assert not (next(copy.glob("lib/python3*/site-packages")) / "sereno").exists()


# --- where it is worked on


def test_an_editable_install_finds_the_tree(tmp_path: Path) -> None:
    """The environment that runs the tests is one."""
    program = "import sereno.core.home as m; print(m.__file__)"
    said = checked(sys.executable, "-P", "-c", program, cwd=tmp_path)
    assert Path(said).samefile(ROOT / "core" / "home" / "__init__.py")


def test_type_checkers_see_the_types_of_the_installed_package(
    installed: Installed, tmp_path: Path
) -> None:
    script = tmp_path / "user.py"
    script.write_text(
        "from sereno.core.home import Home, find_home\n"
        "home: Home = find_home({})\n"
        "wrong: int = home.root\n"
    )
    done = run(
        *(sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--python-executable"),
        *(installed.python, str(script)),
        cwd=tmp_path,
    )
    assert "user.py:3: error: Incompatible types in assignment" in done.stdout, done.stdout
    assert "Found 1 error in 1 file" in done.stdout
