"""The five changes of an act as forms: what each asks for, and what is done with it.

A form's fields are all text; boxes are fields of their own, `s_canteen`, present where they are ticked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import select

from cvq_advisor_console.acts.words import (
    CASH_MAX,
    CEILING,
    COUNTS,
    FLOAT,
    KIND_WORDS,
    LAST_DAY,
    MEANS,
    PART_WORDS,
    PAYS_FOR,
    SERVICES,
    TITLE,
    TOP_UP_MAX,
)
from cvq_advisor_console.cash.amounts import BAD_AMOUNT, BAD_DAY, BAD_NUMBER, cents_of, written
from cvq_advisor_console.views.acts import FormField, Option
from cvq_core.acts.changes import (
    appoint_by_order,
    end_appointment,
    set_collects,
    set_office_limits,
    set_place_limits,
)
from cvq_core.acts.rules import ActChangeKind, Collects, OfficeLimits, Order, Period, PlaceLimits
from cvq_core.acts.store import (
    Appointed,
    collects_on,
    limits_of,
    place_by_id,
    place_limits_of,
    places_of,
)
from cvq_core.acts.tables import ActChange
from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput
from cvq_core.offices.ceiling_rules import CeilingPart
from cvq_core.offices.routes import officer_of
from cvq_core.offices.rules import MANDATE_TITLE_WORDS, MEANS_WORDS, VOUCHERS, MandateTitle, Means
from cvq_core.offices.tables import CashOffice, SubOffice
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode
from cvq_core.staff.tables import Staff
from cvq_core.web import Context

Values = Mapping[str, str]
STAFF_SUGGESTED = 300
TICKED = "oui"
DAY_HINT = N_("Ce jour compte.")
LOGIN_HINT = N_("L’identifiant avec lequel elle se connecte.")


class Form(Protocol):
    """One change as a form."""

    kind: ActChangeKind

    @property
    def about(self) -> str:
        """Return whose change it is, in a word."""

    @property
    def office_id(self) -> UUID:
        """Return the office to which one goes back."""

    async def initial(self) -> dict[str, str]:
        """Return the fields as they stand before anything is written in them."""

    async def fields(self, values: Values) -> list[FormField]:
        """Return the fields with what was written in them."""

    async def apply(self, key: UUID, order: Order, values: Values) -> ActChange:
        """Make the change."""


@dataclass(slots=True)
class _OfPlace:
    context: Context
    place: SubOffice

    @property
    def office_id(self) -> UUID:
        return self.place.office_id

    @property
    def about(self) -> str:
        return self.place.label


@dataclass(slots=True)
class _OfOffice:
    context: Context
    office: CashOffice

    @property
    def office_id(self) -> UUID:
        return self.office.id

    @property
    def about(self) -> str:
        return self.office.label


@dataclass(slots=True)
class CollectsForm(_OfPlace):
    """What a place collects, and how, from a day on."""

    kind: ActChangeKind = ActChangeKind.COLLECTS

    async def initial(self) -> dict[str, str]:
        tomorrow = local_day(self.context.now) + timedelta(days=1)
        now = await collects_on(self.context.db, self.place, tomorrow)
        boxes = [f"s_{each}" for each in now.services] + [f"m_{each}" for each in now.means]
        boxes += [f"{means}_{code}" for means, codes in now.voucher_services.items() for code in codes]
        return {"holds_from": tomorrow.isoformat()} | dict.fromkeys(boxes, TICKED)

    async def fields(self, values: Values) -> list[FormField]:
        say = self.context._
        services = {each.value: SERVICE_LABELS[each] for each in ServiceCode}
        means = {each.value: MEANS_WORDS[each] for each in Means}
        vouchers = [
            _boxes(self.context, values, each.value, say(PAYS_FOR, means=say(MEANS_WORDS[each])), services)
            for each in sorted(VOUCHERS)
        ]
        return [
            FormField("holds_from", say(N_("À partir du")), "date", values.get("holds_from", "")),
            _boxes(self.context, values, "s", say(SERVICES), services),
            _boxes(self.context, values, "m", say(MEANS), means),
            *vouchers,
        ]

    async def apply(self, key: UUID, order: Order, values: Values) -> ActChange:
        wanted = Collects(
            services=frozenset(each for each in ServiceCode if f"s_{each}" in values),
            means=frozenset(each for each in Means if f"m_{each}" in values),
            voucher_services={
                means: frozenset(each for each in ServiceCode if f"{means}_{each}" in values) for means in VOUCHERS
            },
        )
        return await set_collects(
            self.context.db,
            key,
            place_id=self.place.id,
            wanted=wanted,
            holds_from=_day(values, "holds_from"),
            order=order,
            by=officer_of(self.context),
            now=self.context.now,
        )


@dataclass(slots=True)
class OfficeLimitsForm(_OfOffice):
    """An office's limits."""

    kind: ActChangeKind = ActChangeKind.OFFICE_LIMITS

    async def initial(self) -> dict[str, str]:
        now = limits_of(self.office)
        return {
            "cash_payment_max": written(now.cash_payment_max_cents),
            "top_up_max": written(now.top_up_max_cents),
            "remit_every_days": str(now.remit_every_days),
            **_ceiling_values(now.ceiling_cents, refuses=now.ceiling_refuses),
            **{f"c_{part}": TICKED for part in now.ceiling_counts},
        }

    async def fields(self, values: Values) -> list[FormField]:
        say = self.context._
        parts = {each.value: PART_WORDS[each] for each in CeilingPart}
        return [
            _amount(values, "cash_payment_max", say(CASH_MAX), hint=say(N_("300 € au plus, d’après la loi."))),
            _amount(values, "top_up_max", say(TOP_UP_MAX)),
            *_ceiling_fields(self.context, values),
            _boxes(self.context, values, "c", say(COUNTS), parts),
            FormField(
                "remit_every_days",
                say(N_("Versement au moins tous les … jours")),
                "number",
                values.get("remit_every_days", ""),
            ),
        ]

    async def apply(self, key: UUID, order: Order, values: Values) -> ActChange:
        days = values.get("remit_every_days", "").strip()
        if not (days.isascii() and days.isdigit() and len(days) <= 3):
            raise BadInput(fields={"remit_every_days": BAD_NUMBER})
        limits = OfficeLimits(
            cash_payment_max_cents=_cents(values, "cash_payment_max"),
            top_up_max_cents=_cents(values, "top_up_max"),
            ceiling_cents=_ceiling(values),
            ceiling_refuses="ceiling_refuses" in values,
            ceiling_counts=tuple(each.value for each in CeilingPart if f"c_{each}" in values),
            remit_every_days=int(days),
        )
        return await set_office_limits(
            self.context.db,
            key,
            office_id=self.office.id,
            limits=limits,
            order=order,
            by=officer_of(self.context),
            now=self.context.now,
        )


