"""Drawn people in drawn rooms: what the virtual cameras of the two ends of a call see.

Lengths are fractions of the picture's height; `x` runs from the picture's middle, so that any width will do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]

Place = tuple[float, float, float, float]
"""Middle `x` and `y`, half the width and half the height of a shape."""

OVERSAMPLING = 2
"""Everything is drawn this much larger and then reduced, which smooths the edges."""

SHELF_HEIGHT = 0.085
"""Height of the row of books at the top, kept free for the mark that `camera` burns in."""


class End(StrEnum):
    """The two ends of a call."""

    RESIDENT = "resident"
    ADVISOR = "advisor"


@dataclass(frozen=True, slots=True)
class Pose:
    """How somebody sits at one instant: `sway` and `nod` from -1 to 1, `mouth` from 0 (closed) to 1."""

    sway: float = 0.0
    nod: float = 0.0
    mouth: float = 0.0
    eyes_closed: bool = False


@dataclass(frozen=True, slots=True)
class _Look:
    wall: Colour
    wall_low: Colour
    skin: Colour
    cheek: Colour
    hair: Colour
    garment: Colour
    garment_dark: Colour
    collar: Colour


_LOOKS = {
    End.RESIDENT: _Look(
        wall=(226, 217, 200),
        wall_low=(196, 178, 150),
        skin=(238, 203, 178),
        cheek=(229, 176, 157),
        hair=(205, 203, 202),
        garment=(128, 92, 138),
        garment_dark=(101, 70, 112),
        collar=(240, 232, 220),
    ),
    End.ADVISOR: _Look(
        wall=(198, 216, 214),
        wall_low=(150, 178, 178),
        skin=(198, 150, 118),
        cheek=(184, 128, 100),
        hair=(46, 36, 34),
        garment=(32, 84, 104),
        garment_dark=(20, 62, 80),
        collar=(236, 240, 244),
    ),
}


class _Canvas:
    """A drawing surface with its origin somewhere in a picture: `at` in pixels, `unit` pixels to the unit."""

    def __init__(self, image: Image.Image, at: tuple[float, float], unit: float) -> None:
        self.image = image
        self.draw = ImageDraw.Draw(image)
        self.at = at
        self.unit = unit

    @classmethod
    def of(cls, image: Image.Image) -> _Canvas:
        """Cover a whole picture: the unit is its height, `x` is 0 in its middle, `y` at its top."""
        return cls(image, (image.width / 2, 0), image.height)

    @property
    def half_width(self) -> float:
        return self.image.width / 2 / self.unit

    def closer(self, x: float, y: float, scale: float) -> _Canvas:
        """Return a canvas on the same picture with its origin at `x`, `y` of this one, `scale` times larger."""
        at = (self.at[0] + x * self.unit, self.at[1] + y * self.unit)
        return _Canvas(self.image, at, self.unit * scale)

    def box(self, place: Place) -> list[float]:
        x, y, half_width, half_height = place
        left, top = self.at
        return [
            left + (x - half_width) * self.unit,
            top + (y - half_height) * self.unit,
            left + (x + half_width) * self.unit,
            top + (y + half_height) * self.unit,
        ]

    def points(self, *points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(self.at[0] + x * self.unit, self.at[1] + y * self.unit) for x, y in points]

    def ellipse(self, place: Place, fill: Colour) -> None:
        self.draw.ellipse(self.box(place), fill=fill)

    def block(self, place: Place, fill: Colour, radius: float = 0) -> None:
        self.draw.rounded_rectangle(self.box(place), radius=radius * self.unit, fill=fill)

    def chord(self, place: Place, start: int, end: int, fill: Colour) -> None:
        self.draw.chord(self.box(place), start, end, fill=fill)

    def arc(self, place: Place, start: int, end: int, fill: Colour, thickness: float) -> None:
        self.draw.arc(self.box(place), start, end, fill=fill, width=max(1, round(thickness * self.unit)))

    def polygon(self, fill: Colour, *points: tuple[float, float]) -> None:
        self.draw.polygon(self.points(*points), fill=fill)

    def line(self, fill: Colour, thickness: float, *points: tuple[float, float]) -> None:
        self.draw.line(self.points(*points), fill=fill, width=max(1, round(thickness * self.unit)), joint="curve")


def draw_room(end: End, width: int, height: int) -> Image.Image:
    """Draw the room behind somebody, at `OVERSAMPLING` times `width` x `height` pixels."""
    canvas = _Canvas.of(Image.new("RGB", (width * OVERSAMPLING, height * OVERSAMPLING)))
    look = _LOOKS[end]
    edge = canvas.half_width
    canvas.block((0, 0.5, edge, 0.5), look.wall)
    canvas.block((0, 0.93, edge, 0.14), look.wall_low)
    canvas.line((170, 160, 140), 0.008, (-edge, 0.79), (edge, 0.79))
    if end is End.RESIDENT:
        _draw_town_hall(canvas, edge)
    else:
        _draw_office(canvas, edge)
    canvas.block((0, SHELF_HEIGHT + 0.008, edge, 0.010), (120, 88, 60))
    return canvas.image


def _draw_town_hall(canvas: _Canvas, edge: float) -> None:
    """A village town hall: a door, a poster of the commune, a coat on its hook."""
    canvas.block((edge - 0.17, 0.57, 0.13, 0.40), (150, 112, 78), 0.01)
    canvas.block((edge - 0.17, 0.42, 0.09, 0.13), (170, 132, 96), 0.01)
    canvas.block((edge - 0.17, 0.75, 0.09, 0.13), (170, 132, 96), 0.01)
    canvas.ellipse((edge - 0.27, 0.60, 0.013, 0.013), (226, 190, 92))
    canvas.block((-edge + 0.19, 0.37, 0.125, 0.175), (250, 248, 240), 0.006)
    canvas.block((-edge + 0.19, 0.31, 0.105, 0.10), (120, 176, 196))
    canvas.polygon(
        (112, 150, 96), (-edge + 0.085, 0.41), (-edge + 0.17, 0.30), (-edge + 0.24, 0.37), (-edge + 0.295, 0.41)
    )
    canvas.polygon(
        (236, 226, 206), (-edge + 0.16, 0.41), (-edge + 0.16, 0.345), (-edge + 0.22, 0.345), (-edge + 0.22, 0.41)
    )
    canvas.polygon((176, 92, 70), (-edge + 0.15, 0.348), (-edge + 0.19, 0.305), (-edge + 0.23, 0.348))
    for row in range(3):
        canvas.line(
            (168, 164, 156), 0.008, (-edge + 0.10, 0.45 + row * 0.03), (-edge + 0.28 - row * 0.03, 0.45 + row * 0.03)
        )


def _draw_office(canvas: _Canvas, edge: float) -> None:
    """An advisor's office: a window on trees, a green plant, binders."""
    canvas.block((-edge + 0.21, 0.42, 0.17, 0.22), (246, 248, 246), 0.008)
    canvas.block((-edge + 0.21, 0.42, 0.152, 0.202), (188, 220, 236))
    canvas.ellipse((-edge + 0.13, 0.56, 0.07, 0.08), (128, 166, 116))
    canvas.ellipse((-edge + 0.26, 0.57, 0.10, 0.07), (106, 150, 104))
    canvas.block((-edge + 0.21, 0.63, 0.19, 0.018), (246, 248, 246))
    canvas.block((-edge + 0.21, 0.42, 0.006, 0.202), (246, 248, 246))
    for index, colour in enumerate([(206, 96, 76), (226, 186, 92), (84, 132, 140), (206, 96, 76)]):
        canvas.block((edge - 0.30 + index * 0.062, 0.36, 0.026, 0.10), colour, 0.004)
        canvas.block((edge - 0.30 + index * 0.062, 0.34, 0.016, 0.030), (244, 240, 230), 0.003)
    canvas.block((edge - 0.20, 0.47, 0.19, 0.012), (150, 112, 78))
    canvas.polygon((178, 106, 76), (edge - 0.19, 0.70), (edge - 0.07, 0.70), (edge - 0.09, 0.82), (edge - 0.17, 0.82))
    for lean in (-0.09, -0.045, 0.0, 0.045, 0.09):
        canvas.polygon(
            (76, 128, 88),
            (edge - 0.14, 0.70),
            (edge - 0.13 + lean, 0.55 + abs(lean)),
            (edge - 0.12, 0.70),
        )


