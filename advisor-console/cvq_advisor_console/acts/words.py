"""A change of an act in words: what was, what is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from cvq_advisor_console.views.acts import DiffLine, Fact
from cvq_core.acts.rules import ActChangeKind, OfficeLimits, PlaceLimits
from cvq_core.acts.tables import ActChange
from cvq_core.errors import N_
from cvq_core.offices.ceiling_rules import CeilingPart
from cvq_core.offices.rules import MANDATE_TITLE_WORDS, MEANS_WORDS, MandateTitle, Means
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode
from cvq_core.text import money, short_date
from cvq_core.web import Context

KIND_WORDS = {
    ActChangeKind.OFFICE_LIMITS: N_("Plafonds de la régie"),
    ActChangeKind.PLACE_LIMITS: N_("Fonds et plafond du lieu"),
    ActChangeKind.COLLECTS: N_("Ce qui s’encaisse, et comment"),
    ActChangeKind.APPOINTED: N_("Nomination"),
    ActChangeKind.APPOINTMENT_ENDED: N_("Fin de nomination"),
}
PART_WORDS = {
    CeilingPart.CHEQUES: N_("les chèques"),
    CeilingPart.VOUCHERS: N_("les titres (CESU, ANCV)"),
    CeilingPart.TREASURY: N_("le compte au Trésor"),
}
SERVICES = N_("Services")
MEANS = N_("Moyens de paiement")
PAYS_FOR = N_("{means} : pour")
CASH_MAX = N_("Un paiement en espèces")
TOP_UP_MAX = N_("Un approvisionnement")
CEILING = N_("Plafond d’encaisse")
AT_CEILING = N_("Au plafond")
COUNTS = N_("Le plafond compte, avec les espèces")
REMITS = N_("Versement")
FLOAT = N_("Fonds de caisse")
PERSON = N_("Personne")
TITLE = N_("Qualité")
FROM = N_("Du")
UNTIL = N_("Au")
LAST_DAY = N_("Dernier jour")
AT_MOST = N_("au plus {amount}")
NONE = N_("aucun")
REFUSED = N_("on refuse")
WARNED = N_("on prévient")
EVERY_DAYS = N_("au moins tous les {days} jours")
NO_END = N_("sans fin prévue")


def office_facts(context: Context, limits: OfficeLimits) -> tuple[Fact, ...]:
    """Return an office's limits in words."""
    say = context._
    facts = [
        Fact(say(CASH_MAX), say(AT_MOST, amount=_money(context, limits.cash_payment_max_cents))),
        Fact(say(TOP_UP_MAX), say(AT_MOST, amount=_money(context, limits.top_up_max_cents))),
        *_ceiling(context, limits.ceiling_cents, refuses=limits.ceiling_refuses),
    ]
    if limits.ceiling_cents is not None and limits.ceiling_counts:
        facts.append(Fact(say(COUNTS), ", ".join(say(PART_WORDS[CeilingPart(each)]) for each in limits.ceiling_counts)))
    return (*facts, Fact(say(REMITS), say(EVERY_DAYS, days=limits.remit_every_days)))


def place_facts(context: Context, limits: PlaceLimits) -> tuple[Fact, ...]:
    """Return a place's limits in words."""
    float_fact = Fact(context._(FLOAT), _money(context, limits.float_cents))
    return (float_fact, *_ceiling(context, limits.ceiling_cents, refuses=limits.ceiling_refuses))


def services_words(context: Context, codes: Any) -> tuple[str, ...]:
    """Return services by name, in their order."""
    return tuple(context._(SERVICE_LABELS[each]) for each in ServiceCode if each in codes)


def means_words(context: Context, means: Any) -> tuple[str, ...]:
    """Return means by name, in their order."""
    return tuple(context._(MEANS_WORDS[each]) for each in Means if each in means)


def diff_of(context: Context, change: ActChange) -> tuple[DiffLine, ...]:
    """Return what a change says anew, line by line."""
    before, after = _WORDS[change.kind](context, change.before), _WORDS[change.kind](context, change.after)
    was, now = {fact.label: fact.value for fact in before}, {fact.label: fact.value for fact in after}
    labels = dict.fromkeys([*was, *now])
    return tuple(
        DiffLine(label, was.get(label, ""), now.get(label, ""))
        for label in labels
        if was.get(label) != now.get(label) or change.kind is ActChangeKind.APPOINTMENT_ENDED
    )


def _ceiling(context: Context, cents: int | None, *, refuses: bool) -> list[Fact]:
    if cents is None:
        return [Fact(context._(CEILING), context._(NONE))]
    return [
        Fact(context._(CEILING), _money(context, cents)),
        Fact(context._(AT_CEILING), context._(REFUSED if refuses else WARNED)),
    ]


def _collects(context: Context, kept: dict[str, Any]) -> tuple[Fact, ...]:
    say, none = context._, context._(NONE)
    facts = [
        Fact(say(SERVICES), ", ".join(services_words(context, kept["services"])) or none),
        Fact(say(MEANS), ", ".join(means_words(context, kept["means"])) or none),
    ]
    for means, codes in kept["voucher_services"].items():
        label = say(PAYS_FOR, means=say(MEANS_WORDS[Means(means)]))
        facts.append(Fact(label, ", ".join(services_words(context, codes)) or none))
    return tuple(facts)


def _office_limits(context: Context, kept: dict[str, Any]) -> tuple[Fact, ...]:
    return office_facts(context, OfficeLimits(**{**kept, "ceiling_counts": tuple(kept["ceiling_counts"])}))


def _place_limits(context: Context, kept: dict[str, Any]) -> tuple[Fact, ...]:
    return place_facts(context, PlaceLimits(**kept))


def _appointment(context: Context, kept: dict[str, Any]) -> tuple[Fact, ...]:
    say = context._
    facts = []
    if "name" in kept:
        facts.append(Fact(say(PERSON), kept["name"]))
        facts.append(Fact(say(TITLE), say(MANDATE_TITLE_WORDS[MandateTitle(kept["title"])])))
        facts.append(Fact(say(FROM), _day(context, kept["valid_from"])))
        last = kept["valid_until"]
        facts.append(Fact(say(UNTIL), _day(context, last) if last else say(NO_END)))
    if "last_day" in kept:
        facts.append(Fact(say(LAST_DAY), _day(context, kept["last_day"])))
    return tuple(facts)


_WORDS: dict[ActChangeKind, Callable[[Context, dict[str, Any]], tuple[Fact, ...]]] = {
    ActChangeKind.OFFICE_LIMITS: _office_limits,
    ActChangeKind.PLACE_LIMITS: _place_limits,
    ActChangeKind.COLLECTS: _collects,
    ActChangeKind.APPOINTED: _appointment,
    ActChangeKind.APPOINTMENT_ENDED: _appointment,
}


def _money(context: Context, cents: int) -> str:
    return money(cents, context.language)


def _day(context: Context, iso: str) -> str:
    return short_date(date.fromisoformat(iso), context.language)
