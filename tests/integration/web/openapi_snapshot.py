"""The description of the programming interface as it was agreed; run as a module, this writes it anew."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from cvq_advisor_console.app import make_app
from cvq_core.settings import Settings
from cvq_core.web.openapi import document
from cvq_core.web.routes import declared_routes

SNAPSHOT = Path(__file__).parents[3] / "docs" / "api" / "openapi.json"


def document_of_the_server(folder: Path) -> dict[str, Any]:
    """Return the document of the whole server's routes."""
    app = make_app(Settings(database_url=f"sqlite:///{folder}/cvq.sqlite", data_dir=folder))
    return document(declared_routes(app))


def text_of(described: dict[str, Any]) -> str:
    """Return the document as the snapshot has it."""
    return json.dumps(described, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        SNAPSHOT.parent.mkdir(parents=True, exist_ok=True)
        SNAPSHOT.write_text(text_of(document_of_the_server(Path(folder))), "utf-8")
