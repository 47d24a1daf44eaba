"""Which scene each screen shows, and the facts that its template needs: plain functions of the state."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cvq_booth.screens.state import Activity, BoothState
from cvq_booth.screens.words import PRINT_TROUBLES, SCAN_TROUBLES, STEPS, TAKE_ALONG_PICTURES, Advice
from cvq_core import text
from cvq_core.assets import STATIC
from cvq_desk.wire import CallState, CardState, FieldView, FormView, Phase, VisitView

Screen = Literal[1, 2]

TEMPLATES = Path(__file__).parent / "templates"
OWN_STATIC = Path(__file__).parent / "static"

FIELDS_BESIDE = 5
"""How many answers stand beside the one that is being written; more would be a wall of text."""

FIELDS_READ_MAX = 16


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture of a screen: the template's name and what stands in it."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)


def scene_of(screen: Screen, state: BoothState) -> Scene:
    """Return what `screen` shows in `state`."""
    return _scene_one(state) if screen == 1 else _scene_two(state)


def _scene_one(state: BoothState) -> Scene:
    visit = state.visit
    if state.curtain:
        return Scene("curtain", {"by_advisor": bool(visit and visit.curtain)})
    if state.call.open and visit:
        return Scene("call", {"visit": visit})
    if scene := _nobody_here(state):
        return scene
    assert visit is not None
    if state.call_wanted:
        return Scene("ringing", {"visit": visit})
    if visit.goodbye:
        return Scene("farewell", {"visit": visit})
    return Scene("paused" if visit.call is CallState.HUNG_UP else "soon", {"visit": visit})


def _scene_two(state: BoothState) -> Scene:
    visit = state.visit
    if state.curtain:
        return Scene("curtain", {"by_advisor": bool(visit and visit.curtain)})
    if scene := _nobody_here(state):
        return scene
    assert visit is not None
    if state.paying_until and state.pay_page and not state.question:
        # Whoever types a card's number is not interrupted by a machine, nor by a call that rings anew.
        return Scene("paying", {"visit": visit, "until": state.paying_until})
    if _rings(state, visit):
        return Scene("look_there", {"visit": visit})
    if state.question:
        assert visit.consent is not None
        answered = state.answered_consent == visit.consent.id
        return Scene("consent", {"visit": visit, "question": visit.consent, "answered": answered})
    if state.activity and (state.activity.goes_on or state.activity.fresh):
        return _papers(visit, state.activity)
    if visit.window_shared:
        return Scene("window", {"visit": visit})
    return _phase(state, visit)


def _rings(state: BoothState, visit: VisitView) -> bool:
    """Tell whether screen 1 rings; where it cannot be seen, screen 2 goes on with the papers."""
    return not state.call.open and (visit.call is CallState.RINGING or state.call.ring_ends_at is not None)


def _nobody_here(state: BoothState) -> Scene | None:
    """Return the scene for a booth without a visit, or without a line and without a call; None otherwise."""
    view, visit = state.view, state.visit
    if state.line == "lost" and not state.call.open:
        return Scene("offline")
    if view is None:
        return Scene("starting")
    if visit is not None:
        return None
    if state.card_forgotten:
        return Scene("card_forgotten")
    return Scene("closed" if view.phase is Phase.CLOSED else "idle")


def _phase(state: BoothState, visit: VisitView) -> Scene:
    phase = state.view.phase if state.view else Phase.IDLE
    if phase is Phase.GOODBYE and visit.goodbye:
        things = [(thing, _picture(thing)) for thing in visit.goodbye.take_along]
        return Scene("goodbye", {"visit": visit, "things": things, "reference": visit.goodbye.reference})
    if visit.mandate:
        answered = state.answered_mandate == visit.mandate.id or visit.mandate.state == "confirmed"
        return Scene("mandate", {"visit": visit, "mandate": visit.mandate, "answered": answered})
    if visit.payment:
        return Scene("payment", {"visit": visit, "payment": visit.payment, "outline": outline(visit.payment.code)})
    if visit.booking:
        return Scene("booking", {"visit": visit, "booking": visit.booking})
    if phase is Phase.PAPERS:
        return _papers(visit, state.activity)
    if phase is Phase.FORM and visit.form:
        return _form(visit, visit.form)
    if phase is Phase.CARD or state.card_unreadable or visit.card.state in {CardState.UNKNOWN, CardState.REFUSED}:
        return Scene("card", {"visit": visit})
    return Scene("welcome", {"visit": visit})


def _form(visit: VisitView, form: FormView) -> Scene:
    position = next((place for place, answer in enumerate(form.fields) if answer.current), None)
    if position is None:
        shown = [answer for answer in form.fields if answer.value.strip()]
        hidden = max(0, len(shown) - FIELDS_READ_MAX)
        return Scene("form_read", {"visit": visit, "form": form, "fields": shown[:FIELDS_READ_MAX], "hidden": hidden})
    beside = nearest(form.fields, position)
    return Scene(
        "form", {"visit": visit, "form": form, "field": form.fields[position], "position": position, "beside": beside}
    )


def nearest(fields: list[FieldView], position: int) -> list[FieldView]:
    """Return the answers around `position` in the order of the form, the current one among them."""
    first = max(0, min(position - FIELDS_BESIDE // 2, len(fields) - FIELDS_BESIDE - 1))
    return fields[first : first + FIELDS_BESIDE + 1]


def outline(rows: list[str]) -> str:
    """Return the dark squares of a QR code as the path of a drawing, a unit each; whatever is no "1" is light."""
    return "".join(
        f"M{across} {down}h1v1h-1z" for down, row in enumerate(rows) for across, dark in enumerate(row) if dark == "1"
    )


def _papers(visit: VisitView, activity: Activity | None) -> Scene:
    return Scene("papers", {"visit": visit, "activity": activity, "advice": _advice(activity)})


def _advice(activity: Activity | None) -> Advice | None:
    """Return what to say of a machine in trouble."""
    if activity is None or (activity.trouble is None and activity.state not in {"failed", "cancelled"}):
        return None
    table = PRINT_TROUBLES if activity.work == "print" else SCAN_TROUBLES
    slug = "cancelled" if activity.state == "cancelled" else activity.trouble
    return table.get(slug or "other", table["other"])


def _picture(thing: str) -> str:
    low = thing.lower()
    return next((picture for word, picture in TAKE_ALONG_PICTURES if word in low), "circle-check")


@dataclass(frozen=True, slots=True)
class Frame:
    """A scene as HTML, ready for a page. Two equal frames need not be sent twice."""

    scene: str
    html: str


class Renderer:
    """Draws scenes in one language and one time zone."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.language = language
        self.zone = zone
        self._environment = environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.install_gettext_translations(  # type: ignore[attr-defined]  # the i18n extension adds it
            text.translator(language), newstyle=True
        )
        environment.filters["hour"] = lambda instant: text.hour(instant, language, zone)
        environment.filters["wall_hour"] = lambda hours: _wall_hour(hours, language)
        environment.filters["sentence"] = lambda words: words[:1].upper() + words[1:]
        environment.filters["unbroken"] = lambda words: words.replace(" ", text.NO_BREAK_SPACE)
        environment.filters["milliseconds"] = lambda instant: int(instant.timestamp() * 1000)
        environment.globals.update(
            language=language,
            zone=zone.key,
            static=lambda path: _stamped("/static", STATIC, path),
            own=lambda path: _stamped("/booth", OWN_STATIC, path),
            steps=STEPS,
        )

    def say(self, sentence: str) -> str:
        """Return a marked sentence in the renderer's language."""
        return text.translator(self.language).gettext(sentence)

    def frame(self, screen: Screen, state: BoothState) -> Frame:
        """Return what `screen` shows in `state`."""
        scene = scene_of(screen, state)
        folder = "one" if screen == 1 else "two"
        template = self._environment.select_template([f"{folder}/{scene.name}.html", f"both/{scene.name}.html"])
        steps_seen = _step(state)
        html = template.render(scene=scene.name, screen=screen, state=state, step=steps_seen, **scene.facts)
        return Frame(scene.name, html)

    def page(self, screen: Screen, state: BoothState) -> str:
        """Return the whole page, the frame in it: it is right before a single module has run."""
        frame = self.frame(screen, state)
        return self._environment.get_template("page.html").render(screen=screen, frame=frame, state=state)


def _step(state: BoothState) -> int:
    """Return which of the five words is now."""
    names = [name for name, _ in STEPS]
    phase = state.view.phase if state.view else Phase.IDLE
    if state.visit and state.activity and (state.activity.goes_on or state.activity.fresh):
        phase = Phase.PAPERS
    elif state.question or (phase is Phase.WELCOME and _needs_card(state.visit)):
        phase = Phase.CARD
    return names.index(phase) if phase in names else 0


def _needs_card(visit: VisitView | None) -> bool:
    return visit is not None and bool(visit.payment or visit.mandate or visit.booking)


def _wall_hour(hours: str, language: str) -> str:
    """Return "10:30" as people read it; a desk that writes otherwise is shown as it writes."""
    try:
        return text.hour(datetime.combine(date.min, time.fromisoformat(hours)), language)
    except ValueError:
        return hours


def _stamped(prefix: str, folder: Path, path: str) -> str:
    """Return the address of a static file with its time of change, so that an updated booth shows the new one."""
    file = folder / path
    stamp = int(file.stat().st_mtime) if file.is_file() else 0
    return f"{prefix}/{path}?v={stamp:x}"
