"""Whose day it is, for a child who lives in turn with two families: pure functions over dated arrangements.

An arrangement holds from its first day until a later one begins, so nothing that is recorded afterwards changes a day
that has passed. Its rhythm is two weeks of seven days, from Monday to Sunday, each day being the letter of a part ("a"
the first, "b" the second) or "-" for nobody:

    even ISO weeks with the mother, odd ones with the father    first_week "aaaaaaa", second_week "bbbbbbb"
    Wednesdays and every second weekend with the father         first_week "aabaabb", second_week "aabaaaa"

Halves of school holidays are plain dated exceptions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from cvq_core.errors import N_, BadInput
from cvq_core.text import long_date, short_date, translator

LETTERS = "abc"
PARTS_MAX = len(LETTERS)
NOBODY = "-"
EXCEPTION_DAYS_MAX = 366
EXCEPTIONS_MAX = 200


class BadShares(BadInput):
    """Shares that do not add up to a hundred, an account twice, or too many of them."""

    slug = "bad-custody-shares"
    message = N_("Les parts des comptes doivent faire cent pour cent au total, chaque compte une seule fois.")


class BadRhythm(BadInput):
    """Not two weeks of seven days, a day for an account that is no part, or a reference that is no Monday."""

    slug = "bad-custody-rhythm"
    message = N_(
        "Ce rythme de garde n’est pas complet : chaque jour des deux semaines est à un des comptes, ou à personne."
    )
    what_to_do = N_("Remplissez les deux semaines du lundi au dimanche ; la semaine de référence commence un lundi.")


class PastIsSettled(BadInput):
    """An arrangement or an exception would change a day that has passed."""

    slug = "custody-in-the-past"
    message = N_("Un calendrier de garde commence aujourd’hui au plus tôt : les jours passés ne changent pas.")
    what_to_do = N_("Ce qui a été débité d’un compte à tort se corrige par une écriture, à la régie.")


class BadExceptionDays(BadInput):
    """An exception that ends before it begins, or lasts for more than a year."""

    slug = "bad-custody-exception"
    message = N_("Cette période n’est pas possible : elle finit avant de commencer, ou dure plus d’un an.")


@dataclass(frozen=True, slots=True)
class Part:
    """What an account bears of the child, in percent."""

    account_id: UUID
    share_percent: int


@dataclass(frozen=True, slots=True)
class Exceptional:
    """Days from `first` to `last` (included) that leave the rhythm: for an account, or for nobody (None).

    `by_rhythm` takes an earlier exception back. Of several that cover a day, the one that was recorded last holds.
    """

    first: date
    last: date
    account_id: UUID | None
    reason: str
    recorded_at: datetime
    by_rhythm: bool = False


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How the days of a child are shared from `valid_from` on.

    Without a `reference_monday` the first week is that of even ISO weeks; with one, the week that begins then.
    """

    id: UUID
    valid_from: date
    recorded_at: datetime
    parts: tuple[Part, ...]
    first_week: str
    second_week: str
    reference_monday: date | None = None
    exceptions: tuple[Exceptional, ...] = ()


