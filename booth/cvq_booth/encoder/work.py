"""Encoding one card after the other. Nothing is counted here: the core makes a card when its chip is proved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum

from cvq_booth.devices.cards import choose_reader
from cvq_booth.encoder.line import EncoderLine, Step, Waiting
from cvq_core.card_keys.dialogues import goes_on
from cvq_core.devices.line import ServerRefused
from cvq_core.devices.pcsc import Card, Context, ReaderState, ServiceGone, Unreadable

WAIT_MS = 500
PAUSE_S = 0.5
Say = Callable[[str], None]
Ask = Callable[[str], str]


class Outcome(StrEnum):
    """What became of one card that was laid down."""

    MADE = "made"
    PULLED = "pulled"
    REFUSED = "refused"


class NoReader(Exception):
    """No PC/SC reader of the wanted name is there."""


class Work:
    """One sitting at the encoder: `say` shows a line, `ask` returns what the operator typed."""

    def __init__(self, line: EncoderLine, reader: str | None, say: Say, ask: Ask) -> None:
        self._line, self._wanted = line, reader
        self._say, self._ask = say, ask

    async def run(self, number: str | None = None) -> tuple[int, int]:
        """Encode all cards that wait, or the one with a number; return how many are done, and how many are left.

        Raises:
            NoReader, ServiceGone, ServerRefused, ServerUnreachable
        """
        reader = await asyncio.to_thread(self._reader)
        if number is not None:
            return await self._all(reader, [Waiting(batch="", position=1, number=number, name="")])
        waiting = await self._line.waiting()
        if not waiting:
            self._say("Aucune carte imprimée n’attend d’être encodée à ce lieu.")
        return await self._all(reader, waiting)

    async def _all(self, reader: str, waiting: list[Waiting]) -> tuple[int, int]:
        done = 0
        for place, card in enumerate(waiting, start=1):
            if await self._until_made(reader, card, f"[{place}/{len(waiting)}]"):
                done += 1
                continue
            answer = await asyncio.to_thread(self._ask, "Entrée : carte suivante · q : arrêter")
            if answer.strip().lower() == "q":
                break
        self._say(f"Encodées : {done}. Restent : {len(waiting) - done}.")
        return done, len(waiting) - done

    async def _until_made(self, reader: str, card: Waiting, place: str) -> bool:
        """Encode a card, again as long as it is pulled away too early; False when it was refused."""
        said = f"{card.number[:3]} {card.number[3:6]} {card.number[6:]}"
        self._say(f"{place} Posez la carte {said}{f', {card.name}' if card.name else ''}.")
        while True:
            uid, coming = await asyncio.to_thread(_laid_down, reader)
            try:
                outcome = await self._encode(reader, card.number, uid)
            except ServerRefused as refusal:
                self._say(f"{place} Refusée : {refusal}")
                outcome = Outcome.REFUSED
            if outcome is Outcome.MADE:
                self._say(f"{place} Encodée. Retirez-la.")
            elif outcome is Outcome.PULLED:
                self._say(f"{place} Retirée trop tôt : reposez la même carte. Rien n’est compté.")
                await asyncio.sleep(PAUSE_S)
                continue
            await asyncio.to_thread(_taken_away, reader, coming)
            return outcome is Outcome.MADE

    async def _encode(self, reader: str, number: str, uid: str) -> Outcome:
        step = await self._line.begin(number, uid)
        try:
            with ExitStack() as held:
                # One connection for the whole of it: what the chip proved ends with the connection to it.
                card = await asyncio.to_thread(_connected, held, reader)
                while step.commands:
                    answers = await asyncio.to_thread(_carry, card, step)
                    step = await self._line.go_on(step, answers)
        except (Unreadable, ServiceGone):
            return Outcome.PULLED
        if step.refused:
            self._say("Cette puce ne répond pas comme il faut : mettez la carte au rebut depuis la page Cartes.")
        return Outcome.MADE if step.proof else Outcome.REFUSED

    def _reader(self) -> str:
        with Context() as context:
            found = choose_reader(context.readers(), self._wanted)
        if found is None:
            raise NoReader(self._wanted or "")
        return found


def _laid_down(reader: str) -> tuple[str, int]:
    """Wait until a card lies there that tells its identifier; return that, and how many cards came and went before."""
    while True:
        with Context() as context:
            state = context.wait(reader, ReaderState(), WAIT_MS)
            if state is not None and state.card_present:
                try:
                    return context.read_uid(reader), state.event_count
                except Unreadable:
                    continue
            context.wait(reader, state or ReaderState(), WAIT_MS)


def _taken_away(reader: str, coming: int) -> None:
    """Wait until the card that came then does not lie there any more; another one may lie there already."""
    with Context() as context:
        while True:
            state = context.wait(reader, ReaderState(), WAIT_MS)
            if state is None or not state.card_present or state.event_count != coming:
                return
            context.wait(reader, state, WAIT_MS)


def _connected(held: ExitStack, reader: str) -> Card:
    """Return the card that lies there, connected until `held` ends.

    Raises:
        Unreadable, ServiceGone: it went away, or the reader did.
    """
    context = held.enter_context(Context())
    return held.enter_context(context.card(reader))


def _carry(card: Card, step: Step) -> list[str]:
    """Send the commands of a step, up to the first that the chip does not take.

    Raises:
        Unreadable: the card went away.
    """
    answers: list[str] = []
    for command in step.commands:
        raw = card.transmit(bytes.fromhex(command))
        answers.append(raw.hex())
        if not goes_on(raw):
            break
    return answers
