"""Readers charge by the tariff in force: the list of prices becomes tariffs, and entries keep their prices' reasons.

For the days before a service's first adopted tariff, each state of its list becomes a tariff with one price an item.

Revision ID: 0016
Revises: 0015
Create Date: 2026-11-22 03:30:00.000000
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa
import yaml
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NAMESPACE = UUID("4f0a8f4e-3c1f-4d7b-8a34-5d1d0b5f6c12")
BY = "Reprise de la liste des prix"
KEEPS_REASONS = ("ledger_transaction", "tap", "attendance")
# As a tariff's file named them when this revision was written.
SERVICES = {
    "canteen": "cantine",
    "after_school": "accueil périscolaire",
    "creche": "crèche",
    "leisure_centre": "centre de loisirs",
    "pool": "piscine",
    "squash": "squash",
    "library": "médiathèque",
    "toy_library": "ludothèque",
    "hall": "salles",
    "waste_centre": "déchèterie",
}
UNITS = {
    "meal": "repas",
    "hour": "heure",
    "entry": "entrée",
    "period": "période",
    "cubic_metre": "m³",
    "card": "carte",
}
SERVICE_CODE = sa.Enum(*SERVICES, "building", name="servicecode", native_enum=False, length=32)
PRICE_UNIT = sa.Enum(*UNITS, name="priceunit", native_enum=False, length=32)
CODE, AMOUNT_CENTS_MAX = re.compile(r"[a-z][a-z0-9_]{0,39}"), 1_000_000
"""What a tariff's file takes."""
Row = dict[str, Any]

price = sa.table(
    "price",
    sa.column("id", sa.Uuid()),
    sa.column("service_code", sa.String()),
    sa.column("code", sa.String()),
    sa.column("unit", sa.String()),
    sa.column("label", sa.String()),
    sa.column("amount_cents", sa.Integer()),
    sa.column("valid_from", sa.Date()),
    sa.column("valid_until", sa.Date()),
)
version = sa.table(
    "tariff_version",
    sa.column("id", sa.Uuid()),
    sa.column("service_code", sa.String()),
    sa.column("number", sa.Integer()),
    sa.column("title", sa.String()),
    sa.column("text", sa.Text()),
    sa.column("format", sa.SmallInteger()),
    sa.column("proposed_by", sa.Uuid()),
    sa.column("proposed_by_name", sa.String()),
    sa.column("proposed_at", sa.DateTime(timezone=True)),
)
adoption = sa.table(
    "tariff_adoption",
    sa.column("version_id", sa.Uuid()),
    sa.column("service_code", sa.String()),
    sa.column("valid_from", sa.Date()),
    sa.column("adopted_by", sa.Uuid()),
    sa.column("adopted_by_name", sa.String()),
    sa.column("adopted_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    for table in KEEPS_REASONS:
        # Not by a copy of the table: its triggers would be lost on the way.
        op.add_column(table, sa.Column("why", sa.String(length=300), nullable=True))
    op.add_column("unclaimed_charge", sa.Column("price_code", sa.String(length=40), nullable=True))
    for service in SERVICES:
        _adopt_the_list(service)
    op.drop_table("price")


def downgrade() -> None:
    op.create_table(
        "price",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_code", SERVICE_CODE, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("unit", PRICE_UNIT, nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_price_amount")),
        sa.CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name=op.f("ck_price_period")),
        sa.ForeignKeyConstraint(["service_code"], ["service.code"], name=op.f("fk_price_service_code_service")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price")),
        sa.UniqueConstraint("service_code", "code", "valid_from", name=op.f("uq_price_service_code_code_valid_from")),
    )
    rows = [row for service in SERVICES for row in _listed(service)]
    if rows:
        op.bulk_insert(price, rows)
    op.drop_column("unclaimed_charge", "price_code")
    for table in KEEPS_REASONS:
        op.drop_column(table, "why")


