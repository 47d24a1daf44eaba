"""A software HSM (softhsm2) of the tests' own, behind the same PKCS#11 as a real one."""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from cvq_core.card_keys.custody import Custody

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
LABEL, PIN = "cvq-test", "4711"


@cache
def hsm_folder() -> Path:
    """Return the folder of this process's HSM, with an empty token; its library reads the environment once."""
    folder = Path(tempfile.mkdtemp(prefix="cvq-hsm-"))
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    (folder / "pin").write_text(PIN + "\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    made = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--so-pin", "471100", "--pin", PIN]
    subprocess.run(made, check=True, capture_output=True)
    return folder


@cache
def hsm() -> Custody:
    """Return this process's HSM. It keeps its keys from one test to the next: versions go up."""
    hsm_folder()
    return Custody(MODULE, LABEL, PIN)


def hsm_settings() -> dict[str, Any]:
    """Return the settings of a server that uses this process's HSM."""
    return {"pkcs11_module": MODULE, "pkcs11_label": LABEL, "pkcs11_pin_file": hsm_folder() / "pin"}
