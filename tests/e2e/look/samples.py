"""One sample value for each page and each state that can be told apart by eye.

The samples of a subject live in the module of that name; here they are gathered under the names of their pictures.
"""

from __future__ import annotations

from typing import Any

from tests.e2e.look.samples_core import CORE
from tests.e2e.look.samples_moments import NOW
from tests.e2e.look.samples_secretary import SECRETARY

Sample = tuple[str, dict[str, Any]]

SAMPLES: dict[str, Sample] = {**CORE, **SECRETARY}

__all__ = ["NOW", "SAMPLES", "Sample"]
