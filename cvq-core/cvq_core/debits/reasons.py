"""Why a bank sends a debit back: ISO 20022's codes, in the words of a town hall."""

from __future__ import annotations

from enum import StrEnum

from cvq_core.errors import N_


class ReturnReason(StrEnum):
    """Why a debit comes back: the codes of the SEPA core scheme, and our own for a file that never left."""

    WRONG_ACCOUNT = "AC01"
    CLOSED = "AC04"
    BLOCKED = "AC06"
    CONSUMER_ACCOUNT = "AC13"
    FORBIDDEN = "AG01"
    BAD_CODE = "AG02"
    INSUFFICIENT = "AM04"
    DUPLICATE = "AM05"
    WRONG_CREDITOR = "BE05"
    AGENT_CLOSED = "CNOR"
    AGENT_UNKNOWN = "DNOR"
    BAD_FORMAT = "FF01"
    NO_MANDATE = "MD01"
    BAD_MANDATE_DATA = "MD02"
    REFUNDED = "MD06"
    DECEASED = "MD07"
    REFUSED_BY_HOLDER = "MS02"
    REFUSED_BY_BANK = "MS03"
    WRONG_BIC = "RC01"
    REGULATORY = "RR04"
    OPPOSED = "SL01"
    OTHER = "NARR"
    NOT_SENT = "NOTSENT"


RETURN_WORDS: dict[ReturnReason, str] = {
    ReturnReason.WRONG_ACCOUNT: N_("numéro de compte faux"),
    ReturnReason.CLOSED: N_("compte clos"),
    ReturnReason.BLOCKED: N_("compte bloqué"),
    ReturnReason.CONSUMER_ACCOUNT: N_("compte qui n’accepte pas ce prélèvement"),
    ReturnReason.FORBIDDEN: N_("prélèvement interdit sur ce compte, un livret par exemple"),
    ReturnReason.BAD_CODE: N_("type de prélèvement refusé par la banque"),
    ReturnReason.INSUFFICIENT: N_("provision insuffisante"),
    ReturnReason.DUPLICATE: N_("présenté deux fois, selon la banque"),
    ReturnReason.WRONG_CREDITOR: N_("identifiant créancier refusé"),
    ReturnReason.AGENT_CLOSED: N_("banque du créancier inconnue"),
    ReturnReason.AGENT_UNKNOWN: N_("banque de la famille inconnue"),
    ReturnReason.BAD_FORMAT: N_("fichier mal formé, selon la banque"),
    ReturnReason.NO_MANDATE: N_("pas de mandat, selon la banque"),
    ReturnReason.BAD_MANDATE_DATA: N_("données du mandat fausses"),
    ReturnReason.REFUNDED: N_("remboursement demandé par la famille"),
    ReturnReason.DECEASED: N_("titulaire décédé"),
    ReturnReason.REFUSED_BY_HOLDER: N_("refus de la famille, sans motif"),
    ReturnReason.REFUSED_BY_BANK: N_("refus de la banque, sans motif"),
    ReturnReason.WRONG_BIC: N_("code BIC faux"),
    ReturnReason.REGULATORY: N_("motif réglementaire"),
    ReturnReason.OPPOSED: N_("opposition de la famille"),
    ReturnReason.OTHER: N_("autre motif"),
    ReturnReason.NOT_SENT: N_("fichier abandonné, jamais envoyé à la banque"),
}

FROM_THE_BANK = tuple(reason for reason in ReturnReason if reason is not ReturnReason.NOT_SENT)
"""What a bank may say; the other one is ours."""

ENDS_THE_MANDATE = frozenset(
    {
        ReturnReason.WRONG_ACCOUNT,
        ReturnReason.CLOSED,
        ReturnReason.BLOCKED,
        ReturnReason.CONSUMER_ACCOUNT,
        ReturnReason.FORBIDDEN,
        ReturnReason.NO_MANDATE,
        ReturnReason.DECEASED,
        ReturnReason.OPPOSED,
    }
)
"""Reasons after which nothing may be debited again under the same mandate."""


def reason_of(code: str) -> ReturnReason:
    """Return the reason that a bank's code stands for; one that we have no word for is another reason."""
    return next((reason for reason in FROM_THE_BANK if reason.value == code), ReturnReason.OTHER)
