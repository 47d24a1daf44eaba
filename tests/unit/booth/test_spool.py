"""The spool: on tmpfs, one visit at a time, and nothing left of any other."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from cvq_booth.spool import HeldPage, Spool, SpoolError, file_system
from cvq_core.ids import new_id

SHARED_MEMORY = Path("/dev/shm")


@pytest.fixture
def folder():
    import shutil

    path = SHARED_MEMORY / f"cvq-test-{uuid4()}"
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def spool(folder):
    opened = Spool(folder)
    yield opened
    opened.close()


def again(spool: Spool) -> Spool:
    """Start anew on the same folder, as an agent does that was killed."""
    spool.close()
    return Spool(spool.folder)


def page_in(spool: Spool, visit: UUID, text: bytes = b"a page") -> HeldPage:
    command = uuid4()
    path = spool.job_folder(visit, command) / "scan.jpg"
    path.write_bytes(text)
    page = HeldPage(
        page_id=new_id(),
        command_id=command,
        page=1,
        path=path,
        width=10,
        height=14,
        resolution_dpi=100,
        sha256="0" * 64,
    )
    spool.keep_page(visit, page)
    return page


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_only_this_user_may_look_into_it(spool):
    spool.open_visit(visit := uuid4())
    page_in(spool, visit)
    for path in (spool.folder, *(path for path in spool.folder.rglob("*") if path.is_dir())):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path


@pytest.fixture
def on_disk(tmp_path):
    """A folder on a disk: where temporary files lie in memory, one beside this file."""
    if file_system(tmp_path) not in {"tmpfs", "ramfs"}:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as folder:
        yield Path(folder)


def test_a_disk_is_refused_and_the_way_out_is_named(on_disk):
    with pytest.raises(SpoolError, match="CVQ_BOOTH_SPOOL_DIR"):
        Spool(on_disk / "spool")


def test_a_disk_is_taken_where_the_setting_says_so(on_disk, capsys):
    Spool(on_disk / "spool", allow_disk=True).close()
    assert "NOT ON TMPFS" in capsys.readouterr().out


def test_a_link_that_somebody_laid_there_is_not_followed(folder, tmp_path):
    folder.symlink_to(tmp_path)
    with pytest.raises(SpoolError, match="not a folder"):
        Spool(folder, allow_disk=True)
    folder.unlink()


def test_two_agents_cannot_share_it(spool):
    with pytest.raises(SpoolError, match="another booth agent"):
        Spool(spool.folder)


def test_a_page_is_held_until_its_visit_is_wiped(spool):
    spool.open_visit(visit := uuid4())
    first, second = page_in(spool, visit), page_in(spool, visit)
    assert [page.page_id for page in spool.pages(visit)] == [first.page_id, second.page_id]
    assert spool.page(visit, first.page_id) == first
    assert spool.page(visit, uuid4()) is None
    wiped = spool.wipe(visit)
    assert (wiped.files, wiped.bytes > 0) == (4, True)
    assert spool.pages(visit) == []


def test_a_killed_agent_finds_the_visit_and_its_pages_again(spool):
    spool.open_visit(visit := uuid4())
    page = page_in(spool, visit)
    spool.note_command(visit, page.command_id, {"state": "done"})
    new = again(spool)
    assert new.visits() == [visit]
    assert new.pages(visit) == [page]
    assert new.command(visit, page.command_id) == {"state": "done"}
    new.close()


def test_another_start_of_the_machine_finds_nothing(spool):
    spool.open_visit(visit := uuid4())
    page_in(spool, visit, b"MARKER")
    (spool.folder / "boot").write_text("another start")
    new = again(spool)
    assert new.visits() == []
    assert b"MARKER" not in everything_in(new.folder)
    new.close()


def test_a_wipe_that_was_broken_off_is_done_again_at_the_next_start(spool):
    spool.open_visit(visit := uuid4())
    page_in(spool, visit, b"MARKER")
    (spool.folder / "kiosk").mkdir()
    (spool.folder / "kiosk" / "History").write_bytes(b"MARKER")
    spool.begin_wipe()
    new = again(spool)
    assert not new.wipe_is_unfinished
    assert b"MARKER" not in everything_in(new.folder)
    new.close()


def test_a_new_visit_leaves_nothing_of_the_one_before(spool):
    spool.open_visit(old := uuid4())
    page_in(spool, old, b"MARKER")
    spool.open_visit(new := uuid4())
    assert spool.visits() == [new]
    assert b"MARKER" not in everything_in(spool.folder)


def test_wiping_twice_does_no_harm(spool):
    spool.open_visit(visit := uuid4())
    assert spool.wipe(visit).files == 0
    assert spool.wipe(visit).files == 0
    spool.wipe()


def test_a_half_written_note_is_as_if_it_had_not_been_written(spool):
    spool.open_visit(visit := uuid4())
    command = uuid4()
    path = spool.folder / "visits" / str(visit) / "commands" / str(command)
    path.write_text('{"state": "do')
    assert spool.command(visit, command) is None
    (spool.folder / "visits" / str(visit) / "pages" / f"{uuid4()}.json").write_text("{")
    assert spool.pages(visit) == []


def test_a_page_whose_image_is_gone_is_not_held(spool):
    spool.open_visit(visit := uuid4())
    page_in(spool, visit).path.unlink()
    assert spool.pages(visit) == []


def test_the_open_camera_is_known_to_the_next_start_for_a_while(spool):
    spool.open_visit(visit := uuid4())
    assert spool.call_age_s(visit) is None
    spool.touch_call(visit)
    assert spool.call_age_s(visit) < 30
    spool.forget_call(visit)
    assert spool.call_age_s(visit) is None
