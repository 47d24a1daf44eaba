"""What a person reads on the two screens, for every state that the booth can be in."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest

from cvq_booth.screens.present import Renderer, Screen, nearest, outline
from cvq_booth.screens.state import Activity, BoothState, CallAtBooth
from cvq_booth.screens.words import PRINT_TROUBLES, SCAN_TROUBLES
from cvq_desk.wire import CardState, CardView, ConsentState, FieldView, PaymentState, Phase
from tests.unit.booth.booth_states import BOOKING, COMMAND, GOODBYE, PAYMENT, STATES, form, question, state, view, visit

RENDERER = Renderer("fr", ZoneInfo("Europe/Paris"))


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(screen: Screen, shown: BoothState) -> str:
    """Return what stands on the screen, as one line with plain spaces."""
    parser = _Words()
    parser.feed(RENDERER.frame(screen, shown).html)
    return re.sub(r"\s+", " ", "".join(parser.words)).strip()


def scene(screen: Screen, shown: BoothState) -> str:
    return RENDERER.frame(screen, shown).scene


def test_the_idle_screens_say_what_this_is_for_and_the_next_hour_without_a_name():
    one, two = read(1, STATES["idle"]), read(2, STATES["idle"])
    assert "Mairie du Tallud" in one
    assert "une personne vous répond en direct" in one
    assert "rien à toucher" in one
    assert "10 h 32" in one, "the clock stands in the page before any module has run"
    assert "Prochain rendez-vous 10 h 30" in two
    assert "La mairie ferme à 12 h 00" in two
    assert "Mutualité sociale agricole (MSA)" in two


def test_organisations_are_words_and_nothing_that_looks_pressable():
    html = RENDERER.frame(2, STATES["idle"]).html
    assert re.search(r"<li>\s*Sous-préfecture\s*</li>", html)
    assert html.count("<button") == 1, "only the way to the secretary"


def test_without_an_appointment_left_the_idle_screen_says_so():
    assert "Pas d’autre rendez-vous aujourd’hui" in read(2, STATES["idle_nobody_today"])


def test_a_closed_town_hall_says_when_it_opens_and_offers_no_call_that_nobody_hears():
    for screen in (1, 2):
        words = read(screen, STATES["closed"])
        assert "mercredi 25 novembre, 9 h 00" in words
        assert "Appeler la secrétaire" not in words


def test_without_a_line_the_screens_say_what_to_do():
    for screen in (1, 2):
        words = read(screen, STATES["offline"])
        assert "n’a plus de ligne" in words
        assert "appelez le 05 49 00 00 00" in words
        assert "Appeler la secrétaire" not in words, "the button would reach nobody"


def test_a_call_that_stands_goes_on_without_a_line():
    assert scene(1, STATES["line_lost_in_call"]) == "call"
    assert "La ligne est coupée, elle revient toute seule" in read(2, STATES["line_lost_in_call"])


def test_the_ring_says_who_calls_and_for_whom_and_that_the_camera_is_still_off():
    words = read(1, STATES["ringing"])
    assert "Nadia vous appelle Mutualité sociale agricole (MSA)" in words
    assert "La caméra est encore éteinte" in words
    assert "Regardez l’autre écran" in read(2, STATES["ringing"])


def test_a_live_view_whose_ring_was_not_seen_yet_is_shown_as_ringing():
    unseen = replace(STATES["form"], call=replace(STATES["form"].call, open=False))
    assert scene(1, unseen) == "ringing"
    assert scene(2, unseen) == "form", "a screen 1 that is broken does not hold up the papers"


def test_in_the_call_the_resident_is_told_that_one_is_seen_and_heard_and_not_recorded():
    words = read(1, STATES["welcome"])
    assert "On vous voit et on vous entend" in words
    assert "Rien n’est enregistré" in words
    assert "Nadia Mutualité sociale agricole (MSA)" in words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_camera", "On vous entend, sans vous voir"),
        ("no_microphone", "On vous voit, mais on ne vous entend pas"),
        ("no_devices", "On ne vous voit pas et on ne vous entend pas"),
        ("interrupted", "Restez à votre place, elle revient toute seule"),
        ("connecting", "Nadia arrive à l’écran"),
    ],
)
def test_what_the_call_lacks_is_said(name, words):
    assert words in read(1, STATES[name])


def test_after_hanging_up_the_resident_knows_that_the_camera_is_off():
    words = read(1, STATES["paused"])
    assert "Nadia peut vous rappeler" in words
    assert "La caméra est éteinte" in words
    assert scene(2, STATES["paused"]) == "form", "the papers stay"


@pytest.mark.parametrize("name", ["curtain_here", "curtain_by_advisor"])
def test_behind_the_curtain_nothing_of_the_visit_can_be_read(name):
    for screen in (1, 2):
        words = read(screen, STATES[name])
        for private in ("Nadia", "Mutualité", "Léa", "cantine", "lundi"):
            assert private not in words
        assert "On ne vous voit pas et on ne vous entend pas" in words


def test_a_curtain_drawn_at_the_booth_can_be_opened_there():
    assert "Montrer de nouveau" in read(1, STATES["curtain_here"])
    assert "Montrer de nouveau" not in read(1, STATES["curtain_by_advisor"])


@pytest.mark.parametrize(
    ("phase", "now"),
    [
        (Phase.WELCOME, "Bonjour"),
        (Phase.CARD, "Votre carte"),
        (Phase.FORM, "Le formulaire"),
        (Phase.PAPERS, "Vos papiers"),
        (Phase.GOODBYE, "C’est fini"),
    ],
)
def test_screen_2_says_where_we_are_in_five_words(phase, now):
    html = RENDERER.frame(2, state(phase, visit(form=form(), goodbye=STATES["goodbye"].visit.goodbye))).html
    current = re.search(r'aria-current="step">\s*(.*?)\s*<', html, re.DOTALL)
    assert current
    assert current[1] == now
    assert html.count("<li class=") == 5


def test_the_question_says_what_for_whom_and_until_when_and_that_no_is_an_answer():
    words = read(2, STATES["consent"])
    assert "Mutualité sociale agricole (MSA) vous demande l’accord pour : Voir les personnes de votre famille" in words
    assert "Jusqu’à 11 h 17, pour cet entretien seulement" in words
    assert "Vous pouvez dire non" in words


def test_yes_and_no_are_two_equal_buttons_and_none_is_chosen():
    html = RENDERER.frame(2, STATES["consent"]).html
    buttons = re.findall(r'<button type="button"\s+class="answer"[^>]*>', html)
    assert len(buttons) == 2
    assert "autofocus" not in html
    assert "checked" not in html


def test_an_answer_is_confirmed_in_words():
    assert "Vous avez dit oui" in read(2, STATES["consent_yes"])
    assert "Vous avez dit non. Merci. On continue sans ouvrir votre compte" in read(2, STATES["consent_no"])


def test_an_answered_question_asked_anew_is_asked_again():
    other = state(Phase.CARD, visit(consent=question()), answered_consent=COMMAND, answered_yes=True)
    assert "Êtes-vous d’accord" in read(2, other)


def test_an_open_account_is_always_in_sight_with_its_end_and_how_to_close_it():
    words = read(2, STATES["form"])
    assert "Compte ouvert jusqu’à 11 h 17. Pour le fermer, dites-le" in words


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("card_wanted", "Pas de carte ? On continue sans"),
        ("card_laid", "Votre carte est posée. Laissez-la"),
        ("card_removed", "Sinon, gardez-la : on continue sans"),
        ("card_unknown", "Ce n’est pas grave"),
        ("card_unreadable", "Reprenez-la, puis reposez-la bien à plat"),
        ("card_refused", "déclarée perdue le 3 mars. Gardez-la et appelez"),
    ],
)
def test_the_card_is_told_in_plain_words(card, words):
    assert words in read(2, STATES[card])


def test_a_card_taken_away_is_told_quietly_while_the_form_goes_on():
    assert scene(2, STATES["form_card_removed"]) == "form"
    html = RENDERER.frame(2, STATES["form_card_removed"]).html
    assert "Carte reprise" in html
    assert "<progress" in html


def test_one_field_stands_large_with_its_label_and_the_others_beside():
    html = RENDERER.frame(2, STATES["form"]).html
    assert re.search(r'class="label">\s*Jours de repas', html)
    assert re.search(r'class="value">\s*lundi, mardi, jeu', html)
    words = read(2, STATES["form"])
    assert "C’est juste ? Dites oui ou non à Nadia" in words
    assert "Question 5 sur 9" in words
    assert "Jules-Ferry, Le Tallud" in words


def test_an_empty_field_asks_for_an_answer_and_not_whether_it_is_right():
    words = read(2, STATES["form_nothing_yet"])
    assert "Répondez à Nadia" in words
    assert "C’est juste" not in words


def test_a_filled_form_is_read_again_as_a_whole():
    words = read(2, STATES["form_read"])
    assert "Tout est rempli. Relisez avec Nadia" in words
    assert "Née le 4 mars 2019" in words


@pytest.mark.parametrize("position", range(9))
def test_the_answers_beside_are_the_nearest_ones(position):
    fields = [FieldView(name=str(n), label=str(n), value="", current=n == position) for n in range(9)]
    beside = nearest(fields, position)
    assert len(beside) == 6
    assert any(answer.current for answer in beside)


def test_only_the_current_thing_is_said_aloud():
    for name, shown in STATES.items():
        for screen in (1, 2):
            html = RENDERER.frame(screen, shown).html
            assert html.count("data-say ") + html.count("data-say>") <= 1, name
            assert "aria-live" not in html, f"{name}: the page has one live region, outside of what is drawn anew"


@pytest.mark.parametrize("slug", [slug for slug in SCAN_TROUBLES if slug != "cancelled"])
def test_every_trouble_of_the_scanner_says_what_to_do_with_ones_hands(slug):
    activity = Activity("scan", COMMAND, "failed", trouble=slug)
    words = read(2, state(Phase.PAPERS, visit(), activity=activity))
    assert SCAN_TROUBLES[slug].what in words
    assert SCAN_TROUBLES[slug].hands.replace("{advisor}", "Nadia") in words
    assert "{" not in words


@pytest.mark.parametrize("slug", [slug for slug in PRINT_TROUBLES if slug != "cancelled"])
def test_every_trouble_of_the_printer_says_what_to_do_with_ones_hands(slug):
    activity = Activity("print", COMMAND, "waiting", trouble=slug)
    words = read(2, state(Phase.PAPERS, visit(), activity=activity))
    assert PRINT_TROUBLES[slug].what in words
    assert "Arrêter" in words


def test_a_trouble_without_words_of_its_own_is_still_told():
    activity = Activity("scan", COMMAND, "failed", trouble="something_new")
    assert SCAN_TROUBLES["other"].what in read(2, state(Phase.PAPERS, visit(), activity=activity))


def test_what_goes_on_can_be_stopped_and_what_is_over_cannot():
    assert "Arrêter" in read(2, STATES["scan_running"])
    assert "Arrêter" not in read(2, STATES["scan_done"])


def test_a_machine_at_work_comes_before_the_form_and_its_end_is_seen_for_a_while():
    running = Activity("print", COMMAND, "running")
    shown = state(Phase.FORM, visit(form=form()), activity=running)
    assert scene(2, shown) == "papers"
    assert scene(2, replace(shown, activity=replace(running, state="done", fresh=True))) == "papers"
    assert scene(2, replace(shown, activity=replace(running, state="done"))) == "form"


def test_a_question_comes_before_a_machine():
    shown = state(Phase.CARD, visit(consent=question()), activity=Activity("print", COMMAND, "running"))
    assert scene(2, shown) == "consent"


def test_the_last_page_names_what_to_take_home_and_the_reference():
    words = read(2, STATES["goodbye"])
    for thing in ("Votre carte", "Vos papiers", "Vos lunettes", "Votre feuille", "261124-K7M2QX"):
        assert thing in words


def test_where_to_pay_stands_large_with_its_code_and_nothing_of_the_account():
    words = read(2, STATES["payment"])
    assert scene(2, STATES["payment"]) == "payment"
    assert "67,25 € à payer" in words
    assert "guichet.parthenay-gatine.fr/p/k3m7xq29ab" in words
    assert 'd="M' in RENDERER.frame(2, STATES["payment"]).html
    assert "c’est payé" in read(2, STATES["payment_paid"])
    assert "Ne payez pas une seconde fois" in read(2, STATES["payment_checked"])


def test_a_code_is_drawn_square_by_square_and_can_hold_nothing_else():
    assert outline(["10", "01"]) == "M0 0h1v1h-1zM1 1h1v1h-1z"
    assert outline(['">', "<x"]) == ""


def test_a_question_a_machine_and_the_goodbye_come_before_the_payment():
    asked = state(Phase.CARD, visit(payment=PAYMENT, consent=question()))
    assert scene(2, asked) == "consent"
    scans = state(Phase.WELCOME, visit(payment=PAYMENT), activity=STATES["scan_running"].activity)
    assert scene(2, scans) == "papers"
    leaves = state(Phase.GOODBYE, visit(payment=PAYMENT, goodbye=GOODBYE))
    assert scene(2, leaves) == "goodbye"


def test_where_screen_2_can_be_touched_one_may_pay_on_it_and_elsewhere_not():
    assert "Payer ici" in read(2, STATES["payment_touch"])
    assert "Payer ici" not in read(2, STATES["payment"])
    assert "Ne plus payer ici" in read(2, STATES["paying"])
    assert "Cette page se ferme d’elle-même à 10 h 45" in read(2, STATES["paying"])
    assert "k3m7xq29ab" not in read(2, STATES["paying"])


def test_whoever_pays_is_interrupted_by_a_question_and_by_nothing_else():
    paying = STATES["paying"]
    assert scene(2, replace(paying, activity=STATES["scan_running"].activity)) == "paying"
    assert scene(2, replace(paying, curtain_here=True)) == "curtain"
    assert scene(2, replace(paying, line="lost", call=CallAtBooth())) == "offline"
    asked = state(Phase.CARD, visit(payment=PAYMENT, consent=question()), touch=True, paying_until=paying.paying_until)
    assert scene(2, asked) == "consent"


def test_what_is_paid_or_untouchable_has_no_page_to_pay_on():
    paid = visit(payment=PAYMENT.model_copy(update={"state": PaymentState.PAID}))
    until = STATES["paying"].paying_until
    assert scene(2, state(Phase.WELCOME, paid, touch=True, paying_until=until)) == "payment"
    assert scene(2, state(Phase.WELCOME, visit(payment=PAYMENT), paying_until=until)) == "payment"


def test_the_bank_account_stands_whole_and_large_until_it_is_answered():
    words = read(2, STATES["mandate"])
    assert "C’est bien votre compte bancaire ?" in words
    assert "FR14 2004 1010 0505 0001 3M02 606" in words
    assert "Au nom de Jeanne Moreau-Lefèvre" in words
    assert "3M02" not in read(2, STATES["mandate_answered"])
    assert "3M02" not in read(2, replace(STATES["mandate"], curtain_here=True))


def test_a_wiped_visit_is_over_at_the_booth_whatever_the_desk_still_says():
    for screen in (1, 2):
        assert scene(screen, STATES["wiped"]) == "idle"
        assert "261124-K7M2QX" not in RENDERER.page(screen, STATES["wiped"])


def test_a_forgotten_card_is_told_until_it_is_taken():
    assert "Une carte est restée sur le lecteur" in read(1, STATES["card_forgotten"])
    assert scene(1, state()) == "idle"


def test_the_way_to_a_person_is_on_every_scene_of_an_open_booth():
    for name, shown in STATES.items():
        if name in {"starting", "closed", "offline", "idle_help_asked", "line_lost_in_call"}:
            continue
        for screen in (1, 2):
            assert 'data-press="help"' in RENDERER.frame(screen, shown).html, (name, screen)
    assert "La secrétaire est prévenue" in read(1, STATES["idle_help_asked"])


def test_what_the_desk_writes_cannot_become_markup():
    evil = "<script>alert(1)</script>"
    shown = state(Phase.FORM, visit(advisor=evil, form=form(0, value=evil)), view=None)
    shown = replace(shown, view=view(Phase.FORM, visit(advisor=evil, form=form(0, value=evil)), town_hall=evil))
    for screen in (1, 2):
        assert "<script>alert" not in RENDERER.page(screen, shown)


def test_no_page_carries_a_script_or_a_style_of_its_own():
    for name, shown in STATES.items():
        for screen in (1, 2):
            page = RENDERER.page(screen, shown)
            assert re.findall(r"<script(?![^>]* src=)", page) == [], name
            assert " style=" not in page, name
            assert not re.search(r"\son\w+=", page), name


def test_a_card_state_that_needs_the_resident_is_shown_already_at_the_welcome():
    refused = CardView(state=CardState.REFUSED, message="Cette carte a été déclarée perdue.")
    assert scene(2, state(Phase.WELCOME, visit(card=refused))) == "card"


def test_an_ended_question_is_not_asked():
    assert scene(2, state(Phase.WELCOME, visit(consent=question(ConsentState.ENDED)))) == "welcome"


def test_what_was_reserved_is_shown_and_spoken_with_its_price_and_a_question_comes_before_it():
    words = read(2, STATES["booking"])
    assert scene(2, STATES["booking"]) == "booking"
    assert "C’est réservé." in words
    assert "vendredi 27 novembre, de 18 h 00 à 18 h 40" in words
    assert "Prix : 7,00 €" in words.replace("\u00a0", " ")
    assert "liste d’attente" in read(2, STATES["booking_waiting"])
    assert "Rendu : 7,00 €" in read(2, STATES["booking_given_up"]).replace("\u00a0", " ")
    asked = state(Phase.CARD, visit(booking=BOOKING, consent=question()))
    assert scene(2, asked) == "consent"
