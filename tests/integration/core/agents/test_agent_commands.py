"""`cvq agents` from the list's setting to its undoing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cvq_core.agents.cli import app
from cvq_core.database import Database
from tests.apart import run_apart
from tests.integration.core.agents.ground import HEAD, ODILE, PAUL, RENEE, ground_on


def test_a_list_is_set_tried_applied_refused_shown_and_undone(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    url = f"sqlite:///{tmp_path}/cvq.sqlite"
    monkeypatch.setenv("CVQ_DATABASE_URL", url)

    async def prepare() -> None:
        database = Database(url)
        async with ground_on(database):
            pass
        await database.close()

    run_apart(prepare())

    def run(*words: str, fails: bool = False) -> str:
        done = CliRunner().invoke(app, list(words))
        assert (done.exit_code != 0) is fails, done.output
        return f"{done.output}{done.exception or ''}"

    file, cut = tmp_path / "liste.csv", tmp_path / "coupée.csv"
    file.write_text(HEAD + "\n".join((ODILE, PAUL, RENEE, "9;Nul;Part;;Écoles")), encoding="utf-8")
    cut.write_text(HEAD + "9;Nul;Part;;Écoles", encoding="utf-8")
    assert "10 %" in run("set-list", "pompaire", "--label", "Mairie de Pompaire")
    days = ("--days", "1111111", "--opens", "06:30", "--closes", "20:00")
    assert "portes : 1" in run("set-group", "pompaire", "Écoles", "--door", "depot", *days)
    run("set-group", "pompaire", "Écoles", "--door", "nowhere", fails=True)
    run("set-group", "pompaire", "Écoles", "--days", "lundi", fails=True)
    tried = run("check", "pompaire", str(file))
    for told in ("arrivés : 3 (1, 2, 3)", "inconnus dans la base, sans porte : 1 (9)", "portes ouvertes : 4"):
        assert told in tried, tried
    assert run("apply", "pompaire", str(file)) == tried
    assert "staff-list-too-short" in run("apply", "pompaire", str(cut), fails=True)
    assert "fut refusé (staff-list-too-short)" in run("apply", "pompaire", str(cut))
    shown = run("runs", "pompaire")
    assert "refused staff-list-too-short" in shown
    assert "partis : 3" in run("apply", "pompaire", str(cut), "--even-so")
    latest = run("runs", "pompaire").split("\t", 1)[0]
    assert "défait" in run("undo", "pompaire", latest)
    run("undo", "pompaire", latest, fails=True)
    assert "fut défait" in run("apply", "pompaire", str(cut))
    run("check", "nowhere", str(file), fails=True)
