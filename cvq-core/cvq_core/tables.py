"""Every table of the core, known to the metadata once this module is imported."""

from cvq_core.access import tables as access
from cvq_core.acts import tables as acts
from cvq_core.advances import tables as advances
from cvq_core.agents import tables as agents
from cvq_core.audit_file import tables as audit_file
from cvq_core.books import tables as books
from cvq_core.card_keys import tables as card_keys
from cvq_core.cards import tables as cards
from cvq_core.controllers import tables as controllers
from cvq_core.debits import tables as debits
from cvq_core.devices import tables as devices
from cvq_core.facilities import tables as facilities
from cvq_core.families import tables as families
from cvq_core.footfall import tables as footfall
from cvq_core.imports import tables as imports
from cvq_core.inactive_values import tables as inactive_values
from cvq_core.invoice_papers import tables as invoice_papers
from cvq_core.invoices import tables as invoices
from cvq_core.jobs import tables as jobs
from cvq_core.journal import tables as journal
from cvq_core.ledger import tables as ledger
from cvq_core.legal_entities import tables as legal_entities
from cvq_core.library import tables as library
from cvq_core.live import tables as live
from cvq_core.minutes import tables as minutes
from cvq_core.offices import tables as offices
from cvq_core.particulier import tables as particulier
from cvq_core.payments import tables as payments
from cvq_core.people import tables as people
from cvq_core.services import tables as services
from cvq_core.staff import tables as staff
from cvq_core.tariffs import tables as tariffs
from cvq_core.treasury import tables as treasury
from cvq_core.treasury import unpaid_tables as unpaid
from cvq_core.wallets import tables as wallets
from cvq_core.waste import tables as waste

__all__ = [
    "access",
    "acts",
    "advances",
    "agents",
    "audit_file",
    "books",
    "card_keys",
    "cards",
    "controllers",
    "debits",
    "devices",
    "facilities",
    "families",
    "footfall",
    "imports",
    "inactive_values",
    "invoice_papers",
    "invoices",
    "jobs",
    "journal",
    "ledger",
    "legal_entities",
    "library",
    "live",
    "minutes",
    "offices",
    "particulier",
    "payments",
    "people",
    "services",
    "staff",
    "tariffs",
    "treasury",
    "unpaid",
    "wallets",
    "waste",
]
