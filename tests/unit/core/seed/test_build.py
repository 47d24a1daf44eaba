"""A made-up territory: the figures of the real one, in rows that make sense together."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from typing import Any

import pytest

from cvq_core.access.facts import RightKind
from cvq_core.cards.rules import CardStatus, card_number, card_uid
from cvq_core.people.rules import FamilyRole
from cvq_core.seed.build import build
from cvq_core.seed.draw import Draw
from cvq_core.seed.presets import PRESETS
from cvq_core.services.rules import ServiceCode

Rows = dict[str, list[dict[str, Any]]]


def rows_of(preset: str, seed: int = 1) -> Rows:
    return {each.table.name: list(each.rows) for each in build(PRESETS[preset], Draw.of(seed, 2026))}


@pytest.fixture(scope="module")
def parthenay() -> Rows:
    return rows_of("parthenay")


@pytest.fixture(scope="module")
def village() -> Rows:
    return rows_of("demo")


def rights(rows: Rows, service: ServiceCode, kind: RightKind) -> list[dict[str, Any]]:
    return [row for row in rows["entitlement"] if row["service_code"] is service and row["kind"] is kind]


class TestTheFiguresOfTheTerritory:
    def test_inhabitants_communes_and_cards_in_circulation(self, parthenay: Rows) -> None:
        assert len(parthenay["person"]) == 39_000
        assert len(parthenay["commune"]) == 38
        assert {row["commune_insee"] for row in parthenay["person"]} == {row["insee"] for row in parthenay["commune"]}
        assert Counter(row["status"] for row in parthenay["card"])[CardStatus.ACTIVE] == 33_000

    def test_active_family_accounts(self, parthenay: Rows) -> None:
        enrolled = [row for row in parthenay["entitlement"] if row["kind"] is RightKind.ENROLMENT]
        assert len({row["payer_account_id"] for row in enrolled}) == 4_500
        childhood = {ServiceCode.CANTEEN, ServiceCode.AFTER_SCHOOL, ServiceCode.CRECHE, ServiceCode.LEISURE_CENTRE}
        assert {row["service_code"] for row in enrolled} == childhood

    @pytest.mark.parametrize(
        ("services", "kind", "people"),
        [
            ([ServiceCode.POOL], RightKind.SUBSCRIPTION, 3_500),
            ([ServiceCode.LIBRARY, ServiceCode.TOY_LIBRARY], RightKind.SUBSCRIPTION, 3_600),
            ([ServiceCode.SQUASH], RightKind.SUBSCRIPTION, 200),
            ([ServiceCode.WASTE_CENTRE], RightKind.PROFESSIONAL, 350),
            ([ServiceCode.BUILDING], RightKind.AGENT_SCHEDULE, 450),
        ],
    )
    def test_subscribers_professionals_and_agents(
        self, parthenay: Rows, services: list[ServiceCode], kind: RightKind, people: int
    ) -> None:
        holders = [row["person_id"] for service in services for row in rights(parthenay, service, kind)]
        subscribers = len(holders) if kind is RightKind.SUBSCRIPTION else len(set(holders))
        assert subscribers == people

    def test_households_of_the_waste_centre(self, parthenay: Rows) -> None:
        households = rights(parthenay, ServiceCode.WASTE_CENTRE, RightKind.HOUSEHOLD)
        assert len({row["account_id"] for row in households}) == 13_000

    def test_buildings_doors_and_pools(self, parthenay: Rows) -> None:
        doors = [row for row in parthenay["access_point"] if row["service_code"] is ServiceCode.BUILDING]
        assert (len({row["site"] for row in doors}), len(doors)) == (17, 47)
        pools = {row["site"] for row in parthenay["access_point"] if row["service_code"] is ServiceCode.POOL}
        assert len(pools) == 2

    def test_the_cash_office_collects_at_the_places_that_its_sources_name(self, parthenay: Rows) -> None:
        assert len(parthenay["cash_office"]) == 1
        labels = " ".join(row["label"] for row in parthenay["sub_office"])
        for place in ("Restaurant scolaire", "Service scolaire", "Mairie de Pompaire", "Mairie du Tallud"):
            assert place in labels


class TestWhatMakesSense:
    def test_no_card_number_and_no_uid_comes_twice_and_each_can_be_right(self, parthenay: Rows) -> None:
        cards = parthenay["card"]
        assert len({row["number"] for row in cards}) == len({row["uid"] for row in cards}) == len(cards)
        for row in cards[:200]:
            assert card_number(row["number"]) == row["number"]
            assert card_uid(row["uid"]) == row["uid"]

    def test_nobody_has_two_active_cards_and_the_dead_have_none(self, parthenay: Rows) -> None:
        holders = Counter(row["person_id"] for row in parthenay["card"] if row["status"] is CardStatus.ACTIVE)
        assert max(holders.values()) == 1
        dead = {row["id"] for row in parthenay["person"] if row["deceased_on"]}
        assert dead
        assert not dead & holders.keys()

    def test_whoever_enters_by_a_right_of_their_own_has_a_card(self, parthenay: Rows) -> None:
        holders = {row["person_id"] for row in parthenay["card"] if row["status"] is CardStatus.ACTIVE}
        assert {row["person_id"] for row in parthenay["entitlement"] if row["person_id"]} <= holders

    def test_there_are_homonyms_as_everywhere(self, parthenay: Rows) -> None:
        names = Counter((row["family_name"], row["given_names"].split()[0]) for row in parthenay["person"])
        assert sum(count > 1 for count in names.values()) > 1000
        assert max(names.values()) < 60

    def test_parents_are_older_than_their_children_and_siblings_have_names_of_their_own(self, parthenay: Rows) -> None:
        people = {row["id"]: row for row in parthenay["person"]}
        families: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for row in parthenay["membership"]:
            families[row["account_id"]].append(row)
        for members in families.values():
            children = [people[row["person_id"]] for row in members if row["role"] is FamilyRole.CHILD]
            parents = [people[row["person_id"]] for row in members if row["role"] is FamilyRole.GUARDIAN]
            if children:
                oldest = min(child["birth_date"] for child in children)
                assert all((oldest - parent["birth_date"]).days > 15 * 365 for parent in parents)
                given = [child["given_names"].split()[0] for child in children]
                assert len(given) == len(set(given))

    def test_a_child_of_separated_parents_belongs_to_both_households(self, parthenay: Rows) -> None:
        shared = Counter(row["person_id"] for row in parthenay["membership"] if row["share_percent"] == 50)
        assert len(shared) > 300
        assert set(shared.values()) == {2}

    def test_everybody_is_between_nought_and_a_hundred_and_children_are_a_fifth(self, parthenay: Rows) -> None:
        day = date(2026, 9, 1)
        ages = [(day - row["birth_date"]).days / 365.25 for row in parthenay["person"]]
        assert min(ages) >= 0
        assert max(ages) < 100
        assert 0.15 < sum(age < 18 for age in ages) / len(ages) < 0.25

    def test_telephone_numbers_and_addresses_belong_to_nobody(self, parthenay: Rows) -> None:
        for row in parthenay["person"]:
            assert row["phone"] is None or row["phone"].startswith(("05 36 49", "06 39 98"))
            assert row["email"] is None or row["email"].endswith("@example.org")

    def test_a_craftsman_does_not_pass_for_nothing_with_his_own_household_s_right(self, parthenay: Rows) -> None:
        free = {row["account_id"] for row in rights(parthenay, ServiceCode.WASTE_CENTRE, RightKind.HOUSEHOLD)}
        homes = defaultdict(set)
        for row in parthenay["membership"]:
            homes[row["person_id"]].add(row["account_id"])
        for row in rights(parthenay, ServiceCode.WASTE_CENTRE, RightKind.PROFESSIONAL):
            assert not homes[row["person_id"]] & free

    def test_wallets_that_must_not_owe_hold_nothing_below_zero(self, parthenay: Rows) -> None:
        pool = [row for row in parthenay["wallet"] if row["service_code"] is ServiceCode.POOL]
        canteen = [row for row in parthenay["wallet"] if row["service_code"] is ServiceCode.CANTEEN]
        assert min(row["balance_cents"] for row in pool) >= 0
        assert {row["floor_cents"] for row in pool} == {0}
        assert min(row["balance_cents"] for row in canteen) < 0
        assert {row["floor_cents"] for row in canteen} == {None}


class TestChance:
    def test_the_same_seed_makes_the_same_rows_and_another_one_others(self, village: Rows) -> None:
        assert rows_of("demo") == village
        other = rows_of("demo", seed=2)
        assert other["person"] != village["person"]
        assert not {row["id"] for row in other["person"]} & {row["id"] for row in village["person"]}

    def test_identifiers_are_of_the_shape_and_order_of_uuid_version_7(self, village: Rows) -> None:
        ids = [row["id"] for row in village["family_account"]]
        assert {(each.version, each.variant) for each in ids} == {(7, "specified in RFC 4122")}
        assert ids == sorted(ids)

    def test_the_named_people_of_the_demonstration_are_there(self, village: Rows) -> None:
        people = {row["id"]: row for row in village["person"]}
        jeannes = [
            row["birth_date"]
            for row in people.values()
            if (row["given_names"], row["family_name"]) == ("Jeanne", "Moreau")
        ]
        assert date(1941, 5, 12) in jeannes
        assert len(jeannes) == 3
        balances = {(row["family_account_id"], row["service_code"]): row["balance_cents"] for row in village["wallet"]}
        [lea] = [row["id"] for row in people.values() if row["given_names"] == "Léa" and row["family_name"] == "Moreau"]
        [account] = [row["account_id"] for row in village["membership"] if row["person_id"] == lea]
        assert balances[account, ServiceCode.CANTEEN] == -470
        assert balances[account, ServiceCode.POOL] == 0
