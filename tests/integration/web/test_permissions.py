"""Who may call what: the whole table, asked of the running server.

A route that is declared and has no row here fails, and so does a row without its route. What a role holds is written
here a second time on purpose: a change in `cvq_core.staff.rules` must be meant.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from aiohttp import ClientSession, DummyCookieJar, web

from cvq_advisor_console.app import make_app
from cvq_core.devices.tables import Device, DeviceToken
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.settings import Settings
from cvq_core.staff.rules import Role
from cvq_core.staff.store import digest, open_session
from cvq_core.web.context import SESSION_COOKIE, csrf_token_of
from cvq_core.web.routes import declared_routes
from tests.core_examples import NOW
from tests.factories import make_staff
from tests.served import Site, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What each principal holds.
HELD: dict[str, set[str]] = {
    "anonymous": {"public"},
    "secretary": {
        *("public", "signed-in", "appointments.book", "town_hall.see", "people.search", "cash.collect"),
        "quotients.record",
        "families.manage",
        "cards.manage",
        "acts.see",
        "imports.decide",
        "facilities.reserve",
    },
    "advisor": {"public", "signed-in", "visits.serve"},
    "cash_officer": {"public", "signed-in", "cash.collect", "people.search", "acts.see", "books.read"},
    "service_manager": {
        "public",
        "signed-in",
        "service.see",
        "attendance.tick",
        "tariffs.manage",
        "access.manage",
        "facilities.reserve",
        "facilities.manage",
    },
    "administrator": {"public", "signed-in", "administer", "acts.see", "imports.decide", "access.manage"},
    "auditor": {"public", "signed-in", "audit.read", "acts.see", "books.read"},
    "booth": {"public", "booth.connect"},
    "reader": {"public", "taps.decide", "attendance.tick"},
    "encoder": {"public", "cards.encode"},
    "controller": {"public", "taps.decide", "controller.connect"},
}

# What each route asks for.
TABLE: dict[str, str] = {
    "GET /livez": "public",
    "GET /readyz": "public",
    "GET /metrics": "public",
    "GET /api/openapi.json": "public",
    "GET /": "public",
    "GET /connexion": "public",
    "GET /tablette": "public",
    "GET /tablette/decheterie": "public",
    "GET /tablette/worker.js": "public",
    "POST /connexion": "public",
    "POST /deconnexion": "signed-in",
    "GET /compte": "signed-in",
    "POST /compte/mot-de-passe": "signed-in",
    "POST /compte/sessions/{id}/fermer": "signed-in",
    "GET /api/v1/live": "signed-in",
    "POST /api/v1/devices/enrol": "public",
    "POST /api/v1/devices/challenge": "public",
    "POST /api/v1/devices/token": "public",
    "POST /api/v1/devices/key": "public",
    "GET /api/v1/controller": "controller.connect",
    "GET /api/v1/controllers": "administer",
    "GET /api/v1/controller/list": "controller.connect",
    "GET /api/v1/controller/changes": "controller.connect",
    "POST /api/v1/controller/people": "controller.connect",
    "POST /api/v1/controller/health": "controller.connect",
    "POST /api/v1/controller/taps": "taps.decide",
    "POST /api/v1/taps": "taps.decide",
    "POST /api/v1/taps/batch": "taps.decide",
    "POST /api/v1/point-events": "taps.decide",
    "GET /api/v1/access/services/{service}/points": "access.manage",
    "POST /api/v1/access/points": "access.manage",
    "PUT /api/v1/access/points/{id}": "access.manage",
    "POST /api/v1/access/modes": "access.manage",
    "GET /api/v1/access/points/{id}/taps": "access.manage",
    "POST /api/v1/access/areas": "access.manage",
    "PUT /api/v1/access/areas/{id}": "access.manage",
    "POST /api/v1/access/areas/{id}/inside": "access.manage",
    "GET /api/v1/access/services/{service}/gauges": "access.manage",
    "POST /api/v1/access/rights": "access.manage",
    "POST /api/v1/access/rights/{id}/end": "access.manage",
    "POST /api/v1/access/explain": "access.manage",
    "GET /api/v1/access/services/{service}/conflicts": "access.manage",
    "POST /api/v1/access/conflicts/{id}/settle": "access.manage",
    "GET /api/v1/access/services/{service}/events": "access.manage",
    "GET /api/v1/access/services/{service}/two-sites": "access.manage",
    "POST /api/v1/attendances": "attendance.tick",
    "POST /api/v1/card-authentications": "taps.decide",
    "POST /api/v1/card-authentications/{id}/answers": "taps.decide",
    "GET /api/v1/card-keys/signing": "taps.decide",
    "POST /api/v1/visits/{id}/cards/{card_id}/block": "visits.serve",
    "GET /cartes": "cards.manage",
    "GET /cartes/a-renouveler": "cards.manage",
    "GET /cartes/faire/{person_id}": "cards.manage",
    "POST /cartes/series": "cards.manage",
    "GET /cartes/series/{id}": "cards.manage",
    "GET /cartes/series/{id}/faces.pdf": "cards.manage",
    "GET /cartes/series/{id}/planche.pdf": "cards.manage",
    "POST /cartes/series/{id}/imprimees": "cards.manage",
    "POST /cartes/ordres/{id}/remettre": "cards.manage",
    "POST /cartes/ordres/{id}/rebut": "cards.manage",
    "POST /cartes/ordres/{id}/puce": "cards.manage",
    "POST /cartes/ordres/{id}/annuler": "cards.manage",
    "GET /cartes/{id}": "cards.manage",
    "POST /cartes/{id}/remettre": "cards.manage",
    "POST /cartes/{id}/bloquer": "cards.manage",
    "POST /cartes/{id}/retrouvee": "cards.manage",
    "POST /cartes/{id}/en-service": "cards.manage",
    "POST /api/v1/cards/search": "cards.manage",
    "GET /api/v1/cards/ending": "cards.manage",
    "GET /api/v1/cards/{id}": "cards.manage",
    "POST /api/v1/cards/{id}/block": "cards.manage",
    "POST /api/v1/cards/{id}/found": "cards.manage",
    "POST /api/v1/cards/{id}/unblock": "cards.manage",
    "POST /api/v1/card-batches": "cards.manage",
    "GET /api/v1/card-batches/{id}": "cards.manage",
    "POST /api/v1/card-batches/{id}/printed": "cards.manage",
    "POST /api/v1/card-orders/{id}/hand-over": "cards.manage",
    "POST /api/v1/card-orders/{id}/scrap": "cards.manage",
    "POST /api/v1/card-orders/{id}/cancel": "cards.manage",
    "GET /api/v1/cards-to-encode": "cards.encode",
    "POST /api/v1/card-encodings": "cards.encode",
    "POST /api/v1/card-encodings/{id}/answers": "cards.encode",
    "POST /api/v1/absences": "attendance.tick",
    "GET /api/v1/attendances/expected": "attendance.tick",
    "GET /reservations": "facilities.reserve",
    "GET /reservations/nouveau-lieu": "facilities.manage",
    "POST /reservations/nouveau-lieu": "facilities.manage",
    "POST /reservations/{id}/portes": "facilities.manage",
    "GET /reservations/fragments/semaine": "facilities.reserve",
    "GET /reservations/{id}/nouvelle": "facilities.reserve",
    "POST /reservations/{id}/chercher": "facilities.reserve",
    "POST /reservations/{id}/fragments/personnes": "facilities.reserve",
    "POST /reservations/{id}/reserver": "facilities.reserve",
    "POST /reservations/{id}/attendre": "facilities.reserve",
    "GET /reservations/fiche/{id}": "facilities.reserve",
    "POST /reservations/fiche/{id}/prendre": "facilities.reserve",
    "POST /reservations/fiche/{id}/annuler": "facilities.reserve",
    "POST /reservations/fiche/{id}/retirer": "facilities.manage",
    "POST /reservations/fiche/{id}/caution": "facilities.manage",
    "GET /reservations/{id}/reglages": "facilities.manage",
    "POST /reservations/{id}/fermer": "facilities.manage",
    "POST /reservations/{id}/fermer/oui": "facilities.manage",
    "POST /reservations/fermetures/{id}/lever": "facilities.manage",
    "POST /reservations/{id}/lien": "facilities.manage",
    "POST /reservations/{id}/regles": "facilities.manage",
    "GET /api/v1/visits/{id}/facilities": "visits.serve",
    "GET /api/v1/visits/{id}/facilities/{facility_id}/days": "visits.serve",
    "GET /api/v1/visits/{id}/reservations": "visits.serve",
    "POST /api/v1/visits/{id}/reservations": "visits.serve",
    "POST /api/v1/visits/{id}/reservations/{reservation_id}/cancel": "visits.serve",
    "POST /api/v1/visits/{id}/reservations/{reservation_id}/accept": "visits.serve",
    "POST /console/{id}/reserver": "visits.serve",
    "GET /agenda/{token}.ics": "public",
    "GET /api/v1/facilities": "facilities.reserve",
    "POST /api/v1/facilities": "facilities.manage",
    "GET /api/v1/facilities/{id}": "facilities.manage",
    "POST /api/v1/facilities/{id}/terms": "facilities.manage",
    "PUT /api/v1/facilities/{id}/doors": "facilities.manage",
    "POST /api/v1/facilities/{id}/calendar-link": "facilities.manage",
    "GET /api/v1/facilities/{id}/days": "facilities.reserve",
    "GET /api/v1/facilities/{id}/reservations": "facilities.reserve",
    "POST /api/v1/facilities/{id}/closures": "facilities.manage",
    "POST /api/v1/facilities/{id}/closures/preview": "facilities.manage",
    "POST /api/v1/closures/{id}/lift": "facilities.manage",
    "GET /api/v1/people/{id}/reservations": "facilities.reserve",
    "POST /api/v1/reservations": "facilities.reserve",
    "POST /api/v1/reservations/quote": "facilities.reserve",
    "GET /api/v1/reservations/{id}": "facilities.reserve",
    "POST /api/v1/reservations/{id}/accept": "facilities.reserve",
    "POST /api/v1/reservations/{id}/cancel": "facilities.reserve",
    "POST /api/v1/reservations/{id}/deposit": "facilities.manage",
    "GET /api/v1/reservations/{id}/slip.pdf": "facilities.reserve",
    "GET /api/v1/reservations/{id}/calendar.ics": "facilities.reserve",
    "GET /api/v1/sub-offices": "cash.collect",
    "POST /api/v1/sub-offices/{id}/drawers": "cash.collect",
    "GET /api/v1/drawers/{id}": "cash.collect",
    "POST /api/v1/drawers/{id}/receipts": "cash.collect",
    "GET /api/v1/receipts/{id}": "cash.collect",
    "POST /api/v1/receipts/{id}/void": "cash.collect",
    "POST /api/v1/receipts/{id}/prints": "cash.collect",
    "GET /api/v1/receipts/{id}/prints/{print_id}.pdf": "cash.collect",
    "POST /api/v1/drawers/{id}/close": "cash.collect",
    "POST /api/v1/receipts/search": "cash.collect",
    "GET /api/v1/sub-offices/{id}/to-remit": "cash.collect",
    "POST /api/v1/sub-offices/{id}/remittances": "cash.collect",
    "GET /api/v1/sub-offices/{id}/remittances": "cash.collect",
    "GET /api/v1/cash-offices": "acts.see",
    "GET /api/v1/cash-offices/{id}": "acts.see",
    "POST /api/v1/cash-offices/{id}/limits": "administer",
    "POST /api/v1/sub-offices/{id}/act": "administer",
    "POST /api/v1/sub-offices/{id}/limits": "administer",
    "POST /api/v1/sub-offices/{id}/appointments": "administer",
    "POST /api/v1/cash-appointments/{id}/end": "administer",
    "GET /regies": "acts.see",
    "GET /personnel": "administer",
    "POST /personnel/{id}/rattacher": "administer",
    "GET /regies/{id}": "acts.see",
    "GET /regies/{id}/limites": "administer",
    "POST /regies/{id}/limites": "administer",
    "GET /regies/{id}/nommer": "administer",
    "POST /regies/{id}/nommer": "administer",
    "GET /regies/lieux/{id}/acte": "administer",
    "POST /regies/lieux/{id}/acte": "administer",
    "GET /regies/lieux/{id}/limites": "administer",
    "POST /regies/lieux/{id}/limites": "administer",
    "GET /regies/nominations/{id}/fin": "administer",
    "POST /regies/nominations/{id}/fin": "administer",
    "PUT /api/v1/sub-offices/{id}/debit-creditor": "administer",
    "POST /api/v1/sub-offices/{id}/debit-mandates": "cash.collect",
    "GET /api/v1/sub-offices/{id}/debit-mandates/{family_id}": "cash.collect",
    "POST /api/v1/sub-offices/{id}/debit-mandates/{mandate_id}/revoke": "cash.collect",
    "GET /api/v1/sub-offices/{id}/debits-due/{day}": "cash.collect",
    "POST /api/v1/sub-offices/{id}/debit-runs": "cash.collect",
    "GET /api/v1/debit-runs/{id}/file": "cash.collect",
    "POST /api/v1/debits/{id}/return": "cash.collect",
    "POST /api/v1/sub-offices/{id}/debit-mandates/{mandate_id}/signed": "cash.collect",
    "GET /api/v1/sub-offices/{id}/debit-mandates/{mandate_id}/paper": "cash.collect",
    "POST /api/v1/sub-offices/{id}/debit-notices": "cash.collect",
    "POST /api/v1/debit-runs/{id}/end": "cash.collect",
    "GET /comptes-de-service": "cash.collect",
    "POST /comptes-de-service/chercher": "cash.collect",
    "POST /comptes-de-service/fragments/familles": "cash.collect",
    "GET /comptes-de-service/{id}": "cash.collect",
    "GET /comptes-de-service/{id}/fragments/argent": "cash.collect",
    "POST /comptes-de-service/{id}/deplacer": "cash.collect",
    "POST /comptes-de-service/{id}/approvisionner": "cash.collect",
    "POST /comptes-de-service/{id}/avertir": "cash.collect",
    "POST /comptes-de-service/{id}/mandats": "cash.collect",
    "GET /comptes-de-service/{id}/mandats/{mandate_id}.pdf": "cash.collect",
    "POST /comptes-de-service/{id}/mandats/{mandate_id}/signe": "cash.collect",
    "POST /comptes-de-service/{id}/mandats/{mandate_id}/revoquer": "cash.collect",
    "GET /prelevements": "cash.collect",
    "POST /prelevements/prevenir": "cash.collect",
    "GET /prelevements/lettres/{id}.pdf": "cash.collect",
    "POST /prelevements/fichier": "cash.collect",
    "GET /prelevements/fichiers/{id}": "cash.collect",
    "GET /prelevements/fichiers/{id}/sepa.xml": "cash.collect",
    "POST /prelevements/fichiers/{id}/fin": "cash.collect",
    "POST /prelevements/fichiers/{id}/retours/{item_id}": "cash.collect",
    "POST /prelevements/retours": "cash.collect",
    "GET /prelevements/mandats": "cash.collect",
    "POST /api/v1/visits/{id}/top-ups": "visits.serve",
    "POST /api/v1/visits/{id}/notices": "visits.serve",
    "POST /api/v1/visits/{id}/mandates": "visits.serve",
    "POST /api/v1/visits/{id}/mandates/{mandate_id}/spoken": "visits.serve",
    "POST /api/v1/visits/{id}/mandates/{mandate_id}/print": "visits.serve",
    "POST /api/v1/visits/{id}/mandates/{mandate_id}/signed": "visits.serve",
    "POST /api/v1/visits/{id}/mandates/{mandate_id}/revoke": "visits.serve",
    "POST /console/{id}/deplacer": "visits.serve",
    "POST /console/{id}/approvisionner": "visits.serve",
    "POST /console/{id}/avertir": "visits.serve",
    "GET /api/v1/sub-offices/{id}/to-integrate": "cash.collect",
    "GET /api/v1/remittances/{id}": "cash.collect",
    "GET /api/v1/remittances/{id}/slip.pdf": "cash.collect",
    "POST /api/v1/remittances/{id}/cancel": "cash.collect",
    "POST /api/v1/remittances/{id}/integrate": "cash.collect",
    "POST /api/v1/remittances/{id}/send-back": "cash.collect",
    "GET /api/v1/people/{id}/custody": "families.manage",
    "POST /api/v1/people/{id}/court-orders": "families.manage",
    "POST /api/v1/people/{id}/arrangements": "families.manage",
    "POST /api/v1/arrangements/{id}/exceptions": "families.manage",
    "POST /api/v1/people/{id}/authority": "families.manage",
    "POST /api/v1/people/{id}/death": "families.manage",
    "GET /api/v1/waste/categories": "attendance.tick",
    "POST /api/v1/waste/quotes": "attendance.tick",
    "POST /api/v1/waste/deposits": "attendance.tick",
    "GET /api/v1/waste/deposits/{id}/slip.pdf": "attendance.tick",
    "PUT /api/v1/waste/categories/{name}": "tariffs.manage",
    "POST /api/v1/waste/quotas": "tariffs.manage",
    "GET /api/v1/waste/overruns": "service.see",
    "GET /api/v1/waste/unbilled": "tariffs.manage",
    "POST /api/v1/waste/invoices": "tariffs.manage",
    "GET /api/v1/waste/people": "attendance.tick",
    "POST /api/v1/waste/deposits/late": "attendance.tick",
    "GET /api/v1/waste/late": "service.see",
    "PUT /api/v1/waste/plates/{name}": "tariffs.manage",
    "DELETE /api/v1/waste/plates/{name}": "tariffs.manage",
    "GET /api/v1/legal-entities": "families.manage",
    "POST /api/v1/legal-entities": "families.manage",
    "GET /api/v1/legal-entities/{id}": "families.manage",
    "POST /api/v1/legal-entities/{id}/holders": "families.manage",
    "POST /api/v1/legal-entities/{id}/holders/end": "families.manage",
    "POST /api/v1/legal-entities/{id}/cards": "families.manage",
    "POST /api/v1/legal-entities/{id}/rights": "families.manage",
    "DELETE /api/v1/legal-entities/{id}/rights/{right_id}": "families.manage",
    "POST /api/v1/family-accounts": "families.manage",
    "POST /api/v1/family-accounts/{id}/members": "families.manage",
    "POST /api/v1/family-accounts/{id}/members/end": "families.manage",
    "POST /api/v1/family-accounts/{id}/close": "families.manage",
    "POST /api/v1/family-accounts/{id}/reopen": "families.manage",
    "GET /api/v1/closed-accounts/left": "cash.collect",
    "GET /api/v1/family-accounts/{id}/merge-plan": "families.manage",
    "POST /api/v1/family-accounts/{id}/merge": "families.manage",
    "POST /api/v1/family-accounts/{id}/forward": "families.manage",
    "POST /api/v1/merges/{id}/undo": "families.manage",
    "GET /api/v1/family-accounts/{id}/merges": "families.manage",
    "GET /api/v1/services/{service}/unclaimed": "service.see",
    "POST /api/v1/unclaimed/{id}/settle": "service.see",
    "GET /api/v1/family-accounts/{id}/statement": "families.manage",
    "GET /api/v1/family-accounts/{id}/statement.pdf": "families.manage",
    "GET /api/v1/family-accounts/{id}/statement.csv": "families.manage",
    "GET /tresor": "cash.collect",
    "GET /tresor/cheques": "cash.collect",
    "POST /tresor/cheques/remettre": "cash.collect",
    "POST /tresor/cheques/chercher": "cash.collect",
    "GET /tresor/cheques/{id}": "cash.collect",
    "POST /tresor/cheques/{id}/rejeter": "cash.collect",
    "GET /tresor/remises/{id}": "cash.collect",
    "GET /tresor/remises/{id}.pdf": "cash.collect",
    "POST /tresor/remises/{id}/annuler": "cash.collect",
    "GET /tresor/releve": "cash.collect",
    "GET /tresor/releve/fragments/page": "cash.collect",
    "GET /tresor/releve/ecarts.{format}": "cash.collect",
    "POST /tresor/releve/fichier": "cash.collect",
    "POST /tresor/releve/rapprocher": "cash.collect",
    "POST /tresor/releve/decider": "cash.collect",
    "POST /tresor/releve/{id}/defaire": "cash.collect",
    "GET /acces": "access.manage",
    "GET /acces/points/{id}/reglages": "access.manage",
    "POST /acces/points/{id}/reglages": "access.manage",
    "GET /acces/nouvelle-porte": "access.manage",
    "POST /acces/nouvelle-porte": "access.manage",
    "GET /acces/zones": "access.manage",
    "POST /acces/zones": "access.manage",
    "POST /acces/zones/{id}": "access.manage",
    "POST /acces/zones/{id}/compte": "access.manage",
    "GET /acces/points/{id}/droits": "access.manage",
    "POST /acces/points/{id}/droits": "access.manage",
    "POST /acces/droits/{id}/fin": "access.manage",
    "GET /acces/fragments/maintenant": "access.manage",
    "POST /acces/essai": "access.manage",
    "GET /acces/points/{id}": "access.manage",
    "GET /acces/points/{id}/fragments/passages": "access.manage",
    "POST /acces/points/{id}/mode": "access.manage",
    "POST /acces/ecarts/{id}": "access.manage",
    "GET /decheterie": "service.see",
    "POST /decheterie/vehicules": "tariffs.manage",
    "POST /decheterie/vehicules/oublier": "tariffs.manage",
    "GET /frequentation": "service.see",
    "GET /frequentation/frequentation.csv": "service.see",
    "GET /frequentation/frequentation.xlsx": "service.see",
    "GET /familles": "families.manage",
    "GET /familles/restes": "cash.collect",
    "GET /familles/organisme": "families.manage",
    "POST /familles/organisme": "families.manage",
    "GET /familles/{id}/cartes/nouvelle": "families.manage",
    "POST /familles/{id}/cartes/nouvelle": "families.manage",
    "GET /familles/nouvelle": "families.manage",
    "POST /familles/nouvelle": "families.manage",
    "GET /familles/{id}": "families.manage",
    "GET /familles/{id}/releve": "families.manage",
    "GET /familles/{id}/fermer": "families.manage",
    "POST /familles/{id}/fermer": "families.manage",
    "GET /familles/{id}/rouvrir": "families.manage",
    "POST /familles/{id}/rouvrir": "families.manage",
    "GET /familles/{id}/coordonnees": "families.manage",
    "POST /familles/{id}/coordonnees": "families.manage",
    "GET /familles/{id}/personnes/nouvelle": "families.manage",
    "POST /familles/{id}/personnes/nouvelle": "families.manage",
    "GET /familles/{id}/personnes": "families.manage",
    "POST /familles/{id}/personnes": "families.manage",
    "GET /familles/{id}/roles/{membership}/fin": "families.manage",
    "POST /familles/{id}/roles/{membership}/fin": "families.manage",
    "GET /familles/{id}/personnes/{person}/deces": "families.manage",
    "POST /familles/{id}/personnes/{person}/deces": "families.manage",
    "GET /familles/{id}/enfants/{child}": "families.manage",
    "GET /familles/{id}/enfants/{child}/calendrier": "families.manage",
    "POST /familles/{id}/enfants/{child}/calendrier": "families.manage",
    "GET /familles/{id}/enfants/{child}/exception": "families.manage",
    "POST /familles/{id}/enfants/{child}/exception": "families.manage",
    "GET /familles/{id}/enfants/{child}/decision": "families.manage",
    "POST /familles/{id}/enfants/{child}/decision": "families.manage",
    "GET /familles/reunions/{merge}": "families.manage",
    "POST /familles/reunions/{merge}": "families.manage",
    "GET /familles/{id}/reunir": "families.manage",
    "POST /familles/{id}/reunir": "families.manage",
    "GET /tresor/restes": "cash.collect",
    "GET /tresor/restes/liste.{format}": "cash.collect",
    "POST /tresor/restes/transmettre": "cash.collect",
    "POST /tresor/restes/seuil": "cash.collect",
    "GET /tresor/restes/etats/{id}": "cash.collect",
    "GET /tresor/restes/etats/{id}/etat.{format}": "cash.collect",
    "POST /tresor/restes/etats/{id}/retirer": "cash.collect",
    "GET /jours-sans-compte": "service.see",
    "POST /jours-sans-compte/{id}": "service.see",
    "GET /console/{id}/releve": "visits.serve",
    "GET /console/{id}/releve.pdf": "visits.serve",
    "GET /console/{id}/releve.csv": "visits.serve",
    "GET /api/v1/visits/{id}/statement": "visits.serve",
    "POST /api/v1/visits/{id}/court-orders": "visits.serve",
    "POST /api/v1/visits/{id}/arrangements": "visits.serve",
    "POST /api/v1/accounts/{id}/wallet-moves": "cash.collect",
    "GET /api/v1/accounts/{id}/wallet-choices": "cash.collect",
    "POST /api/v1/accounts/{id}/top-ups": "cash.collect",
    "POST /api/v1/accounts/{id}/notices": "cash.collect",
    "GET /p/{token}": "public",
    "POST /p/{token}/payer": "public",
    "GET /p/{token}/retour": "public",
    "POST /api/v1/payfip/notification": "public",
    "GET /api/v1/payfip/notification": "public",
    "POST /api/v1/visits/{id}/carts": "visits.serve",
    "GET /api/v1/visits/{id}/cart": "visits.serve",
    "POST /console/{id}/panier": "visits.serve",
    "GET /f/{token}": "public",
    "GET /place/{token}": "public",
    "POST /place/{token}/laisser": "public",
    "POST /place/{token}/prendre": "public",
    "POST /f/{token}/payer": "public",
    "GET /familles/{id}/factures/{invoice_id}.pdf": "families.manage",
    "GET /caisse/factures/{id}.pdf": "cash.collect",
    "GET /console/{id}/factures/{invoice_id}.pdf": "visits.serve",
    "GET /factures": "cash.collect",
    "GET /factures/fragments/impressions": "cash.collect",
    "POST /factures/imprimer": "cash.collect",
    "GET /factures/impressions/{id}.pdf": "cash.collect",
    "GET /livres": "books.read",
    "GET /livres/fragments/editions": "books.read",
    "GET /livres/journal": "books.read",
    "POST /livres/arreter": "cash.collect",
    "POST /livres/editions": "books.read",
    "GET /livres/editions/{id}/{format}": "books.read",
    "GET /en-ligne": "cash.collect",
    "GET /en-ligne/fragments/liste": "cash.collect",
    "GET /en-ligne/liste.csv": "cash.collect",
    "POST /en-ligne/banque": "cash.collect",
    "POST /en-ligne/{id}/decision": "cash.collect",
    "GET /api/v1/queue": "visits.serve",
    "POST /api/v1/appointments/{id}/take": "visits.serve",
    "GET /api/v1/visits/{id}": "visits.serve",
    "POST /api/v1/visits/{id}/release": "visits.serve",
    "POST /api/v1/visits/{id}/call": "visits.serve",
    "POST /api/v1/visits/{id}/hang-up": "visits.serve",
    "POST /api/v1/visits/{id}/end": "visits.serve",
    "POST /api/v1/visits/{id}/go-back": "visits.serve",
    "POST /api/v1/visits/{id}/wipe": "visits.serve",
    "POST /api/v1/visits/{id}/identity": "visits.serve",
    "POST /api/v1/visits/{id}/consents": "visits.serve",
    "POST /api/v1/visits/{id}/consents/{consent_id}/spoken": "visits.serve",
    "POST /api/v1/visits/{id}/alerts": "visits.serve",
    "POST /api/v1/visits/{id}/without-card": "visits.serve",
    "POST /api/v1/visits/{id}/close-account": "visits.serve",
    "POST /api/v1/visits/{id}/wallet-moves": "visits.serve",
    "POST /api/v1/visits/{id}/show": "visits.serve",
    "POST /api/v1/visits/{id}/curtain": "visits.serve",
    "POST /api/v1/visits/{id}/window": "visits.serve",
    "POST /api/v1/visits/{id}/scan": "visits.serve",
    "POST /api/v1/visits/{id}/still": "visits.serve",
    "POST /api/v1/visits/{id}/commands/{command_id}/cancel": "visits.serve",
    "GET /api/v1/visits/{id}/commands": "visits.serve",
    "GET /api/v1/booth/live": "booth.connect",
    "POST /api/v1/visits/{id}/forms": "visits.serve",
    "POST /api/v1/dossiers/{id}/draft": "visits.serve",
    "POST /api/v1/dossiers/{id}/sections": "visits.serve",
    "POST /api/v1/dossiers/{id}/complete": "visits.serve",
    "POST /api/v1/dossiers/{id}/reopen": "visits.serve",
    "POST /api/v1/visits/{id}/documents": "visits.serve",
    "POST /api/v1/visits/{id}/dropped": "visits.serve",
    "POST /api/v1/visits/{id}/print": "visits.serve",
    "GET /api/v1/documents/{id}/content": "visits.serve",
    "GET /api/v1/booth/files/{id}": "booth.connect",
    "POST /api/v1/visits/{id}/summary/print": "visits.serve",
    "POST /api/v1/visits/{id}/summary/mail": "visits.serve",
    "POST /api/v1/people/search": "people.search",
    "GET /api/v1/organisations": "appointments.book",
    "GET /api/v1/town-halls/{id}/slots": "appointments.book",
    "GET /api/v1/town-halls/{id}/appointments": "town_hall.see",
    "POST /api/v1/appointments": "appointments.book",
    "POST /api/v1/appointments/{id}/events": "appointments.book",
    "POST /api/v1/appointments/{id}/move": "appointments.book",
    "POST /api/v1/appointments/{id}/vouch": "appointments.book",
    "GET /api/v1/town-halls/{id}/alerts": "town_hall.see",
    "POST /api/v1/alerts/{id}/settle": "town_hall.see",
    "GET /console": "visits.serve",
    "GET /dock": "visits.serve",
    "GET /console/fragments/queue": "visits.serve",
    "GET /console/{id}": "visits.serve",
    "GET /dock/{id}": "visits.serve",
    "GET /console/{id}/fragments/{name}": "visits.serve",
    "POST /console/take/{id}": "visits.serve",
    "POST /console/{id}/complete": "visits.serve",
    "POST /console/{id}/drop": "visits.serve",
    "GET /console/{id}/resume.pdf": "visits.serve",
    "GET /journal": "audit.read",
    "GET /journal/liste.csv": "audit.read",
    "POST /api/v1/family-accounts/{id}/quotients": "quotients.record",
    "POST /api/v1/family-accounts/{id}/quotient-accords": "quotients.record",
    "POST /api/v1/family-accounts/{id}/quotient-accords/end": "quotients.record",
    "POST /api/v1/family-accounts/{id}/quotient-inquiries": "quotients.record",
    "POST /api/v1/quotient-refreshes": "tariffs.manage",
    "GET /api/v1/quotient-refreshes/latest": "tariffs.manage",
    "POST /api/v1/quotient-refreshes/{id}/stop": "tariffs.manage",
    "POST /api/v1/visits/{id}/quotient-inquiries": "visits.serve",
    "GET /quotients": "tariffs.manage",
    "GET /quotients/fragments/tour": "tariffs.manage",
    "POST /quotients/tour": "tariffs.manage",
    "POST /quotients/tour/{id}/arret": "tariffs.manage",
    "GET /quotients/attestations.{format}": "tariffs.manage",
    "GET /familles/attestations": "quotients.record",
    "GET /familles/attestations.{format}": "quotients.record",
    "GET /familles/{id}/quotient": "quotients.record",
    "GET /familles/{id}/quotient/attestation": "quotients.record",
    "POST /familles/{id}/quotient/attestation": "quotients.record",
    "GET /familles/{id}/quotient/accord": "quotients.record",
    "POST /familles/{id}/quotient/accord": "quotients.record",
    "GET /familles/{id}/quotient/retrait": "quotients.record",
    "POST /familles/{id}/quotient/retrait": "quotients.record",
    "POST /familles/{id}/quotient/demande": "quotients.record",
    "GET /tarifs": "tariffs.manage",
    "GET /tarifs/{service}/proposer": "tariffs.manage",
    "POST /tarifs/{service}/proposer": "tariffs.manage",
    "GET /tarifs/versions/{id}": "tariffs.manage",
    "GET /tarifs/versions/{id}/tarif.yaml": "tariffs.manage",
    "GET /tarifs/versions/{id}/adopter": "tariffs.manage",
    "POST /tarifs/versions/{id}/adopter": "tariffs.manage",
    "GET /tarifs/versions/{id}/essai": "tariffs.manage",
    "GET /tarifs/versions/{id}/essai.{format}": "tariffs.manage",
    "GET /mairie": "town_hall.see",
    "POST /mairie/{id}/chercher": "people.search",
    "POST /mairie/{id}/rendez-vous": "appointments.book",
    "POST /mairie/rendez-vous/{id}/atteste": "appointments.book",
    "GET /mairie/rendez-vous/{id}/deplacer": "appointments.book",
    "POST /mairie/rendez-vous/{id}/deplacer": "appointments.book",
    "POST /mairie/rendez-vous/{id}/{event}": "appointments.book",
    "GET /mairie/rendez-vous/{id}/bulletin.pdf": "town_hall.see",
    "POST /mairie/alertes/{id}/vu": "town_hall.see",
    "GET /mairie/{id}/fragments/{name}": "town_hall.see",
    "POST /api/v1/sub-offices/{id}/advance-terms": "administer",
    "GET /api/v1/sub-offices/{id}/advance": "cash.collect",
    "POST /api/v1/sub-offices/{id}/advance-expenses": "cash.collect",
    "POST /api/v1/advance-expenses/{id}/cancel": "cash.collect",
    "GET /api/v1/advance-expenses/{id}/voucher.pdf": "cash.collect",
    "POST /api/v1/sub-offices/{id}/advance-statements": "cash.collect",
    "GET /api/v1/advance-statements/{id}/statement.pdf": "cash.collect",
    "POST /api/v1/sub-offices/{id}/advance-movements": "cash.collect",
    "GET /caisse/avance": "cash.collect",
    "POST /caisse/avance/payer": "cash.collect",
    "GET /caisse/avance/depenses/{id}.pdf": "cash.collect",
    "GET /caisse/avance/depenses/{id}": "cash.collect",
    "POST /caisse/avance/depenses/{id}/annuler": "cash.collect",
    "GET /caisse/avance/reconstituer": "cash.collect",
    "POST /caisse/avance/etats": "cash.collect",
    "GET /caisse/avance/etats/{id}.pdf": "cash.collect",
    "POST /caisse/avance/mouvements": "cash.collect",
    "GET /caisse/valeurs": "cash.collect",
    "GET /caisse/valeurs/compte.csv": "cash.collect",
    "GET /caisse/valeurs/compte.pdf": "cash.collect",
    "POST /caisse/valeurs/sortes": "cash.collect",
    "GET /caisse/valeurs/mouvement": "cash.collect",
    "POST /caisse/valeurs/mouvements": "cash.collect",
    "GET /caisse/valeurs/vente": "cash.collect",
    "POST /caisse/valeurs/ventes": "cash.collect",
    "POST /caisse/valeurs/ventes/{id}/reprendre": "cash.collect",
    "GET /caisse/valeurs/comptage": "cash.collect",
    "POST /caisse/valeurs/comptages": "cash.collect",
    "GET /caisse/valeurs/comptages/{id}": "cash.collect",
    "GET /caisse/pv": "cash.collect",
    "GET /caisse/pv/constat": "cash.collect",
    "POST /caisse/pv/comparer": "cash.collect",
    "POST /caisse/pv/signer": "cash.collect",
    "GET /caisse/pv/destruction": "cash.collect",
    "POST /caisse/pv/destructions": "cash.collect",
    "GET /caisse/pv/{id}.pdf": "cash.collect",
    "GET /caisse/pv/{id}": "cash.collect",
    "GET /reprises": "imports.decide",
    "GET /reprises/{id}/ressemblances": "imports.decide",
    "GET /reprises/{id}/ressemblances/liste": "imports.decide",
    "GET /reprises/{id}/ressemblances/{low_id}/{high_id}": "imports.decide",
    "POST /reprises/{id}/decider": "imports.decide",
    "GET /soldes-repris": "cash.collect",
    "GET /soldes-repris/{id}/{service}": "cash.collect",
    "POST /soldes-repris/{id}/{service}/comparer": "cash.collect",
    "POST /soldes-repris/{id}/{service}/signer": "cash.collect",
    "GET /soldes-repris/{id}/{service}/soldes.{format}": "cash.collect",
    "GET /caisse": "cash.collect",
    "POST /caisse/lieu": "cash.collect",
    "GET /caisse/qui": "cash.collect",
    "GET /caisse/quittances": "cash.collect",
    "POST /caisse/quittances/chercher": "cash.collect",
    "GET /caisse/versement": "cash.collect",
    "POST /caisse/verser": "cash.collect",
    "GET /caisse/versements/{id}.pdf": "cash.collect",
    "GET /caisse/versements/{id}": "cash.collect",
    "POST /caisse/versements/{id}/annuler": "cash.collect",
    "GET /caisse/a-integrer": "cash.collect",
    "POST /caisse/versements/{id}/integrer": "cash.collect",
    "POST /caisse/versements/{id}/renvoyer": "cash.collect",
    "POST /caisse/ouvrir": "cash.collect",
    "POST /caisse/chercher": "cash.collect",
    "POST /caisse/fragments/payers": "cash.collect",
    "GET /caisse/comptes/{id}": "cash.collect",
    "POST /caisse/verifier": "cash.collect",
    "POST /caisse/encaisser": "cash.collect",
    "GET /caisse/quittances/{id}.pdf": "cash.collect",
    "GET /caisse/quittances/{id}": "cash.collect",
    "POST /caisse/quittances/{id}/annuler": "cash.collect",
    "GET /caisse/compter": "cash.collect",
    "POST /caisse/fermer": "cash.collect",
    "GET /caisse/arretes/{id}": "cash.collect",
    "GET /caisse/arretes/{id}.pdf": "cash.collect",
}

SIGN_OUT = "POST /deconnexion"


@dataclass(frozen=True, slots=True)
class Everybody:
    """The server, and what each principal sends to be known."""

    site: Site
    session: ClientSession
    staff: dict[str, UUID]
    tokens: dict[str, str]
    sessions: dict[str, dict[str, str]] = field(default_factory=dict)

    async def headers(self, who: str) -> dict[str, str]:
        """What `who` sends to be known."""
        if who == "anonymous":
            return {}
        if who in self.tokens:
            return {"Authorization": f"Bearer {self.tokens[who]}"}
        if who in self.sessions:
            return self.sessions[who]
        async with self.site.database.write() as db:
            token = await open_session(db, self.staff[who], now=self.site.services.clock(), hours_max=1)
        self.sessions[who] = {"Cookie": f"{SESSION_COOKIE}={token}", "X-CSRF-Token": csrf_token_of(token)}
        return self.sessions[who]

    async def ask(self, who: str, route: str) -> tuple[int, str]:
        """Call a route as `who` with an identifier of nothing and an empty body; give the status and the slug."""
        method, path = route.split(" ", 1)
        path = re.sub(r"\{(id|\w+_id|membership|person|child|merge)\}", lambda _: str(new_id()), path)
        for name, said in (
            ("{name}", "nothing"),
            ("{event}", "arrive"),
            ("{service}", "canteen"),
            ("{format}", "csv"),
            ("{day}", "2026-03-06"),
        ):
            path = path.replace(name, said)
        headers = {"Origin": self.site.url, **await self.headers(who)}
        body = None if method == "GET" else {}
        async with self.session.request(
            method, self.site.url + path, json=body, headers=headers, allow_redirects=False
        ) as answer:
            if route == SIGN_OUT:
                self.sessions.pop(who, None)
            problem = await answer.json() if answer.content_type == "application/problem+json" else {}
            return answer.status, problem.get("slug", "")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def everybody(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Everybody]:
    folder = tmp_path_factory.mktemp("permissions")
    shutil.copyfile(sqlite_template, folder / "cvq.sqlite")
    async with served(f"sqlite:///{folder}/cvq.sqlite", folder) as site:
        staff, tokens = {}, {}
        async with site.database.write() as db:
            for role in Role:
                everywhere = role in (Role.ADMINISTRATOR, Role.AUDITOR)
                staff[role.value] = (await make_staff(db, role, None if everywhere else new_id())).id
            for kind in ("booth", "reader", "controller", "encoder"):
                device = Device(
                    id=new_id(), kind=kind, subject_id=new_id(), name=kind, public_key=bytes(32), enrolled_at=NOW
                )
                db.add(device)
                await db.flush()
                tokens[kind] = f"token of the {kind}"
                later = NOW.replace(year=NOW.year + 1)
                db.add(DeviceToken(token_digest=digest(tokens[kind]), device_id=device.id, expires_at=later))
        async with ClientSession(cookie_jar=DummyCookieJar()) as session:
            yield Everybody(site, session, staff, tokens)


async def test_every_declared_route_has_its_row_and_asks_for_what_the_row_says(tmp_path: Path) -> None:
    app = make_app(Settings(database_url=f"sqlite:///{tmp_path}/cvq.sqlite", data_dir=tmp_path))
    assert {f"{route.method} {route.path}": str(route.access) for route in declared_routes(app)} == TABLE


async def test_every_role_of_the_staff_and_every_permission_of_a_route_is_in_the_table() -> None:
    assert set(HELD) == {"anonymous", "booth", "reader", "controller", "encoder", *(role.value for role in Role)}
    assert set(TABLE.values()) <= set().union(*HELD.values())


@pytest.mark.parametrize("route", TABLE)
async def test_a_route_answers_those_who_hold_its_permission_and_nobody_else(everybody: Everybody, route: str) -> None:
    wrong = []
    for who, held in HELD.items():
        status, slug = await everybody.ask(who, route)
        if TABLE[route] in held:
            as_it_should = (
                slug not in ("not-signed-in", "forbidden", "cross-site", "device-refused") and status < 500
            ) or (status, slug) == (503, "unavailable")
        elif who == "anonymous":
            as_it_should = (status, slug) == (401, "not-signed-in")
        else:
            as_it_should = (status, slug) == (403, "forbidden")
        if not as_it_should:
            wrong.append(f"{who}: {status} {slug}")
    assert wrong == []


async def test_the_name_of_every_route_fits_into_the_journal() -> None:
    length_max = AuditRecord.__table__.c.action.type.length
    assert [route for route in TABLE if len(route) > length_max] == []


async def test_a_page_without_a_session_leads_to_the_login_and_back(everybody: Everybody) -> None:
    answer = await everybody.session.get(
        everybody.site.url + "/console", headers={"Accept": "text/html"}, allow_redirects=False
    )
    assert (answer.status, answer.headers["Location"]) == (303, "/connexion?next=/console")


async def test_a_route_without_a_permission_stops_the_start(tmp_path: Path, sqlite_template: Path) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    app = make_app(Settings(database_url=f"sqlite:///{tmp_path}/cvq.sqlite", data_dir=tmp_path))

    async def behind_our_back(request: web.Request) -> web.Response:
        return web.Response()

    app.router.add_get("/porte", behind_our_back)
    runner = web.AppRunner(app)
    try:
        with pytest.raises(RuntimeError, match=r"GET .*/porte.* declares no permission"):
            await runner.setup()
    finally:
        await runner.cleanup()
