"""The demonstration as a new user has it: it says where to go, each address answers, and Ctrl-C leaves nothing."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import psutil
from aiohttp import ClientSession, CookieJar

from cvq_advisor_console.demo.site import PASSWORD

PATIENCE_S = 120


async def test_it_says_where_to_go_answers_there_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    demo = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("cvq"),
        "demo",
        "--folder",
        str(tmp_path / "demo"),
        # A narrow terminal: no address may be broken by it.
        env={**os.environ, "COLUMNS": "60", "TERM": "dumb"},
        stdout=PIPE,
        stderr=STDOUT,
        start_new_session=True,
    )
    assert demo.stdout is not None
    said = ""
    started: list[psutil.Process] = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            while "Ctrl-C" not in said and (line := await demo.stdout.readline()):
                said += line.decode()
        started = psutil.Process(demo.pid).children(recursive=True)
        addresses = re.findall(r"^ +(http://\S+)$", said, re.MULTILINE)
        assert len(addresses) == 4, said
        # A cookie of an address that is no name is kept too, as browsers do.
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            for address in addresses:
                async with session.get(address) as answer:
                    assert answer.status == 200, address
            form = {"username": "martine", "password": PASSWORD}
            async with session.post(f"{addresses[0]}/connexion", data=form) as answer:
                assert answer.status == 200
            async with session.get(f"{addresses[0]}/reprises") as answer:
                assert "Garderie Facile" in await answer.text()
            async with session.get(f"{addresses[0]}/cartes") as answer:
                assert "Nouveaux habitants" in await answer.text()
        for login in ("martine", "nadia", "benoit"):
            assert login in said
        os.killpg(demo.pid, signal.SIGINT)
        async with asyncio.timeout(PATIENCE_S):
            said += (await demo.stdout.read()).decode()
            await demo.wait()
    finally:
        for process in [psutil.Process(demo.pid)] if demo.returncode is None else []:
            process.kill()
    assert "Tout est arrêté." in said
    assert "Traceback" not in said
    assert len(started) > 3
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []
