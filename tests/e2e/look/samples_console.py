"""Samples of the console and the dock: a visit at each of its moments, and what goes wrong with machines and lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from cvq_advisor_console.views.console import ConsolePage, VisitRegions
from cvq_advisor_console.views.visit import (
    CallTrouble,
    CallView,
    EndingState,
    QueueView,
    VisitBarView,
)
from cvq_advisor_console.views.work import (
    AccountView,
    FormChoice,
    FormField,
    FormSection,
    FormView,
    PrintingView,
    PrintRow,
    PrintState,
    SaveState,
    ScanState,
    Trouble,
)
from cvq_core.web.views import Explanation, NavItem
from cvq_desk.wire import CallState, CardState, ConsentState
from tests.e2e.look.samples_moments import NOW, Sample, at, region, shell
from tests.e2e.look.samples_money import MONEY_IN_VISIT
from tests.e2e.look.samples_online import PAYING
from tests.e2e.look.samples_visit import (
    ASK,
    BEFORE_CALL,
    CALL,
    CLOSED_BAR,
    DOCK,
    END,
    FORM,
    HELP,
    JAM,
    MACHINES,
    NOBODY,
    NOT_CHECKED,
    PAGE,
    PAPERS,
    PERSON,
    PRINTING,
    SHARED_ACCOUNT,
    SHELL,
    WIPED,
    act,
)


def _console(presses: tuple[str, ...] = (), page: ConsolePage = PAGE, **changes: Any) -> Sample:
    """Return the console with some regions changed: of the page by their name, of the visit likewise."""
    of_visit = {name: value for name, value in changes.items() if name in VisitRegions.__dataclass_fields__}
    of_page = {name: value for name, value in changes.items() if name not in of_visit}
    if of_visit:
        assert page.visit is not None
        of_page["visit"] = replace(page.visit, **of_visit)
    return Sample("console.html", {"shell": SHELL, "view": replace(page, **of_page)}, presses)


def _dock(**changes: Any) -> Sample:
    return Sample("dock.html", {"shell": SHELL, "view": replace(DOCK, **changes)})


CONSOLE: dict[str, Sample] = {
    "console": _console(),
    "console-nobody": _console(page=NOBODY),
    "console-empty": _console(page=NOBODY, queue=QueueView(region("queue"), "Communauté de communes")),
    "console-refused": _console(
        page=NOBODY,
        queue=replace(
            NOBODY.queue,
            refused=Explanation("Karim L. a déjà pris Mme Guérin.", todo="Choisissez la personne suivante."),
            stale_since=at(10, 3),
        ),
    ),
    "console-before-call": _console(
        bar=CLOSED_BAR,
        call=BEFORE_CALL,
        person=NOT_CHECKED,
        consent=ASK,
        account=AccountView(region("account")),
        form=FormView(
            region("form"),
            choices=(
                FormChoice("Inscription à la cantine", act("open/canteen")),
                FormChoice("Abonnement à la piscine", act("open/pool")),
            ),
        ),
        printing=PrintingView(region("printing"), drop_url="/prints"),
    ),
    "console-ringing": _console(
        bar=CLOSED_BAR,
        call=replace(CALL, state=CallState.RINGING, ringing_until=NOW + timedelta(seconds=4)),
        person=NOT_CHECKED,
        consent=replace(
            ASK,
            state=ConsentState.ASKED,
            what=("Voir les personnes de votre famille",),
            note_yes=act("yes"),
            note_no=act("no"),
        ),
        account=AccountView(region("account"), ConsentState.ASKED),
    ),
    "console-form-errors": _console(
        form=replace(
            FORM,
            error_count=2,
            save_state=SaveState.REFUSED,
            sections=(
                FormSection(
                    "Expérience 1",
                    (
                        FormField(
                            "experience.1.job", "Poste", error="Ce champ est nécessaire.", required=True, current=True
                        ),
                        FormField(
                            "experience.1.period", "Période", values=("2021 à 2023",), hint="par exemple : 2021 à 2023"
                        ),
                        FormField(
                            "number",
                            "Remarque",
                            values=("2 41 05 79 123 456 78",),
                            error="Ce numéro ressemble à un numéro de sécurité sociale : il n’a pas sa place ici.",
                            wide=True,
                        ),
                    ),
                    add=act("add"),
                    remove=act("remove"),
                ),
            ),
        )
    ),
    "console-papers": _console(("#tab-papers",)),
    "console-scanning": _console(
        ("#tab-papers",),
        papers=replace(
            PAPERS,
            state=ScanState.RUNNING,
            page=2,
            cancel=act("cancel"),
            scan_feeder=None,
            scan_flatbed=None,
            take_still=None,
        ),
    ),
    "console-jam": _console(
        ("#tab-papers",),
        papers=replace(PAPERS, state=ScanState.TROUBLE, trouble=JAM, pages_kept=True),
        printing=replace(
            PRINTING,
            rows=(
                PrintRow(
                    "3",
                    "Formulaire de cantine",
                    PrintState.WAITING,
                    at(10, 12),
                    Trouble("L’imprimante n’a plus de papier.", "« Il manque du papier, le secrétariat arrive. »"),
                    act("cancel/3"),
                    None,
                ),
                PrintRow("4", "Résumé", PrintState.FAILED, at(10, 9), again=act("again/4")),
            ),
        ),
    ),
    "console-account": _console(("#tab-account",)),
    "console-account-shared": _console(("#tab-account",), account=SHARED_ACCOUNT),
    "console-paying": _console(("#tab-account",), account=AccountView(region("account")), paying=PAYING),
    "console-money": _console(
        ("#tab-account", "#reserving details:last-of-type summary"),
        account=AccountView(region("account")),
        money=MONEY_IN_VISIT,
    ),
    "console-account-refused": _console(
        ("#tab-account",),
        bar=replace(CLOSED_BAR, consent=ConsentState.REFUSED),
        account=AccountView(region("account"), ConsentState.REFUSED),
        consent=replace(ASK, state=ConsentState.REFUSED),
    ),
    "console-account-ended": _console(
        ("#tab-account",),
        bar=CLOSED_BAR,
        account=AccountView(region("account"), ConsentState.ENDED, closed_because="La carte a été retirée à 10 h 09."),
        consent=replace(
            ASK,
            state=ConsentState.ENDED,
            ask=act("ask", "Vérifiez d’abord l’identité : une pièce devant la caméra, ou la mairie."),
        ),
    ),
    "console-help": _console(("#tab-help",)),
    "console-card-removed": _console(
        person=replace(
            PERSON,
            card=CardState.REMOVED,
            removed_until=NOW + timedelta(seconds=24),
            go_on_without_card=act("go-on"),
            close_account=act("close"),
        ),
    ),
    "console-card-refused": _console(
        bar=CLOSED_BAR,
        person=replace(
            PERSON,
            card=CardState.REFUSED,
            card_holder="",
            card_message="Cette carte a été déclarée perdue le 3 mars. Gardez-la et appelez le 05 49 00 00 02.",
        ),
        consent=ASK,
        account=AccountView(region("account")),
    ),
    "console-line-cut": _console(
        call=replace(CALL, troubles=(CallTrouble.BOOTH_OFFLINE, CallTrouble.BOOTH_NO_CAMERA), curtain_drawn=True),
        machines=replace(
            MACHINES,
            offline_since=at(10, 9),
            rows=(),
            secretary_called_at=at(10, 11),
            secretary_comes=True,
            call_secretary=None,
        ),
        form=replace(FORM, save_state=SaveState.WAITING),
    ),
    "console-ending": _console(ending=END, consent=None),
    "console-wiping": _console(ending=replace(END, state=EndingState.WIPING, wiped=WIPED)),
    "console-wipe-failed": _console(ending=replace(END, state=EndingState.WIPE_FAILED, wiped=WIPED)),
    "console-ended": _console(ending=replace(END, state=EndingState.ENDED, next_url="/console")),
    "console-outside": _console(
        account=None,
        consent=None,
        bar=replace(CLOSED_BAR, reason="Retraite"),
        call=replace(CALL, state=CallState.HUNG_UP, call=act("call"), hang_up=None),
        form=FormView(region("form")),
        papers=replace(
            PAPERS,
            filed=(),
            expected=(),
            why_not="Le scanner est éteint.",
            scan_feeder=None,
            scan_flatbed=None,
            take_still=None,
        ),
        printing=PrintingView(region("printing"), why_not="L’imprimante est éteinte."),
    ),
    "dock": _dock(),
    "dock-nobody": _dock(
        queue=NOBODY.queue,
        bar=VisitBarView(region("bar")),
        call=CallView(region("call")),
        machines=None,
        papers=None,
        printing=None,
        ending=None,
    ),
    "help": Sample(
        "help.html",
        {
            "shell": shell("Nadia Benali", "Communauté de communes", NavItem("Console", "/console"), live=False),
            "view": HELP,
        },
    ),
}
