"""The core's part of the server: services, middlewares, and the core's own routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from urllib.parse import quote

import structlog
from aiohttp import web

from cvq_core.access import keeping as access_keeping
from cvq_core.access import late_routes, manage_routes
from cvq_core.access import routes as access_routes
from cvq_core.access.batcher import TapBatcher
from cvq_core.access.policies import EVERY_S as POLICIES_EVERY_S
from cvq_core.access.policies import PolicyWatch
from cvq_core.acts import routes as act_routes
from cvq_core.advances import routes as advance_routes
from cvq_core.agents.watching import EVERY_S as WATCH_LISTS_EVERY_S
from cvq_core.agents.watching import watch_directories, watch_lists
from cvq_core.assets import STATIC
from cvq_core.audit_file.seals import load_seal_key
from cvq_core.books.editions import MAKE_BOOK, PURGE_EVERY_S, BookMaker
from cvq_core.card_keys import routes as card_key_routes
from cvq_core.card_keys.custody import custody_of
from cvq_core.cards import encoder_routes as card_encoder_routes
from cvq_core.cards import routes as card_routes
from cvq_core.cards.life import EXPIRE_EVERY_S, run_expiry
from cvq_core.clock import Clock, shifted
from cvq_core.controllers import routes as controller_routes
from cvq_core.controllers import watch_routes, watching
from cvq_core.database import Database
from cvq_core.debits import routes as debit_routes
from cvq_core.devices import routes as device_routes
from cvq_core.errors import Refusal
from cvq_core.facilities import keeping as facility_keeping
from cvq_core.facilities import offers as facility_offers
from cvq_core.facilities import routes as facility_routes
from cvq_core.facilities.jobs import ReservationJobs
from cvq_core.facilities.manage import CLOSE
from cvq_core.facilities.service import OFFER_ENDS, REMIND
from cvq_core.families import jobs as family_jobs
from cvq_core.families import routes as family_routes
from cvq_core.footfall.store import COUNT_EVERY_S, count_taps
from cvq_core.imports import keeping as import_keeping
from cvq_core.invoice_papers import routes as invoice_routes
from cvq_core.invoice_papers import runs as invoice_runs
from cvq_core.invoice_papers.runs import PRINT_RUN, InvoicePrinter
from cvq_core.jobs.runner import JobRunner, Periodic
from cvq_core.jobs.store import purge as purge_jobs
from cvq_core.journal.store import seal
from cvq_core.ledger.checkpoints import EVERY_S as CHECKPOINT_EVERY_S
from cvq_core.ledger.checkpoints import write_checkpoints
from cvq_core.legal_entities import routes as entity_routes
from cvq_core.legal_entities.service import WITHDRAW_EVERY_S, withdraw_cards
from cvq_core.library.server import LibraryServer, tls_context
from cvq_core.live.hub import LiveHub
from cvq_core.live.store import purge_events
from cvq_core.offices import remittance_routes
from cvq_core.offices import routes as office_routes
from cvq_core.particulier import routes as particulier_routes
from cvq_core.particulier.client import PRODUCTION_URL as PARTICULIER_URL
from cvq_core.particulier.client import Particulier
from cvq_core.particulier.rounds import REFRESH
from cvq_core.particulier.service import LOOK_EVERY_S, QUOTIENT_INQUIRIES, QuotientInquiries
from cvq_core.payments import routes as payment_routes
from cvq_core.payments.adapter import PRODUCTION_URL, PayFip
from cvq_core.payments.service import LOOK_UP, POLL_EVERY_S, OnlinePayments
from cvq_core.settings import Settings
from cvq_core.tablets import pages as tablet_pages
from cvq_core.tariffs import routes as tariff_routes
from cvq_core.vault import Vault, load_master_key
from cvq_core.wallets import jobs as wallet_jobs
from cvq_core.wallets import routes as wallet_routes
from cvq_core.waste import routes as waste_routes
from cvq_core.waste import tablet_routes as waste_tablet_routes
from cvq_core.web import health, live_socket, login, openapi
from cvq_core.web.context import SERVICES, Services
from cvq_core.web.problems import InternalTrouble, answer, from_http, wants_page
from cvq_core.web.routes import check_all_declared
from cvq_core.web.security import security_headers
from cvq_core.web.templates import Templates

log = structlog.get_logger(__name__)


def make_core(settings: Settings, *, clock: Clock | None = None) -> web.Application:
    """Return an application with the core's services and routes; the desk and the console add theirs."""
    clock = clock or shifted(settings.clock_offset_s)
    app = web.Application(
        middlewares=[health.measure, security_headers, refusals],
        client_max_size=settings.upload_bytes_max,
    )
    database = Database(settings.database_url, pool_size=settings.database_pool_size)
    key_file = settings.master_key_file or settings.data_dir / "master.key"
    services = Services(
        settings=settings,
        database=database,
        clock=clock,
        hub=LiveHub(database),
        jobs=JobRunner(database, clock),
        templates=Templates(),
        vault=Vault(settings.data_dir / "documents", load_master_key(key_file)),
    )
    app[SERVICES] = services
    rooms = (
        health,
        openapi,
        login,
        live_socket,
        device_routes,
        access_routes,
        late_routes,
        manage_routes,
        card_key_routes,
        controller_routes,
        watch_routes,
        card_routes,
        card_encoder_routes,
        advance_routes,
        office_routes,
        act_routes,
        remittance_routes,
        debit_routes,
        facility_routes,
        facility_offers,
        *family_routes.ROOMS,
        entity_routes,
        particulier_routes,
        payment_routes,
        invoice_routes,
        tariff_routes,
        wallet_routes,
        waste_routes,
        waste_tablet_routes,
        tablet_pages,
    )
    for room in rooms:
        room.routes.setup(app)
    facility_routes.feed_routes.setup(app)
    services.topic_guards["facility"] = facility_routes.guard_facility
    figures: list[health.Figures] = [watching.metrics]
    app[health.FIGURES] = figures
    app[controller_routes.LIST_KEY] = load_seal_key(settings.data_dir / "access-list.key")
    services.templates.add_folder(tablet_pages.TEMPLATES)
    app[access_routes.TAP_BATCHER] = TapBatcher(database, clock, batch_max=settings.taps_gathered_max)
    app[card_key_routes.CUSTODY] = [custody_of(settings)]
    services.templates.add_folder(facility_offers.TEMPLATES)
    services.templates.add_folder(payment_routes.TEMPLATES)
    services.templates.add_folder(invoice_routes.TEMPLATES)
    quotients = app[QUOTIENT_INQUIRIES] = QuotientInquiries(database, clock, _particulier(settings))
    services.jobs.handlers[REFRESH], services.jobs.give_ups[REFRESH] = quotients.refresh, quotients.give_up
    payments = app[payment_routes.ONLINE_PAYMENTS] = OnlinePayments(database, clock, settings, _payfip(settings))
    services.jobs.handlers[LOOK_UP] = payments.look_up
    invoices = InvoicePrinter(database, settings, services.vault, clock)
    services.jobs.handlers[PRINT_RUN], services.jobs.give_ups[PRINT_RUN] = invoices.make, invoices.give_up
    reservations = ReservationJobs(database, settings, clock)
    services.jobs.handlers |= {
        REMIND: reservations.remind,
        OFFER_ENDS: reservations.end_offer,
        CLOSE: reservations.close,
    }
    books = BookMaker(database, services.vault, clock)
    services.jobs.handlers[MAKE_BOOK], services.jobs.give_ups[MAKE_BOOK] = books.make, books.give_up
    app.router.add_static("/static/", STATIC)
    services.jobs.periodic += [
        Periodic("seal-journal", 5.0, lambda: _seal(services)),
        Periodic("purge-live-events", 3600.0, lambda: _purge(services)),
        Periodic("purge-jobs", 3600.0, lambda: _purge_jobs(services)),
        Periodic("write-checkpoints", CHECKPOINT_EVERY_S, lambda: write_checkpoints(database)),
        Periodic("count-taps", COUNT_EVERY_S, lambda: count_taps(database, clock)),
        Periodic("ask-payfip", POLL_EVERY_S, payments.poll),
        Periodic("top-up-wallets", wallet_jobs.EVERY_S, lambda: wallet_jobs.run_top_ups(database, clock)),
        Periodic("tell-low-balances", wallet_jobs.EVERY_S, lambda: wallet_jobs.run_notices(database, settings, clock)),
        Periodic("send-on-to-kept-accounts", family_jobs.EVERY_S, lambda: family_jobs.run_forwards(database, clock)),
        Periodic("ask-for-quotients", LOOK_EVERY_S, lambda: quotients.start_due(settings.particulier_refresh)),
        Periodic("purge-provisional-books", PURGE_EVERY_S, books.purge),
        Periodic("purge-printed-invoices", invoice_runs.PURGE_EVERY_S, invoices.purge),
        Periodic("forget-taps", access_keeping.EVERY_S, lambda: _forget_taps(services)),
        Periodic("purge-reservations", facility_keeping.EVERY_S, lambda: _purge_reservations(services)),
        Periodic("wipe-imports", import_keeping.EVERY_S, lambda: _wipe_imports(services)),
        Periodic("expire-cards", EXPIRE_EVERY_S, lambda: _expire_cards(services)),
        Periodic("withdraw-entity-cards", WITHDRAW_EVERY_S, lambda: withdraw_cards(database, clock)),
        Periodic("apply-funding-policies", POLICIES_EVERY_S, PolicyWatch(database, clock).look),
    ]
    folder = settings.agents_folder
    if folder is not None:
        services.jobs.periodic.append(
            Periodic("watch-staff-lists", WATCH_LISTS_EVERY_S, lambda: watch_lists(database, folder, clock))
        )
    if settings.staff_directories:
        # Its library needs OpenLDAP's: whoever has no directory installs neither.
        from cvq_core.agents.directory import read_directory  # noqa: PLC0415 - needs bonsai, an extra

        services.jobs.periodic.append(
            Periodic(
                "ask-staff-directories",
                WATCH_LISTS_EVERY_S,
                lambda: watch_directories(database, settings.staff_directories, clock, read_directory),
            )
        )
    app.cleanup_ctx.append(_lifetime)
    app.cleanup_ctx.append(_library)
    return app