@dataclass(frozen=True, slots=True)
class ChildMembership:
    """A child's place in an account, from a day to another (that day included)."""

    account_id: UUID
    valid_from: date
    valid_until: date | None = None

    def holds(self, day: date) -> bool:
        """Whether the child belongs to the account on a day."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True, slots=True)
class DayOf:
    """Whose day it is: an account's, or nobody's (None). `sentence` and `facts` say why; `parts` are who shares it."""

    account_id: UUID | None
    sentence: str
    facts: Mapping[str, object] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()

    def in_words(self, names: Mapping[UUID, str], language: str = "fr") -> str:
        """Return why, with the accounts as `names` has them."""
        told = {name: _told(name, value, names, language) for name, value in self.facts.items()}
        return translator(language).gettext(self.sentence).format_map(told)


def _told(name: str, value: object, names: Mapping[UUID, str], language: str) -> object:
    if isinstance(value, UUID):
        return names.get(value, "…")
    if isinstance(value, date):
        return long_date(value, language) if name == "day" else short_date(value, language)
    return value


NO_ACCOUNT = N_("L’enfant n’est dans aucun compte ce jour-là.")
ONLY_ACCOUNT = N_("L’enfant n’est que dans le compte {account}.")
NO_ARRANGEMENT = N_("L’enfant est dans plusieurs comptes, et aucun calendrier de garde n’est enregistré pour ce jour.")
EVEN_WEEK = N_("{day}, semaine paire ({week}) : compte {account}.")
ODD_WEEK = N_("{day}, semaine impaire ({week}) : compte {account}.")
FIRST_WEEK = N_("{day}, première semaine du rythme : compte {account}.")
SECOND_WEEK = N_("{day}, deuxième semaine du rythme : compte {account}.")
NOBODYS_DAY = N_("{day} : d’après le rythme de garde, ce jour n’est à personne.")
EXCEPTION = N_("{reason}, du {first} au {last} : compte {account}.")
NOBODYS_EXCEPTION = N_("{reason}, du {first} au {last} : ces jours ne sont à personne.")
LEFT_ACCOUNT = N_("Ce jour revient au compte {account}, dont l’enfant ne fait plus partie.")


def whose_day(memberships: Iterable[ChildMembership], arrangements: Iterable[Arrangement], day: date) -> DayOf:
    """Return whose day it is, and why.

    A child in one account is that account's every day, whatever was arranged before.
    """
    accounts = {membership.account_id for membership in memberships if membership.holds(day)}
    if not accounts:
        return DayOf(None, NO_ACCOUNT)
    if len(accounts) == 1:
        [account_id] = accounts
        return DayOf(account_id, ONLY_ACCOUNT, {"account": account_id})
    arrangement = in_force(arrangements, day)
    if arrangement is None:
        return DayOf(None, NO_ARRANGEMENT)
    found = replace(_arranged(arrangement, day), parts=arrangement.parts)
    if found.account_id is not None and found.account_id not in accounts:
        return DayOf(None, LEFT_ACCOUNT, {"account": found.account_id}, arrangement.parts)
    return found


def in_force(arrangements: Iterable[Arrangement], day: date) -> Arrangement | None:
    """Return the arrangement that holds on a day: the last to begin, and of those of one day the last recorded."""
    begun = (each for each in arrangements if each.valid_from <= day)
    return max(begun, key=lambda each: (each.valid_from, each.recorded_at, each.id), default=None)


def _arranged(arrangement: Arrangement, day: date) -> DayOf:
    covering = [each for each in arrangement.exceptions if each.first <= day <= each.last]
    latest = max(covering, key=lambda each: each.recorded_at, default=None)
    if latest is None or latest.by_rhythm:
        return _by_rhythm(arrangement, day)
    facts = {"reason": latest.reason, "first": latest.first, "last": latest.last}
    if latest.account_id is None:
        return DayOf(None, NOBODYS_EXCEPTION, facts)
    return DayOf(latest.account_id, EXCEPTION, {**facts, "account": latest.account_id})


def _by_rhythm(arrangement: Arrangement, day: date) -> DayOf:
    week_number = day.isocalendar().week
    if arrangement.reference_monday is None:
        in_first = week_number % 2 == 0
        sentence = EVEN_WEEK if in_first else ODD_WEEK
    else:
        monday = day - timedelta(days=day.weekday())
        in_first = (monday - arrangement.reference_monday).days // 7 % 2 == 0
        sentence = FIRST_WEEK if in_first else SECOND_WEEK
    letter = (arrangement.first_week if in_first else arrangement.second_week)[day.weekday()]
    if letter == NOBODY:
        return DayOf(None, NOBODYS_DAY, {"day": day})
    account_id = arrangement.parts[LETTERS.index(letter)].account_id
    return DayOf(account_id, sentence, {"day": day, "week": week_number, "account": account_id})


def check_arrangement(
    parts: Sequence[Part],
    first_week: str,
    second_week: str,
    reference_monday: date | None,
    *,
    valid_from: date,
    today: date,
) -> None:
    """Refuse an arrangement that says nothing clear, or would change the past.

    Raises:
        BadShares, BadRhythm, PastIsSettled
    """
    shares = [part.share_percent for part in parts]
    accounts = {part.account_id for part in parts}
    if not 1 <= len(parts) <= PARTS_MAX or len(accounts) != len(parts) or sum(shares) != 100 or min(shares) < 0:
        raise BadShares
    letters = {*LETTERS[: len(parts)], NOBODY}
    for week in (first_week, second_week):
        if len(week) != 7 or not set(week) <= letters:
            raise BadRhythm
    if reference_monday is not None and reference_monday.weekday() != 0:
        raise BadRhythm
    if valid_from < today:
        raise PastIsSettled


def check_exception(first: date, last: date, *, today: date) -> None:
    """Refuse an exception that is no period, or would change the past.

    Raises:
        BadExceptionDays, PastIsSettled
    """
    if not 0 <= (last - first).days < EXCEPTION_DAYS_MAX:
        raise BadExceptionDays
    if first < today:
        raise PastIsSettled


def payers(day: DayOf, named: Collection[UUID]) -> tuple[UUID, ...]:
    """Return the accounts that may pay on a day, in order, given those that the child's enrolments name.

    A third party that an enrolment names (a grandparent, a social service) pays whatever the day. A parent pays their
    own days alone, though the other one's enrolment be the only one; without any arrangement, who enrolled pays.
    """
    sharing = {part.account_id for part in day.parts}
    others = tuple(account_id for account_id in dict.fromkeys(named) if account_id not in sharing)
    if day.account_id is None or day.account_id in others:
        return others
    return (day.account_id, *others)


def split_by_shares(amount_cents: int, parts: Sequence[Part]) -> dict[UUID, int]:
    """Return what each account bears of an amount; the cents that do not divide go to the largest rests.

    Of equal rests, the first part's comes first: asked again, the same cents go to the same account.
    """
    assert amount_cents >= 0, "an amount to share is not negative"
    borne = {part.account_id: amount_cents * part.share_percent // 100 for part in parts}
    rests = sorted(parts, key=lambda part: -(amount_cents * part.share_percent % 100))
    for part in rests[: amount_cents - sum(borne.values())]:
        borne[part.account_id] += 1
    return borne
