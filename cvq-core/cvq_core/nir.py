"""What looks like a social-security number (NIR): only bodies on a closed list may keep one (décret 2019-341)."""

from __future__ import annotations

import re

from cvq_core.errors import N_, BadInput

# Sex, year, month (or the codes used when it is unknown), department, commune, order, and the key where it is given.
_NIR = re.compile(
    r"(?<!\d)[1-478]\d{2}(?:0[1-9]|1[0-2]|[2-9]\d)(?:\d{2}|2[AB])\d{3}\d{3}(?:\d{2})?(?!\d)", re.IGNORECASE
)
# The same, with something between its parts, where other numbers stand beside it.
_NIR_IN_PARTS = re.compile(
    r"(?<!\d)[1-478]S\d{2}S(?:0[1-9]|1[0-2]|[2-9]\d)S(?:\d{2}|2[AB])S\d{3}S\d{3}(?:S\d{2})?(?!\d)".replace(
        "S", r"[\s./\-]*"
    ),
    re.IGNORECASE,
)
_BETWEEN_PARTS = re.compile(r"(?<=[\dAB])[\s./\-]+(?=\d)", re.IGNORECASE)


class NirRefused(BadInput):
    """Something that looks like a social-security number, where the law does not allow to keep one."""

    slug = "nir-refused"
    message = N_("Cela ressemble à un numéro de sécurité sociale : il ne doit pas être noté ici.")
    what_to_do = N_("Effacez-le. Ce service n’a pas le droit de le garder.")


def looks_like_nir(text: str) -> bool:
    """Whether a text holds what looks like a social-security number, spaces and dots between its parts or not."""
    return bool(_NIR_IN_PARTS.search(text) or _NIR.search(_BETWEEN_PARTS.sub("", text)))
