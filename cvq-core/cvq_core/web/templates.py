"""Jinja2 in the language of the person, with the words and filters that all pages use."""

from __future__ import annotations

import gettext
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cvq_core.assets import STATIC
from cvq_core.text import LANGUAGES, template_words, translator


class Templates:
    """Finds templates in the folders that the components add, and renders them."""

    def __init__(self) -> None:
        self._folders: list[Path] = [Path(__file__).parent / "templates"]
        self._static: dict[str, Path] = {"": STATIC}
        self._globals: dict[str, Any] = {"static": self.static_url}
        self._environments: dict[str, Environment] = {}

    def add_folder(self, folder: Path) -> None:
        """Look for templates in `folder` too."""
        self._folders.append(folder)
        self._environments.clear()

    def add_static(self, prefix: str, folder: Path) -> None:
        """Find static files whose path begins with `prefix/` in a component's own folder."""
        self._static[prefix] = folder

    def static_url(self, path: str) -> str:
        """Return the address of a static file; its time of change in it lets browsers keep it for long."""
        prefix, _, rest = path.partition("/")
        file = self._static[prefix] / rest if prefix in self._static else self._static[""] / path
        stamp = int(file.stat().st_mtime) if file.is_file() else 0
        return f"/static/{path}?v={stamp:x}"

    def add_global(self, name: str, value: Callable[..., Any]) -> None:
        """Give all templates a function."""
        self._globals[name] = value
        self._environments.clear()

    def environment(self, language: str) -> Environment:
        """Return the environment of a language."""
        if language not in self._environments:
            assert language in LANGUAGES
            environment = Environment(
                loader=FileSystemLoader(self._folders),
                autoescape=True,
                undefined=StrictUndefined,
                extensions=["jinja2.ext.i18n"],
                trim_blocks=True,
                lstrip_blocks=True,
            )
            catalogue: gettext.NullTranslations = translator(language)
            environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]  # the i18n extension adds it
            environment.filters.update(template_words(language))
            environment.globals.update(self._globals, language=language)
            self._environments[language] = environment
        return self._environments[language]

    def render(self, template: str, language: str, **values: Any) -> str:
        """Return the template as HTML."""
        return self.environment(language).get_template(template).render(**values)
