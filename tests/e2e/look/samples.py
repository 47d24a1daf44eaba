"""One sample value for each page and each state that can be told apart by eye.

The samples of a subject live in the module of that name; here they are gathered under the names of their pictures.
"""

from __future__ import annotations

from tests.e2e.look.samples_access import ACCESS
from tests.e2e.look.samples_acts import ACTS
from tests.e2e.look.samples_books import BOOKS
from tests.e2e.look.samples_cards import CARDS
from tests.e2e.look.samples_cash import CASH
from tests.e2e.look.samples_console import CONSOLE
from tests.e2e.look.samples_core import CORE
from tests.e2e.look.samples_facilities import FACILITIES
from tests.e2e.look.samples_families import FAMILIES
from tests.e2e.look.samples_footfall import FOOTFALL
from tests.e2e.look.samples_imports import IMPORTS
from tests.e2e.look.samples_invoices import INVOICES
from tests.e2e.look.samples_moments import NOW, Sample
from tests.e2e.look.samples_money import MONEY
from tests.e2e.look.samples_online import ONLINE
from tests.e2e.look.samples_personnel import PERSONNEL
from tests.e2e.look.samples_quotients import QUOTIENTS
from tests.e2e.look.samples_secretary import SECRETARY
from tests.e2e.look.samples_statements import STATEMENTS
from tests.e2e.look.samples_stores import STORES
from tests.e2e.look.samples_tariffs import TARIFFS
from tests.e2e.look.samples_treasury import TREASURY
from tests.e2e.look.samples_waste import WASTE

SAMPLES: dict[str, Sample] = {
    **CORE,
    **SECRETARY,
    **CONSOLE,
    **CASH,
    **CARDS,
    **STATEMENTS,
    **TARIFFS,
    **ONLINE,
    **MONEY,
    **STORES,
    **ACTS,
    **TREASURY,
    **FAMILIES,
    **FACILITIES,
    **BOOKS,
    **ACCESS,
    **FOOTFALL,
    **WASTE,
    **PERSONNEL,
    **QUOTIENTS,
    **IMPORTS,
    **INVOICES,
}

__all__ = ["NOW", "SAMPLES", "Sample"]