def draw_person(picture: Image.Image, end: End, pose: Pose) -> None:
    """Draw somebody, seated and seen from the chest up, into a room drawn by `draw_room`."""
    canvas = _Canvas.of(picture)
    lean = pose.sway * 0.02
    head = canvas.closer(pose.sway * 0.045, 0.485 + pose.nod * 0.014, 1.18)
    if end is End.RESIDENT:
        head.ellipse((0, -0.19, 0.075, 0.065), (190, 188, 188))
    _draw_body(canvas, end, lean, pose.sway * 0.045)
    _draw_head(head, end)
    _draw_face(head, end, pose)


def _draw_body(canvas: _Canvas, end: End, lean: float, neck: float) -> None:
    look = _LOOKS[end]
    canvas.block((lean, 1.04, 0.40, 0.29), look.garment_dark, 0.21)
    canvas.block((lean, 1.05, 0.375, 0.29), look.garment, 0.20)
    for side in (-1, 1):
        canvas.line(look.garment_dark, 0.010, (lean + side * 0.25, 0.95), (lean + side * 0.24, 1.0))
    canvas.polygon(
        look.cheek,
        (neck - 0.075, 0.60),
        (neck + 0.075, 0.60),
        (lean + 0.095, 0.775),
        (lean, 0.85),
        (lean - 0.095, 0.775),
    )
    for side in (-1, 1):
        canvas.polygon(
            look.collar,
            (lean + side * 0.105, 0.745),
            (lean, 0.86),
            (lean + side * 0.055, 0.915),
            (lean + side * 0.135, 0.83),
        )
    if end is End.RESIDENT:
        canvas.ellipse((lean, 0.93, 0.010, 0.010), look.collar)
        canvas.ellipse((lean, 0.985, 0.010, 0.010), look.collar)
    else:
        canvas.line(look.garment_dark, 0.006, (lean, 0.86), (lean, 1.0))


