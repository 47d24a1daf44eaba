"""Samples of the shared pages: signing in, refusals, one's own access."""

from __future__ import annotations

from cvq_core.web.views import AccountView, Act, Explanation, LoginView, OpenSession
from tests.e2e.look.samples_moments import Sample, at, shell

_HERE = OpenSession(at(8, 2), "Firefox sous Windows", here=True, address="poste de la mairie")
_THERE = OpenSession(at(17, 40, days=-3), "Chromium sous Debian", address="192.0.2.14", close=Act("/account/close/2"))
_SECRETARY = shell("Sylvie Bernard", "Mairie du Tallud", live=False)

CORE: dict[str, Sample] = {
    "login": Sample("login.html", {"view": LoginView("/login", help_phone="05 49 00 00 00")}),
    "login-refused": Sample(
        "login.html",
        {
            "view": LoginView(
                "/login",
                username="sylvie.bernard",
                error=Explanation(
                    "Cet identifiant et ce mot de passe ne vont pas ensemble.",
                    "Rien n’est ouvert. Après cinq essais, il faudra attendre un quart d’heure.",
                    "Vérifiez la touche Verr. Maj, puis recommencez.",
                ),
            )
        },
    ),
    "problem-forbidden": Sample(
        "problem.html",
        {
            "shell": _SECRETARY,
            "problem": {
                "title": "Votre compte ne permet pas cette action.",
                "detail": "Si elle vous est nécessaire, demandez à l’administrateur de votre collectivité.",
                "slug": "forbidden",
                "status": 403,
            },
        },
    ),
    "problem-unavailable": Sample(
        "problem.html",
        {
            "problem": {
                "title": "Une partie du service ne répond pas pour l’instant.",
                "detail": "Recommencez dans une minute. Rien n’a été enregistré.",
                "slug": "unavailable",
                "status": 503,
            }
        },
    ),
    "account": Sample(
        "account.html",
        {
            "shell": _SECRETARY,
            "view": AccountView(
                "sylvie.bernard",
                "/account/password",
                12,
                (_HERE, _THERE),
                grants=("Prendre les rendez-vous du guichet du Tallud", "Encaisser pour la sous-régie du Tallud"),
                errors={"new_password": "Ce mot de passe est trop court."},
            ),
        },
    ),
    "account-changed": Sample(
        "account.html",
        {
            "shell": _SECRETARY,
            "view": AccountView(
                "sylvie.bernard", "/account/password", 12, (_HERE,), done="Votre mot de passe est changé."
            ),
        },
    ),
}
