"""`cvq booth` as an operator runs it: enrolling, checking, running, being killed, and being started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from aiohttp import ClientSession
from playwright.async_api import async_playwright, expect

from cvq_booth.desk import enrol
from cvq_core.devices.identity import Identity
from cvq_desk.wire import Command, CommandKind, CommandReport, Devices, Hello, Phase
from cvq_scanning.virtual import PAPER_DEVICE, prepare
from tests.integration.booth.desk_stand_in import CODE, DEADLINE_S, DeskStandIn, eventually
from tests.unit.booth.booth_states import GOODBYE, VISIT, form, view, visit

ON_DISK = "/var/tmp/cvq-booth-test"
PROGRAM = "import sys; from cvq_booth.cli import booth; booth(prog_name='cvq booth')"


@pytest.fixture
async def desk():
    async with DeskStandIn() as stand_in:
        stand_in.view = view()
        yield stand_in


@pytest.fixture
def env(desk, spool_dir, tmp_path):
    """The environment of one booth; nothing of the machine's own settings is in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CVQ_BOOTH_")}
    empty = tmp_path / "booth.toml"
    empty.write_text("")
    return kept | {
        "CVQ_BOOTH_CONFIG": str(empty),
        "CVQ_BOOTH_DESK_URL": desk.url,
        "CVQ_BOOTH_KEY_FILE": str(tmp_path / "key.json"),
        "CVQ_BOOTH_SPOOL_DIR": str(spool_dir),
        "CVQ_BOOTH_SCREENS_PORT": "0",
        "CVQ_BOOTH_RING_S": "3",
        "CVQ_BOOTH_DISPLAY": "none",
        "CVQ_BOOTH_WITHOUT_CARD_READER": "true",
    }


async def cvq_booth(env, *arguments: str) -> tuple[int, str]:
    """Run the command to its end; return its exit code and all that it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        *arguments,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(DEADLINE_S * 2):
        said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


@asynccontextmanager
async def running(env):
    """Run the agent as a process of its own; at the end it is asked to stop, and does."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, "run", env=env)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(DEADLINE_S):
            await process.wait()


def key_of(env) -> dict:
    return json.loads(Path(env["CVQ_BOOTH_KEY_FILE"]).read_text())


@pytest.fixture
async def enrolled(env, desk):
    """The environment of a booth that the desk knows."""
    async with ClientSession() as session:
        identity = await enrol(session, desk.url, CODE, Identity.new())
    identity.save(Path(env["CVQ_BOOTH_KEY_FILE"]))
    return env


def addresses(env) -> dict[str, str]:
    return json.loads((Path(env["CVQ_BOOTH_SPOOL_DIR"]) / "screens.json").read_text())


def pages_in(env) -> int:
    return len(list(Path(env["CVQ_BOOTH_SPOOL_DIR"]).glob("visits/*/pages/*.json")))


async def test_a_booth_enrols_once_and_keeps_its_key_to_itself(env, desk):
    code, said = await cvq_booth(env, "enrol", CODE)
    assert code == 0
    assert "Guichet du Tallud" in said
    first = key_of(env)
    assert first["private_key"] not in said
    code, said = await cvq_booth(env, "enrol", CODE)
    assert code == 2
    assert "--again" in said
    assert (await cvq_booth(env, "enrol", CODE, "--again"))[0] == 0
    assert key_of(env)["private_key"] != first["private_key"]


async def test_a_wrong_code_says_so_and_the_booth_can_try_again_with_the_same_key(env):
    code, said = await cvq_booth(env, "enrol", "WRONG")
    assert code == 2
    assert "n’est plus valable" in said
    key = key_of(env)
    assert key["device_id"] is None
    assert (await cvq_booth(env, "enrol", CODE))[0] == 0
    assert key_of(env)["private_key"] == key["private_key"]


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("CVQ_BOOTH_DESK_URL", "http://desk.example", "CVQ_BOOTH_DESK_URL"),
        ("CVQ_BOOTH_SPOOL_DIR", ON_DISK, "CVQ_BOOTH_SPOOL_DIR"),
        ("CVQ_BOOTH_SCREENS_PORT", "taken", "CVQ_BOOTH_SCREENS_PORT"),
        ("CVQ_BOOTH_KEY_FILE", "/nowhere/key.json", "cvq booth enrol"),
    ],
)
async def test_a_wrong_setting_stops_the_start_with_its_name(enrolled, desk, setting, value, words):
    env = enrolled
    if value == "taken":
        value = desk.url.rsplit(":", 1)[1]
    code, said = await cvq_booth(env | {setting: value}, "run")
    assert code == 2
    assert words in said
    assert "Traceback" not in said


