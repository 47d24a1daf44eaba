"""Two accounts of one household: found, laid side by side, merged, and taken apart again."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from cvq_advisor_console.cash.counter import household
from cvq_advisor_console.families.closing import ReasonForm
from cvq_advisor_console.families.file import household_title, money_rows, role_words
from cvq_advisor_console.families.routes import find_families
from cvq_advisor_console.families.steps import INCOMPLETE, again, day_words, file_url, step
from cvq_advisor_console.views.families import FieldView, FormPage, MergePage, MoneyRow, SideView, SurePage
from cvq_core.clock import local_day
from cvq_core.errors import N_, Refusal
from cvq_core.families.merges import MergePlan, merge_accounts, merge_by_id, merges_of, plan_merge
from cvq_core.families.rules import TWO_HOUSEHOLDS
from cvq_core.families.tables import AccountMerge, AccountMergeUndo
from cvq_core.families.undoing import undo_merge, what_prevents_undoing
from cvq_core.ids import new_id
from cvq_core.ledger.wallets import wallets_of
from cvq_core.people.names import spoken_name
from cvq_core.people.store import family_account_by_id, members_of
from cvq_core.people.tables import FamilyAccount, Person
from cvq_core.services.rules import SERVICE_LABELS
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes

routes = Routes("/familles", tag="pages")

QUERY_MAX = 120


class MergeForm(ReasonForm):
    """The account of the path goes into `kept_id`."""

    kept_id: UUID
    reason: str = Field("", max_length=200)


@routes.get("/reunions/{merge}", access=Permission.FAMILIES)
async def merged_page(context: Context) -> web.Response:
    """Show a merger, and whether it can still be undone."""
    merge, undo = await _merge_here(context)
    view = await _merged(context, merge, undo, ReasonForm(key=new_id()))
    return context.page("family_form.html", view=view)


@routes.post("/reunions/{merge}", access=Permission.FAMILIES, body=ReasonForm, form=True)
async def undo_it(context: Context, form: ReasonForm) -> web.Response:
    """Undo a merger, once that is sure."""
    merge, undone = await _merge_here(context)
    page = await _merged(context, merge, undone, form)
    reason = " ".join(form.reason.split())
    if len(reason) < 3:
        return again(context, "family_form.html", page, INCOMPLETE)
    merge_id, merged_id, kept_id = merge.id, merge.merged_id, merge.kept_id

    async def act() -> None:
        await undo_merge(
            context.db,
            form.key,
            merge_id=merge_id,
            reason=reason,
            by=context.principal.id,
            now=context.now,
            language=context.language,
        )

    outcome = await step(context, form, act)
    if isinstance(outcome, Refusal):
        return again(context, "family_form.html", page, outcome)
    if not form.sure:
        sure = SurePage(
            title=context._(N_("Défaire cette réunion ?")),
            about=page.about,
            url=page.url,
            back_url=page.back_url,
            button=context._(N_("Oui, défaire la réunion")),
            said=(
                context._(N_("Le compte réuni s’ouvre de nouveau, avec ses personnes, son argent et ses réglages.")),
                context._(N_("Ce que le compte gardé a reçu ou payé depuis lui reste.")),
                context._(N_("Motif : {reason}."), reason=reason.rstrip(".")),
            ),
            hidden=form.hidden,
        )
        return context.page("family_sure.html", view=sure)
    for account_id in (merged_id, kept_id):
        await context.journal_once("merge-undone", form.key, subject=("merge", merge_id), account_id=account_id)
    return context.redirect(file_url(merged_id))


@routes.get("/{id}/reunir", access=Permission.FAMILIES)
async def merge_page(context: Context) -> web.Response:
    """Find the other account, then lay both side by side: what would move, and what prevents it."""
    account = await family_account_by_id(context.db, context.path_id())
    asked = context.request.query.get("avec", "")
    if asked:
        other = await _by_number(context, asked)
        if other is not None:
            return context.page("family_merge.html", view=await _plan(context, account, other))
    query = context.request.query.get("q", "")[:QUERY_MAX].strip()
    rows, more = await find_families(context, query, without=account.id, open_only=True)
    view = MergePage(
        about=household_title(context, account),
        url=file_url(account.id, "/reunir"),
        back_url=file_url(account.id),
        query=query,
        searched=bool(query),
        rows=tuple(rows),
        more=more,
    )
    return context.page("family_merge.html", view=view)


@routes.post("/{id}/reunir", access=Permission.FAMILIES, body=MergeForm, form=True)
async def merge_it(context: Context, form: MergeForm) -> web.Response:
    """Merge the account of the path into the one that is kept, once that is sure."""
    merged = await family_account_by_id(context.db, context.path_id())
    kept = await family_account_by_id(context.db, form.kept_id)
    reason = " ".join(form.reason.split())
    merged_id, kept_id = merged.id, kept.id
    titles = household_title(context, merged), household_title(context, kept)
    if len(reason) < 3 and not form.sure:
        view = await _plan(context, merged, kept, error=context._(INCOMPLETE))
        return context.page("family_merge.html", status=422, view=view)

    async def act() -> None:
        await merge_accounts(
            context.db,
            form.key,
            merged_id=merged_id,
            kept_id=kept_id,
            reason=reason,
            by=context.principal.id,
            now=context.now,
            language=context.language,
        )

    outcome = await step(context, form, act)
    if isinstance(outcome, Refusal):
        raise outcome
    if not form.sure:
        sure = SurePage(
            title=context._(N_("Réunir ces deux comptes ?")),
            about=titles[0],
            url=file_url(merged_id, "/reunir"),
            back_url=file_url(merged_id, f"/reunir?avec={kept.number}"),
            button=context._(N_("Oui, réunir les comptes")),
            said=(
                context._(N_("Se ferme : {name}."), name=titles[0]),
                context._(N_("Continue : {name}."), name=titles[1]),
                context._(N_("Motif : {reason}."), reason=reason.rstrip(".")),
            ),
            hidden=form.hidden,
            lasting=context._(
                N_("Cela se défait tant que rien de ce qui a bougé n’est dépensé : attendez d’avoir le bon compte.")
            ),
        )
        return context.page("family_sure.html", view=sure)
    for account_id in (merged_id, kept_id):
        await context.journal_once("accounts-merged", form.key, subject=("merge", form.key), account_id=account_id)
    return context.redirect(f"/familles/reunions/{form.key}")


async def _by_number(context: Context, number: str) -> FamilyAccount | None:
    found: FamilyAccount | None = await context.db.scalar(select(FamilyAccount).where(FamilyAccount.number == number))
    return found


async def _merge_here(context: Context) -> tuple[AccountMerge, AccountMergeUndo | None]:
    merge = await merge_by_id(context.db, context.path_id("merge"))
    [found] = [each for each in await merges_of(context.db, merge.merged_id) if each[0].id == merge.id]
    return found


async def _merged(context: Context, merge: AccountMerge, undo: AccountMergeUndo | None, form: ReasonForm) -> FormPage:
    merged = await family_account_by_id(context.db, merge.merged_id)
    kept = await family_account_by_id(context.db, merge.kept_id)
    said = [
        context._(
            N_("Le {day}, {merged} a été réuni à {kept} : {reason}."),
            day=day_words(context, local_day(merge.merged_at)),
            merged=household_title(context, merged),
            kept=household_title(context, kept),
            reason=merge.reason.rstrip("."),
        )
    ]
    error = todo = ""
    if undo is not None:
        day = day_words(context, local_day(undo.undone_at))
        said.append(
            context._(N_("Cette réunion a été défaite le {day} : {reason}."), day=day, reason=undo.reason.rstrip("."))
        )
    else:
        why = await what_prevents_undoing(context.db, merge)
        if why:
            error = context._(N_("Cette réunion ne peut plus être défaite."))
            todo = " ".join(each.in_words(context.language) for each in why)
        else:
            said.append(context._(N_("Rien de ce qui a bougé n’est dépensé : elle peut encore être défaite.")))
    can = undo is None and not error
    return FormPage(
        title=context._(N_("Réunion de deux comptes")),
        about=household_title(context, kept),
        url=f"/familles/reunions/{merge.id}",
        back_url=file_url(kept.id),
        button=context._(N_("Défaire la réunion")) if can else "",
        fields=(
            FieldView(
                "reason",
                context._(N_("Pourquoi la défaire ?")),
                value=form.reason,
                hint=context._(N_("Par exemple « ce sont deux familles ».")),
            ),
        )
        if can
        else (),
        hidden=(("key", str(form.key)),),
        said=tuple(said),
        error=error,
        todo=todo,
    )


async def _plan(context: Context, merged: FamilyAccount, kept: FamilyAccount, *, error: str = "") -> MergePage:
    url = file_url(merged.id, "/reunir")
    try:
        plan = await plan_merge(context.db, merged_id=merged.id, kept_id=kept.id, on=local_day(context.now))
    except Refusal as refusal:
        return MergePage(
            about=household_title(context, merged),
            url=url,
            back_url=file_url(merged.id),
            error=context._(refusal.message, **{"number": "", **refusal.facts}),
        )
    # Two households do not see each other's money, whoever lays their accounts side by side.
    apart = any(each.sentence == TWO_HOUSEHOLDS for each in plan.prevented)
    return MergePage(
        about=household_title(context, merged),
        url=url,
        back_url=file_url(merged.id),
        merged=await _side(context, N_("Celui qui se ferme"), merged, with_money=not apart),
        kept=await _side(context, N_("Celui qui continue"), kept, with_money=not apart),
        swap_url=file_url(kept.id, f"/reunir?avec={merged.number}"),
        after=() if apart else await _after(context, plan),
        moves=() if apart else await _moves(context, plan),
        stays=() if apart else tuple(each.in_words(context.language) for each in plan.carried.staying),
        prevented=tuple(each.in_words(context.language) for each in plan.prevented),
        hidden=(("key", str(new_id())), ("kept_id", str(kept.id))),
        do_url="" if plan.prevented else url,
        error=error,
    )


async def _side(context: Context, title: str, account: FamilyAccount, *, with_money: bool) -> SideView:
    held = await members_of(context.db, account.id, local_day(context.now))
    members = [
        (spoken_name(person.family_name, person.usual_name, person.given_names), role_words(context, each.role))
        for person, each in held
    ]
    money = await money_rows(context, account.id) if with_money else []
    return SideView(
        title=context._(title),
        label=household(account.label),
        number=account.number,
        opened_on=account.opened_on,
        members=tuple(f"{name}, {role}" for name, role in members),
        wallets=tuple(money),
        total_cents=sum(row.amount_cents for row in money if not row.is_due),
    )


async def _after(context: Context, plan: MergePlan) -> tuple[MoneyRow, ...]:
    """Return the kept account's wallets as they would stand."""
    cents = {wallet.service_code: wallet.balance_cents for wallet in await wallets_of(context.db, plan.kept.id)}
    for move in plan.wallets:
        cents[move.service] = cents.get(move.service, 0) + move.amount_cents
    return tuple(MoneyRow(context._(SERVICE_LABELS[service]), amount) for service, amount in cents.items())


