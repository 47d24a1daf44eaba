"""A tariff as an official writes it, in YAML: read strictly, with what is wrong said by line.

Scalars are taken as they are written and never as YAML understands them: `2,35 €` and `2.35` are the same amount, and
`non` is no truth value. Pure: text in, a tariff or faults out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache

from yaml.nodes import Node

from cvq_core.errors import N_, BadInput
from cvq_core.tariffs.rules import (
    Bracket,
    Case,
    Conditions,
    Item,
    Range,
    Rate,
    Residence,
    SiblingRule,
    Tariff,
    UserKind,
)
from cvq_core.tariffs.words import SERVICE_WORDS, UNIT_WORDS
from cvq_core.yaml_nodes import Fault, NodeReader, NotYaml, Unread, compose

CHARACTERS_MAX = 60_000
FAULTS_MAX = 30
ITEMS_MAX = 40
CASES_MAX = 40
BRACKETS_MAX = 40
AMOUNT_CENTS_MAX = 10_000_00

_AMOUNT = re.compile(r"(\d{1,6})(?:[.,](\d{1,4}))?(?:\s*€)?")
_SHARE = re.compile(r"(\d{1,3})(?:[.,](\d{1,4}))?\s*%")
_RANGES = (
    re.compile(r"(?P<low>\d{1,6})\s*(?:à|a|-)\s*(?P<high>\d{1,6})"),
    re.compile(r"(?P<low>\d{1,6})\s+et\s+plus"),
    re.compile(r"moins\s+de\s+(?P<below>\d{1,6})"),
    re.compile(r"(?P<one>\d{1,6})"),
)
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_RESIDENCES = {"territoire": Residence.INSIDE, "hors territoire": Residence.OUTSIDE}
_USERS = {"particulier": UserKind.HOUSEHOLD, "professionnel": UserKind.PROFESSIONAL}
_SERVICES = {word: code for code, word in SERVICE_WORDS.items()}
_UNITS = {word: unit for unit, word in UNIT_WORDS.items()}


class UnreadableTariff(BadInput):
    """The file is no tariff; `faults` say where and why."""

    slug = "unreadable-tariff"
    message = N_("Ce tarif ne peut pas être lu : des lignes sont à corriger.")
    what_to_do = N_("Corrigez les lignes signalées, puis proposez de nouveau.")

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        super().__init__()
        self.faults = tuple(faults)


@lru_cache(maxsize=128)
def read_tariff(text: str) -> Tariff:
    """Return the tariff that a file says.

    Raises:
        UnreadableTariff: with every fault that was found, the first line first, `FAULTS_MAX` at most.
    """
    if len(text) > CHARACTERS_MAX:
        raise UnreadableTariff([Fault(1, N_("Ce texte est trop long pour un tarif."))])
    reader = _Reader()
    try:
        tariff = reader.tariff(compose(text))
    except NotYaml as error:
        raise UnreadableTariff([error.fault]) from None
    if reader.faults or tariff is None:
        raise UnreadableTariff(sorted(reader.faults)[:FAULTS_MAX])
    return tariff


class _Reader(NodeReader):
    """Reads the nodes of one tariff."""

    def tariff(self, root: Node | None) -> Tariff | None:
        """Return the tariff, or None with faults noted."""
        try:
            fields = self._mapping(root, needs=("service", "titre", "décision", "prestations"))
        except Unread:
            return None
        service = self._try(self._choice, fields.get("service"), _SERVICES)
        title = self._try(self._words, fields.get("titre"))
        decision = self._try(self._words, fields.get("décision"))
        nodes = list(self._each(fields.get("prestations"), ITEMS_MAX))
        items = tuple(item for node in nodes if (item := self._try(self._item, node)) is not None)
        codes: dict[str, Node] = {}
        for item, node in zip(items, nodes, strict=False):
            if item.code in codes and not self.faults:
                self.fault(node, N_("Le code « {code} » est déjà celui d’une autre prestation."), code=item.code)
            codes[item.code] = node
        if self.faults or service is None or title is None or decision is None:
            return None
        return Tariff(service, title, decision, items)

    def _item(self, node: Node | None) -> Item:
        fields = self._mapping(node, needs=("code", "nom", "unité", "prix"), may=("fratrie",))
        before = len(self.faults)
        code = self._try(self._code, fields.get("code"))
        label = self._try(self._words, fields.get("nom"))
        unit = self._try(self._choice, fields.get("unité"), _UNITS)
        case_nodes = list(self._each(fields.get("prix"), CASES_MAX))
        cases = [self._try(self._case, each) for each in case_nodes]
        siblings: list[SiblingRule | None] = []
        if "fratrie" in fields:
            siblings = [self._try(self._sibling, each) for each in self._each(fields["fratrie"], BRACKETS_MAX)]
        if len(self.faults) > before or code is None or label is None or unit is None:
            raise Unread
        read = [case for case in cases if case is not None]
        for case, following in zip(read, case_nodes[1:], strict=False):
            if case.conditions.is_for_all:
                raise self.fault(following, N_("Ce prix ne servira jamais : celui d’avant vaut déjà pour tous."))
        rules = [rule for rule in siblings if rule is not None]
        self._disjoint([rule.ranks for rule in rules], fields.get("fratrie"))
        return Item(code, label, unit, tuple(read), tuple(rules))

    def _case(self, node: Node) -> Case:
        fields = self._mapping(node, may=("pour", "montant", "tranches", "taux", "plancher", "plafond"))
        conditions = self._conditions(fields["pour"]) if "pour" in fields else Conditions()
        kinds = [name for name in ("montant", "tranches", "taux") if name in fields]
        if len(kinds) != 1:
            raise self.fault(node, N_("Un prix se donne par « montant », par « tranches » ou par « taux », un seul."))
        extra = [name for name in ("plancher", "plafond") if name in fields and kinds != ["taux"]]
        if extra:
            raise self.fault(fields[extra[0]], N_("« {key} » ne va qu’avec « taux »."), key=extra[0])
        if kinds == ["montant"]:
            return Case(conditions, cents=self._amount(fields["montant"]))
        if kinds == ["tranches"]:
            return Case(conditions, brackets=self._brackets(fields["tranches"]))
        return Case(conditions, rate=self._rate(node, fields))

    def _conditions(self, node: Node) -> Conditions:
        fields = self._mapping(node, may=("habitation", "âge", "usager", "catégorie"))
        return Conditions(
            residence=self._choice(fields["habitation"], _RESIDENCES) if "habitation" in fields else None,
            ages=self._range(fields["âge"]) if "âge" in fields else None,
            user=self._choice(fields["usager"], _USERS) if "usager" in fields else None,
            category=self._words(fields["catégorie"]) if "catégorie" in fields else None,
        )

    def _brackets(self, node: Node) -> tuple[Bracket, ...]:
        """Brackets begin at nought, follow one another without a gap, have no end, and never become cheaper."""
        before = len(self.faults)
        nodes = list(self._each(node, BRACKETS_MAX))
        read = [self._try(self._bracket, each) for each in nodes]
        brackets = [bracket for bracket in read if bracket is not None]
        if len(self.faults) > before:
            raise Unread
        expected: int | None = 0
        for each, bracket in zip(nodes, brackets, strict=True):
            if expected is None:
                raise self.fault(each, N_("Une tranche suit celle qui n’a pas de fin : aucune famille n’y serait."))
            if bracket.quotients.low != expected:
                raise self.fault(each, N_("Cette tranche doit commencer à {expected}."), expected=expected)
            expected = None if bracket.quotients.high is None else bracket.quotients.high + 1
        if expected is not None:
            told = N_("Il manque une dernière tranche « {expected} et plus ».")
            raise self.fault(nodes[-1], told, expected=expected)
        for each, lower, higher in zip(nodes[1:], brackets, brackets[1:], strict=False):
            if higher.cents < lower.cents:
                raise self.fault(each, N_("Cette tranche est moins chère que celle d’avant."))
        return tuple(brackets)

    def _bracket(self, node: Node) -> Bracket:
        fields = self._mapping(node, needs=("quotient", "montant"))
        return Bracket(self._range(fields["quotient"]), self._amount(fields["montant"]))

    def _rate(self, node: Node, fields: Mapping[str, Node]) -> Rate:
        for name in ("plancher", "plafond"):
            if name not in fields:
                raise self.fault(node, N_("Un taux demande un « plancher » et un « plafond »."))
        rate = Rate(self._share(fields["taux"]), self._amount(fields["plancher"]), self._amount(fields["plafond"]))
        if rate.ceiling_cents < rate.floor_cents:
            raise self.fault(fields["plafond"], N_("Le plafond est plus bas que le plancher."))
        return rate

    def _sibling(self, node: Node) -> SiblingRule:
        fields = self._mapping(node, needs=("rang", "réduction"))
        ranks = self._range(fields["rang"])
        if ranks.low == 0:
            raise self.fault(fields["rang"], N_("Les rangs commencent à 1, l’aîné."))
        if "%" in self._text(fields["réduction"]):
            return SiblingRule(ranks, share_off=self._share(fields["réduction"]))
        return SiblingRule(ranks, cents_off=self._amount(fields["réduction"]))

    def _disjoint(self, ranges: Sequence[Range], node: Node | None) -> None:
        for index, one in enumerate(ranges):
            for other in ranges[index + 1 :]:
                if one.holds(other.low) or other.holds(one.low):
                    raise self.fault(node, N_("Deux règles de fratrie valent pour le même rang."))

    def _code(self, node: Node | None) -> str:
        text = self._text(node)
        if not _CODE.fullmatch(text):
            raise self.fault(node, N_("Un code s’écrit en minuscules sans accent, par exemple « repas_adulte »."))
        return text

    def _amount(self, node: Node) -> Fraction:
        """Return cents: four decimals of a euro at most."""
        match = _AMOUNT.fullmatch(self._text(node))
        cents = _number(match) * 100 if match else Fraction(-1)
        if not 0 <= cents <= AMOUNT_CENTS_MAX:
            raise self.fault(node, N_("Un montant s’écrit en euros, par exemple « 2,35 € », de 0 à 10 000 €."))
        return cents

    def _share(self, node: Node) -> Fraction:
        match = _SHARE.fullmatch(self._text(node))
        share = _number(match) / 100 if match else Fraction(-1)
        if not 0 <= share <= 1:
            raise self.fault(node, N_("Un taux s’écrit en pour cent, par exemple « 0,85 % », de 0 à 100 %."))
        return share

    def _range(self, node: Node) -> Range:
        text = self._text(node).lower()
        match = next((each for pattern in _RANGES if (each := pattern.fullmatch(text))), None)
        if match is None:
            told = N_("On attend « 0 à 400 », « 401 et plus », « moins de 6 » ou un nombre seul.")
            raise self.fault(node, told)
        numbers = {name: int(value) for name, value in match.groupdict().items() if value is not None}
        if "one" in numbers:
            return Range(numbers["one"], numbers["one"])
        high = numbers["below"] - 1 if "below" in numbers else numbers.get("high")
        found = Range(numbers.get("low", 0), high)
        if high is not None and high < found.low:
            raise self.fault(node, N_("La fin est avant le début."))
        return found


def _number(match: re.Match[str]) -> Fraction:
    whole, decimals = match.groups()
    return Fraction(int(whole)) + Fraction(int(decimals or 0), 10 ** len(decimals or ""))
