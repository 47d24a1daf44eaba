"""The advisor's pages: the console, and the dock beside another software."""

from __future__ import annotations

from dataclasses import dataclass

from cvq_advisor_console.views.money import MoneyView
from cvq_advisor_console.views.paying import PayingView
from cvq_advisor_console.views.visit import (
    CallView,
    ConsentView,
    EndingView,
    MachinesView,
    PersonView,
    QueueView,
    VisitBarView,
)
from cvq_advisor_console.views.work import AccountView, FormView, HelpPage, PapersView, PrintingView


@dataclass(frozen=True, slots=True)
class VisitRegions:
    """What stands on the console while somebody is served; `account` is none for an organisation that may not ask."""

    form: FormView
    papers: PapersView
    printing: PrintingView
    account: AccountView | None
    help: HelpPage
    person: PersonView
    consent: ConsentView | None
    ending: EndingView
    paying: PayingView | None = None
    money: MoneyView | None = None


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """`console.html`. `visit` is none while nobody is being served; `dock_url` folds the page."""

    queue: QueueView
    bar: VisitBarView
    call: CallView
    machines: MachinesView | None
    visit: VisitRegions | None
    dock_url: str = "/dock"


@dataclass(frozen=True, slots=True)
class DockPage:
    """`dock.html`: 420 px beside the advisor's own software. `console_url` unfolds it."""

    queue: QueueView
    bar: VisitBarView
    call: CallView
    machines: MachinesView | None
    papers: PapersView | None
    printing: PrintingView | None
    ending: EndingView | None
    console_url: str = "/console"
