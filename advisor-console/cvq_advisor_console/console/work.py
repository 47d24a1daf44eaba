"""The regions of work: the form, the papers, the printer, the account, the help on a reason."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from cvq_advisor_console.console.desk import Desk
from cvq_advisor_console.invoices.pages import paper_row
from cvq_advisor_console.journal.words import ACTIONS
from cvq_advisor_console.quotients.words import quotient_sentence
from cvq_advisor_console.views.invoices import InvoiceRow
from cvq_advisor_console.views.work import (
    AccountView,
    AttendedRow,
    BilledRow,
    FamilyView,
    FieldKind,
    FiledDocument,
    FormChoice,
    FormField,
    FormSection,
    FormView,
    HelpPage,
    LookAtAccount,
    MemberRow,
    Option,
    PapersView,
    PriceLine,
    PrintingView,
    PrintRow,
    PrintState,
    SaveState,
    ScanState,
    SharedChildView,
    Trouble,
    WalletRow,
)
from cvq_advisor_console.views.work import Movement as MovementRow
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.families.other_side import other_sides
from cvq_core.invoices.store import invoices_of
from cvq_core.journal.store import records_about
from cvq_core.ledger.service import AccountOverview, account_overview
from cvq_core.people.arrangements import accounts_within, days_of
from cvq_core.tariffs.family import family_prices
from cvq_core.tariffs.quotients import last_quotient
from cvq_core.tariffs.words import explanation, without_quotient
from cvq_core.web.problems import describe
from cvq_core.web.views import Act
from cvq_desk.booths.words import TROUBLES
from cvq_desk.dossiers.service import forms_for
from cvq_desk.dossiers.store import answers_of, documents_of
from cvq_desk.dossiers.tables import Document
from cvq_desk.forms.catalogue import form_by_code
from cvq_desk.forms.rules import Answers, FormDefinition, Section, check_complete, check_draft, places, standings
from cvq_desk.visits.consents import check_look
from cvq_desk.visits.routes import act_of
from cvq_desk.visits.rules import LOOKS, ConsentScope, NoConsent
from cvq_desk.visits.store import commands_of
from cvq_desk.visits.tables import BoothCommand
from cvq_desk.wire import ConsentState

INVOICES_SHOWN = 12
PRICES_NEED = frozenset({ConsentScope.FAMILY.value, ConsentScope.WALLETS.value})
ENDED_WHY = {
    "closed": N_("Vous l’avez refermé."),
    "visit-ended": N_("L’entretien est fini."),
    "over": N_("L’heure convenue est passée."),
    "asked-again": N_("Une nouvelle question a été posée."),
}
PRINT_STATES = {
    "asked": PrintState.QUEUED,
    "accepted": PrintState.QUEUED,
    "running": PrintState.PRINTING,
    "waiting": PrintState.WAITING,
    "done": PrintState.DONE,
    "failed": PrintState.FAILED,
    "cancelled": PrintState.CANCELLED,
}
LOOKS_SHOWN = 8
NOT_NOW = N_("Possible pendant l’entretien.")
UNREADABLE = N_("{title} (n’a pas pu être préparé : numérisez-le de nouveau)")


async def form_view(desk: Desk) -> FormView:
    """Return the open form, or the forms to choose from; what is missing is marked once somebody wanted to finish."""
    region = desk.region("form")
    dossier = desk.dossier
    if dossier is None or not dossier.form_code:
        forms = await forms_for(act_of(desk.context), desk.visit)
        choices = tuple(FormChoice(form.title, desk.act(f"forms?form={form.code}")) for form in forms)
        return FormView(region=region, choices=choices, why_not="" if desk.in_session else desk.say(NOT_NOW))
    form = form_by_code(dossier.form_code)
    answers = await answers_of(desk.db, dossier.id)
    today = local_day(desk.context.now)
    troubles = check_complete(form, answers, today) if dossier.checked else {}
    completed = dossier.status == "complete"
    base = f"/api/v1/dossiers/{dossier.id}"
    papers = [paper for paper in await documents_of(desk.db, desk.visit.id) if paper.dossier_id == dossier.id]
    paper = next((paper for paper in papers if paper.kind == "form"), None)
    return FormView(
        region=region,
        form_id=str(dossier.id),
        title=form.title,
        draft_url="" if completed else f"{base}/draft",
        sections=tuple(_sections(desk, form, answers, troubles, base)),
        save_state=SaveState.SAVED if answers else SaveState.EMPTY,
        error_count=len(troubles),
        read_back=desk.act("show?page=form"),
        print_form=desk.act(f"print?document_id={paper.id}") if paper and completed else None,
        complete=None if completed else Act(f"/console/{desk.visit.id}/complete"),
        completed=completed,
    )


def _sections(
    desk: Desk, form: FormDefinition, answers: Answers, troubles: dict[str, str], base: str
) -> list[FormSection]:
    sections: list[FormSection] = []
    for section in form.sections:
        count = standings(section, answers)
        for standing in range(1, count + 1):
            fields = tuple(
                _field(desk, form, place.name, answers, troubles)
                for place in places(form, answers)
                if place.section is section and place.standing == standing
            )
            last = standing == count
            repeat = f"{base}/sections?section={section.name}&by="
            sections.append(
                FormSection(
                    title=_title(section, standing),
                    fields=fields,
                    add=Act(f"{repeat}1") if section.repeat > count and last else None,
                    remove=Act(f"{repeat}-1") if count > 1 and last else None,
                )
            )
    return sections


def _title(section: Section, standing: int) -> str:
    return section.title if section.repeat == 1 else f"{section.title} {standing}"


def _field(desk: Desk, form: FormDefinition, name: str, answers: Answers, troubles: dict[str, str]) -> FormField:
    field = next(place.field for place in places(form, answers) if place.name == name)
    values = tuple(answers.get(name, ()))
    trouble = troubles.get(name) or check_draft(form, field, values, local_day(desk.context.now))
    return FormField(
        name=name,
        label=field.label,
        kind=FieldKind(field.kind.value),
        values=values,
        options=tuple(Option(option.value, option.label) for option in field.options),
        hint=field.hint,
        error=desk.say(trouble) if trouble else "",
        required=field.required,
        current=name == desk.visit.current_field,
        wide=field.wide,
        length_max=field.length_max,
    )


async def papers_view(desk: Desk) -> PapersView:
    """Return the scanner's keys, its trouble, and what was filed."""
    scans = [row for row in await commands_of(desk.db, desk.visit.id) if row.kind in ("scan", "still")]
    latest = scans[0] if scans else None
    running = latest is not None and latest.ended_at is None
    documents = await documents_of(desk.db, desk.visit.id)
    state = ScanState.IDLE if latest and _is_over(latest, documents) else _scan_state(latest)
    free = desk.in_session and desk.online and not running
    why_not = ""
    if desk.in_session and not desk.online:
        why_not = desk.say(N_("Le guichet ne répond pas : le scanner reviendra avec la ligne."))
    elif not desk.in_session:
        why_not = desk.say(NOT_NOW)
    return PapersView(
        region=desk.region("papers"),
        state=state,
        page=int(latest.detail.get("pages", 0)) + 1 if latest else 0,
        pages_max=desk.context.services.settings.scan_pages_max,
        trouble=_trouble(desk, latest) if latest and state is ScanState.TROUBLE else None,
        pages_kept=latest is not None and int(latest.detail.get("pages", 0)) > 0,
        scan_feeder=desk.act("scan?source=feeder") if free else None,
        scan_flatbed=desk.act("scan?source=flatbed") if free else None,
        take_still=desk.act("still") if free and _has_camera(desk) else None,
        cancel=desk.act(f"commands/{latest.id}/cancel") if latest and running else None,
        filed=tuple(
            FiledDocument(
                title=document.title if document.state != "failed" else desk.say(UNREADABLE, title=document.title),
                page_count=document.page_count,
                filed_at=document.filed_at,
                url=f"/api/v1/documents/{document.id}/content",
                file_name=f"{document.title}.pdf",
                ready=document.state != "filing",
                print_it=desk.act(f"print?document_id={document.id}")
                if document.state == "ready" and desk.in_session
                else None,
            )
            for document in documents
            if document.kind != "summary"
        ),
        expected=tuple(desk.reason.bring) if desk.reason else (),
        file_url=f"/api/v1/visits/{desk.visit.id}/documents" if desk.in_session else "",
        why_not=why_not,
    )


def _has_camera(desk: Desk) -> bool:
    camera = desk.status.devices.get("camera", {}) if desk.status else {}
    return camera.get("state") in ("ready", "busy")


def _scan_state(command: BoothCommand | None) -> ScanState:
    if command is None:
        return ScanState.IDLE
    if command.state == "failed":
        return ScanState.TROUBLE
    if command.ended_at is not None:
        return ScanState.IDLE
    return ScanState.RUNNING if command.state == "running" else ScanState.STARTING


def _slug(command: BoothCommand) -> str:
    return str(command.detail.get("trouble") or command.detail.get("reason") or "")


def _is_over(command: BoothCommand, documents: Sequence[Document]) -> bool:
    """Tell whether a failed scan asks for nothing more: its pages were too many, and have been filed since."""
    ended = command.ended_at
    return (
        _slug(command) == "too_many_pages"
        and ended is not None
        and any(document.kind == "scan" and document.filed_at >= ended for document in documents)
    )


def _trouble(desk: Desk, command: BoothCommand) -> Trouble | None:
    words = TROUBLES.get(_slug(command))
    if words is None:
        # What went wrong has no words of its own; that it did must still be seen.
        words = TROUBLES["failed"] if command.state == "failed" else None
    if words is None:
        return None
    return Trouble(title=desk.say(words.what).capitalize(), tell=desk.say(words.say))


