"""Refusals: what the system will not do, under a stable slug, with words for the person who asked.

A rule or a store raises a `Refusal`; `cvq_core.web.problems` turns it into RFC 9457 problem JSON or into a page. The
tree, by who is at fault:

    Refusal                 409  the state of things does not allow it
      BadInput              422  what was sent cannot be right
      NotFound              404  there is no such thing, or it is not for this person to know
      Forbidden             403  not allowed to this person here
      NotSignedIn           401  nobody knows who asks
      TooMany               429  asked too often
      TooLarge              413  larger than the bound
      Unavailable           503  a part that is needed does not answer
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for "to be translated where it is shown"
    """Mark a French sentence for the catalogue without translating it here."""
    return message


class Refusal(Exception):
    """Something that is not done, and why.

    `slug` never changes once released. `message` is the French sentence (and the catalogue's key), with `{name}`
    places that the keyword arguments fill; `what_to_do` is the second sentence, when there is something to do.
    """

    slug: ClassVar[str] = "refused"
    status: ClassVar[int] = 409
    message: ClassVar[str] = N_("Cela n’est pas possible en l’état.")
    what_to_do: ClassVar[str] = ""

    def __init__(self, **facts: Any) -> None:
        super().__init__(self.slug)
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.slug}: {self.message.format_map(_Lenient(self.facts))}"


class _Lenient(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


class BadInput(Refusal):
    """What was sent cannot be right; `fields` (name to French sentence) says where."""

    slug = "bad-input"
    status = 422
    message = N_("Une information est manquante ou mal écrite.")
    what_to_do = N_("Corrigez les champs signalés, puis validez de nouveau.")


class NotFound(Refusal):
    """No such thing, or not for this person to know."""

    slug = "not-found"
    status = 404
    message = N_("Cette page ou cette fiche n’existe pas, ou n’existe plus.")
    what_to_do = N_("Revenez à l’accueil et cherchez de nouveau.")


class Forbidden(Refusal):
    """Not allowed to this person here."""

    slug = "forbidden"
    status = 403
    message = N_("Votre compte ne permet pas cette action.")
    what_to_do = N_("Si elle vous est nécessaire, demandez à l’administrateur de votre collectivité.")


class NotSignedIn(Refusal):
    """Nobody knows who asks."""

    slug = "not-signed-in"
    status = 401
    message = N_("Votre session est fermée.")
    what_to_do = N_("Connectez-vous, puis recommencez.")


class TooMany(Refusal):
    """Asked too often."""

    slug = "too-many-requests"
    status = 429
    message = N_("Trop d’essais en peu de temps.")
    what_to_do = N_("Attendez {retry_after_s} secondes, puis recommencez.")


class TooLarge(Refusal):
    """Larger than the bound."""

    slug = "too-large"
    status = 413
    message = N_("Ce qui a été envoyé est trop volumineux.")


class Unavailable(Refusal):
    """A part that is needed does not answer."""

    slug = "unavailable"
    status = 503
    message = N_("Une partie du service ne répond pas pour l’instant.")
    what_to_do = N_("Recommencez dans une minute. Rien n’a été enregistré.")


def all_refusals(base: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    """Yield every kind of refusal that is defined, the base first."""
    yield base
    for kind in base.__subclasses__():
        yield from all_refusals(kind)
