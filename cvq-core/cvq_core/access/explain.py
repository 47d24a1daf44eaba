"""Why a door answers as it does: the facts that a decision would rest on, in sentences, and no tap is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.areas import AreaCount
from cvq_core.access.facts import Assurance, Decision, Facts, Manner, PointMode, Right, RightKind
from cvq_core.access.lives import read_lives
from cvq_core.access.manage import point_by_id
from cvq_core.access.reading import read_scene
from cvq_core.access.rules import decide, why_not
from cvq_core.access.scene import Bearer, Scene, TapRequest
from cvq_core.access.tables import AccessArea
from cvq_core.access.words import Display, say
from cvq_core.cards.rules import standing
from cvq_core.cards.store import standing_in_words
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.people.names import spoken_name
from cvq_core.people.store import person_by_id
from cvq_core.services.rules import SERVICE_LABELS
from cvq_core.text import hour, money, short_date, translator

_MODES = {
    PointMode.HELD_OPEN: N_("Le point est ouvert à tous."),
    PointMode.LOCKED: N_("Le point est fermé à tous."),
    PointMode.EMERGENCY: N_("Le point est en mode secours : il s’ouvre à tous."),
}
RIGHT_WORDS = {
    RightKind.SUBSCRIPTION: N_("Abonnement"),
    RightKind.RESERVATION: N_("Réservation"),
    RightKind.AGENT_SCHEDULE: N_("Horaires d’agent"),
    RightKind.HOUSEHOLD: N_("Droit du foyer"),
    RightKind.PROFESSIONAL: N_("Professionnel"),
    RightKind.ENROLMENT: N_("Inscription"),
    RightKind.LESSON: N_("Leçon"),
}
_WHY_NOT = {
    "right-ended": N_("terminé"),
    "outside-hours": N_("hors horaires"),
    "not-entitled": N_("pas encore commencé"),
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would be answered, and why: `sentences` in the order in which things are looked at."""

    person_id: UUID | None
    person: str
    decision: Decision
    display: Display
    sentences: tuple[str, ...]

    @property
    def allowed(self) -> bool:
        """Whether the door would open."""
        return self.decision.allowed


async def explain(
    db: AsyncSession,
    *,
    point_id: UUID,
    card_uid: str | None = None,
    person_id: UUID | None = None,
    at: datetime,
    now: datetime,
    assurance: Assurance | None = None,
    language: str = "fr",
) -> Explanation:
    """Return what a point would answer to a card, or to a person ticked there, at an instant; nothing is written.

    `assurance` is how the card would be read, None as well as the point asks for. What is known is what is known now:
    a card that was blocked since is told as it stood at that instant.

    Raises:
        UnknownPoint
        UnknownPerson: a person who does not exist is no stranger's card.
    """
    assert (card_uid is None) != (person_id is None), "either a card or a person"
    point = await point_by_id(db, point_id)
    if person_id is not None:
        await person_by_id(db, person_id)
    request = TapRequest(
        new_id(),
        point_id,
        at,
        Manner.CARD if card_uid is not None else Manner.TICK,
        card_uid=card_uid,
        person_id=person_id,
        assurance=assurance or point.assurance,
    )
    scene = await read_scene(db, [request], max(at, now), lock=False, day=local_day(at), since=at)
    await read_lives(db, scene, at)
    if point.area_id is not None:
        area = await db.get_one(AccessArea, point.area_id)
        scene.areas[area.id] = AreaCount(area.inside, area.counted_at, area.closes_at)
    facts = scene.facts(request, at)
    decision = decide(facts)
    bearer = scene.bearer(request)
    name = await _name(db, bearer)
    return Explanation(
        bearer.person_id if bearer else None,
        name,
        decision,
        say(decision, facts),
        tuple(_sentences(scene, facts, bearer, name, language)),
    )


async def _name(db: AsyncSession, bearer: Bearer | None) -> str:
    if bearer is None:
        return ""
    person = await person_by_id(db, bearer.person_id)
    return spoken_name(person.family_name, person.usual_name, person.given_names)


