"""After the wipe nothing of the visit is left: markers are planted everywhere, and searched for."""

from __future__ import annotations

import asyncio
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from cvq_booth.clipboard import clear_clipboards
from cvq_desk.wire import Command, CommandKind, CommandReport, Hello, Phase
from tests.integration.booth.conftest import working_agent
from tests.integration.booth.desk_stand_in import DeskStandIn, eventually
from tests.integration.booth.x_server import x_server
from tests.unit.booth.booth_states import GOODBYE, VISIT, form, view, visit

MARKER = "Léa-Moreau-MARKER-7391"


def files_with_marker(*folders: Path) -> list[Path]:
    """Return the files below `folders` that hold the marker, in UTF-8 or in UTF-16 as browsers write it."""
    needles = (MARKER.encode(), MARKER.encode("utf-16-le"), b"MARKER-7391", "MARKER-7391".encode("utf-16-le"))
    found = []
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink() and any(needle in path.read_bytes() for needle in needles):
                found.append(path)
    return found


def wipe_command() -> Command:
    deadline = datetime.now(UTC) + timedelta(minutes=1)
    return Command(id=uuid4(), visit_id=VISIT, kind=CommandKind.WIPE, deadline=deadline)


def selection(display: str, name: str) -> str:
    shown = subprocess.run(
        ["xsel", f"--{name}", "--output"],
        env={**os.environ, "DISPLAY": display},
        capture_output=True,
        text=True,
        check=True,
    )
    return shown.stdout


async def plant(display: str, name: str) -> None:
    copying = await asyncio.create_subprocess_exec(
        "xsel",
        f"--{name}",
        "--input",
        env={**os.environ, "DISPLAY": display},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await copying.communicate(MARKER.encode())
    await eventually(lambda: selection(display, name) == MARKER)


@pytest.fixture
async def desk():
    async with DeskStandIn() as stand_in:
        stand_in.view = view()
        yield stand_in


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """The places where programs leave things when nobody tells them otherwise."""
    for name in ("HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        folder = tmp_path / name.lower()
        folder.mkdir()
        monkeypatch.setenv(name, str(folder))
    return tmp_path


async def test_after_the_wipe_no_marker_is_left_anywhere(desk, spool_dir, homes, monkeypatch):
    async with x_server(1280, 480) as display:
        monkeypatch.setenv("DISPLAY", display)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        windows = {
            "display": "x11",
            "chromium_flags": ["--disable-gpu"],
            "screen_1_size": (640, 480),
            "screen_2_position": (640, 0),
            "screen_2_size": (640, 480),
        }
        async with working_agent(desk, spool_dir, **windows) as agent:
            await eventually(lambda: agent._front.screens.present == {1, 2})
            await desk.show(view(Phase.FORM, visit(form=form(4, value=MARKER))))
            await eventually((spool_dir / "visits" / str(VISIT) / "jobs").is_dir)
            (spool_dir / "visits" / str(VISIT) / "jobs" / "page.jpg").write_text(MARKER)
            for screen in (1, 2):
                profile = spool_dir / "kiosk" / str(screen) / "profile" / "Default"
                await eventually(profile.is_dir)
                (profile / "Visited").write_text(MARKER, encoding="utf-16-le")
                (profile.parents[1] / "tmp" / "upload").write_text(MARKER)
            for name in ("primary", "secondary", "clipboard"):
                await plant(display, name)
            assert len(files_with_marker(spool_dir)) >= 5
            old_windows = [process.pid for process in agent._kiosk.processes.values()]

            wipe = wipe_command()
            await desk.show(
                view(Phase.GOODBYE, visit(goodbye=GOODBYE, form=form(4, value=MARKER))).model_copy(
                    update={"commands": [wipe]}
                )
            )
            report = await desk.heard(CommandReport, lambda report: report.state == "done")

            assert report.command_id == wipe.id
            assert report.detail["profiles"] == 2
            assert report.detail["files"] >= 1
            assert report.detail["clipboards"] == "primary secondary clipboard"
            assert files_with_marker(spool_dir, homes) == []
            assert [selection(display, name) for name in ("primary", "secondary", "clipboard")] == ["", "", ""]
            # New windows are open on the idle page, though the desk's view still holds the visit.
            await eventually(lambda: agent._front.screens.present == {1, 2})
            new_windows = [process.pid for process in agent._kiosk.processes.values()]
            assert not set(old_windows) & set(new_windows)
            for screen in (1, 2):
                assert MARKER not in agent._front.screens._renderer.page(screen, agent._front.state)
            assert files_with_marker(spool_dir, homes) == []


async def test_a_visit_that_is_gone_from_the_view_is_wiped_without_being_told(desk, spool_dir):
    async with working_agent(desk, spool_dir):
        await desk.show(view(Phase.FORM, visit(form=form())))
        folder = spool_dir / "visits" / str(VISIT)
        await eventually((folder / "jobs").is_dir)
        (folder / "jobs" / "page.jpg").write_text(MARKER)
        await desk.show(view())
        await eventually(lambda: not folder.exists())
        assert files_with_marker(spool_dir) == []


async def test_a_wipe_that_is_asked_for_again_is_done_once_and_told_again(desk, spool_dir):
    async with working_agent(desk, spool_dir):
        wipe = wipe_command()
        ending = view(Phase.GOODBYE, visit(goodbye=GOODBYE)).model_copy(update={"commands": [wipe]})
        await desk.show(ending)
        await desk.heard(CommandReport, lambda report: report.state == "done")
        heard = len(desk.messages)
        # The desk lost the report with its memory; on the new line it still lists the command.
        await desk.cut()
        await desk.heard(Hello, after=heard)
        async with asyncio.timeout(20):
            while len([r for r in desk.all(CommandReport) if r.state == "done"]) < 2:
                await desk.show(ending)
                await asyncio.sleep(0.2)
        assert {report.command_id for report in desk.all(CommandReport)} == {wipe.id}


async def test_without_a_display_there_is_no_clipboard_to_clear():
    assert await clear_clipboards({"PATH": os.environ["PATH"]}) == []


async def test_a_display_that_does_not_answer_is_not_waited_for():
    assert await clear_clipboards({"PATH": os.environ["PATH"], "DISPLAY": ":987"}) == []
