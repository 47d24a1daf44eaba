"""What became of staff lists, in the words of those who watch them."""

from __future__ import annotations

from collections.abc import Mapping

from cvq_core.agents.rules import RunOutcome
from cvq_core.errors import N_

RUN_WORDS: Mapping[RunOutcome, tuple[str, str]] = {
    RunOutcome.APPLIED: (N_("Appliquée"), "ok"),
    RunOutcome.REFUSED: (N_("Refusée, rien n’a changé"), "alert"),
    RunOutcome.UNDOING: (N_("Défaite"), "sun"),
}
REFUSAL_WORDS: Mapping[str, str] = {
    "bad-staff-list": N_("une ligne ne se lit pas, ou il n’y a personne"),
    "staff-list-too-short": N_("trop de personnes y manquent à la fois"),
}
TROUBLE_WORDS: Mapping[str, str] = {
    "no-answer": N_("l’annuaire ne répond pas : les portes restent comme elles sont"),
    "wrong-password": N_("l’annuaire refuse notre mot de passe : les portes restent comme elles sont"),
    "no-password": N_("le mot de passe de l’annuaire ne se lit pas : les portes restent comme elles sont"),
    "cut": N_("l’annuaire ne donne qu’une partie de la liste : les portes restent comme elles sont"),
    "settled": N_("la liste revient telle qu’elle fut refusée ou défaite : elle n’est pas appliquée"),
}
