"""A scan job keeps within its bounds, and a scanner's driver sees little of the booth's environment."""

import pytest

from cvq_scanning.acquire import ScanJob
from cvq_scanning.acquire.workers import worker_environment


@pytest.mark.parametrize(
    "wrong",
    [
        {"device": ""},
        {"device": "test:0\0"},
        {"source": "camera"},
        {"mode": "lineart"},
        {"resolution_dpi": 20},
        {"resolution_dpi": 4800},
        {"pages_max": 0},
        {"pages_max": 1000},
    ],
)
def test_a_job_beyond_its_bounds_is_refused(tmp_path, wrong):
    right = {"device": "test:0", "source": "flatbed", "mode": "color", "resolution_dpi": 300, "pages_max": 10}
    ScanJob(**right, spool=tmp_path)
    with pytest.raises(ValueError, match=r"must be|unknown"):
        ScanJob(**(right | wrong), spool=tmp_path)


def test_the_booths_secrets_do_not_reach_a_scanners_driver():
    given = {"PATH": "/bin", "SANE_CONFIG_DIR": "/etc/sane.d", "LC_ALL": "C", "CVQ_BOOTH_KEY_FILE": "k", "TOKEN": "t"}
    assert worker_environment(given) == {"PATH": "/bin", "SANE_CONFIG_DIR": "/etc/sane.d", "LC_ALL": "C"}
