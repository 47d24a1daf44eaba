"""The two Chromium windows of a booth: started where there is a display, watched, and renewed with nothing in them.

Each window has a profile of its own on tmpfs. The profile is written before Chromium sees it: it lets the screens'
own origin on loopback, and nothing else, use camera and microphone. That is the least that works without root; a
policy file in /etc/chromium would need it, and `--auto-accept-camera-and-microphone-capture` would open the camera to
any page.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from cvq_booth.screens.present import Screen
from cvq_booth.settings import BoothSettings, Place
from cvq_core.settings_file import SettingsError, is_loopback

log = structlog.get_logger(__name__)

RESTART_FIRST_S = 0.5
RESTART_MAX_S = 30.0
STEADY_S = 20.0
"""A window that stood this long was well; its next crash is the first again."""

QUIT_TIMEOUT_S = 3.0

PATH_BYTES_MAX = 61
"""Chromium makes a socket 46 bytes below its TMPDIR, and crashes where the kernel's 108 are not enough."""

FLAGS = (
    "--kiosk",
    "--no-first-run",
    "--no-default-browser-check",
    "--noerrdialogs",
    "--disable-infobars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-pinch",
    "--overscroll-history-navigation=0",
    "--disable-features=Translate,MediaRouter,AutofillServerCommunication,PasswordManagerOnboarding",
    "--password-store=basic",
    "--disk-cache-size=1",
    "--disable-breakpad",
    # The ring must sound before anybody has touched the page.
    "--autoplay-policy=no-user-gesture-required",
    # A window under another one still shows a face.
    "--disable-backgrounding-occluded-windows",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
)


PAYMENT_FLAGS = (
    "--incognito",
    "--disable-notifications",
    "--disable-background-mode",
    "--deny-permission-prompts",
    "--disable-print-preview",
)
BAR_PX = 170
"""What stays free of screen 2 below a payment's page; `screens.css` fills it."""

NO_ORIGIN = "https://nobody.invalid/"
"""Whom a payment's profile gives the camera to."""


@dataclass(frozen=True, slots=True)
class WindowPlace:
    """Where a window lies, in pixels of the whole display."""

    screen: Screen
    position: Place
    size: Place


