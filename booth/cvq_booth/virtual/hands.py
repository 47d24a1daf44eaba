"""The gestures with which somebody who tries the demonstration plays the resident's hands at the virtual machines."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from cvq_booth.virtual import cards, printer
from cvq_booth.virtual.control import ControlError, send
from cvq_scanning.virtual import SHEETS, PaperTrouble, VirtualScanner

Words = Callable[[str], str]
"""Gives a French sentence in the visitor's language."""

Tone = Literal["ok", "sun", "alert", "off"]

CARDS_MAX = 50
UID_BYTES = range(4, 11)


class BadCards(Exception):
    """The file of the demonstration's cards cannot be understood; the message says where."""


@dataclass(frozen=True, slots=True)
class DemoCard:
    """A card of the demonstration's territory."""

    label: str
    uid: str


@dataclass(frozen=True, slots=True)
class Gesture:
    """Something that can be done now; `name` is the same from one look to the next.

    `pressed` marks a state that this brought about and that lasts, `mends` what ends a trouble.
    """

    name: str
    label: str
    do: Callable[[], Awaitable[Any]]
    pressed: bool = False
    mends: bool = False


@dataclass(frozen=True, slots=True)
class MachineView:
    """A machine as the panel shows it: how it is, in words and in a tone, and what can be done."""

    title: str
    state: str
    tone: Tone
    groups: Sequence[tuple[str, Sequence[Gesture]]] = ()
    sheets: Sequence[Path] = field(default=())


class Machine(Protocol):
    """A virtual machine at hand."""

    async def view(self, _: Words) -> MachineView:
        """Return how it is now."""
        ...


def read_cards(path: Path) -> list[DemoCard]:
    """Read the list of cards, `[{"label": "Carte de Jeanne Moreau", "uid": "04…"}]`.

    Raises:
        BadCards: the file is missing, is not such a list, or holds an identifier that no card has.
    """
    try:
        found = [DemoCard(str(card["label"]), str(card["uid"]).upper()) for card in json.loads(path.read_text())]
        sizes = [len(bytes.fromhex(card.uid)) for card in found]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadCards(f"{path}: {error}") from error
    if len(found) > CARDS_MAX or any(size not in UID_BYTES for size in sizes):
        raise BadCards(f"{path}: at most {CARDS_MAX} cards, with identifiers of 4 to 10 bytes in hexadecimal")
    return found


class CardHands:
    """Lays cards on the virtual reader that listens at `control`."""

    def __init__(self, control: Path, known: Sequence[DemoCard]) -> None:
        self._control = control
        self._known = known

    async def view(self, _: Words) -> MachineView:
        """Return what lies on the reader, and each card to lay there."""
        title = _("Lecteur de cartes")
        try:
            state = await send(self._control, {"do": "state"})
        except ControlError:
            return MachineView(title, _("Le lecteur virtuel ne répond pas."), "off")
        if not state["reader"]:
            plug = Gesture("reader-plug", _("Rebrancher le lecteur"), self._order(do="plug"))
            return MachineView(title, _("Le lecteur est débranché."), "alert", [("", [plug])])
        lay = [
            Gesture(
                f"card-{card.uid}", card.label, self._order(do="lay", uid=card.uid), pressed=card.uid == state["uid"]
            )
            for card in self._known
        ]
        return MachineView(
            title,
            self._state(state, _),
            "off" if state["uid"] is None else "alert" if state["fault"] else "ok",
            [(_("Poser sur le lecteur"), lay), (_("Ce qui peut arriver"), self._other_gestures(state, _))],
        )

    def _state(self, state: Mapping[str, Any], _: Words) -> str:
        if state["uid"] is None:
            return _("Aucune carte sur le lecteur.")
        if state["fault"]:
            return _("Une carte illisible est posée.")
        label = next((card.label for card in self._known if card.uid == state["uid"]), state["uid"])
        return _("Posée : {card}").format(card=label)

    def _other_gestures(self, state: Mapping[str, Any], _: Words) -> list[Gesture]:
        broken = self._order(do="lay", uid="04000000000000", fault=cards.Fault.REFUSES)
        gestures = [
            Gesture("card-broken", _("Poser une carte illisible"), broken, pressed=bool(state["fault"])),
            Gesture("reader-unplug", _("Débrancher le lecteur"), self._order(do="unplug")),
        ]
        if state["uid"]:
            gestures.insert(0, Gesture("card-remove", _("Retirer la carte"), self._order(do="remove")))
        return gestures

    def _order(self, **command: Any) -> Callable[[], Awaitable[Any]]:
        return lambda: send(self._control, command)


