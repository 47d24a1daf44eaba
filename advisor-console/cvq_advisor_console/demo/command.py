"""`cvq demo`: start everything, say where to click, and leave nothing behind."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cvq_advisor_console.demo.cards import begin_batch
from cvq_advisor_console.demo.mailbox import Mailbox
from cvq_advisor_console.demo.old_bases import bring_old_bases
from cvq_advisor_console.demo.processes import Died, free_port
from cvq_advisor_console.demo.site import PASSWORD, Site
from cvq_core.database import Database
from cvq_core.particulier.virtual import RECIPIENT, TOKEN, VirtualParticulier
from cvq_core.payments.virtual import VirtualPayFip
from cvq_core.text import hour, long_date
from cvq_desk.seed import workers

ONLINE_PLACE = "CVQ-SIEGE"
"""Whose act lets it collect online, in the territory that is seeded."""
MOTHER, MOTHERS_EUROS = ("MOREAU", "CLAIRE"), 655
"""Whose family's price changes when the funds are asked about her: 742 is known of January."""
STEPS = (
    "Ouvrez les deux écrans du guichet, chacun dans sa fenêtre, et autorisez caméra et micro pour l’écran 1.",
    "Entrez comme Martine : cherchez « moreau 12 05 1941 », choisissez la communauté de communes, la cantine, "
    "« Maintenant », validez. Puis A (arrivée) et S (assise).",
    "Dans un autre navigateur, entrez comme Nadia : « Prendre », puis « Appeler le guichet ». Ça sonne cinq secondes.",
    "Posez la carte de Jeanne depuis le panneau des machines, demandez l’accord, touchez « Oui » à l’écran 2.",
    "Au compte (touche 3) : « Faire payer en ligne ». L’écran 2 montre le code ; ouvrez l’adresse, « Payer », et "
    "choisissez chez le PayFiP fictif ce qui arrive.",
    "Ouvrez le formulaire, numérisez la pile, classez, imprimez ; terminez et effacez le guichet.",
    "Chez Martine, « Familles », « moreau », « Quotient familial » : demandez-le à la CAF fictive. Chez Laurence, "
    "« Quotients » : demandez-le pour toutes les familles d’accord.",
    "Revenez chez Martine : « Encaisser » approvisionne la piscine et imprime la quittance.",
    "Chez Martine encore, « Reprises » : une personne ou deux ? Puis à la caisse de Benoît, « Soldes repris ».",
)


async def run_demo(folder: Path) -> None:
    """Run the demonstration until it is interrupted."""
    console = Console()
    shutil.rmtree(folder, ignore_errors=True)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    mailbox = Mailbox(folder / "mail", free_port())
    payfip, particulier = VirtualPayFip(), VirtualParticulier({MOTHER: MOTHERS_EUROS}, knows_everybody=True)
    await payfip.start()
    await particulier.start()
    settings = {"CVQ_SMTP_URL": mailbox.url, **_online(payfip), **_quotients(particulier), **_invoices()}
    site = Site(folder, settings=settings)
    try:
        with console.status("Le village se prépare…"):
            await asyncio.to_thread(mailbox.start)
            await _until_stopped(_start(site), stop)
        if not stop.is_set():
            _say(console, site, mailbox)
            await _watch(site, stop)
    finally:
        with suppress(Exception):
            await asyncio.to_thread(mailbox.stop)
        await site.stop()
        await payfip.stop()
        await particulier.stop()
        console.print("Tout est arrêté.")


def _online(payfip: VirtualPayFip) -> dict[str, str]:
    """Return the settings that let the village pay online, through a PayFiP on this machine that moves no money."""
    return {
        "CVQ_PAYFIP_CLIENT": "000000",
        "CVQ_PAYFIP_OFFICE": ONLINE_PLACE,
        "CVQ_PAYFIP_EMAIL": "regie@parthenay.example",
        "CVQ_PAYFIP_URL": payfip.url,
    }


def _invoices() -> dict[str, str]:
    """Return who sends invoices. The tobacconists' code needs codes of the DGFiP's, which a village of ours has not."""
    issuer = {"name": "Parthenay-Gâtine (démonstration)", "address": ["2, rue de l’Exemple", "79200 Parthenay"]}
    return {"CVQ_INVOICE_ISSUER": json.dumps(issuer)}


def _quotients(particulier: VirtualParticulier) -> dict[str, str]:
    """Return the settings that let the village ask for family quotients, of a stand-in on this machine."""
    return {
        "CVQ_PARTICULIER_TOKEN": TOKEN,
        "CVQ_PARTICULIER_RECIPIENT": RECIPIENT,
        "CVQ_PARTICULIER_URL": particulier.url,
    }


async def _start(site: Site) -> None:
    if not (site.folder / "cvq.sqlite").exists():
        await site.prepare()
        await _fill(site)
    await site.start()
    await site.start_panel()


async def _fill(site: Site) -> None:
    database = Database(site.database_url)
    try:
        await bring_old_bases(database, site.now())
        await begin_batch(database, site.now())
    finally:
        await database.close()


async def _until_stopped(starting: object, stop: asyncio.Event) -> None:
    """Wait for the start to end, or for somebody to change their mind."""
    task = asyncio.ensure_future(starting)  # type: ignore[call-overload]  # any coroutine
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not task.done():
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    else:
        task.result()


async def _watch(site: Site, stop: asyncio.Event) -> None:
    """Wait for Ctrl-C; a part that dies meanwhile ends the demonstration with its last words."""
    while not stop.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await stop.wait()
        for running in site.all_running():
            running.check()


def _say(console: Console, site: Site, mailbox: Mailbox) -> None:
    now = site.now()
    addresses = {
        "Pages (secrétaire, conseiller, caisse)": site.url,
        "Guichet, écran 1 (le visage)": site.screen(1),
        "Guichet, écran 2 (les papiers)": site.screen(2),
        "Machines virtuelles (carte, papier, pannes)": site.panel_url,
        "Courriels envoyés": str(mailbox.folder),
        "Papiers imprimés": str(site.folder / "printer"),
    }
    people = Table("identifiant", "qui", "rôle")
    for worker in workers():
        people.add_row(worker.login, worker.name, worker.what)
    console.print()
    console.rule("Le guichet et la carte de vie quotidienne, en démonstration")
    console.print(
        f"Au village, c’est {long_date(now.date())}, {hour(now)}. Mot de passe pour tous : [b]{PASSWORD}[/b]\n"
    )
    for what, address in addresses.items():
        console.print(what)
        # A line that a narrow terminal breaks by itself can still be copied as one.
        console.print(f"    {address}", soft_wrap=True, markup=False, highlight=False)
    console.print()
    console.print(people)
    console.print("\n[b]À essayer[/b]")
    for number, step in enumerate(STEPS, start=1):
        console.print(f" {number}. {step}")
    console.print("\nCtrl-C arrête tout. Qui est qui dans le village : docs/demo.md\n")


def demo_main(folder: Path) -> None:
    """Run the demonstration; say why when it cannot be.

    Raises:
        SystemExit: a part did not start, or died.
    """
    try:
        asyncio.run(run_demo(folder))
    except Died as died:
        raise SystemExit(str(died)) from None
