"""Per-device overrides, as the booth reads them before every job."""

import json

import pytest

from cvq_scanning.acquire import BadOverrides, load_overrides


def test_the_options_of_the_device_are_given_in_their_order(tmp_path):
    file = tmp_path / "overrides.json"
    file.write_text(json.dumps({"a:1": {"read-delay": 1, "page-height": 300.5, "mode": "Gray"}, "b:2": {"x": 1}}))
    assert list(load_overrides(file, "a:1").items()) == [("read-delay", 1), ("page-height", 300.5), ("mode", "Gray")]
    assert load_overrides(file, "c:3") == {}


def test_no_file_means_no_overrides(tmp_path):
    assert load_overrides(tmp_path / "none.json", "a:1") == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[" * 60_000, "not JSON"),
        ("[]", "object of devices"),
        ('{"a:1": 3}', "object of options"),
        ('{"a:1": {"mode": ["Gray"]}}', "mode"),
        ('{"a:1": {"mode": null}}', "mode"),
        ('{"a:1": ' + json.dumps({f"o{i}": i for i in range(101)}) + "}", "object of options"),
        (" " * 70_000, "larger than"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_with_its_reason(tmp_path, content, said):
    file = tmp_path / "overrides.json"
    file.write_text(content)
    with pytest.raises(BadOverrides, match=said):
        load_overrides(file, "a:1")


def test_a_folder_in_the_files_place_is_refused(tmp_path):
    with pytest.raises(BadOverrides):
        load_overrides(tmp_path, "a:1")
