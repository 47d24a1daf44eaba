"""A simulation as the parts of a file, each a sheet.

Families are told by their account's number, never by name: whoever compares tariffs has no need of names.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from cvq_core.errors import N_
from cvq_core.spreadsheets import Cell, Money, Sheet
from cvq_core.tariffs.simulation import Group, Simulation
from cvq_core.tariffs.words import Say, conditions_words, range_words


def sheets(simulation: Simulation, numbers: Mapping[UUID, str], say: Say) -> list[Sheet]:
    """Return a simulation's three parts; `numbers` are the accounts' own."""
    money = (say(N_("Aujourd’hui (€)")), say(N_("Proposé (€)")), say(N_("Différence (€)")))
    before, after = simulation.before_cents, simulation.after_cents
    summary: list[tuple[str, Cell]] = [
        (say(N_("Utilisations comptées")), simulation.uses),
        (say(N_("Sans prix aujourd’hui, laissées de côté")), simulation.left_out_before),
        (say(N_("Sans prix dans le tarif proposé, laissées de côté")), simulation.left_out_after),
        (say(N_("Total aujourd’hui (€)")), Money(before)),
        (say(N_("Total proposé (€)")), Money(after)),
        (say(N_("Différence (€)")), Money(after - before)),
        (say(N_("Familles qui paieraient plus")), len(simulation.dearer)),
        (say(N_("Familles qui paieraient moins")), len(simulation.cheaper)),
        (say(N_("Familles sans changement")), simulation.unchanged),
    ]
    groups = [
        (
            *group_words(group, say),
            group.uses,
            len(group.families),
            Money(group.before_cents),
            Money(group.after_cents),
            Money(group.after_cents - group.before_cents),
        )
        for group in simulation.groups
    ]
    families = [
        (
            numbers.get(family.account_id, ""),
            family.uses,
            Money(family.before_cents),
            Money(family.after_cents),
            Money(family.difference_cents),
        )
        for family in simulation.families
    ]
    uses = say(N_("Utilisations"))
    return [
        Sheet(say(N_("Résumé")), (say(N_("Quoi")), say(N_("Combien"))), summary),
        Sheet(
            say(N_("Tranches")),
            (say(N_("Prestation")), say(N_("Pour qui")), say(N_("Quotient")), uses, say(N_("Familles")), *money),
            groups,
        ),
        Sheet(say(N_("Familles")), (say(N_("Compte")), uses, *money), families),
    ]


def group_words(group: Group, say: Say) -> tuple[str, str, str]:
    """Return an item, whom the price is for, and its bracket's quotients in words."""
    quotients = range_words(group.case.brackets[group.bracket - 1].quotients, say) if group.bracket else ""
    return group.item.label, conditions_words(group.case.conditions, say), quotients
