"""What is shown of a door's settings, of areas, and of who has a right at a door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cvq_advisor_console.views.books import Choice
from cvq_core.web.views import Act


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """`access_settings.html`: a point's settings as fields, sent to `save`.

    `values` are what stands in the fields, `choices` what may be chosen, `ticked` the boxes that are ticked; `errors`
    has a field's name and what is wrong with it, `error` what is wrong with the whole. A new point has `id`.
    """

    title: str
    site: str
    back_url: str
    save: Act
    values: Mapping[str, str]
    choices: Mapping[str, tuple[Choice, ...]]
    ticked: frozenset[str]
    areas_url: str
    errors: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class AreaForm:
    """An area as fields: POST `label`, `capacity`, `closes_at` to `save`, and `inside` to `count`."""

    id: str
    label: str
    capacity: str
    closes_at: str
    inside: int
    points: str
    save: Act
    count: Act


@dataclass(frozen=True, slots=True)
class AreasPage:
    """`access_areas.html`: the areas of a service; POST `id`, `code`, `label`, `capacity`, `closes_at` to `make`."""

    service: str
    back_url: str
    areas: tuple[AreaForm, ...]
    make: Act
    id: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class RightRow:
    """Somebody's right at a door, in words; POST `end` ends it (None: another room gave it, and ends it)."""

    who: str
    kind: str
    words: str
    since: datetime
    end: Act | None


@dataclass(frozen=True, slots=True)
class RightsPage:
    """`access_rights.html`: who may pass at one point alone, and giving somebody a right by their card."""

    label: str
    site: str
    back_url: str
    rows: tuple[RightRow, ...]
    more: bool
    give: Act
    id: str
    kinds: tuple[Choice, ...]
    today: str
    values: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