async def printing_view(desk: Desk) -> PrintingView:
    """Return the papers on their way to the booth's printer."""
    rows = [row for row in await commands_of(desk.db, desk.visit.id, "print") if row.kind == "print"][:8]
    return PrintingView(
        region=desk.region("printing"),
        rows=tuple(
            PrintRow(
                id=str(row.id),
                title=str(row.params.get("label", "")),
                state=PRINT_STATES[row.state],
                since=row.asked_at,
                trouble=_trouble(desk, row) if row.state in ("waiting", "failed") else None,
                cancel=desk.act(f"commands/{row.id}/cancel") if row.ended_at is None else None,
                again=desk.act(f"print?document_id={row.params.get('document_id')}")
                if row.state in ("failed", "cancelled") and desk.in_session
                else None,
            )
            for row in rows
        ),
        drop_url=f"/console/{desk.visit.id}/drop" if desk.in_session else "",
        why_not="" if desk.in_session else desk.say(NOT_NOW),
    )


async def account_view(desk: Desk) -> AccountView:
    """Return the account, opened only under a consent that stands; every look is recorded."""
    region = desk.region("account")
    consent = desk.consent
    if not await desk.accounts():
        return AccountView(region=region, no_account=True)
    state = ConsentState(consent.state) if consent else None
    if consent is None or state is not ConsentState.GIVEN:
        why = ENDED_WHY.get(consent.ended_why, "") if consent else ""
        return AccountView(region=region, consent=state, closed_because=desk.say(why) if why else "")
    try:
        family = await _family(desk, consent.account_id, frozenset(consent.scopes))
    except NoConsent as refusal:
        problem = describe(refusal, desk.context.words)
        return AccountView(region=region, consent=ConsentState.ENDED, closed_because=problem["title"])
    return AccountView(region=region, consent=state, until=consent.until, families=(family,))


async def _family(desk: Desk, account_id: UUID, scopes: frozenset[str]) -> FamilyView:
    """Return what the consent's scopes open of an account."""
    act = act_of(desk.context)
    overview: AccountOverview | None = None
    for scope in ConsentScope:
        if scope.value in scopes:
            await check_look(act, desk.visit, account_id, scope)
    overview = await account_overview(
        desk.db, account_id, on=local_day(desk.context.now), phone=desk.town_hall.phone, language=desk.context.language
    )
    with_cards = ConsentScope.CARDS.value in scopes
    knows_quotient = ConsentScope.QUOTIENT.value in scopes
    masked = (
        []
        if scopes >= {scope.value for scope in LOOKS}
        else [desk.say(N_("Seul ce que la personne a accepté est montré."))]
    )
    return FamilyView(
        name=overview.label.removeprefix("Famille ").removeprefix("Foyer "),
        commune="",
        members=tuple(
            MemberRow(
                name=member.name,
                role=", ".join(member.roles_in_words),
                birth_date=member.birth_date,
                card_word=_card_word(desk, member.card.usable) if member.card and with_cards else "",
                card_tone="ok" if member.card and member.card.usable else "alert",
                card_digits=member.card.last_digits if member.card and with_cards else "",
                present=member.person_id == desk.visit.person_id,
                block=desk.act(f"cards/{member.card.id}/block")
                if member.card and member.card.usable and ConsentScope.BLOCK.value in scopes
                else None,
            )
            for member in overview.members
        )
        if scopes & {ConsentScope.FAMILY.value, ConsentScope.CARDS.value}
        else (),
        wallets=tuple(
            WalletRow(
                service=wallet.label,
                balance_cents=wallet.balance_cents,
                word=desk.say(N_("dû")) if wallet.balance_cents < 0 else "",
                tone="alert" if wallet.balance_cents < 0 else "",
                rule=wallet.policy_in_words,
                movements=tuple(
                    MovementRow(local_day(movement.occurred_at), movement.label, movement.amount_cents)
                    for movement in wallet.movements
                ),
            )
            for wallet in overview.wallets
        )
        if ConsentScope.WALLETS.value in scopes
        else (),
        masked=" ".join(masked),
        shared=await _shared_children(desk, account_id) if ConsentScope.FAMILY.value in scopes else (),
        looks=await _looks(desk, account_id) if ConsentScope.FAMILY.value in scopes else (),
        statement_url=f"/console/{desk.visit.id}/releve" if ConsentScope.WALLETS.value in scopes else "",
        invoices=await _invoices(desk, account_id) if ConsentScope.WALLETS.value in scopes else (),
        quotient=await _quotient(desk, account_id) if knows_quotient else "",
        prices=await _prices(desk, account_id, with_quotient=knows_quotient) if scopes >= PRICES_NEED else (),
    )


