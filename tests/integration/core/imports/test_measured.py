"""How well duplicates are found in the made-up bases, in which it is known who is who, and how long it takes.

The village runs every day; the 38 communes at night, which is where the stated figures come from.
"""

from __future__ import annotations

import csv
import resource
import sys
import time
from collections import defaultdict
from datetime import date
from itertools import combinations
from pathlib import Path
from uuid import UUID

import pytest

from cvq_core.imports.candidates import Pair, pairs_of
from cvq_core.imports.likeness import Level, Record, make_record
from cvq_core.imports.mapping import read_mapping
from cvq_core.imports.reading import OldFile, read_base
from cvq_core.imports.rules import identity_of
from cvq_core.seed.old_bases import MAPPING_NAME, TRUTH_NAME, write_old_bases

TODAY = date(2026, 11, 22)
Both = set[tuple[UUID, UUID]]


def read_all(folder: Path, preset: str) -> tuple[list[Record], Both]:
    """Return the people of all bases as they are compared, and the pairs of which it is true that they are one."""
    made = write_old_bases(folder, preset)
    with (folder / TRUTH_NAME).open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter=";")
        truth = {(row["base"], row["famille"], int(row["rang"])): row["personne"] for row in rows}
    records: list[Record] = []
    same: dict[str, list[UUID]] = defaultdict(list)
    for base_folder in made.folders:
        mapping = read_mapping((base_folder / MAPPING_NAME).read_text(encoding="utf-8"))
        files = [
            OldFile(path.name, path.read_bytes())
            for path in sorted(base_folder.iterdir())
            if path.suffix in (".csv", ".txt", ".xlsx")
        ]
        base = read_base(mapping, files, today=TODAY)
        assert not base.refused
        for family in base.families.values():
            for rank, person in enumerate(family.persons):
                identity = identity_of(mapping.base, person.key)
                same[truth[mapping.base, family.number, rank]].append(identity)
                records.append(
                    make_record(
                        identity,
                        family_name=person.family_name,
                        usual_name=person.usual_name,
                        given_names=person.given_names,
                        birth_date=person.birth_date,
                        address=person.address,
                        postcode=person.postcode,
                        city=person.city,
                        phone=person.phone,
                        email=person.email,
                        card_number=person.card_number,
                    )
                )
    assert len(records) == made.people
    true = {(min(pair), max(pair)) for mine in same.values() for pair in combinations(mine, 2)}
    return records, true


def at(pairs: list[Pair], level: Level) -> Both:
    return {(pair.low, pair.high) for pair in pairs if pair.likeness.level is level}


def test_in_a_village_every_duplicate_is_found_and_none_is_certain_that_is_not_one(tmp_path: Path) -> None:
    records, true = read_all(tmp_path, "demo")
    pairs = pairs_of(records)
    certain, doubtful = at(pairs, Level.CERTAIN), at(pairs, Level.DOUBTFUL)
    assert len(true) >= 20
    assert certain <= true
    assert len(true & (certain | doubtful)) >= 0.95 * len(true)
    assert len(certain) >= 0.7 * len(true)


@pytest.mark.nightly
def test_in_the_whole_territory_recall_and_precision_are_as_stated(tmp_path: Path) -> None:
    began = time.process_time()
    records, true = read_all(tmp_path, "parthenay")
    read_s = time.process_time() - began
    began = time.process_time()
    pairs = pairs_of(records)
    compared_s = time.process_time() - began
    certain, doubtful = at(pairs, Level.CERTAIN), at(pairs, Level.DOUBTFUL)
    found = true & (certain | doubtful)
    sys.stdout.write(
        f"{len(records)} people, {len(true)} true pairs: {len(certain)} certain of which {len(certain - true)} wrong, "
        f"{len(doubtful)} to be decided of which {len(doubtful & true)} are one, {len(true - found)} missed; "
        f"written and read {read_s:.0f} s, compared {compared_s:.0f} s of CPU, "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB\n"
    )
    assert len(certain & true) >= 0.998 * len(certain)
    assert len(found) >= 0.98 * len(true)
    assert len(doubtful) <= len(records) / 20
