"""django-hordak's transfers, in a process of their own: the double entry that a Django project would take today.

    python -m cvq_core.bench.hordak --url postgresql://… --prepare
    python -m cvq_core.bench.hordak --url postgresql://… --seconds 3

Prints one JSON object. Needs the extra `bench`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from importlib.util import find_spec
from typing import Any
from urllib.parse import unquote, urlsplit

ACCOUNTS = 200
THREADS = 8


def is_installed() -> bool:
    """Whether django-hordak and a driver for it are here."""
    return find_spec("hordak") is not None and find_spec("psycopg") is not None


def _configure(url: str) -> None:
    import django
    from django.conf import settings

    at = urlsplit(url)
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": at.path.removeprefix("/"),
                "USER": unquote(at.username or ""),
                "PASSWORD": unquote(at.password or ""),
                "HOST": at.hostname or "",
                "PORT": str(at.port or 5432),
                "CONN_MAX_AGE": None,
            }
        },
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
        USE_TZ=True,
        SECRET_KEY="bench",  # noqa: S106 - nothing is signed with it
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        HORDAK_CURRENCIES=["EUR"],
        CURRENCIES=["EUR"],
        DEFAULT_CURRENCY="EUR",
    )
    django.setup()


def _prepare() -> dict[str, Any]:
    from django.core.management import call_command
    from hordak.models import Account, AccountType

    call_command("migrate", verbosity=0)
    for number in range(ACCOUNTS):
        Account.objects.create(
            name=f"bench {number}", code=f"{number:04d}", type=AccountType.liability, currencies=["EUR"]
        )
    return {"accounts": ACCOUNTS}


def _measure(url: str, seconds: float) -> dict[str, Any]:
    import asyncio

    from cvq_core.bench.cluster import ExistingServer
    from cvq_core.bench.harness import CpuClock

    server = asyncio.run(ExistingServer(url).server_pid())
    counts = [0] * THREADS
    _transfer_until(time.perf_counter() + 0.5, [0], 0)  # every import and connection is made before it counts
    clock = CpuClock([os.getpid(), server])
    began = time.perf_counter()
    threads = [
        threading.Thread(target=_transfer_until, args=(began + seconds, counts, number)) for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"transfers": sum(counts), "seconds": time.perf_counter() - began, "cpu_s": clock.ours_s()}


def _transfer_until(ends_at: float, counts: list[int], number: int) -> None:
    from django.db import connection
    from hordak.models import Account
    from moneyed import Money

    accounts = list(Account.objects.all())
    amount = Money("3.10", "EUR")
    while time.perf_counter() < ends_at:
        turn = number * 7919 + counts[number]
        accounts[turn % len(accounts)].transfer_to(accounts[(turn + 1) % len(accounts)], amount)
        counts[number] += 1
    connection.close()


def main() -> int:
    """Prepare a database, or transfer for some seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    _configure(options.url)
    found = _prepare() if options.prepare else _measure(options.url, options.seconds)
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