def _adopt_the_list(service: str) -> None:
    """Make each state of a service's list a tariff, as far as no adopted tariff holds already."""
    connection = op.get_bind()
    rows = connection.execute(sa.select(price).where(price.c.service_code == service)).mappings().all()
    first = connection.scalar(sa.select(sa.func.min(adoption.c.valid_from)).where(adoption.c.service_code == service))
    number = connection.scalar(sa.select(sa.func.max(version.c.number)).where(version.c.service_code == service)) or 0
    changes = {row["valid_from"] for row in rows}
    changes |= {row["valid_until"] + timedelta(days=1) for row in rows if row["valid_until"]}
    for day in sorted(changes):
        held = _held(rows, day)
        if not held or (first is not None and day >= first):
            continue
        number += 1
        version_id = uuid5(NAMESPACE, f"{service}/{day}")
        at = datetime.combine(day, time(), UTC)
        op.bulk_insert(
            version,
            [
                {
                    "id": version_id,
                    "service_code": service,
                    "number": number,
                    "title": BY,
                    "text": _tariff(service, held),
                    "format": 1,
                    "proposed_by": None,
                    "proposed_by_name": BY,
                    "proposed_at": at,
                }
            ],
        )
        op.bulk_insert(
            adoption,
            [
                {
                    "version_id": version_id,
                    "service_code": service,
                    "valid_from": day,
                    "adopted_by": None,
                    "adopted_by_name": BY,
                    "adopted_at": at,
                }
            ],
        )


def _held(rows: Sequence[Any], day: date) -> list[Any]:
    """Return the prices of a day by their codes: of two that overlap, the one that began later."""
    found = {
        row["code"]: row
        for row in sorted(rows, key=lambda row: row["valid_from"])
        if row["valid_from"] <= day and (row["valid_until"] is None or row["valid_until"] >= day)
    }
    return [found[code] for code in sorted(found)]


def _tariff(service: str, held: Sequence[Any]) -> str:
    """Return the file of a tariff with one price an item; what JSON quotes, YAML reads."""
    lines = [f"service: {SERVICES[service]}", f"titre: {BY}", f"décision: {BY}", "prestations:"]
    for row in held:
        if not CODE.fullmatch(row["code"]) or row["amount_cents"] > AMOUNT_CENTS_MAX:
            raise RuntimeError(
                f"price {row['id']} ({row['code']}) can stand in no tariff: give it another code or price"
            )
        euros, cents = divmod(row["amount_cents"], 100)
        lines += [
            f"  - code: {row['code']}",
            f"    nom: {json.dumps(row['label'], ensure_ascii=False)}",
            f"    unité: {UNITS[row['unit']]}",
            "    prix:",
            f"      - montant: {euros},{cents:02d} €",
        ]
    return "\n".join(lines) + "\n"


def _listed(service: str) -> Iterator[Row]:
    """Yield a list of prices again: the items of adopted tariffs with one price for everybody, each until the next."""
    rows = op.get_bind().execute(
        sa.select(version.c.text, adoption.c.valid_from)
        .join_from(adoption, version, version.c.id == adoption.c.version_id)
        .where(adoption.c.service_code == service)
        .order_by(adoption.c.valid_from, adoption.c.adopted_at, version.c.number)
    )
    units = {word: unit for unit, word in UNITS.items()}
    states: dict[str, dict[date, Row]] = {}
    for text, begins in rows:
        # Every scalar as it is written: `2,35 €` is no number for YAML, and 2.35 must stay what it is.
        file = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes strings, lists and maps alone
        for item in file["prestations"]:
            prices = item["prix"]
            if len(prices) != 1 or set(prices[0]) != {"montant"} or "fratrie" in item:
                continue
            euros, _, cents = prices[0]["montant"].replace("€", "").replace(".", ",").strip().partition(",")
            states.setdefault(item["code"], {})[begins] = {
                "id": uuid5(NAMESPACE, f"{service}/{item['code']}/{begins}"),
                "service_code": service,
                "code": item["code"],
                "unit": units[item["unité"]],
                "label": item["nom"],
                "amount_cents": int(euros) * 100 + int(f"{cents:0<2}"[:2]),
                "valid_from": begins,
            }
    for dated in states.values():
        days = sorted(dated)
        for day, following in zip(days, [*days[1:], None], strict=True):
            yield {**dated[day], "valid_until": following - timedelta(days=1) if following else None}
