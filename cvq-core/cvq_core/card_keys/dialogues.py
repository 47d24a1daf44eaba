"""What the core and a card say to each other while a reader carries the messages: proving, and personalising. Pure.

A dialogue is a generator: it yields commands to send one after the other, stopping at the first that the card does not
take, and is given the answers. Between two messages of the reader nothing stays in memory: `replay` runs the dialogue
anew over everything that was answered so far, with the same random numbers, so that any server process can go on and
a restart loses nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cvq_core.card_keys.desfire import (
    CHANGE_KEY,
    CREATE_FILE,
    MORE,
    NO_APPLICATION,
    OK,
    PICC,
    READ,
    WRITE,
    Answer,
    BadAnswer,
    Random,
    Session,
    begin_authentication,
    changed_key,
    create_application,
    data_header,
    file_settings,
    finished,
    get_file_ids,
    get_key_version,
    get_version,
    go_on,
    read_data,
    select_application,
)
from cvq_core.card_keys.signed import LENGTH as SIGNED_LENGTH

T = TypeVar("T")
Dialogue = Generator[list[bytes], list[Answer], T]

AID = bytes.fromhex("10C7F4")
"""Our application on a card, as it travels."""
MASTER, ACCESS = 0, 1
"""Key 0 writes and changes keys, at the maker's; key 1 proves the card and reads, at doors."""
SIGNED_FILE, NUMBER_FILE = 1, 2
NUMBER_LENGTH = 10
FREE = 14
TRANSPORT = 0
"""The version of a key that is still the one the card was delivered with."""


class CardKeys(Protocol):
    """Gives the keys of one card; where they come from is `custody`'s affair."""

    def key(self, key_number: int, version: int) -> bytes:
        """Return a card's key of a version; `TRANSPORT` is the one it was delivered with."""
        ...


@dataclass(frozen=True, slots=True)
class ToSend:
    """Commands for the card, one after the other."""

    commands: list[bytes]


@dataclass(frozen=True, slots=True)
class Done:
    """The dialogue is over, and everything in it was right."""


def replay(dialogue: Dialogue[None], transcript: Sequence[Sequence[bytes]]) -> ToSend | Done:
    """Run a dialogue over what was answered so far; return what comes next.

    Raises:
        BadAnswer: the card is not what it should be.
    """
    try:
        commands = next(dialogue)
        for raw in transcript:
            answers = [Answer.of(each) for each in raw]
            if not 0 < len(answers) <= len(commands):
                raise BadAnswer("more or fewer answers than commands")
            commands = dialogue.send(answers)
    except StopIteration:
        return Done()
    return ToSend(commands)


def prove(keys: CardKeys, random: Random, *, version: int) -> Dialogue[None]:
    """Let a card prove that it has its access key of a version: two messages.

    Raises:
        BadAnswer: it has not.
    """
    answers = yield [select_application(AID), begin_authentication(ACCESS)]
    answers[0].required()
    yield from _second_half(_last(answers, 2), keys.key(ACCESS, version), random())


@dataclass(frozen=True, slots=True)
class Personal:
    """What is written on a card. `version` is that of the keys it gets, `accepted` those of the keys it may come with.

    A new key travels under the old one. Whoever knows the old one, the factory's or one that was retired because it is
    known, and plays the card's part learns the new key: so a card in circulation is never taken for a blank one.
    """

    uid: bytes
    number: str
    signed_id: bytes
    version: int
    accepted: frozenset[int]


