"""A whole installation: database, server, one booth, and its virtual scanner, printer and card reader."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_advisor_console.demo.processes import Died, Running, cvq, free_port, python
from cvq_core.clock import PARIS, utc_now
from cvq_core.database import Database
from cvq_core.public_holidays import public_holidays
from cvq_core.seed.accords import seed_accords
from cvq_core.seed.draw import Draw
from cvq_core.seed.facilities import seed_facilities
from cvq_core.seed.heroes import BLOCKED_UID, JEANNE_UID, LEA_UID, STRANGER_UID
from cvq_core.seed.presets import Preset
from cvq_core.seed.service import school_year_of, seed_territory
from cvq_desk.seed import enrolment_code, seed_desk, seeded_id
from cvq_migrations import runner
from cvq_scanning.virtual import PAPER_DEVICE, VirtualScanner, prepare

PASSWORD = "guichet-de-demonstration"  # noqa: S105 - printed on the screen by `cvq demo`
VILLAGE = "tallud"
READY_TIMEOUT_S = 60.0
TUESDAY = 1
MORNING = (9, 40)


def office_hours_offset(now: datetime) -> int:
    """Return the seconds that bring `now` to twenty to ten on the last Tuesday that was no holiday.

    The demonstration's village is open then, whenever somebody tries it.
    """
    day = now.astimezone(PARIS).date()
    while day.weekday() != TUESDAY or day in public_holidays(day.year):
        day -= timedelta(days=1)
    morning = datetime(day.year, day.month, day.day, *MORNING, tzinfo=PARIS)
    return round((morning - now).total_seconds())


def demo_cards() -> list[dict[str, str]]:
    """Return the cards that one can lay on the demonstration's reader."""
    return [
        {"label": "Carte de Jeanne Moreau", "uid": JEANNE_UID},
        {"label": "Carte de Léa Moreau, sa petite-fille", "uid": LEA_UID},
        {"label": "Carte de Robert Girard, déclarée perdue", "uid": BLOCKED_UID},
        {"label": "Carte d’une autre ville", "uid": STRANGER_UID},
    ]


