"""What may happen in a visit, and when an account may be looked at. Pure: no database, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from cvq_core.errors import N_, BadInput, Forbidden, Refusal
from cvq_desk.wire import CallState, CardState, ConsentState, Phase


class VisitState(StrEnum):
    """Where a visit is."""

    TAKEN = "taken"
    RINGING = "ringing"
    IN_CALL = "in_call"
    HUNG_UP = "hung_up"
    ENDING = "ending"
    WIPING = "wiping"
    ENDED = "ended"
    RELEASED = "released"


class VisitEvent(StrEnum):
    """What can happen to a visit."""

    CALL = "call"
    ANSWERED = "answered"
    HANG_UP = "hang_up"
    END = "end"
    GO_BACK = "go_back"
    GO_BACK_UNCONNECTED = "go_back_unconnected"
    WIPE = "wipe"
    WIPED = "wiped"
    RELEASE = "release"


S, E = VisitState, VisitEvent
TRANSITIONS: dict[tuple[VisitState, VisitEvent], VisitState] = {
    (S.TAKEN, E.CALL): S.RINGING,
    (S.TAKEN, E.RELEASE): S.RELEASED,
    (S.RINGING, E.ANSWERED): S.IN_CALL,
    (S.RINGING, E.HANG_UP): S.HUNG_UP,
    (S.IN_CALL, E.HANG_UP): S.HUNG_UP,
    (S.HUNG_UP, E.CALL): S.RINGING,
    (S.IN_CALL, E.END): S.ENDING,
    (S.HUNG_UP, E.END): S.ENDING,
    (S.RINGING, E.END): S.ENDING,
    (S.ENDING, E.GO_BACK): S.IN_CALL,
    (S.ENDING, E.GO_BACK_UNCONNECTED): S.HUNG_UP,
    (S.ENDING, E.WIPE): S.WIPING,
    (S.WIPING, E.WIPED): S.ENDED,
}

AT_THE_BOOTH = frozenset({S.RINGING, S.IN_CALL, S.HUNG_UP, S.ENDING, S.WIPING})
"""States in which the booth belongs to the visit."""

IN_SESSION = frozenset({S.IN_CALL, S.HUNG_UP, S.ENDING})
"""States in which the advisor may act for the resident."""

OVER = frozenset({S.ENDED, S.RELEASED})


class Identity(StrEnum):
    """How well the resident is known, on the day: a card proves nothing about it."""

    NONE = "none"
    PAPER_SHOWN = "paper_shown"
    VOUCHED = "vouched"


class ConsentScope(StrEnum):
    """What of an account can be opened; each is asked for by itself."""

    FAMILY = "family"
    CARDS = "cards"
    WALLETS = "wallets"
    MOVES = "moves"
    CHOICES = "choices"
    MANDATE = "mandate"
    QUOTIENT = "quotient"
    RESERVATIONS = "reservations"
    BLOCK = "block"


SCOPE_WORDS = {
    ConsentScope.FAMILY: N_("Voir les personnes de votre famille"),
    ConsentScope.CARDS: N_("Voir vos cartes"),
    ConsentScope.WALLETS: N_("Voir ce qu’il reste pour chaque service, et les derniers mouvements"),
    ConsentScope.MOVES: N_("Déplacer de l’argent d’un de vos services à un autre"),
    ConsentScope.CHOICES: N_("Régler l’approvisionnement automatique et l’avertissement de solde bas"),
    ConsentScope.MANDATE: N_("Préparer une autorisation de prélèvement sur votre compte bancaire"),
    ConsentScope.QUOTIENT: N_(
        "Demander une fois à la CAF ou à la MSA votre quotient familial, pour calculer vos prix (seuls le chiffre, le "
        "mois et la caisse sont gardés)"
    ),
    ConsentScope.RESERVATIONS: N_("Voir vos réservations de courts et de salles, réserver et annuler pour vous"),
    ConsentScope.BLOCK: N_("Bloquer une carte perdue ou volée"),
}

LOOKS = frozenset({ConsentScope.FAMILY, ConsentScope.CARDS, ConsentScope.WALLETS})
"""What only looks; what changes something is asked for only when somebody wants it done."""


class NotNow(Refusal):
    """The visit's state does not allow it."""

    slug = "visit-state"
    message = N_("Cet entretien n’en est pas là : cette action n’est pas possible maintenant.")
    what_to_do = N_("Regardez l’état de l’entretien en haut de la page.")


class NotSeated(Refusal):
    """The secretary has not marked the resident as seated yet."""

    slug = "not-seated"
    message = N_("La personne n’est pas encore installée au guichet.")
    what_to_do = N_("Le secrétariat l’indique dès qu’elle est assise. Vous pouvez l’appeler au {phone}.")


class AlreadyTaken(Refusal):
    """Another advisor was faster."""

    slug = "already-taken"
    message = N_("{advisor} a déjà pris cette personne.")
    what_to_do = N_("Choisissez la personne suivante.")


class BoothBusy(Refusal):
    """The booth serves another visit."""

    slug = "booth-busy"
    message = N_("Le guichet est déjà occupé par un autre entretien.")
    what_to_do = N_("Attendez la fin de cet entretien, ou appelez le secrétariat.")


class NotYourVisit(Forbidden):
    """The visit is another advisor's."""

    slug = "not-your-visit"
    message = N_("Cet entretien est mené par {advisor}.")
    what_to_do = ""


class ConsentForAnother(Forbidden):
    """Consent was asked in the name of an organisation that is not the visit's."""

    slug = "consent-for-another-organisation"
    message = N_("L’accord ne peut être demandé que pour votre organisme.")
    what_to_do = N_("Rien n’a été demandé à la personne.")