def _sentences(scene: Scene, facts: Facts, bearer: Bearer | None, name: str, language: str) -> list[str]:
    _ = translator(language).gettext
    point = facts.point
    found = [_(_MODES[point.mode])] if point.mode in _MODES else []
    if facts.manner is Manner.CARD:
        found.append(_card(facts, name, language))
    if bearer is None:
        return found
    if facts.deceased:
        found.append(_("Cette personne est décédée."))
    if facts.manner is Manner.CARD and not facts.assurance.reaches(point.assurance):
        found.append(_("La carte est lue moins sûrement que ce point ne le demande."))
    found += [_right(right, facts, language) for right in _in_order(facts)]
    if not facts.rights:
        found.append(_("Aucun droit pour ce service."))
    return [*found, *_money(facts, language), *_passages(facts, language)]


def _card(facts: Facts, name: str, language: str) -> str:
    _ = translator(language).gettext
    if facts.card is None:
        return _("Carte inconnue.")
    today = local_day(facts.at)
    if not standing(facts.card, today).usable:
        return standing_in_words(facts.card, today, language=language)
    return _("Carte de {name}, valable jusqu’au {date}.").format(
        name=name, date=short_date(facts.card.valid_until, language)
    )


def _in_order(facts: Facts) -> list[Right]:
    return sorted(facts.rights, key=lambda right: (right.valid_from, right.id))


def _right(right: Right, facts: Facts, language: str) -> str:
    """Say one right and whether it holds here and then: "Abonnement jusqu’au 31 décembre 2026 : hors horaires"."""
    _ = translator(language).gettext
    words = _(RIGHT_WORDS[right.kind])
    if right.valid_until is not None:
        words = _("{right} jusqu’au {date}, {hour}").format(
            right=words,
            date=short_date(local_day(right.valid_until), language),
            hour=hour(right.valid_until, language),
        )
    if right.entries_left is not None:
        words = _("{right}, entrées restantes : {count}").format(right=words, count=right.entries_left)
    point = facts.point
    missing = why_not(right, facts.at, facts.holidays)
    if right.point_id not in (None, point.id) or right.site not in (None, point.site):
        state = _("pour un autre lieu")
    elif point.reserved_only and right.kind not in (RightKind.RESERVATION, RightKind.AGENT_SCHEDULE):
        state = _("n’ouvre pas ce lieu, qui se réserve")
    else:
        state = _("vaut ici, à cette heure") if missing is None else _(_WHY_NOT[missing.value])
    return _("{right} : {state}.").format(right=words, state=state)


def _money(facts: Facts, language: str) -> list[str]:
    _ = translator(language).gettext
    service = SERVICE_LABELS[facts.point.service].lower()
    found = [
        _("Compte {service} : {balance}.").format(service=service, balance=money(wallet.balance_cents, language))
        for wallet in facts.wallets
    ]
    price = facts.pricing.price(facts.payers[0] if facts.payers else None) if facts.pricing else None
    if price is not None:
        found.append(_("Un passage coûte {price}.").format(price=money(price.amount_cents, language)))
    if facts.unclaimed:
        found.append(_("Aucun compte ne porte cet enfant ce jour-là."))
    return found


def _passages(facts: Facts, language: str) -> list[str]:
    _ = translator(language).gettext
    point, found = facts.point, []
    if facts.needs_guardian:
        seen = facts.guardian_at
        found.append(
            _("Enfant : un de ses responsables est passé ici à {hour}.").format(hour=hour(seen, language))
            if seen is not None
            else _("Enfant : aucun de ses responsables n’est passé ici juste avant.")
        )
    if facts.last_passage is not None:
        found.append(_("Dernier passage à {hour}.").format(hour=hour(facts.last_passage.at, language)))
    if point.capacity is not None and facts.inside is not None:
        found.append(
            _("À l’intérieur : {inside}, pour {capacity} places.").format(inside=facts.inside, capacity=point.capacity)
        )
    return found
