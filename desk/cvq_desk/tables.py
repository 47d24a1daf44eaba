"""Every table of the desk (and of the core below it), known to the metadata once this module is imported."""

from cvq_core import tables as core
from cvq_desk.booking import tables as booking
from cvq_desk.booths import tables as booths
from cvq_desk.dossiers import tables as dossiers
from cvq_desk.visits import tables as visits

__all__ = ["booking", "booths", "core", "dossiers", "visits"]