@dataclass(slots=True)
class PlaceLimitsForm(_OfPlace):
    """A place's float and ceiling."""

    kind: ActChangeKind = ActChangeKind.PLACE_LIMITS

    async def initial(self) -> dict[str, str]:
        now = place_limits_of(self.place)
        return {"float": written(now.float_cents), **_ceiling_values(now.ceiling_cents, refuses=now.ceiling_refuses)}

    async def fields(self, values: Values) -> list[FormField]:
        say = self.context._
        hint = say(
            N_("Ce qui s’ajoute est remis au coffre, ce qui s’enlève en est repris, le jour où vous enregistrez.")
        )
        return [_amount(values, "float", say(FLOAT), hint=hint), *_ceiling_fields(self.context, values)]

    async def apply(self, key: UUID, order: Order, values: Values) -> ActChange:
        limits = PlaceLimits(_cents(values, "float"), _ceiling(values), "ceiling_refuses" in values)
        return await set_place_limits(
            self.context.db,
            key,
            place_id=self.place.id,
            limits=limits,
            order=order,
            by=officer_of(self.context),
            now=self.context.now,
        )


@dataclass(slots=True)
class AppointForm(_OfOffice):
    """Somebody to appoint to a place of an office."""

    kind: ActChangeKind = ActChangeKind.APPOINTED

    async def initial(self) -> dict[str, str]:
        places = await places_of(self.context.db, self.office.id)
        return {
            "valid_from": local_day(self.context.now).isoformat(),
            "title": MandateTitle.MANDATARY.value,
            "place": str(places[-1].id) if places else "",
        }

    async def fields(self, values: Values) -> list[FormField]:
        say, db = self.context._, self.context.db
        staff = await db.execute(
            select(Staff.login, Staff.display_name)
            .where(Staff.disabled_at.is_(None))
            .order_by(Staff.display_name)
            .limit(STAFF_SUGGESTED)
        )
        return [
            FormField(
                "login",
                say(N_("Qui ?")),
                value=values.get("login", ""),
                hint=say(LOGIN_HINT),
                suggestions=tuple(Option(login, name) for login, name in staff),
            ),
            _one(values, "title", say(TITLE), {each.value: say(MANDATE_TITLE_WORDS[each]) for each in MandateTitle}),
            _one(
                values,
                "place",
                say(N_("Où ?")),
                {str(place.id): place.label for place in await places_of(db, self.office.id)},
            ),
            FormField("valid_from", say(N_("À partir du")), "date", values.get("valid_from", "")),
            FormField(
                "valid_until",
                say(N_("Jusqu’au")),
                "date",
                values.get("valid_until", ""),
                hint=say(DAY_HINT),
                required=False,
            ),
        ]

    async def apply(self, key: UUID, order: Order, values: Values) -> ActChange:
        place = await place_by_id(self.context.db, _id(values, "place"))
        if place.office_id != self.office.id or values.get("title") not in set(MandateTitle):
            raise BadInput
        return await appoint_by_order(
            self.context.db,
            key,
            place_id=place.id,
            login=values.get("login", ""),
            title=MandateTitle(values["title"]),
            period=Period(
                _day(values, "valid_from"), _day(values, "valid_until") if values.get("valid_until") else None
            ),
            order=order,
            by=officer_of(self.context),
            now=self.context.now,
        )