async def _moves(context: Context, plan: MergePlan) -> tuple[str, ...]:
    """Return in words what would follow, besides money."""
    rows = await context.db.scalars(
        select(Person).where(Person.id.in_({each.person_id for each in plan.members if not each.already}))
    )
    names = [spoken_name(each.family_name, each.usual_name, each.given_names) for each in rows]
    said = []
    if names:
        said.append(context._(N_("Rejoignent le compte gardé : {names}."), names=", ".join(names)))
    carried = plan.carried
    counted = (
        (plan.cards, N_("{num} carte suit sa personne."), N_("{num} cartes suivent leurs personnes.")),
        (len(carried.pointers["invoices"]), N_("{num} facture suit."), N_("{num} factures suivent.")),
        (
            len({*carried.pointers["rights"], *carried.pointers["paid_rights"]}),
            N_("{num} inscription ou droit d’accès suit."),
            N_("{num} inscriptions ou droits d’accès suivent."),
        ),
        (
            len(carried.pointers["reservations"]),
            N_("{num} réservation de salle ou de court suit."),
            N_("{num} réservations de salles ou de courts suivent."),
        ),
        (
            len(carried.pointers["mandates"]),
            N_("{num} mandat de prélèvement suit."),
            N_("{num} mandats de prélèvement suivent."),
        ),
        (
            len(carried.pointers["quotients"]),
            N_("{num} quotient familial suit ; de deux valables, le plus récent compte."),
            N_("{num} quotients familiaux suivent ; de ceux qui sont valables, le plus récent compte."),
        ),
        (
            len(carried.top_ups),
            N_("{num} approvisionnement automatique suit."),
            N_("{num} approvisionnements automatiques suivent."),
        ),
        (
            len(carried.notices),
            N_("{num} avertissement de solde bas suit."),
            N_("{num} avertissements de solde bas suivent."),
        ),
        (
            carried.carts,
            N_("{num} panier à payer en ligne reste payable : ce qui est payé ira au compte gardé."),
            N_("{num} paniers à payer en ligne restent payables : ce qui est payé ira au compte gardé."),
        ),
    )
    said += [context._(one if count == 1 else many, num=count) for count, one, many in counted if count]
    if carried.email:
        said.append(context._(N_("L’adresse électronique suit : le compte gardé n’en avait pas.")))
    if carried.accord:
        said.append(context._(N_("L’accord pour demander le quotient à la CAF ou à la MSA suit.")))
    said.append(context._(N_("Qui a regardé l’ancien compte se lira dans le journal du compte gardé.")))
    said.append(context._(N_("Un accord donné pendant un entretien ne suit pas : il sera demandé de nouveau.")))
    return tuple(said)
