"""Conditions on what was matched with the statement, for whoever reads it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import aliased

from cvq_core.treasury.matching import ItemKind
from cvq_core.treasury.tables import TreasuryMatch, TreasuryMatchItem


def undone(match_id: Any) -> ColumnElement[bool]:
    """Whether a match was undone."""
    undoing = aliased(TreasuryMatch)
    return select(undoing.id).where(undoing.undoes_id == match_id).exists()


def is_matched(kind: ItemKind, item_id: Any) -> ColumnElement[bool]:
    """Whether a match that stands has this movement."""
    return exists().where(
        TreasuryMatchItem.kind == kind, TreasuryMatchItem.item_id == item_id, ~undone(TreasuryMatchItem.match_id)
    )