class Site:
    """An installation in `folder`. `settings` are the server's, by their names in the environment."""

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str = "",
        settings: dict[str, str] | None = None,
        booth_settings: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database_url = database_url or f"sqlite:///{folder}/cvq.sqlite"
        self.clock_offset_s = office_hours_offset(utc_now())
        self.server: Running | None = None
        self.booth: Running | None = None
        self.printer: Running | None = None
        self.cards: Running | None = None
        self.panel: Running | None = None
        self.panel_url = ""
        self.scanner: VirtualScanner | None = None
        self.printer_control: Path | None = None
        self.cards_control: Path | None = None
        self._printer_uri = ""
        self._cards_environment: dict[str, str] = {}
        self._settings = settings or {}
        self._booth_settings = booth_settings or {}
        self._screens_port = free_port()

    def now(self) -> datetime:
        """Return the hour on the server's clock."""
        return utc_now() + timedelta(seconds=self.clock_offset_s)

    async def prepare(self) -> None:
        """Make the database and fill it with the demonstration's village."""
        self.folder.mkdir(parents=True, exist_ok=True)
        database = Database(self.database_url)
        try:
            await runner.upgrade(database)
            await seed_territory(
                database,
                "demo",
                seed=1,
                school_year=school_year_of(self.now().date()),
                more=self._people_at_work,
            )
        finally:
            await database.close()

    async def _people_at_work(self, db: AsyncSession, _draw: Draw, _preset: Preset) -> None:
        yesterday = self.now() - timedelta(days=1)
        await seed_desk(db, now=yesterday, password=PASSWORD, every_town_hall=False)
        await seed_accords(db, now=yesterday)
        await seed_facilities(db, now=yesterday, with_reservations=True)

    async def start(self) -> None:
        """Start everything, and wait until the booth is at work."""
        await self.start_server()
        await self.start_machines()
        await self.enrol_booth()
        await self.start_booth()

    async def start_server(self) -> None:
        """Start the server and wait until it answers."""
        environment = {
            "CVQ_DATABASE_URL": self.database_url,
            "CVQ_DATA_DIR": str(self.folder / "data"),
            "CVQ_PUBLIC_URL": self.url,
            "CVQ_CLOCK_OFFSET_S": str(self.clock_offset_s),
            **self._settings,
        }
        command = [cvq(), "serve", "--port", str(self.port)]
        log = self.folder / "server.log"
        self.server = await Running.start("the server", command, environment=environment, log=log)
        await self._until(self._answers, self.server)

    async def start_machines(self) -> None:
        """Start the booth's virtual machines."""
        self.scanner = await asyncio.to_thread(prepare, self.folder / "scanner")
        self.printer, said = await self._start_machine("printer")
        self._printer_uri, self.printer_control = said["uri"], Path(said["control"])
        self.cards, said = await self._start_machine("cards")
        self._cards_environment, self.cards_control = said["environment"], Path(said["control"])

    async def _start_machine(self, name: str) -> tuple[Running, dict[str, Any]]:
        log = self.folder / f"{name}.log"
        command = [python(), "-m", f"cvq_booth.virtual.{name}", "--dir", str(self.folder / name)]
        running = await Running.start(f"the virtual {name}", command, environment={}, log=log)
        said: dict[str, Any] = {}

        async def has_spoken() -> bool:
            for line in log.read_text(errors="replace").splitlines():
                if line.startswith("{"):
                    said.update(json.loads(line))
            return bool(said)

        await self._until(has_spoken, running)
        return running, said

    async def start_panel(self) -> None:
        """Start the panel with which somebody plays the resident's hands."""
        cards = self.folder / "panel-cards.json"
        cards.write_text(json.dumps(demo_cards(), ensure_ascii=False))
        port = free_port()
        self.panel_url = f"http://127.0.0.1:{port}/"
        command = [
            *(python(), "-m", "cvq_booth.virtual.panel", "--port", str(port)),
            *("--cards", str(cards), "--reader-control", str(self.cards_control)),
            *("--printer-control", str(self.printer_control), "--scanner-dir", str(self.folder / "scanner")),
        ]
        log = self.folder / "panel.log"
        self.panel = await Running.start("the panel", command, environment={}, log=log)

        async def has_spoken() -> bool:
            return self.panel_url in log.read_text(errors="replace")

        await self._until(has_spoken, self.panel)

    def all_running(self) -> list[Running]:
        """Return what was started and not stopped."""
        started = (self.server, self.booth, self.printer, self.cards, self.panel)
        return [running for running in started if running is not None]

    async def enrol_booth(self) -> None:
        """Enrol the village's booth with a one-time code, as its installer would."""
        database = Database(self.database_url)
        try:
            async with database.write() as db:
                code = await enrolment_code(db, booth_id=seeded_id("booth", VILLAGE), now=self.now())
        finally:
            await database.close()
        log = self.folder / "enrol.log"
        enrolling = await Running.start(
            "cvq booth enrol", [cvq(), "booth", "enrol", code], environment=self.booth_environment(), log=log
        )
        await enrolling.finish()

    async def start_booth(self) -> None:
        """Start the booth's agent and wait until its screens answer."""
        self.addresses_file.unlink(missing_ok=True)
        command = [cvq(), "booth", "run", "--addresses", str(self.addresses_file)]
        self.booth = await Running.start(
            "the booth", command, environment=self.booth_environment(), log=self.folder / "booth.log"
        )

        async def has_written() -> bool:
            return self.addresses_file.exists()

        await self._until(has_written, self.booth)

    def booth_environment(self) -> dict[str, str]:
        """Return the booth's settings."""
        scanner = dict(self.scanner.env) if self.scanner else {}
        return {
            **scanner,
            **self._cards_environment,
            "CVQ_BOOTH_DESK_URL": self.url,
            "CVQ_BOOTH_KEY_FILE": str(self.folder / "booth-key.json"),
            "CVQ_BOOTH_SPOOL_DIR": str(self.spool),
            "CVQ_BOOTH_SCREENS_PORT": str(self._screens_port),
            "CVQ_BOOTH_SCANNER": PAPER_DEVICE,
            "CVQ_BOOTH_SCANNER_OVERRIDES": str(self.scanner.overrides) if self.scanner else "",
            "CVQ_BOOTH_PRINTER_URI": self._printer_uri,
            "CVQ_BOOTH_DISPLAY": "none",
            **self._booth_settings,
        }

    def add_booth_settings(self, settings: dict[str, str]) -> None:
        """Add settings of the booth, by their names in the environment, from its next start on."""
        self._booth_settings = {**self._booth_settings, **settings}

    @property
    def spool(self) -> Path:
        """Return the booth's spool, on tmpfs."""
        return Path("/dev/shm") / f"cvq-{self.folder.name}-{self.port}"  # noqa: S108 - tmpfs is the point

    @property
    def addresses_file(self) -> Path:
        """Return where the agent writes its screens' addresses."""
        return self.folder / "screens.json"

    def screen(self, number: int) -> str:
        """Return the address of one of the booth's two screens."""
        addresses: dict[str, str] = json.loads(self.addresses_file.read_text())
        return addresses[str(number)]

    async def stop(self) -> None:
        """Stop everything that was started."""
        await asyncio.gather(*(running.stop() for running in self.all_running()))
        shutil.rmtree(self.spool, ignore_errors=True)

    async def _answers(self) -> bool:
        try:
            async with ClientSession() as session, session.get(f"{self.url}/readyz") as answer:
                return answer.status == 200
        except (ClientError, OSError):
            return False

    async def _until(self, condition: Callable[[], Any], running: Running) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not await condition():
            running.check()
            if time.monotonic() > deadline:
                raise Died(f"{running.name} did not become ready:\n{running.last_words()}")
            await asyncio.sleep(0.05)