class PrinterHands:
    """Puts the virtual printer that listens at `control` in trouble and in order again."""

    def __init__(self, control: Path) -> None:
        self._control = control

    async def view(self, _: Words) -> MachineView:
        """Return what is wrong with the printer, what can be done, and what came out."""
        title = _("Imprimante")
        try:
            state = await send(self._control, {"do": "state"})
        except ControlError:
            return MachineView(title, _("L’imprimante virtuelle ne répond pas."), "off")
        sheets = [Path(path) for path in state["printed"]]
        if not state["on"]:
            switch = Gesture("printer-on", _("Allumer l’imprimante"), self._order(do="on"))
            return MachineView(title, _("L’imprimante est éteinte."), "alert", [("", [switch])], sheets)
        faults = set(state["faults"])
        words = {
            printer.Fault.PAPER_OUT: (_("Il n’y a plus de papier."), _("Plus de papier"), _("Remettre du papier")),
            printer.Fault.PAPER_JAM: (_("Une feuille est coincée."), _("Bourrage"), _("Retirer la feuille coincée")),
            printer.Fault.COVER_OPEN: (_("Le capot est ouvert."), _("Capot ouvert"), _("Fermer le capot")),
            printer.Fault.TONER_EMPTY: (_("La cartouche est vide."), _("Plus d’encre"), _("Changer la cartouche")),
        }
        gestures = [
            trouble_gesture(f"printer-{fault}", (spoil, mend), fault in faults, self._toggle(faults, fault))
            for fault, (__, spoil, mend) in words.items()
        ]
        slow = state["seconds_per_page"] > 0
        speed = self._order(do="speed", seconds_per_page=0 if slow else 8)
        gestures.append(Gesture("printer-slow", _("Imprimer lentement"), speed, pressed=slow))
        gestures.append(Gesture("printer-off", _("Éteindre l’imprimante"), self._order(do="off")))
        said = " ".join(sentence for fault, (sentence, *__) in words.items() if fault in faults)
        tone: Tone = "alert" if faults else "ok"
        return MachineView(
            title, said or _("L’imprimante est en ordre."), tone, [(_("Ce qui peut arriver"), gestures)], sheets
        )

    def _toggle(self, faults: set[str], fault: printer.Fault) -> Callable[[], Awaitable[Any]]:
        return self._order(do="faults", faults=sorted(faults ^ {fault.value}))

    def _order(self, **command: Any) -> Callable[[], Awaitable[Any]]:
        return lambda: send(self._control, command)


