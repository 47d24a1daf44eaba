"""Papers to lay on a virtual scanner: what residents really bring, drawn the same way every time.

All names, places and numbers are invented, and say so ("SPÉCIMEN") where the paper would be worth something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageFont

A4_MM: Final = (210.0, 297.0)
CARD_MM: Final = (85.6, 54.0)
DEFAULT_RESIDENT: Final = "Mme Jeanne Moreau"
DEFAULT_ADDRESS: Final = ("3 rue de l’Église", "80220 Saint-Léger-sur-Bresle")

Color = tuple[int, int, int]
PAPER: Final[Color] = (251, 250, 246)
INK: Final[Color] = (28, 28, 32)
LID: Final[Color] = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws on an image in millimetres and points."""

    image: Image.Image
    resolution_dpi: int

    def px(self, millimetres: float) -> int:
        """Pixels of a length."""
        return round(millimetres / 25.4 * self.resolution_dpi)

    def text(
        self, x_mm: float, y_mm: float, text: str, points: float = 11, *, bold: bool = False, color: Color = INK
    ) -> None:
        """Write one line whose upper left corner is at `x_mm`, `y_mm`."""
        draw = ImageDraw.Draw(self.image)
        draw.text((self.px(x_mm), self.px(y_mm)), text, fill=color, font=_font(points, self.resolution_dpi, bold))

    def lines(self, x_mm: float, y_mm: float, lines: tuple[str, ...], points: float = 11) -> float:
        """Write lines one under the other; gives where the next one would be."""
        for line in lines:
            self.text(x_mm, y_mm, line, points)
            y_mm += points * 0.353 * 1.5
        return y_mm

    def box(self, left: float, top: float, right: float, bottom: float, color: Color) -> None:
        """Fill a rectangle given in millimetres."""
        corners = [self.px(left), self.px(top), self.px(right), self.px(bottom)]
        ImageDraw.Draw(self.image).rectangle(corners, fill=color)

    def rule(self, left: float, y: float, right: float) -> None:
        """Draw a thin line."""
        self.box(left, y, right, y + 0.3, (120, 120, 125))


def residence_proof(
    resolution_dpi: int = 300, *, resident: str = DEFAULT_RESIDENT, address: tuple[str, str] = DEFAULT_ADDRESS
) -> Image.Image:
    """A water bill, as people bring it to prove where they live."""
    pen = _sheet(resolution_dpi)
    pen.box(15, 14, 195, 30, (20, 92, 96))
    pen.text(20, 18, "Régie des eaux du Val d’Aumale", 19, bold=True, color=(255, 255, 255))
    pen.lines(20, 36, ("12 place de la République", "80220 Aumale-le-Vieux", "Accueil : 03 00 00 00 00"), 9.5)
    pen.lines(115, 52, (resident, *address), 12)
    pen.text(20, 84, "Facture d’eau – justificatif de domicile", 16, bold=True)
    y = pen.lines(
        20,
        96,
        (
            "Référence abonné : 0047 1183          Facture n° 2025-02-0931",
            "Date d’émission : 14 février 2025       Échéance : 7 mars 2025",
            "Période : du 1er août 2024 au 31 janvier 2025",
        ),
    )
    pen.rule(20, y + 3, 190)
    rows = (
        ("Désignation", "Quantité", "Montant"),
        ("Abonnement au réseau d’eau potable", "6 mois", "31,20 €"),
        ("Eau potable consommée", "47 m³", "89,30 €"),
        ("Collecte et traitement des eaux usées", "47 m³", "98,70 €"),
        ("Préservation de la ressource", "47 m³", "4,23 €"),
        ("TVA à 5,5 % et 10 %", "", "16,74 €"),
    )
    y += 8
    for label, quantity, amount in rows:
        pen.text(20, y, label, 10.5)
        pen.text(120, y, quantity, 10.5)
        pen.text(160, y, amount, 10.5)
        y += 7.5
    pen.rule(20, y, 190)
    pen.text(20, y + 4, "Total à régler", 13, bold=True)
    pen.text(157, y + 4, "240,17 €", 13, bold=True)
    pen.lines(
        20,
        y + 20,
        (
            "Le prélèvement sera effectué à l’échéance sur votre compte bancaire.",
            "En cas de difficulté, adressez-vous à la mairie ou à notre accueil : un",
            "échéancier peut être accordé. Cette facture vaut justificatif de domicile",
            "auprès des administrations pendant trois mois à compter de son émission.",
        ),
        10.5,
    )
    _specimen(pen)
    return pen.image