def personalise(personal: Personal, keys: CardKeys, random: Random) -> Dialogue[None]:
    """Make a blank card ours, or go on where one was pulled away, or give one of ours new keys; then prove it.

    Keys come first: once the master key is ours, nobody who listens learns what follows. What is there already is
    looked at and not assumed, so the dialogue may break off after any message and begin anew.

    Raises:
        BadAnswer: it is another card, or one that is not to be opened.
    """
    answers = yield get_version()
    if _last(answers, 3).required()[: len(personal.uid)] != personal.uid:
        raise BadAnswer("the chip's identifier is not the one that the reader saw")
    answers = yield [select_application(PICC), select_application(AID)]
    if _last(answers, 2).status == NO_APPLICATION:
        answers = yield [select_application(PICC), create_application(AID, keys=2), select_application(AID)]
        _last(answers, 3).required()
    files = yield from _set_keys(personal, keys, random)
    session = yield from _session(MASTER, keys.key(MASTER, personal.version), random)
    for file, content, read in (
        (SIGNED_FILE, personal.signed_id, FREE),
        (NUMBER_FILE, personal.number.encode(), ACCESS),
    ):
        if file not in files:
            answers = yield [session.maced(CREATE_FILE, file_settings(file, len(content), read=read))]
            session.checked(answers[0])
        answers = yield [session.enciphered(WRITE, data_header(file, len(content)), content)]
        session.checked(answers[0])
    yield from _proofread(personal, keys, random)


def _set_keys(personal: Personal, keys: CardKeys, random: Random) -> Dialogue[bytes]:
    """Give both keys their new version, whichever they have; return the numbers of the files that are there."""
    answers = yield [get_key_version(MASTER), get_key_version(ACCESS), get_file_ids()]
    master, access, files = _one(answers[0]), _one(_last(answers[:2], 2)), _last(answers, 3).required()
    if not {master, access} <= personal.accepted | {personal.version}:
        raise BadAnswer(f"keys of the versions {master} and {access} are not to be changed on this card")
    if master != personal.version:
        session = yield from _session(MASTER, keys.key(MASTER, master), random)
        new = keys.key(MASTER, personal.version)
        data = changed_key(MASTER, session_key=MASTER, old=b"", new=new, version=personal.version)
        answers = yield [session.enciphered(CHANGE_KEY, bytes([MASTER]), data)]
        answers[0].required()  # the session ends with its key: nothing is left to put a MAC with
    if access != personal.version:
        session = yield from _session(MASTER, keys.key(MASTER, personal.version), random)
        old, new = keys.key(ACCESS, access), keys.key(ACCESS, personal.version)
        data = changed_key(ACCESS, session_key=MASTER, old=old, new=new, version=personal.version)
        answers = yield [session.enciphered(CHANGE_KEY, bytes([ACCESS]), data)]
        session.checked(answers[0])
    return files


def _proofread(personal: Personal, keys: CardKeys, random: Random) -> Dialogue[None]:
    """Read back what was written, as doors will: the number under the access key, the signed identifier freely."""
    session = yield from _session(ACCESS, keys.key(ACCESS, personal.version), random)
    answers = yield [session.enciphered(READ, data_header(NUMBER_FILE, NUMBER_LENGTH))]
    if session.checked(answers[0], enciphered=True) != personal.number.encode():
        raise BadAnswer("the card holds another number than was written")
    answers = yield [select_application(AID), read_data(SIGNED_FILE, SIGNED_LENGTH)]
    if _last(answers, 2).required() != personal.signed_id:
        raise BadAnswer("the card holds another signed identifier than was written")


def _session(key_number: int, key: bytes, random: Random) -> Dialogue[Session]:
    answers = yield [begin_authentication(key_number)]
    return (yield from _second_half(answers[0], key, random()))


def _second_half(challenge: Answer, key: bytes, rnd_a: bytes) -> Dialogue[Session]:
    message, rnd_b = go_on(key, challenge, rnd_a)
    answers = yield [message]
    return finished(key, answers[0], rnd_a, rnd_b)


def _last(answers: Sequence[Answer], wanted: int) -> Answer:
    """Return the last of so many answers.

    Raises:
        BadAnswer: the card stopped before.
    """
    if len(answers) != wanted:
        raise BadAnswer(f"the card stopped at 91 {answers[-1].status:02X}")
    return answers[-1]


def _one(answer: Answer) -> int:
    data = answer.required()
    if len(data) != 1:
        raise BadAnswer("a key's version is one byte")
    return data[0]


def goes_on(raw: bytes) -> bool:
    """Whether a reader sends the next command of a message after this answer; what it may know of cards is this."""
    return len(raw) >= 2 and raw[-2] == 0x91 and raw[-1] in (OK, MORE)