async def test_two_agents_do_not_work_in_one_spool(enrolled, desk):
    env = enrolled
    async with running(env):
        await desk.heard(Hello)
        code, said = await cvq_booth(env, "run")
        assert code == 2
        assert "another booth agent" in said


async def test_check_says_what_answers_and_what_does_not(env, tmp_path):
    code, said = await cvq_booth(env, "check")
    assert code == 1
    assert "NON  clé" in said
    await cvq_booth(env, "enrol", CODE)
    scanner = prepare(tmp_path / "scanner")
    code, said = await cvq_booth(env | dict(scanner.env) | {"CVQ_BOOTH_SCANNER": PAPER_DEVICE}, "check")
    assert code == 0, said
    assert "ok   bureau" in said
    assert "ok   scanner" in said
    code, said = await cvq_booth(env | {"CVQ_BOOTH_PRINTER_URI": "ipp://127.0.0.1:9/ipp/print"}, "check")
    assert code == 1
    assert "NON  imprimante" in said


async def test_ctrl_c_ends_the_agent_and_leaves_nothing_running(enrolled, desk):
    env = enrolled
    async with running(env) as agent:
        await desk.heard(Devices)
        agent.send_signal(signal.SIGINT)
        async with asyncio.timeout(DEADLINE_S):
            assert await agent.wait() == 0
    spool = env["CVQ_BOOTH_SPOOL_DIR"]
    left = [p for p in psutil.process_iter(["cmdline"]) if any(spool in part for part in p.info["cmdline"] or [])]
    assert left == []


async def test_a_killed_agent_is_back_in_the_visit_with_its_pages_and_does_nothing_twice(enrolled, desk, tmp_path):
    scanner = prepare(tmp_path / "scanner")
    env = enrolled | dict(scanner.env) | {"CVQ_BOOTH_SCANNER": PAPER_DEVICE}
    scan = Command(
        id=uuid4(),
        visit_id=VISIT,
        kind=CommandKind.SCAN,
        deadline=datetime.now(UTC) + timedelta(minutes=2),
        params={"source": "feeder", "mode": "gray", "resolution_dpi": 75},
    )
    in_visit = view(Phase.FORM, visit(form=form())).model_copy(update={"commands": [scan]})
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"], chromium_sandbox=False
        )
        page = await browser.new_page()
        async with running(env) as agent:
            await desk.heard(Hello)
            env["CVQ_BOOTH_SCREENS_PORT"] = addresses(env)["screen_2"].split(":")[2].split("/")[0]
            await page.goto(addresses(env)["screen_2"])
            await desk.show(in_visit)
            await desk.heard(CommandReport, lambda report: report.state == "done")
            assert pages_in(env) == 4
            heard = len(desk.messages)
            agent.kill()
            await agent.wait()
        async with running(env):
            again = await desk.heard(CommandReport, after=heard)
            assert (again.command_id, again.state, again.detail["pages"]) == (scan.id, "done", 4)
            assert pages_in(env) == 4
            await page.wait_for_function("() => document.body.dataset.scene !== undefined")
            await desk.show(view(Phase.GOODBYE, visit(goodbye=GOODBYE)))
            # The page that was open all the while has found the new agent by itself.
            await expect(page.get_by_role("heading", name="Avant de partir")).to_be_visible(timeout=20_000)
            await desk.show(view())
            await eventually(lambda: pages_in(env) == 0)
            await expect(page.get_by_role("heading", name="Prochain rendez-vous")).to_be_visible(timeout=20_000)
        await browser.close()


async def test_an_agent_that_finds_its_visit_over_wipes_what_is_left_of_it(enrolled, desk):
    env = enrolled
    folder = Path(env["CVQ_BOOTH_SPOOL_DIR"]) / "visits" / str(VISIT)
    async with running(env) as agent:
        await desk.show(view(Phase.FORM, visit(form=form())))
        await eventually((folder / "jobs").is_dir)
        agent.kill()
        await agent.wait()
    assert folder.is_dir()
    desk.view = view()
    async with running(env):
        await eventually(lambda: not folder.exists())