def _draw_head(head: _Canvas, end: End) -> None:
    look = _LOOKS[end]
    for side in (-1, 1):
        head.ellipse((side * 0.137, 0.02, 0.024, 0.040), look.cheek)
    if end is End.RESIDENT:
        head.ellipse((0, -0.045, 0.155, 0.165), look.hair)
        head.ellipse((0, 0.015, 0.130, 0.172), look.skin)
        head.chord((-0.05, -0.10, 0.105, 0.085), 150, 350, look.hair)
        head.chord((0.05, -0.10, 0.105, 0.085), 190, 390, look.hair)
    else:
        head.chord((0, -0.02, 0.147, 0.185), 172, 368, look.hair)
        head.ellipse((0, 0.015, 0.132, 0.176), look.skin)
        head.chord((0, -0.075, 0.131, 0.115), 185, 355, look.hair)
        head.chord((0, 0.030, 0.1325, 0.165), 5, 175, look.hair)
        head.ellipse((0, 0.035, 0.103, 0.100), look.skin)


def _draw_face(head: _Canvas, end: End, pose: Pose) -> None:
    look = _LOOKS[end]
    eye_y = -0.005 + pose.nod * 0.006
    brow = (150, 146, 144) if end is End.RESIDENT else look.hair
    for side in (-1, 1):
        eye_x = side * 0.052 + pose.sway * 0.006
        head.arc((eye_x, eye_y - 0.022, 0.030, 0.022), 205, 335, brow, 0.009)
        _draw_eye(head, eye_x, eye_y, pose)
        if end is End.RESIDENT:
            head.arc((eye_x, eye_y + 0.002, 0.040, 0.034), 0, 360, (104, 62, 74), 0.007)
            head.ellipse((side * 0.082, 0.062, 0.024, 0.016), look.cheek)
    if end is End.RESIDENT:
        head.line((104, 62, 74), 0.007, (-0.013, eye_y), (0.013, eye_y))
    head.line(look.cheek, 0.010, (0.004, eye_y + 0.01), (0.014, 0.062), (-0.006, 0.068))
    if pose.mouth < 0.15:
        head.arc((0, 0.088, 0.042, 0.022), 25, 155, (150, 74, 70), 0.008)
    else:
        opening = 0.006 + 0.020 * pose.mouth
        head.ellipse((0, 0.104, 0.036, opening), (112, 48, 48))
        head.block((0, 0.104 - opening * 0.62, 0.022, opening * 0.22), (246, 242, 236), 0.003)


def _draw_eye(head: _Canvas, x: float, y: float, pose: Pose) -> None:
    if pose.eyes_closed:
        head.arc((x, y - 0.004, 0.019, 0.014), 20, 160, (96, 66, 56), 0.006)
        return
    head.ellipse((x, y, 0.019, 0.0135), (250, 248, 244))
    head.ellipse((x + pose.sway * 0.004, y, 0.0100, 0.0115), (62, 74, 84))
    head.ellipse((x + 0.003, y - 0.004, 0.0035, 0.0035), (250, 250, 250))


def photograph(room: Image.Image, end: End, pose: Pose) -> Image.Image:
    """Return somebody in a copy of `room`, reduced to the picture's true size."""
    picture = room.copy()
    draw_person(picture, end, pose)
    return picture.reduce(OVERSAMPLING)
