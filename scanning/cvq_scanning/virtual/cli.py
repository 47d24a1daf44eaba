"""`python -m cvq_scanning.virtual --dir D`: sets virtual scanners up and puts them in trouble."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import get_args

from cvq_scanning.virtual import PAPER_DEVICE, PNM_DEVICE, SHEETS, TEST_DEVICE, PaperTrouble, prepare


def main() -> None:
    """Prepare the folder and print the environment that a SANE program needs to see its scanners."""
    parser = argparse.ArgumentParser(prog="python -m cvq_scanning.virtual", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="folder of the virtual scanners")
    parser.add_argument("--glass", choices=sorted(SHEETS), help="paper to lay on the glass")
    parser.add_argument("--feeder", choices=sorted(SHEETS), nargs="*", help="sheets to load, in their order")
    parser.add_argument("--trouble", choices=get_args(PaperTrouble), help="trouble to put the scanner in")
    parser.add_argument("--page", type=int, default=0, help="sheet at which the trouble comes (0: every one)")
    parser.add_argument("--row", type=int, default=0, help="row of the 300 dpi sheet at which it comes")
    parser.add_argument("--row-delay-us", type=int, default=0, help="how long one row takes, in microseconds")
    arguments = parser.parse_args()
    scanner = prepare(arguments.dir)
    if arguments.glass:
        scanner.lay_on_glass(SHEETS[arguments.glass](300))
    if arguments.feeder is not None:
        scanner.load_feeder([SHEETS[name](300) for name in arguments.feeder])
    scanner.set_control(arguments.trouble, page=arguments.page, row=arguments.row, row_delay_us=arguments.row_delay_us)
    print(f"# devices: {PAPER_DEVICE} {PNM_DEVICE} {TEST_DEVICE}")
    for name in ("SANE_CONFIG_DIR", "LD_LIBRARY_PATH"):
        print(f"export {name}={shlex.quote(scanner.env[name])}")


if __name__ == "__main__":
    main()