class QuotientNotYours(Forbidden):
    """Only the community may ask the CAF and the MSA for a quotient: it is for its own prices."""

    slug = "quotient-for-the-community"
    message = N_("Seuls les conseillers de la communauté de communes demandent le quotient familial.")
    what_to_do = N_("Rien n’a été demandé à la personne.")


class IdentityFirst(Refusal):
    """Nobody has checked who sits there."""

    slug = "identity-first"
    message = N_("L’identité n’a pas encore été vérifiée.")
    what_to_do = N_("Demandez une pièce d’identité devant la caméra, ou l’attestation du secrétariat.")


class NotVouched(Refusal):
    """The secretary has not vouched for the resident."""

    slug = "not-vouched"
    message = N_("Le secrétariat n’a pas attesté l’identité de cette personne.")
    what_to_do = N_("Demandez une pièce d’identité devant la caméra, ou appelez le secrétariat.")


class NoAccount(BadInput):
    """The person has no such account."""

    slug = "no-account"
    message = N_("Cette personne n’a pas de compte famille.")
    what_to_do = N_("L’entretien continue sans compte : il n’est jamais nécessaire pour être reçu.")


class NoConsent(Forbidden):
    """No consent stands for what was asked for."""

    slug = "no-consent"
    message = N_("La personne n’a pas donné son accord pour ouvrir ce compte.")
    what_to_do = N_("Demandez-lui son accord depuis le panneau « Compte ».")


class AccountMergedMeanwhile(NoConsent):
    """The account that was opened was merged into another one, for which nobody was asked."""

    slug = "account-merged-meanwhile"
    message = N_("Ce compte vient d’être réuni au compte {number}.")
    what_to_do = N_("L’accord valait pour l’ancien : demandez-le de nouveau, pour le compte {number}.")


class ConsentPaused(NoConsent):
    """The card was taken away, and the pause is over."""

    slug = "card-removed"
    message = N_("La carte a été retirée.")
    what_to_do = N_("Demandez à la personne si vous continuez sans la carte, ou fermez le compte.")


class ConsentSettled(Refusal):
    """The question was answered already."""

    slug = "consent-settled"
    message = N_("La personne a déjà répondu à cette question.")


def next_state(state: VisitState, event: VisitEvent) -> VisitState:
    """Return the state after `event`.

    Raises:
        NotNow: the event has no place in this state.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise NotNow(state=state, event=event) from None


@dataclass(frozen=True, slots=True)
class ConsentFacts:
    """A consent, as far as it decides whether an account may be looked at."""

    state: ConsentState
    scopes: frozenset[str]
    until: datetime
    with_card: bool


@dataclass(frozen=True, slots=True)
class CardFacts:
    """The card on the booth's reader within a visit; `removed_at` is when the last good one was taken away."""

    state: CardState
    removed_at: datetime | None


def pause_ends(card: CardFacts, pause: timedelta) -> datetime | None:
    """Return when the pause after a removed card is over, if one runs; a card that was refused does not end it."""
    if card.state is CardState.PRESENT or card.removed_at is None:
        return None
    return card.removed_at + pause


def check_look(
    visit: VisitState,
    consent: ConsentFacts | None,
    card: CardFacts,
    *,
    scope: ConsentScope,
    now: datetime,
    pause: timedelta,
) -> None:
    """Refuse a look at an account that nothing covers.

    A consent holds for this visit alone, until its hour, for its scopes. One that was given with the card on the
    reader is suspended when the card has been away for longer than the pause, until the advisor goes on without it.

    Raises:
        NoConsent: none was given, or it is over, or it does not cover `scope`.
        ConsentPaused: the card is away.
    """
    if consent is None or consent.state is not ConsentState.GIVEN or visit not in IN_SESSION:
        raise NoConsent
    if now >= consent.until or scope not in consent.scopes:
        raise NoConsent
    ends = pause_ends(card, pause)
    if consent.with_card and ends is not None and now >= ends:
        raise ConsentPaused


def judge_card(
    *,
    problem: str,
    holder: UUID | None,
    expected: UUID | None,
    same_family: bool,
    names_agree: bool,
) -> tuple[CardState, str]:
    """Return what becomes of a card laid on the reader, and the slug of its refusal.

    `problem` is the card's own trouble (`card-lost`, `card-expired`, …), empty for a good one. A card of the
    person's own family will do: a mother may have brought her child's. For somebody without an account, the name that
    the secretary wrote must be the holder's; else it is a stranger's card.
    """
    if problem:
        return CardState.REFUSED, problem
    fits = names_agree if expected is None else holder == expected or same_family
    return (CardState.PRESENT, "") if fits else (CardState.REFUSED, "strangers-card")


def phase_of(visit: VisitState, shown: str, *, consent_asked: bool) -> Phase:
    """Return which of its pages screen 2 shows."""
    if visit is VisitState.RINGING:
        return Phase.RINGING
    if visit in (VisitState.ENDING, VisitState.WIPING):
        return Phase.GOODBYE
    if consent_asked:
        return Phase.CARD
    return Phase(shown) if shown in {Phase.WELCOME, Phase.CARD, Phase.FORM, Phase.PAPERS} else Phase.WELCOME


def call_of(visit: VisitState, *, connected: bool) -> CallState:
    """Return how the face-to-face call stands; at the goodbye it goes on only where it was `connected`."""
    match visit:
        case VisitState.RINGING:
            return CallState.RINGING
        case VisitState.ENDING:
            return CallState.LIVE if connected else CallState.HUNG_UP
        case VisitState.IN_CALL:
            return CallState.LIVE
        case VisitState.HUNG_UP:
            return CallState.HUNG_UP
        case _:
            return CallState.NONE