async def _invoices(desk: Desk, account_id: UUID) -> tuple[InvoiceRow, ...]:
    """Return the invoices on which something is due, with their papers."""
    due = await invoices_of(desk.db, account_id, due_only=True)
    return tuple(paper_row(each, f"/console/{desk.visit.id}/factures") for each in due[:INVOICES_SHOWN])


async def _quotient(desk: Desk, account_id: UUID) -> str:
    today = local_day(desk.context.now)
    return quotient_sentence(await last_quotient(desk.db, account_id, today), today, desk.say, desk.context.language)


async def _prices(desk: Desk, account_id: UUID, *, with_quotient: bool) -> tuple[PriceLine, ...]:
    """Return what the family pays and why; the quotient itself is told only where the consent's words name it."""
    return tuple(
        PriceLine(
            desk.say(each.label),
            each.item.label,
            ", ".join(each.names),
            explanation(
                each.priced if with_quotient else without_quotient(each.priced), desk.say, desk.context.language
            ),
        )
        for each in await family_prices(desk.db, account_id, local_day(desk.context.now))
    )


async def _shared_children(desk: Desk, account_id: UUID) -> tuple[SharedChildView, ...]:
    """Return the children who also belong to another account, as the one who sits there may know of it."""
    today = local_day(desk.context.now)
    sides = await other_sides(desk.db, account_id, on=today, viewer_id=desk.visit.person_id)
    days = await days_of(desk.db, [side.child_id for side in sides], today)
    return tuple(
        SharedChildView(
            name=side.child,
            others=", ".join(side.guardians),
            masked=desk.say(side.masked),
            today=_whose_day(desk, days[side.child_id].account_id, account_id),
            attended=tuple(
                AttendedRow(each.day, desk.say(each.service), each.present, each.amount_cents) for each in side.attended
            ),
            billed=tuple(BilledRow(each.issued_on, each.number, each.label, each.amount_cents) for each in side.billed),
        )
        for side in sides
        if side.child_id in days
    )


def _whose_day(desk: Desk, owner_id: UUID | None, account_id: UUID) -> str:
    if owner_id is None:
        return desk.say(N_("Aujourd’hui n’est le jour d’aucun compte : le service demandera qui paie."))
    if owner_id == account_id:
        return desk.say(N_("Aujourd’hui est un jour de ce compte."))
    return desk.say(N_("Aujourd’hui est un jour de l’autre compte."))


async def _looks(desk: Desk, account_id: UUID) -> tuple[LookAtAccount, ...]:
    """Return who looked at this account last: never who looked at a shared child's other one."""
    rows = await records_about(desk.db, await accounts_within(desk.db, account_id), limit=LOOKS_SHOWN)
    return tuple(
        LookAtAccount(row.at, row.actor_name, desk.say(ACTIONS[row.action]) if row.action in ACTIONS else row.action)
        for row in rows
    )


def _card_word(desk: Desk, usable: bool) -> str:
    return desk.say(N_("carte valable")) if usable else desk.say(N_("carte arrêtée"))


def help_view(desk: Desk) -> HelpPage:
    """Return what an advisor should know of the reason."""
    reason = desk.reason
    return HelpPage(
        reason=reason.label if reason else desk.say(N_("À dire au conseiller")),
        organisation=desk.organisation.name,
        steps=tuple(line for line in (reason.help_text.splitlines() if reason else ()) if line.strip()),
        to_bring=tuple(reason.bring) if reason else (),
        contact=" · ".join(part for part in (desk.organisation.phone, desk.organisation.email) if part),
    )
