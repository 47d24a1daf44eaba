"""Signing in and out, the staff's own account, and who may try how often."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from aiohttp import web
from limits import RateLimitItemPerMinute
from pydantic import BaseModel, Field
from sqlalchemy import select

from cvq_core.errors import N_, Forbidden, NotFound, Refusal, TooMany
from cvq_core.staff.rules import Principal, Role
from cvq_core.staff.store import (
    PASSWORD_LENGTH_MIN,
    WeakPassword,
    WrongLogin,
    end_session,
    hash_password,
    is_password,
    open_session,
    password_of,
    set_password,
)
from cvq_core.staff.tables import LoginSession, Staff
from cvq_core.web.context import SESSION_COOKIE, Context, is_own_path
from cvq_core.web.problems import describe
from cvq_core.web.routes import PUBLIC, SIGNED_IN, Routes
from cvq_core.web.views import AccountView, Act, Explanation, LoginView, OpenSession

routes = Routes(tag="staff")

HOME_BY_ROLE = (
    (Role.ADVISOR, "/console"),
    (Role.SECRETARY, "/mairie"),
    (Role.CASH_OFFICER, "/caisse"),
    (Role.SERVICE_MANAGER, "/tarifs"),
    (Role.AUDITOR, "/journal"),
    (Role.ADMINISTRATOR, "/regies"),
)

PASSWORD_URL = "/compte/mot-de-passe"  # noqa: S105 - an address
ROLE_WORDS = {
    Role.SECRETARY: N_("Accueillir en mairie et prendre les rendez-vous"),
    Role.ADVISOR: N_("Recevoir les habitants au guichet"),
    Role.CASH_OFFICER: N_("Tenir la caisse d’une sous-régie"),
    Role.SERVICE_MANAGER: N_("Suivre un service : présences, entrées et tarifs"),
    Role.ADMINISTRATOR: N_("Administrer les comptes et les appareils"),
    Role.AUDITOR: N_("Lire le journal des consultations"),
}


class LoginForm(BaseModel):
    """What the login page sends."""

    username: str = Field(max_length=80)
    password: str = Field(max_length=200)
    next: str = Field(default="", max_length=200)


class PasswordForm(BaseModel):
    """A change of one's own password."""

    current_password: str = Field(max_length=200)
    new_password: str = Field(max_length=200)
    new_password_again: str = Field(max_length=200)


def home_of(principal: Principal) -> str:
    """Return the first page of somebody, by their role."""
    roles = {grant.role for grant in principal.grants}
    return next((path for role, path in HOME_BY_ROLE if role in roles), "/compte")


@routes.get("/", access=PUBLIC)
async def home(context: Context) -> web.Response:
    """Lead to the person's own page, or to the login."""
    return context.redirect(home_of(context.principal) if context.principal.kind == "staff" else "/connexion")


@routes.get("/connexion", access=PUBLIC)
async def login_page(context: Context) -> web.Response:
    """Show the login page."""
    if context.principal.kind == "staff":
        return context.redirect(home_of(context.principal))
    return _login_page(context, LoginView(url="/connexion", next_url=context.request.query.get("next", "")))


@routes.post("/connexion", access=PUBLIC, body=LoginForm, form=True, own_transactions=True)
async def sign_in(context: Context, form: LoginForm) -> web.Response:
    """Sign in: a few tries in five minutes for an account, ten times as many for an address."""
    settings = context.services.settings
    username, address = form.username.strip().lower(), context.address
    tries = RateLimitItemPerMinute(settings.login_attempts, 5)
    # A whole town hall may be behind one router.
    tries_of_address = RateLimitItemPerMinute(settings.login_attempts * 10, 5)
    limiter = context.services.limiter
    if not await limiter.hit(tries, "login", username) or not await limiter.hit(tries_of_address, "address", address):
        return _login_again(context, form, TooMany(retry_after_s=300))
    async with context.services.database.read() as db:
        known = await password_of(db, username)
    is_right = await asyncio.to_thread(is_password, known, form.password)
    async with context.acting() as act:
        # Meanwhile the account may have been closed, or its password changed.
        if known is None or not is_right or await password_of(act.db, username) != known:
            act.journal("sign-in", outcome="refused", personal={"username": username, "address": address})
            return _login_again(context, form, WrongLogin())
        await limiter.clear(tries, "login", username)
        token = await open_session(
            act.db,
            known.staff_id,
            now=act.now,
            hours_max=settings.session_hours_max,
            address=address,
            browser=context.request.headers.get("User-Agent", ""),
        )
        act.principal = Principal("staff", known.staff_id, known.display_name)
        act.journal("sign-in", personal={"address": address})
    return _with_session(context, context.redirect(form.next if is_own_path(form.next) else "/"), token)