def _particulier(settings: Settings) -> Particulier | None:
    token, recipient = settings.particulier_token, settings.particulier_recipient
    if token is None or recipient is None:
        return None
    return Particulier(token.get_secret_value(), recipient, str(settings.particulier_url or PARTICULIER_URL))


def _payfip(settings: Settings) -> PayFip | None:
    if settings.payfip_client is None:
        return None
    return PayFip(settings.payfip_client, settings.payfip_entry, str(settings.payfip_url or PRODUCTION_URL))


@web.middleware
async def refusals(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn whatever goes wrong into a problem that a person or a program understands."""
    try:
        return await handler(request)
    except Refusal as refusal:
        if refusal.status == 401 and request.method == "GET" and wants_page(request):
            return web.Response(status=303, headers={"Location": f"/connexion?next={quote(request.path)}"})
        return answer(request, refusal)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return answer(request, from_http(error))
    except (asyncio.CancelledError, ConnectionResetError):
        raise
    except Exception:
        log.exception("request_failed", method=request.method, path=request.path)
        return answer(request, InternalTrouble())


async def _lifetime(app: web.Application) -> AsyncIterator[None]:
    services = app[SERVICES]
    check_all_declared(app)
    await services.hub.start()
    await services.jobs.start()
    yield
    await services.jobs.stop()
    await services.hub.stop()
    app[payment_routes.ONLINE_PAYMENTS].close()
    await services.database.close()


async def _library(app: web.Application) -> AsyncIterator[None]:
    """Listen for the library's software where a port is set."""
    services = app[SERVICES]
    settings = services.settings
    if settings.library_port is None:
        yield
        return
    tls = None
    if settings.library_certificate is not None and settings.library_key is not None:
        tls = tls_context(settings.library_certificate, settings.library_key)
    server = LibraryServer(services.database, services.clock)
    await server.start(settings.library_host, settings.library_port, tls)
    yield
    await server.stop()


async def _seal(services: Services) -> None:
    async with services.database.write() as db:
        await seal(db, services.clock())


async def _purge_jobs(services: Services) -> None:
    async with services.database.write() as db:
        await purge_jobs(db, services.clock())


async def _forget_taps(services: Services) -> None:
    kept = timedelta(days=services.settings.taps_days_kept)
    await access_keeping.forget_taps(services.database, now=services.clock(), kept=kept)


async def _expire_cards(services: Services) -> None:
    await run_expiry(services.database, services.clock())


async def _purge_reservations(services: Services) -> None:
    async with services.database.write() as db:
        days_kept = services.settings.reservation_days_kept
        await facility_keeping.purge_reservations(db, services.clock(), days_kept=days_kept)


async def _wipe_imports(services: Services) -> None:
    async with services.database.write() as db:
        await import_keeping.wipe_staged(db, services.clock(), days_kept=services.settings.import_days_kept)


async def _purge(services: Services) -> None:
    async with services.database.write() as db:
        await purge_events(db, services.clock(), older_than=timedelta(days=1))