class Kiosk:
    """Both windows. `address` gives a screen's address with its key, asked anew at every start of a window."""

    def __init__(
        self,
        *,
        chromium: Path,
        places: Sequence[WindowPlace],
        profiles: Path,
        address: Callable[[Screen], str],
        flags: Sequence[str] = (),
        env: Mapping[str, str] = os.environ,
    ) -> None:
        self._chromium = chromium
        self._places = places
        self._profiles = profiles
        self._address = address
        self._own_flags = list(flags)
        self._flags = [*FLAGS, *flags]
        self._env = env
        self._tasks: list[asyncio.Task[None]] = []
        self.processes: dict[Screen, asyncio.subprocess.Process] = {}

    @classmethod
    def from_settings(cls, settings: BoothSettings, profiles: Path, address: Callable[[Screen], str]) -> Kiosk | None:
        """Return the kiosk that the settings ask for, or None where no window is to be shown.

        Raises:
            SettingsError: the spool's path is too long.
        """
        wanted = settings.display
        if wanted == "auto":
            wanted = "wayland" if "WAYLAND_DISPLAY" in os.environ else "x11" if "DISPLAY" in os.environ else "none"
        if wanted == "none":
            return None
        if len(str(profiles / "1" / "tmp").encode()) > PATH_BYTES_MAX:
            raise SettingsError("CVQ_BOOTH_SPOOL_DIR: the path is too long for Chromium's own files in it")
        flags = [f"--ozone-platform={wanted}", *settings.chromium_flags]
        if os.getuid() == 0:
            log.warning("Chromium runs without its sandbox, because the agent runs as root; use another user")
            flags.append("--no-sandbox")
        places = (
            WindowPlace(1, settings.screen_1_position, settings.screen_1_size),
            WindowPlace(2, settings.screen_2_position, settings.screen_2_size),
        )
        return cls(chromium=settings.chromium, places=places, profiles=profiles, address=address, flags=flags)

    async def start(self) -> None:
        """Open both windows and watch them from now on."""
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._watch(place), name=f"kiosk-{place.screen}") for place in self._places
            ]

    async def stop(self) -> None:
        """Close both windows, with all their processes."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def remove_profiles(self) -> int:
        """Delete what the closed windows left, and return how many profiles there were."""
        if not self._profiles.is_dir():
            return 0
        count = sum(1 for _ in self._profiles.iterdir())
        shutil.rmtree(self._profiles)
        return count

    def payment_window(self, hosts: Sequence[str], on_closed: Callable[[], None], language: str) -> PaymentWindow:
        """Return the window that can be laid over screen 2 for a payment, and that reaches `hosts` alone."""
        below = next(place for place in self._places if place.screen == 2)
        return PaymentWindow(
            chromium=self._chromium,
            below=below,
            folder=self._profiles / "3",
            hosts=hosts,
            on_closed=on_closed,
            language=language,
            flags=self._own_flags,
            env=self._env,
        )

    async def _watch(self, place: WindowPlace) -> None:
        loop = asyncio.get_running_loop()
        pause_s = RESTART_FIRST_S
        while True:
            began = loop.time()
            try:
                code = await self._show(place)
                log.warning("a kiosk window ended", screen=place.screen, code=code)
            except OSError as error:
                log.error("a kiosk window cannot be started", screen=place.screen, reason=str(error))
            pause_s = RESTART_FIRST_S if loop.time() - began > STEADY_S else min(pause_s * 2, RESTART_MAX_S)
            await asyncio.sleep(pause_s)

    async def _show(self, place: WindowPlace) -> int:
        """Open a window on a fresh profile and wait for its end; it does not outlive this task."""
        folder = self._profiles / str(place.screen)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        write_profile(folder / "profile", self._address(place.screen))
        address = self._address(place.screen)
        process = await open_window(self._chromium, self._flags, folder, place=place, address=address, env=self._env)
        self.processes[place.screen] = process
        try:
            return await process.wait()
        finally:
            del self.processes[place.screen]
            await asyncio.shield(end_window(process))


class PaymentWindow:
    """A payment's own page above screen 2, on a profile that is deleted as soon as it closes.

    It is a browser of its own, which resolves no name but those that it may reach; what is typed there goes from it to
    the bank, and no process of ours sees any of it. Below it screen 2 keeps a bar of `BAR_PX` with the way back.
    """

    def __init__(
        self,
        *,
        chromium: Path,
        below: WindowPlace,
        folder: Path,
        hosts: Sequence[str],
        on_closed: Callable[[], None],
        language: str = "fr",
        flags: Sequence[str] = (),
        env: Mapping[str, str] = os.environ,
    ) -> None:
        self._chromium = chromium
        self._place = WindowPlace(2, below.position, (below.size[0], below.size[1] - BAR_PX))
        self._folder = folder
        self._on_closed = on_closed
        self._language = language
        allowed = ", ".join(f"EXCLUDE {host}" for host in hosts)
        self._flags = [*FLAGS, *PAYMENT_FLAGS, f"--host-resolver-rules=MAP * ~NOTFOUND, {allowed}", *flags]
        self._env = env
        self._task: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def show(self, address: str) -> None:
        """Open the page of an address, on an empty profile; another one that stood there is closed."""
        async with self._one_at_a_time:
            await self._end()
            self._task = asyncio.create_task(self._stand(address), name="payment-window")

    async def close(self) -> None:
        """Close the window with all its processes, and delete what it wrote."""
        async with self._one_at_a_time:
            await self._end()

    async def _end(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _stand(self, address: str) -> None:
        if not is_page(address):
            # What begins otherwise could be one of Chromium's own options.
            log.error("the payment's address is none of a page")
            self._on_closed()
            return
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        process: asyncio.subprocess.Process | None = None
        try:
            write_profile(self._folder / "profile", NO_ORIGIN, language=self._language)
            process = await open_window(
                self._chromium, self._flags, self._folder, place=self._place, address=address, env=self._env
            )
            code = await process.wait()
            log.warning("the payment's window ended by itself", code=code)
        except OSError as error:
            log.error("the payment's window cannot be started", reason=str(error))
        finally:
            await asyncio.shield(self._forget(process))
        self._on_closed()

    async def _forget(self, process: asyncio.subprocess.Process | None) -> None:
        if process is not None:
            await end_window(process)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)


async def open_window(
    chromium: Path, flags: Sequence[str], folder: Path, *, place: WindowPlace, address: str, env: Mapping[str, str]
) -> asyncio.subprocess.Process:
    """Start Chromium on the profile in a folder, with one page at a place, and return its process."""
    return await asyncio.create_subprocess_exec(
        # A killed agent must not leave windows behind that a second start would cover with its own.
        "setpriv",
        "--pdeathsig",
        "TERM",
        str(chromium),
        *flags,
        f"--user-data-dir={folder / 'profile'}",
        f"--window-position={place.position[0]},{place.position[1]}",
        f"--window-size={place.size[0]},{place.size[1]}",
        address,
        env=_environment(env, folder / "home", folder / "tmp"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )


def is_page(address: str) -> bool:
    """Tell whether an address is one of a page that came with TLS, or of this machine."""
    target = urlsplit(address)
    return target.scheme == "https" or (target.scheme == "http" and is_loopback(target.hostname or ""))


def write_profile(folder: Path, address: str, *, language: str = "fr") -> None:
    """Write a fresh profile that gives camera and microphone to the address's origin, and to no other.

    Pages of others are asked for in `language`, whatever the machine speaks.
    """
    scheme, _, rest = address.partition("://")
    origin = f"{scheme}://{rest.partition('/')[0]},*"
    allowed = {origin: {"setting": 1}}
    preferences = {
        "profile": {
            "default_content_setting_values": {"media_stream_camera": 2, "media_stream_mic": 2, "notifications": 2},
            "content_settings": {"exceptions": {"media_stream_camera": allowed, "media_stream_mic": allowed}},
            "password_manager_enabled": False,
        },
        "intl": {"accept_languages": language, "selected_languages": language},
        "credentials_enable_service": False,
        "autofill": {"profile_enabled": False, "credit_card_enabled": False},
        "translate": {"enabled": False},
    }
    default = folder / "Default"
    default.mkdir(parents=True, mode=0o700)
    (default / "Preferences").write_text(json.dumps(preferences), encoding="utf-8")


def _environment(env: Mapping[str, str], home: Path, temporary: Path) -> dict[str, str]:
    """Keep Chromium's traces where they are deleted: what it writes to the home or to /tmp would outlive the visit."""
    for path in (home, temporary):
        path.mkdir(parents=True, mode=0o700, exist_ok=True)
    kept = {name: value for name, value in env.items() if not name.startswith("XDG_") or name == "XDG_RUNTIME_DIR"}
    if "XAUTHORITY" not in kept and "HOME" in env:
        kept["XAUTHORITY"] = str(Path(env["HOME"], ".Xauthority"))
    return kept | {"HOME": str(home), "TMPDIR": str(temporary)}


async def end_window(process: asyncio.subprocess.Process) -> None:
    """End a window's whole process group, gently first."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUIT_TIMEOUT_S):
                await process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
