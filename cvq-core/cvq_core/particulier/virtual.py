"""An API Particulier on this machine, for the tests and the demonstration: the documented interface with its errors."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from zlib import crc32

from aiohttp import web

from cvq_core.particulier.rules import FRANCE, GIVEN_NAMES_MAX, PATH, is_siret

TOKEN = "demonstration"  # noqa: S105 - the stand-in's own, which opens nothing else
RECIPIENT = "13002526500013"
SILENCE_S = 60.0
LOWEST, SPREAD, UNKNOWN_ONE_IN = 180, 1500, 7


class Fault(StrEnum):
    """What goes wrong with the next call, one fault a call."""

    SILENT = "silent"
    EXPIRED = "expired"
    FORBIDDEN = "forbidden"
    CONFLICT = "conflict"
    TOO_MANY = "too_many"
    PROVIDER = "provider"
    UNAVAILABLE = "unavailable"
    LATE = "late"
    MALFORMED = "malformed"
    HUGE = "huge"
    REDIRECTED = "redirected"
    FUTURE = "future"
    CUT = "cut"


ERRORS: dict[Fault, tuple[int, str, str]] = {
    Fault.EXPIRED: (401, "00103", "Jeton expiré"),
    Fault.FORBIDDEN: (403, "00100", "Privilèges insuffisants"),
    Fault.CONFLICT: (409, "00015", "Conflit"),
    Fault.TOO_MANY: (429, "00429", "Trop de requêtes"),
    Fault.PROVIDER: (502, "37999", "Erreur inconnue du fournisseur de données"),
    Fault.UNAVAILABLE: (503, "37001", "Service non disponible"),
    Fault.LATE: (504, "37002", "Intermédiaire hors-délai"),
}


@dataclass
class VirtualParticulier:
    """The stand-in. `quotients` maps (birth name, first given name) in capitals to euros; `calls` are all questions.

    With `knows_everybody`, whoever is not in `quotients` has a quotient all the same, always the same one, but for one
    in seven, who is unknown: a demonstration shows both.
    """

    quotients: dict[tuple[str, str], int] = field(default_factory=dict)
    provider: str = "CNAF"
    knows_everybody: bool = False
    faults: deque[Fault] = field(default_factory=deque)
    calls: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._runner: web.AppRunner | None = None
        self._gone = asyncio.Event()

    @property
    def url(self) -> str:
        """What `particulier_url` is set to."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen, on the loopback."""
        app = web.Application()
        app.router.add_get(PATH, self._quotient)
        app.router.add_get("/elsewhere", self._quotient)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Listen no more."""
        self._gone.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _quotient(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        self.calls.append({**query, "prenoms[]": query.getall("prenoms[]", []), "path": request.path})
        fault = self.faults.popleft() if self.faults else None
        if fault in ERRORS:
            status, code, title = ERRORS[fault]
            return _error(status, code, title)
        if fault is not None:
            return await self._broken(request, fault)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _error(401, "00101", "Interdit")
        if not is_siret(query.get("recipient", "")):
            return _error(422, "00203", "Entité non traitable")
        if wrong := _wrong(request):
            return _error(422, "00366", wrong)
        key = query["nomNaissance"].upper(), query.getall("prenoms[]")[0].upper()
        value = self.quotients.get(key, self._invented(key))
        if value is None:
            return _error(404, "35003", "Allocataire non référencé")
        return web.json_response(self._found(query["annee"], query["mois"], value))

    def _invented(self, key: tuple[str, str]) -> int | None:
        drawn = crc32(" ".join(key).encode())
        return LOWEST + drawn % SPREAD if self.knows_everybody and drawn % UNKNOWN_ONE_IN else None

    def _found(self, year: str, month: str, value: int) -> dict[str, Any]:
        person = {"nom_naissance": "SECRET", "nom_usage": None, "prenoms": "À NE PAS GARDER", "sexe": "F"}
        return {
            "data": {
                "allocataires": [{**person, "date_naissance": "1980-01-01"}],
                "enfants": [{**person, "date_naissance": "2016-01-01"}],
                "adresse": {"destinataire": "Madame SECRET", "numero_libelle_voie": "1 RUE SECRÈTE"},
                "quotient_familial": {
                    "fournisseur": self.provider,
                    "valeur": value,
                    "annee": int(year),
                    "mois": int(month),
                    "annee_calcul": int(year),
                    "mois_calcul": int(month),
                },
            },
            "links": {},
            "meta": {},
        }

    async def _broken(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault is Fault.SILENT:
            await asyncio.wait_for(self._gone.wait(), SILENCE_S)
        if fault is Fault.REDIRECTED:
            return web.Response(status=302, headers={"Location": f"{self.url}/elsewhere"})
        if fault is Fault.HUGE:
            return web.Response(body=b" " * 5_000_000, content_type="application/json")
        if fault is Fault.FUTURE:
            return web.json_response(self._found("2199", "12", 100))
        if fault is Fault.CUT and request.transport is not None:
            request.transport.close()
        return web.Response(text='{"data": {"quotient_familial": {"valeur": "beaucoup"}}}', content_type="text/html")


def _wrong(request: web.Request) -> str:
    """Say what of an identity the interface does not take, "" when it takes it."""
    query = request.query
    names = query.getall("prenoms[]", [])
    if not query.get("nomNaissance") or not 1 <= len(names) <= GIVEN_NAMES_MAX or not all(names):
        return "Nom et prénoms"
    if query.get("sexeEtatCivil") not in ("F", "M"):
        return "Sexe"
    country = query.get("codeCogInseePaysNaissance", "")
    if len(country) != 5 or (country == FRANCE and len(query.get("codeCogInseeCommuneNaissance", "")) != 5):
        return "Lieu de naissance"
    return ""


def _error(status: int, code: str, title: str) -> web.Response:
    error: dict[str, Any] = {"code": code, "title": title, "detail": title, "source": None, "meta": {}}
    return web.json_response({"errors": [error]}, status=status)