class PaperHands:
    """Lays papers on the virtual scanner of ours, jams it and slows it down, while it scans too."""

    def __init__(self, scanner: VirtualScanner) -> None:
        self._scanner = scanner
        self._trouble: PaperTrouble | None = None
        self._slow = False
        self._glass: str | None = None
        self._set()

    async def view(self, _: Words) -> MachineView:
        """Return what was done to the scanner here."""
        papers = {
            "residence_proof": _("Justificatif de domicile"),
            "school_certificate": _("Certificat de scolarité"),
            "income_notice": _("Avis d’imposition"),
            "identity_card": _("Carte d’identité"),
            "blank_sheet": _("Feuille blanche"),
        }
        lay = [
            Gesture(f"paper-{name}", papers.get(name, name), self._lay(name), pressed=name == self._glass)
            for name in SHEETS
        ]
        words = scanner_words(_)
        troubles = [
            trouble_gesture(f"scanner-{trouble}", (spoil, mend), self._trouble == trouble, self._toggle(trouble))
            for trouble, (__, spoil, mend) in words.items()
        ]
        troubles.append(Gesture("scanner-slow", _("Scanner lentement"), self._change_speed, pressed=self._slow))
        said = words[self._trouble][0] if self._trouble else _("Le scanner est en ordre.")
        return MachineView(
            _("Scanner"),
            said,
            "alert" if self._trouble else "ok",
            [(_("Poser sur la vitre"), lay), (_("Ce qui peut arriver"), troubles)],
        )

    def _lay(self, name: str) -> Callable[[], Awaitable[None]]:
        async def lay() -> None:
            self._scanner.lay_on_glass(SHEETS[name](300))
            self._glass = name

        return lay

    def _toggle(self, trouble: PaperTrouble) -> Callable[[], Awaitable[None]]:
        async def toggle() -> None:
            self._trouble = None if self._trouble == trouble else trouble
            self._set()

        return toggle

    async def _change_speed(self) -> None:
        self._slow = not self._slow
        self._set()

    def _set(self) -> None:
        self._scanner.set_control(self._trouble, row_delay_us=3000 if self._slow else 0)


class OverrideHands:
    """Puts any SANE device that obeys `read-return-value` in trouble, through the booth's file of overrides."""

    OPTION = "read-return-value"

    def __init__(self, overrides: Path, device: str) -> None:
        self._overrides = overrides
        self._device = device

    async def view(self, _: Words) -> MachineView:
        """Return what the overrides say of the device."""
        words = scanner_words(_)
        status = self._read().get(self._device, {}).get(self.OPTION, "")
        now = next((trouble for trouble in words if status == _sane_status(trouble)), None)
        gestures = [
            trouble_gesture(
                f"scanner-{trouble}", (spoil, mend), now == trouble, self._order(None if now == trouble else trouble)
            )
            for trouble, (__, spoil, mend) in words.items()
        ]
        said = words[now][0] if now else _("Le scanner est en ordre.")
        return MachineView(_("Scanner"), said, "alert" if now else "ok", [(_("Ce qui peut arriver"), gestures)])

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._overrides.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _order(self, trouble: PaperTrouble | None) -> Callable[[], Awaitable[None]]:
        async def order() -> None:
            overrides = self._read()
            options = overrides.setdefault(self._device, {})
            options.pop(self.OPTION, None)
            if trouble:
                options[self.OPTION] = _sane_status(trouble)
            partial = self._overrides.with_name(f".{self._overrides.name}")
            partial.write_text(json.dumps(overrides, indent=2, ensure_ascii=False))
            partial.replace(self._overrides)

        return order


def trouble_gesture(name: str, labels: tuple[str, str], now: bool, do: Callable[[], Awaitable[Any]]) -> Gesture:
    """Return what brings a trouble about, or what ends it; two names, so that a double click is one."""
    spoil, mend = labels
    return Gesture(f"{name}-mend", mend, do, mends=True) if now else Gesture(f"{name}-spoil", spoil, do)


def scanner_words(_: Words) -> dict[PaperTrouble, tuple[str, str, str]]:
    """Return, by trouble, what is wrong, how to bring it about and how to mend it."""
    return {
        "jammed": (_("Une feuille est coincée."), _("Bourrage"), _("Retirer la feuille coincée")),
        "no_docs": (_("Le chargeur est vide."), _("Chargeur vide"), _("Remettre les feuilles")),
        "cover_open": (_("Le capot est ouvert."), _("Capot ouvert"), _("Fermer le capot")),
    }


def _sane_status(trouble: PaperTrouble) -> str:
    return f"SANE_STATUS_{trouble.upper()}"