def _login_page(context: Context, view: LoginView, status: int = 200) -> web.Response:
    return context.page("login.html", view=view, status=status)


def _login_again(context: Context, form: LoginForm, refusal: Refusal) -> web.Response:
    problem = describe(refusal, context.words)
    view = LoginView(
        url="/connexion",
        next_url=form.next,
        username=form.username,
        error=Explanation(title=problem["title"], todo=problem["detail"]),
    )
    return _login_page(context, view, refusal.status)


def _with_session(context: Context, response: web.Response, token: str) -> web.Response:
    secure = context.services.settings.secure_cookies
    response.set_cookie(SESSION_COOKIE, token, httponly=True, samesite="Strict", secure=secure, path="/")
    return response


@routes.post("/deconnexion", access=SIGNED_IN, form=True)
async def sign_out(context: Context) -> web.Response:
    """Sign out."""
    if context.principal.login_session_id is None:
        raise Forbidden
    await end_session(context.db, context.principal.login_session_id, context.now)
    context.journal("sign-out")
    response = context.redirect("/connexion")
    response.del_cookie(SESSION_COOKIE, path="/")
    return response


@routes.get("/compte", access=SIGNED_IN)
async def account_page(context: Context) -> web.Response:
    """Show one's own account: what one may do, sessions and password."""
    return await _account_page(context)


async def _account_page(context: Context, errors: Mapping[str, str] = MappingProxyType({})) -> web.Response:
    staff = await context.db.get_one(Staff, context.principal.id)
    sessions = await context.db.scalars(
        select(LoginSession)
        .where(
            LoginSession.staff_id == staff.id, LoginSession.ended_at.is_(None), LoginSession.expires_at > context.now
        )
        .order_by(LoginSession.last_seen_at.desc())
        .limit(20)
    )
    view = AccountView(
        username=staff.login,
        password_url=PASSWORD_URL,
        password_length_min=PASSWORD_LENGTH_MIN,
        sessions=tuple(
            OpenSession(
                since=row.created_at,
                browser=row.browser,
                address=row.address,
                here=row.id == context.principal.login_session_id,
                close=Act(url=f"/compte/sessions/{row.id}/fermer"),
            )
            for row in sessions
        ),
        grants=tuple(context._(ROLE_WORDS[grant.role]) for grant in context.principal.grants),
        errors=errors,
        done=context._("Le mot de passe est changé.") if "change" in context.request.query else "",
    )
    return context.page("account.html", view=view, status=422 if errors else 200)


@routes.post(PASSWORD_URL, access=SIGNED_IN, body=PasswordForm, form=True, own_transactions=True)
async def change_password(context: Context, form: PasswordForm) -> web.Response:
    """Change one's own password; all sessions end, this one begins anew."""
    async with context.services.database.read() as db:
        staff = await db.get_one(Staff, context.principal.id)
        known = await password_of(db, staff.login)
    if form.new_password != form.new_password_again:
        return await _wrong_password(context, "new_password_again", context._("Les deux ne sont pas les mêmes."))
    if not await asyncio.to_thread(is_password, known, form.current_password):
        return await _wrong_password(context, "current_password", context._("Ce n’est pas votre mot de passe."))
    try:
        secret = await asyncio.to_thread(hash_password, form.new_password)
    except WeakPassword as refusal:
        return await _wrong_password(context, "new_password", describe(refusal, context.words)["title"])
    hours_max = context.services.settings.session_hours_max
    async with context.acting() as act:
        if await password_of(act.db, staff.login) != known:
            return await _account_page(act, {"current_password": context._("Ce n’est pas votre mot de passe.")})
        await set_password(act.db, staff.id, secret, now=act.now)
        act.journal("password-changed")
        token = await open_session(act.db, staff.id, now=act.now, hours_max=hours_max)
    return _with_session(context, context.redirect("/compte?change=1"), token)


async def _wrong_password(context: Context, field: str, message: str) -> web.Response:
    async with context.acting() as act:
        return await _account_page(act, {field: message})


@routes.post("/compte/sessions/{id}/fermer", access=SIGNED_IN, form=True)
async def close_session(context: Context) -> web.Response:
    """End one of one's own sessions, on a browser left open somewhere."""
    session_id: UUID = context.path_id()
    session = await context.db.get(LoginSession, session_id)
    if session is None or session.staff_id != context.principal.id:
        raise NotFound
    await end_session(context.db, session_id, context.now)
    return context.redirect("/compte")
