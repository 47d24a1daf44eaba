"""Taps that arrive together share one transaction (`cvq_core.gatherer`): a door that asks alone waits for nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.scene import TapRequest
from cvq_core.access.taps import ReadersChanged, TapAnswer, take_taps
from cvq_core.card_keys.service import Evidence, Presented, assurance_of
from cvq_core.clock import Clock
from cvq_core.database import Database
from cvq_core.devices.store import principals_of_tokens
from cvq_core.errors import NotSignedIn, Refusal
from cvq_core.gatherer import Gatherer
from cvq_core.staff.rules import ANONYMOUS, Permission, Principal
from cvq_core.staff.store import digest

REMEMBERED_MAX = 10_000
"""Tokens that are remembered at once: a territory's readers have a few hundred."""
Answered = tuple[Principal, TapAnswer | Refusal]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; `build` makes the tap once it is known who asks. `evidence` is what proves the card, if anything."""

    token: str
    permission: Permission
    build: Callable[[Principal], TapRequest]
    evidence: Evidence | None = None


class TapBatcher:
    """Takes taps from all readers and hands them to the database in batches."""

    def __init__(self, database: Database, clock: Clock, *, batch_max: int) -> None:
        self._clock = clock
        self._remembered: dict[str, Principal] = {}
        self._gatherer: Gatherer[Asked, Answered] = Gatherer(database, self._decide, batch_max=batch_max)

    async def take(
        self,
        token: str,
        permission: Permission,
        build: Callable[[Principal], TapRequest],
        evidence: Evidence | None = None,
    ) -> Answered:
        """Return who asked and the answer, once it is durable.

        Raises:
            Unavailable: too many wait already.
        """
        return await self._gatherer.ask(Asked(token, permission, build, evidence))

    async def _decide(self, db: AsyncSession, batch: list[Asked]) -> list[Answered]:
        now = self._clock()
        principals = await self._principals(db, {each.token for each in batch}, now)
        built = [
            await _proved(db, each.evidence, _build(each, principals.get(each.token, ANONYMOUS)), now) for each in batch
        ]
        requests = [made for _, made in built if isinstance(made, TapRequest)]
        readers = {digest(token): principal for token, principal in principals.items()}
        try:
            answers = iter(await take_taps(db, requests, now=now, readers=readers) if requests else [])
        except ReadersChanged:
            self._remembered.clear()
            return await self._decide(db, batch)
        return [(who, next(answers) if isinstance(made, TapRequest) else made) for who, made in built]

    async def _principals(self, db: AsyncSession, tokens: set[str], now: datetime) -> dict[str, Principal]:
        """Return the devices that hold some tokens, as they are remembered: `take_taps` finds whether they still do."""
        unknown = tokens - self._remembered.keys()
        if unknown:
            if len(self._remembered) > REMEMBERED_MAX:
                self._remembered.clear()
                unknown = tokens
            self._remembered |= await principals_of_tokens(db, unknown, now=now)
        return {token: self._remembered[token] for token in tokens if token in self._remembered}


async def _proved(
    db: AsyncSession, evidence: Evidence | None, built: tuple[Principal, TapRequest | Refusal], now: datetime
) -> tuple[Principal, TapRequest | Refusal]:
    principal, made = built
    return principal, await proved(db, made, evidence, now) if isinstance(made, TapRequest) else made


async def proved(db: AsyncSession, request: TapRequest, evidence: Evidence | None, now: datetime) -> TapRequest:
    """Return a tap with what its card may be taken for, by what came with it: a bare number where nothing did."""
    if evidence is None or request.card_uid is None:
        return request
    presented = Presented(request.card_uid, request.id, request.reader_id)
    return replace(request, assurance=await assurance_of(db, evidence, presented, now=now))


def _build(asked: Asked, principal: Principal) -> tuple[Principal, TapRequest | Refusal]:
    """Return who asks and the tap, or why this principal may not ask for it."""
    if principal.kind == "anonymous":
        return principal, NotSignedIn()
    try:
        principal.require(asked.permission)
        return principal, asked.build(principal)
    except Refusal as refusal:
        return principal, refusal