@dataclass(slots=True)
class EndForm:
    """The last day of somebody's appointment."""

    context: Context
    appointed: Appointed
    place: SubOffice
    kind: ActChangeKind = ActChangeKind.APPOINTMENT_ENDED

    @property
    def office_id(self) -> UUID:
        return self.place.office_id

    @property
    def about(self) -> str:
        title = self.context._(MANDATE_TITLE_WORDS[self.appointed.appointment.title])
        return f"{self.appointed.name}, {title}, {self.place.label}"

    async def initial(self) -> dict[str, str]:
        return {"last_day": local_day(self.context.now).isoformat()}

    async def fields(self, values: Values) -> list[FormField]:
        say = self.context._
        return [FormField("last_day", say(LAST_DAY), "date", values.get("last_day", ""), hint=say(DAY_HINT))]

    async def apply(self, key: UUID, order: Order, values: Values) -> ActChange:
        return await end_appointment(
            self.context.db,
            key,
            mandate_id=self.appointed.id,
            last_day=_day(values, "last_day"),
            order=order,
            by=officer_of(self.context),
            now=self.context.now,
        )


def order_fields(context: Context, values: Values) -> list[FormField]:
    """Return the fields that every change has: the order that decided it."""
    say = context._
    hint = say(N_("Comme sur le document signé, par exemple « Arrêté n° 2026-41 »."))
    return [
        FormField("order", say(N_("Arrêté")), value=values.get("order", ""), hint=hint),
        FormField("signed_on", say(N_("Signé le")), "date", values.get("signed_on", "")),
    ]


def order_of(values: Values) -> Order:
    """Return the order that a form names.

    Raises:
        BadInput: its day is none.
    """
    return Order(values.get("order", ""), _day(values, "signed_on"))


def title_of(context: Context, form: Form) -> str:
    """Return what a form changes."""
    return context._(KIND_WORDS[form.kind])


def _boxes(context: Context, values: Values, letter: str, label: str, words: Mapping[str, str]) -> FormField:
    options = tuple(
        Option(f"{letter}_{value}", context._(word), f"{letter}_{value}" in values) for value, word in words.items()
    )
    return FormField(letter, label, "several", options=options, required=False)


def _one(values: Values, name: str, label: str, words: Mapping[str, str]) -> FormField:
    chosen = values.get(name, "")
    return FormField(
        name, label, "one", options=tuple(Option(value, word, value == chosen) for value, word in words.items())
    )


def _amount(values: Values, name: str, label: str, *, hint: str = "", required: bool = True) -> FormField:
    return FormField(name, label, "amount", values.get(name, ""), hint=hint, required=required)


def _ceiling_values(cents: int | None, *, refuses: bool) -> dict[str, str]:
    values = {"ceiling": written(cents)} if cents is not None else {}
    return values | ({"ceiling_refuses": TICKED} if refuses else {})


def _ceiling_fields(context: Context, values: Values) -> list[FormField]:
    say = context._
    refuses = Option("ceiling_refuses", say(N_("Au plafond, refuser tout encaissement")), "ceiling_refuses" in values)
    return [
        _amount(values, "ceiling", say(CEILING), hint=say(N_("Vide : pas de plafond.")), required=False),
        FormField("refuses", say(N_("Quand il est atteint")), "several", options=(refuses,), required=False),
    ]


def _ceiling(values: Values) -> int | None:
    return _cents(values, "ceiling") if values.get("ceiling", "").strip() else None


def _cents(values: Values, name: str) -> int:
    cents = cents_of(values.get(name, ""))
    if cents is None:
        raise BadInput(fields={name: BAD_AMOUNT})
    return cents


def _day(values: Values, name: str) -> date:
    try:
        return date.fromisoformat(values.get(name, "").strip())
    except ValueError:
        raise BadInput(fields={name: BAD_DAY}) from None


def _id(values: Values, name: str) -> UUID:
    try:
        return UUID(values.get(name, ""))
    except ValueError:
        raise BadInput from None
