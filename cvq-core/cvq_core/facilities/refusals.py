"""What is refused around reservations, in words."""

from __future__ import annotations

from cvq_core.errors import N_, BadInput, Forbidden, NotFound, Refusal


class UnknownFacility(NotFound):
    """No facility has this id or this link, or it has no terms yet."""

    slug = "unknown-facility"
    message = N_("Ce lieu ne se réserve pas, ou ses règles ne sont pas encore écrites.")
    what_to_do = N_("Choisissez un lieu dans la liste.")


class UnknownReservation(NotFound):
    """No reservation has this id."""

    slug = "unknown-reservation"
    message = N_("Cette réservation n’existe pas.")
    what_to_do = N_("Rouvrez le calendrier du lieu.")


class UnknownClosure(NotFound):
    """No closure has this id."""

    slug = "unknown-closure"
    message = N_("Cette fermeture n’existe pas, ou elle est déjà levée.")
    what_to_do = N_("Rechargez la page du lieu.")


class BadTerms(BadInput):
    """The settings of a facility cannot be right; `fields` say which."""

    slug = "bad-facility-terms"
    message = N_("Ces réglages ne sont pas possibles.")
    what_to_do = N_("Corrigez ce qui est signalé, puis enregistrez de nouveau.")


class BadClosure(BadInput):
    """A closure that is over, ends before it begins, lasts too long or says no reason."""

    slug = "bad-closure"
    message = N_("Cette fermeture n’est pas possible : il lui faut un motif, et une fin à venir, après son début.")
    what_to_do = N_("Vérifiez les dates et les heures.")


class NotASlot(BadInput):
    """No slot of this facility, or a length that it does not allow."""

    slug = "not-a-slot"
    message = N_("Cet horaire n’est pas un créneau de ce lieu.")
    what_to_do = N_("Choisissez un créneau libre dans le calendrier.")


class SlotPast(Refusal):
    """It has begun, or is over."""

    slug = "facility-slot-past"
    message = N_("Ce créneau a déjà commencé.")
    what_to_do = N_("Choisissez un créneau à venir.")


class FacilityShut(Refusal):
    """Closed at that time, by a closure whose reason is said."""

    slug = "facility-shut"
    message = N_("Le lieu est fermé à ce moment-là : {reason}.")
    what_to_do = N_("Choisissez un autre horaire.")


class NotOpenThen(Refusal):
    """None of its opening hours, or a public holiday."""

    slug = "facility-not-open"
    message = N_("Le lieu n’ouvre pas à ce moment-là.")
    what_to_do = N_("Choisissez un autre horaire.")


class SlotTaken(Refusal):
    """Somebody else has it, or is offered it."""

    slug = "facility-slot-taken"
    message = N_("Ce créneau vient d’être pris.")
    what_to_do = N_("Choisissez-en un autre, ou inscrivez la personne sur la liste d’attente.")


class SlotFree(Refusal):
    """Nobody has it: there is nothing to wait for."""

    slug = "slot-free"
    message = N_("Ce créneau est libre.")
    what_to_do = N_("Réservez-le : il n’y a pas à attendre.")


class MayNotReserve(Forbidden):
    """None of the rules is for this person."""

    slug = "may-not-reserve"
    message = N_("Cette personne ne peut pas réserver ce lieu : il est pour d’autres publics.")
    what_to_do = N_("Regardez les règles du lieu, ou proposez-lui d’abord un abonnement.")


class TooSoonToReserve(Refusal):
    """Further ahead than this person may."""

    slug = "too-soon-to-reserve"
    message = N_("Ce créneau ne se réserve pas encore : au plus {days} jours à l’avance.")
    what_to_do = N_("Choisissez une date plus proche, ou revenez plus tard.")


class TooManyReservations(Refusal):
    """As many to come as one may have."""

    slug = "too-many-reservations"
    message = N_("Une famille a au plus {count} réservations à venir, et ce nombre est atteint.")
    what_to_do = N_("Annulez-en une d’abord, ou attendez qu’elle soit passée.")


class WaitingListFull(Refusal):
    """As many wait for this time as may."""

    slug = "waiting-list-full"
    message = N_("La liste d’attente de ce créneau est complète.")
    what_to_do = N_("Choisissez un autre créneau.")


class AlreadyThere(Refusal):
    """This person, or the account that would pay, waits for a part of this time already, or has it."""

    slug = "already-waiting"
    message = N_("Cette personne, ou ce compte, attend déjà ce créneau ou l’a déjà.")
    what_to_do = N_("Rouvrez le calendrier : la place sera proposée quand elle se libère.")


class NobodyPays(BadInput):
    """It costs something and no account of this person's is to pay it."""

    slug = "nobody-pays"
    message = N_("Cette réservation se paie, et aucun compte de cette personne n’est choisi.")
    what_to_do = N_("Choisissez un de ses comptes famille, ou rattachez-la d’abord à un compte.")


class NotTheirReservationAccount(BadInput):
    """The account is none that this person may spend from."""

    slug = "not-their-account-to-spend"
    message = N_("Ce compte n’est pas un de ceux de cette personne.")
    what_to_do = N_("Choisissez un de ses comptes famille.")


class NobodyHere(Refusal):
    """The person has died."""

    slug = "reservation-for-nobody"
    message = N_("Cette personne est décédée : rien ne se réserve plus pour elle.")
    what_to_do = N_("Vérifiez qu’il s’agit de la bonne personne.")


class ReservationOver(Refusal):
    """It has begun, is over, or was given up before."""

    slug = "reservation-over"
    message = N_("Cette réservation a commencé, ou n’est plus en cours : elle ne s’annule plus.")
    what_to_do = N_("Rechargez la page.")


class OfferOver(Refusal):
    """It is offered no longer, or never was."""

    slug = "offer-over"
    message = N_("Cette place n’est plus proposée à cette personne.")
    what_to_do = N_("Rouvrez le calendrier : si elle est libre, réservez-la.")


class NoDeposit(Refusal):
    """There is no deposit to settle, or not yet."""

    slug = "no-deposit"
    message = N_("Il n’y a pas de caution à rendre ou à garder pour cette réservation.")
    what_to_do = N_("La caution se règle une fois la réservation terminée, une seule fois.")


class BadDeposit(BadInput):
    """More is kept than there is, or without a reason."""

    slug = "bad-deposit"
    message = N_("On garde au plus la caution, et toujours avec un motif.")
    what_to_do = N_("Corrigez la somme, ou écrivez le motif.")
