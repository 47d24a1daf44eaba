"""`cvq serve` that may kill itself: `python -m tests.integration.power_cut.dying_server`.

Each line on standard input is one life: the environment of a `cvq serve`, as JSON. What is imported once is forked for
each life, so that a restart takes no second. A request with the header `X-Die-At` arms one of `POINTS`: the process
then sends itself SIGKILL at that point, as a power cut would, wherever the program is. Nothing of the product knows of
it: the points are events of SQLAlchemy and of aiohttp.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

from aiohttp import web
from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import Pool

import cvq_advisor_console.app as server
import cvq_advisor_console.cli  # noqa: F401 - loaded before the fork
import cvq_core.access.writing as access_writing
from cvq_core import database
from cvq_core.cli import main
from cvq_core.database import Line
from cvq_core.prepared import Writes

HEADER = "X-Die-At"
PR_SET_PDEATHSIG = 1
KEPT_LINE = "kept_line"


class Moment(StrEnum):
    """Where in the life of a transaction, or of its request, the power is cut."""

    WRITTEN = "written"
    """The statement was executed, and the transaction goes on."""
    BEFORE_COMMIT = "before-commit"
    AFTER_COMMIT = "after-commit"
    """It is durable, and nothing that follows has begun."""
    BEFORE_ANSWER = "before-answer"
    """Everything is done, and whoever asked has not heard."""


@dataclass(frozen=True, slots=True)
class Point:
    """A named point: `writes` is a pattern of the statement by which its transaction is known."""

    moment: Moment
    writes: str = ""


def _at_each(name: str, writes: str) -> dict[str, Point]:
    return {f"{name}: {moment}": Point(moment, writes) for moment in Moment}


def _around_the_commit(name: str, writes: str) -> dict[str, Point]:
    moments = (Moment.BEFORE_COMMIT, Moment.AFTER_COMMIT)
    return {f"{name}: {moment}": Point(moment, writes) for moment in moments}


AT_THE_COUNTER = {
    **_around_the_commit("open", "INSERT INTO drawer "),
    **_at_each("collect", "INSERT INTO receipt "),
    **_around_the_commit("void", "INSERT INTO receipt "),
    **_at_each("close", "UPDATE drawer SET "),
    **_at_each("remit", "INSERT INTO remittance "),
    **_around_the_commit("integrate", "INSERT INTO integration "),
    **_around_the_commit("send-back", "INSERT INTO integration "),
}
IDENTIFIED = "UPDATE payment_attempt SET idop"
CREDITED = "UPDATE payment_attempt SET .*transaction_id"
ONLINE = {
    **_at_each("pay-begun", "INSERT INTO payment_attempt "),
    # PayFiP has made the operation: its identifier is lost, or is noted and nobody was sent there.
    **_around_the_commit("pay-identified", IDENTIFIED),
    **_at_each("pay-credited", CREDITED),
    **_around_the_commit("notice-heard", "UPDATE payment_attempt SET next_ask_at"),
    **_around_the_commit("notice-job-filed", "INSERT INTO job "),
    **_around_the_commit("notice-job-leased", "UPDATE job SET .*leased_until"),
    **_around_the_commit("notice-job-credited", CREDITED),
    **_around_the_commit("notice-job-finished", "UPDATE job SET .*done_at"),
}
POINTS = {**AT_THE_COUNTER, **ONLINE}
AT_THE_DOORS = {
    **_at_each("tap", "INSERT INTO tap "),
    **_around_the_commit("late", "INSERT INTO tap "),
    **_around_the_commit("settle", "INSERT INTO tap_conflict_settling "),
    **_around_the_commit("block", "UPDATE card SET "),
    "give: before-commit": Point(Moment.BEFORE_COMMIT, "INSERT INTO entitlement "),
    "end: after-commit": Point(Moment.AFTER_COMMIT, "UPDATE entitlement SET "),
}


@dataclass(slots=True)
class Trap:
    """What this life waits for; nothing until a request arms it."""

    point: Point | None = None

    def is_at(self, moment: Moment) -> bool:
        """Whether it waits for this moment."""
        return self.point is not None and self.point.moment is moment


trap = Trap()


def die() -> NoReturn:
    """Stop here, without a farewell to anybody."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