def school_certificate(resolution_dpi: int = 300, *, child: str = "Léo Moreau") -> Image.Image:
    """A certificate that a child goes to school."""
    pen = _sheet(resolution_dpi)
    pen.lines(20, 20, ("Académie de Hauterive", "École élémentaire Françoise-Dolto", "80220 Aumale-le-Vieux"), 11)
    pen.text(62, 62, "Certificat de scolarité", 20, bold=True)
    pen.lines(
        20,
        92,
        (
            "Je soussignée, Hélène Garçonnet, directrice de l’école, certifie que",
            f"l’élève {child}, né le 9 août 2017, est inscrit et suit régulièrement",
            "les cours de la classe de CE1 pour l’année scolaire 2024-2025.",
            "",
            "Certificat délivré pour servir et valoir ce que de droit.",
        ),
        12,
    )
    pen.lines(110, 150, ("Fait à Aumale-le-Vieux,", "le 3 septembre 2024", "", "La directrice"), 11)
    _specimen(pen)
    return pen.image


def income_notice(resolution_dpi: int = 300, *, resident: str = DEFAULT_RESIDENT) -> Image.Image:
    """A certificate of the family quotient, as the family-allowance fund issues it."""
    pen = _sheet(resolution_dpi)
    pen.text(20, 18, "Caisse des allocations – Vallée de la Bresle", 14, bold=True)
    pen.text(20, 48, "Attestation de quotient familial", 18, bold=True)
    y = pen.lines(
        20,
        66,
        (
            f"Allocataire : {resident}",
            "Nous attestons que le quotient familial calculé pour le mois de janvier 2025",
            "au titre du foyer mentionné ci-dessus s’élève à :",
        ),
        11,
    )
    pen.text(80, y + 6, "612 €", 24, bold=True)
    pen.lines(
        20,
        y + 30,
        (
            "Enfants à charge : deux. Situation : parent isolé.",
            "Ce quotient tient compte des ressources déclarées pour l’année 2023 et des",
            "prestations versées. Il peut être demandé par la cantine, l’accueil de loisirs",
            "et la crèche pour établir votre tarif.",
        ),
        11,
    )
    _specimen(pen)
    return pen.image


def identity_card(resolution_dpi: int = 300, *, skew_degrees: float = 3.0) -> Image.Image:
    """An identity card laid a little askew on the glass, the white lid around it."""
    card = Image.new("RGB", _pixels(CARD_MM, resolution_dpi), (205, 222, 232))
    pen = Pen(card, resolution_dpi)
    pen.box(0, 0, CARD_MM[0], 8, (58, 92, 140))
    pen.text(4, 2, "CARTE D’IDENTITÉ – SPÉCIMEN", 9, bold=True, color=(255, 255, 255))
    pen.box(4, 12, 28, 44, (168, 178, 186))
    pen.box(11, 17, 21, 29, (116, 96, 86))
    pen.box(8, 31, 24, 44, (70, 78, 96))
    for row, (label, value) in enumerate((("Nom", "MOREAU"), ("Prénoms", "Jeanne, Élise"), ("Née le", "27 août 1943"))):
        pen.text(32, 12 + row * 10, label, 6)
        pen.text(32, 15 + row * 10, value, 9, bold=True)
    pen.text(4, 47, "IDSPE<<MOREAU<<JEANNE<ELISE<<<<<<", 7.5)
    turned = card.convert("RGBA").rotate(skew_degrees, resample=Image.Resampling.BICUBIC, expand=True)
    glass = Image.new("RGB", _pixels(A4_MM, resolution_dpi), LID)
    where = Pen(glass, resolution_dpi)
    glass.paste(turned, (where.px(18), where.px(14)), turned)
    return glass


def blank_sheet(resolution_dpi: int = 300) -> Image.Image:
    """The empty back of a sheet, with a faint shadow at one edge and two specks of dust."""
    pen = _sheet(resolution_dpi)
    pen.box(0, 0, 1.2, A4_MM[1], (214, 213, 210))
    pen.box(70, 90, 70.3, 90.3, (150, 150, 150))
    pen.box(130, 210, 130.4, 210.2, (160, 160, 160))
    return pen.image


SHEETS: Final[Mapping[str, Callable[[int], Image.Image]]] = {
    "residence_proof": residence_proof,
    "school_certificate": school_certificate,
    "income_notice": income_notice,
    "identity_card": identity_card,
    "blank_sheet": blank_sheet,
}
"""By name, what draws each paper at a resolution in dpi."""


def _sheet(resolution_dpi: int) -> Pen:
    return Pen(Image.new("RGB", _pixels(A4_MM, resolution_dpi), PAPER), resolution_dpi)


def _pixels(size_mm: tuple[float, float], resolution_dpi: int) -> tuple[int, int]:
    return round(size_mm[0] / 25.4 * resolution_dpi), round(size_mm[1] / 25.4 * resolution_dpi)


def _specimen(pen: Pen) -> None:
    pen.text(20, 280, "SPÉCIMEN – document fictif, sans valeur", 8, color=(110, 110, 115))


def _font(points: float, resolution_dpi: int, bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(name, round(points * resolution_dpi / 72))
