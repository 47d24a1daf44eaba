"""The virtual machines as processes of their own: started, spoken to, and gone when they are asked to go."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cvq_booth.devices.printer import Printer
from cvq_booth.virtual.cards import virtual_cards
from cvq_booth.virtual.control import LINE_BYTES_MAX, ControlError, send, served
from cvq_booth.virtual.preload import NotCompiled, preload
from cvq_booth.virtual.printer import virtual_printer

TIMEOUT_S = 30.0


@asynccontextmanager
async def started(module: str, *arguments: str | Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Start a virtual machine and return its process with the first line that it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"cvq_booth.virtual.{module}", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(TIMEOUT_S):
            yield process, (await process.stdout.readline()).decode()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while is_running(pid):
            await asyncio.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pid_of_daemon(directory: Path) -> int:
    return int((directory / "pcscd.pid").read_text().strip("\n\0"))


async def test_a_card_reader_process_tells_how_to_find_it_and_obeys(tmp_path: Path) -> None:
    async with started("cards", "--dir", tmp_path) as (process, line):
        ready = json.loads(line)
        assert ready["environment"] == {"PCSCLITE_CSOCK_NAME": f"{tmp_path}/pcscd.comm"}
        control = Path(ready["control"])
        assert (await send(control, {"do": "lay", "uid": "04a1b2c3"}))["uid"] == "04A1B2C3"
        with pytest.raises(ControlError, match="4 to 10 bytes"):
            await send(control, {"do": "lay", "uid": "04"})
        with pytest.raises(ControlError, match="no such command"):
            await send(control, {"do": "dance"})
        daemon = pid_of_daemon(tmp_path)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
        await until_gone(daemon)


async def test_pcscd_does_not_outlive_a_process_that_was_killed(tmp_path: Path) -> None:
    async with started("cards", "--dir", tmp_path) as (process, _):
        daemon = pid_of_daemon(tmp_path)
        process.kill()
        await process.wait()
        await until_gone(daemon)
    async with virtual_cards(tmp_path) as cards:
        await cards.lay("04A1B2C3")


async def test_a_printer_process_obeys_and_takes_its_programs_with_it(tmp_path: Path) -> None:
    async with started("printer", "--dir", tmp_path) as (process, line):
        ready = json.loads(line)
        await send(Path(ready["control"]), {"do": "faults", "faults": ["cover-open"]})
        assert (await Printer(ready["uri"]).status()).trouble == "cover_open"
        with pytest.raises(ControlError, match="media-eaten"):
            await send(Path(ready["control"]), {"do": "faults", "faults": ["media-eaten"]})
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        assert (await Printer(ready["uri"]).status()).trouble == "off"


async def test_a_panel_process_prints_its_address(tmp_path: Path) -> None:
    cards = tmp_path / "cards.json"
    cards.write_text('[{"label": "Carte de Jeanne", "uid": "04A1B2C3"}]')
    arguments = ["--cards", cards, "--reader-control", tmp_path / "control"]
    async with started("panel", *arguments) as (process, line):
        assert line.startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def test_the_camera_command_writes_camera_and_voice(tmp_path: Path) -> None:
    camera, voice = tmp_path / "camera.y4m", tmp_path / "voice.wav"
    arguments = [camera, "--end", "advisor", "--seconds", "1", "--voice", voice]
    async with started("camera", *arguments) as (process, line):
        assert await process.wait() == 0
        assert line.strip() == str(camera)
    assert camera.stat().st_size > 15 * 320 * 240
    assert voice.stat().st_size > 90_000


async def test_a_directory_serves_one_machine_at_a_time(tmp_path: Path) -> None:
    async with virtual_printer(tmp_path):
        with pytest.raises(RuntimeError, match="running"):
            async with virtual_printer(tmp_path):
                pass


async def test_two_printers_at_once_do_not_disturb_each_other() -> None:
    async with virtual_printer() as one, virtual_printer() as two:
        await one.switch_off()
        assert (await Printer(one.uri).status()).trouble == "off"
        assert (await Printer(two.uri).status()).state == "ready"


async def test_too_deep_a_directory_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too long a path"):
        async with virtual_cards(tmp_path / ("x" * 100)):
            pass


async def echo(command: dict[str, Any]) -> dict[str, Any]:
    if command.get("fail"):
        raise ValueError("as you wish")
    return command


async def test_a_control_is_for_its_owner_only_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "control"
    async with served(path, echo):
        assert path.stat().st_mode & 0o777 == 0o600
        assert await send(path, {"a": 1}) == {"ok": True, "a": 1}
        with pytest.raises(ControlError, match="as you wish"):
            await send(path, {"fail": True})
    assert not path.exists()
    with pytest.raises(ControlError):
        await send(path, {})


@pytest.mark.parametrize("line", [b"rubbish\n", b"[]\n", b"\xff\n", b"x" * (LINE_BYTES_MAX + 10) + b"\n"])
async def test_rubbish_to_a_control_does_not_stop_it(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "control"
    async with served(path, echo):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(line)
        async with asyncio.timeout(TIMEOUT_S):
            answer = await reader.read() if len(line) > LINE_BYTES_MAX else await reader.readline()
        writer.close()
        assert answer == b"" or json.loads(answer)["ok"] is False
        assert await send(path, {"still": "there"}) == {"ok": True, "still": "there"}


def test_without_a_compiler_the_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotCompiled, match="gcc"):
        preload("printer_alone")


def test_a_library_is_compiled_once_into_the_users_own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    library = preload("pcscd_private")
    assert library.is_relative_to(tmp_path)
    monkeypatch.setenv("PATH", os.devnull)
    assert preload("pcscd_private") == library
    assert (tmp_path / "cvq" / "virtual").stat().st_mode & 0o777 == 0o700
