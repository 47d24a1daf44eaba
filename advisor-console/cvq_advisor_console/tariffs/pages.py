"""What the tariff pages show, from versions and simulations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from babel.dates import format_date

from cvq_advisor_console.views.tariffs import (
    FamilyRow,
    FaultRow,
    GroupRow,
    ItemTable,
    PriceRow,
    ServiceTariffs,
    SimulationPage,
    TariffPage,
    VersionLine,
)
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.services.rules import ServiceCode
from cvq_core.tariffs.export import group_words
from cvq_core.tariffs.month import Month
from cvq_core.tariffs.rules import Case, Item, SiblingRule
from cvq_core.tariffs.simulation import LARGEST, FamilyChange, Simulation
from cvq_core.tariffs.store import Version
from cvq_core.tariffs.words import UNIT_WORDS, conditions_words, exact_money, range_words, share_words
from cvq_core.web import Context
from cvq_core.yaml_nodes import Fault

EXCERPT_MAX = 80


@dataclass(frozen=True, slots=True)
class Tried:
    """A tariff tried on a month; `numbers` are the families' accounts' own."""

    month: Month
    simulation: Simulation
    numbers: dict[UUID, str]


def version_url(version_id: UUID, what: str = "") -> str:
    """Return the address of a version's page, or of something about it."""
    return f"/tarifs/versions/{version_id}{what}"


def propose_url(service: ServiceCode) -> str:
    """Return where a tariff is proposed for a service."""
    return f"/tarifs/{service}/proposer"


def version_line(context: Context, version: Version, in_force: Version | None) -> VersionLine:
    """Return a version with where it stands today."""
    today = local_day(context.now)
    line = VersionLine(
        version_url(version.row.id), version.row.number, version.row.title, context._(N_("proposé")), "sun"
    )
    if version.adoption is None:
        return line
    line = replace(line, valid_from=version.adoption.valid_from)
    if in_force is not None and version.row.id == in_force.row.id:
        return replace(line, state_word=context._(N_("en vigueur")), tone="ok")
    if version.adoption.valid_from > today:
        return replace(line, state_word=context._(N_("à venir")), tone="")
    return replace(line, state_word=context._(N_("remplacé")), tone="off")


def service_tariffs(
    context: Context, service: ServiceCode, label: str, versions: Sequence[Version], in_force: Version | None
) -> ServiceTariffs:
    """Return a service's part of the list."""
    return ServiceTariffs(
        label,
        propose_url(service),
        version_line(context, in_force, in_force) if in_force else None,
        tuple(
            version_line(context, version, in_force)
            for version in versions
            if in_force is None or version.row.id != in_force.row.id
        ),
    )


def tariff_page(context: Context, label: str, version: Version, in_force: Version | None) -> TariffPage:
    """Return a version's page."""
    row, adoption, tariff = version.row, version.adoption, version.tariff
    return TariffPage(
        service=label,
        line=version_line(context, version, in_force),
        decision=tariff.decision,
        proposed_by=row.proposed_by_name,
        proposed_at=row.proposed_at,
        items=tuple(item_table(context, item) for item in tariff.items),
        text=row.text,
        list_url="/tarifs",
        simulate_url=version_url(row.id, "/essai"),
        propose_url=f"{propose_url(row.service_code)}?depuis={row.id}",
        file_url=version_url(row.id, "/tarif.yaml"),
        adopt_url="" if adoption else version_url(row.id, "/adopter"),
        first_day=local_day(context.now) + timedelta(days=1),
        adopted_by=adoption.adopted_by_name if adoption else "",
        adopted_at=adoption.adopted_at if adoption else None,
    )


def item_table(context: Context, item: Item) -> ItemTable:
    """Return an item's prices as people read them."""
    return ItemTable(
        item.label,
        item.code,
        context._(UNIT_WORDS[item.unit]),
        tuple(row for case in item.cases for row in _case_rows(context, case)),
        tuple(_sibling_words(context, rule) for rule in item.siblings),
    )


def fault_rows(context: Context, text: str, faults: Sequence[Fault]) -> tuple[FaultRow, ...]:
    """Return faults with what stands on their lines."""
    lines = text.splitlines()
    return tuple(
        FaultRow(
            fault.line,
            lines[fault.line - 1].strip()[:EXCERPT_MAX] if fault.line <= len(lines) else "",
            context._(fault.sentence, **fault.facts),
        )
        for fault in faults
    )


def simulation_page(
    context: Context,
    label: str,
    version: Version,
    in_force: Version | None,
    tried: Tried,
) -> SimulationPage:
    """Return a simulation with the largest differences."""
    month, simulation, numbers = tried.month, tried.simulation, tried.numbers
    return SimulationPage(
        service=label,
        line=version_line(context, version, in_force),
        before=version_line(context, in_force, in_force) if in_force else None,
        month=format_date(month.first, "MMMM y", locale=context.language),
        is_real=month.is_real,
        uses=simulation.uses,
        before_cents=simulation.before_cents,
        after_cents=simulation.after_cents,
        groups=tuple(
            GroupRow(
                *group_words(group, context._),
                group.uses,
                len(group.families),
                group.before_cents,
                group.after_cents,
            )
            for group in simulation.groups
        ),
        dearer_count=len(simulation.dearer),
        cheaper_count=len(simulation.cheaper),
        unchanged_count=simulation.unchanged,
        dearer=_families(simulation.dearer, numbers),
        cheaper=_families(simulation.cheaper, numbers),
        left_out_before=simulation.left_out_before,
        left_out_after=simulation.left_out_after,
        csv_url=version_url(version.row.id, "/essai.csv"),
        xlsx_url=version_url(version.row.id, "/essai.xlsx"),
        back_url=version_url(version.row.id),
    )


def day_of(written: str) -> date | None:
    """Return a day that a form sent, None where it is none."""
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def _families(changes: Sequence[FamilyChange], numbers: dict[UUID, str]) -> tuple[FamilyRow, ...]:
    return tuple(
        FamilyRow(numbers.get(each.account_id, ""), each.uses, each.before_cents, each.after_cents)
        for each in changes[:LARGEST]
    )


def _case_rows(context: Context, case: Case) -> Iterator[PriceRow]:
    whom, language = conditions_words(case.conditions, context._), context.language
    if case.cents is not None:
        yield PriceRow(whom, "", exact_money(case.cents, language))
    for bracket in case.brackets:
        yield PriceRow(whom, range_words(bracket.quotients, context._), exact_money(bracket.cents, language))
    if case.rate is not None:
        told = N_("{share} du quotient, au moins {floor}, au plus {ceiling}")
        yield PriceRow(
            whom,
            context._(N_("tous")),
            context._(
                told,
                share=share_words(case.rate.share, language),
                floor=exact_money(case.rate.floor_cents, language),
                ceiling=exact_money(case.rate.ceiling_cents, language),
            ),
        )


def _sibling_words(context: Context, rule: SiblingRule) -> str:
    off = (
        share_words(rule.share_off, context.language)
        if rule.share_off
        else exact_money(rule.cents_off, context.language)
    )
    return context._(N_("Enfant de rang {ranks} : {off} de moins"), ranks=range_words(rule.ranks, context._), off=off)