@event.listens_for(Engine, "after_cursor_execute")
def _after_statement(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
    written(connection, statement)


def written(connection: Any, statement: str) -> None:
    """Take what a transaction has written; it may be what the trap waits for."""
    if trap.point is not None and trap.point.writes and re.match(trap.point.writes, statement, re.DOTALL):
        if trap.is_at(Moment.WRITTEN):
            die()
        connection.info["doomed"] = "writing"


_write_together = access_writing.write_together


async def write_together(db: AsyncSession, writes: Writes) -> None:
    """Write taps as the program does: on the driver itself, past SQLAlchemy's events."""
    await _write_together(db, writes)
    kept_line = db.info.get(KEPT_LINE)
    holder = kept_line if kept_line is not None else await (await db.connection()).get_raw_connection()
    for into, rows in writes:
        if rows:
            written(holder, f"INSERT INTO {into.table.name} ")


class KeptLine(Line):
    """A line on whose own transactions the traps are set: no event of SQLAlchemy's tells of them."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.info: dict[str, str] = {}

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction that says on which line it is."""
        async with super().transaction() as session:
            session.info[KEPT_LINE] = self
            yield session

    async def _begin(self) -> Any:
        commit, roll_back = await super()._begin()
        self.info.clear()

        async def mortal_commit() -> None:
            doomed = "doomed" in self.info
            if doomed and trap.is_at(Moment.BEFORE_COMMIT):
                die()
            await commit()
            if doomed and trap.is_at(Moment.AFTER_COMMIT):
                die()

        return mortal_commit, roll_back


access_writing.write_together = write_together
database.Line = KeptLine  # type: ignore[misc] # the product has no such points


@event.listens_for(Engine, "commit")
def _before_commit(connection: Any) -> None:
    if connection.info.get("doomed") == "writing":
        if trap.is_at(Moment.BEFORE_COMMIT):
            die()
        connection.info["doomed"] = "committed"


@event.listens_for(Engine, "rollback")
def _rolled_back(connection: Any) -> None:
    connection.info.pop("doomed", None)


@event.listens_for(Pool, "checkin")
def _given_back(connection: Any, record: Any) -> None:
    """A connection comes back to the pool after its COMMIT, and before anything else of that transaction."""
    if record.info.pop("doomed", None) == "committed" and trap.is_at(Moment.AFTER_COMMIT):
        die()


@web.middleware
async def arm(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    """Set the trap that a request asks for."""
    if name := request.headers.get(HEADER):
        trap.point = (POINTS | AT_THE_DOORS)[name]
    answer: web.StreamResponse = await handler(request)
    return answer


async def before_answer(request: web.Request, _: web.StreamResponse) -> None:
    """Die when the answer to the request that armed the trap is about to be sent."""
    if HEADER in request.headers and trap.is_at(Moment.BEFORE_ANSWER):
        die()


def make_mortal(make: Callable[..., web.Application]) -> Callable[..., web.Application]:
    """Return a maker of the same server with its traps."""

    def make_app(*arguments: Any, **options: Any) -> web.Application:
        app = make(*arguments, **options)
        app.middlewares.append(arm)
        app.on_response_prepare.append(before_answer)
        return app

    return make_app


def live(environment: dict[str, str], parent: int) -> NoReturn:
    """Be a `cvq serve` until it ends; it ends with the process that forked it."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    # Standard output is the way to the test: what the command prints goes to the log.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.environ.update(environment)
    sys.argv[:] = ["cvq", "serve"]
    try:
        main()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(1)


if __name__ == "__main__":
    server.make_app = make_mortal(server.make_app)
    parent = os.getpid()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            live(json.loads(line), parent)
        sys.stdout.write(f"lives {child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"ended {os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
