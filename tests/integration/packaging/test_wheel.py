"""A wheel built from this checkout holds all that an installation needs: assets, templates, migrations, words."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = {
    "cvq-core": "cvq_core",
    "desk": "cvq_desk",
    "advisor-console": "cvq_advisor_console",
    "booth": "cvq_booth",
    "scanning": "cvq_scanning",
    "migrations": "cvq_migrations",
}
# What a package carries beside its Python files; `*.mo` are made by `make assets`, `*.po` are their source.
DATA = ("**/templates/**/*", "**/static/**/*", "**/locale/**/*", "**/definitions/**/*", "**/*.mako", "**/*.c")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the files inside a wheel.

    The sources are copied first: a `build/` left in a checkout would be packed again, files since deleted and all.
    """
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "setup.cfg", "README.md"):
        shutil.copy(ROOT / name, source)
    for name in ROOT.glob("LICENSE*"):
        shutil.copy(name, source)
    for folder in PACKAGES:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    built = subprocess.run(
        [*command, "--wheel-dir", str(target), str(source)], capture_output=True, text=True, check=False, timeout=300
    )
    assert built.returncode == 0, built.stdout + built.stderr
    [path] = target.glob("*.whl")
    with ZipFile(path) as archive:
        return set(archive.namelist())


def test_every_module_of_the_five_components_and_the_migrations_is_in_it(wheel: set[str]) -> None:
    for folder, package in PACKAGES.items():
        names = {str(path.relative_to(ROOT / folder)) for path in (ROOT / folder / package).glob("**/*.py")}
        assert names, folder
        assert names <= wheel


def test_every_template_asset_catalogue_and_definition_is_in_it(wheel: set[str]) -> None:
    for folder, package in PACKAGES.items():
        for pattern in DATA:
            for path in (ROOT / folder / package).glob(pattern):
                if path.is_file() and "__pycache__" not in path.parts:
                    assert str(path.relative_to(ROOT / folder)) in wheel


@pytest.mark.parametrize(
    "name",
    [
        "cvq_core/assets/static/vendor/pico.css",
        "cvq_core/assets/static/vendor/icons.svg",
        "cvq_core/assets/static/vendor/idiomorph.esm.js",
        "cvq_core/assets/static/vendor/atkinson-hyperlegible-next-latin-400-normal.woff2",
        "cvq_core/assets/static/vendor/atkinson-hyperlegible-next-latin-ext-700-normal.woff2",
        "cvq_core/assets/static/css/tokens.css",
        "cvq_core/web/templates/base.html",
        "cvq_core/py.typed",
    ],
)
def test_what_pages_are_drawn_with_is_in_it(wheel: set[str], name: str) -> None:
    assert name in wheel


def test_the_licence_of_each_front_end_package_goes_along(wheel: set[str]) -> None:
    licences = {name for name in wheel if name.startswith("cvq_core/assets/static/vendor/licences/")}
    for package in ("picocss-pico", "fontsource-atkinson-hyperlegible-next", "tabler-icons", "idiomorph"):
        assert any(f"/{package}-" in name for name in licences), package


def test_every_catalogue_is_compiled(wheel: set[str]) -> None:
    for name in wheel:
        if name.endswith(".po"):
            assert name.removesuffix(".po") + ".mo" in wheel


def test_no_test_and_no_secret_is_in_it(wheel: set[str]) -> None:
    assert not [name for name in wheel if name.startswith("tests/") or name.endswith((".pem", ".key", ".env", ".db"))]
