"""Each driver has its own words for source and mode, and its own resolutions."""

import pytest

from cvq_scanning.device.choices import mode_named, resolution_near, resolutions_offered, source_named


@pytest.mark.parametrize(
    ("available", "flatbed", "feeder"),
    [
        (["Flatbed", "Automatic Document Feeder"], "Flatbed", "Automatic Document Feeder"),
        (["FlatBed", "ADF", "Duplex"], "FlatBed", "ADF"),
        (["ADF Duplex", "ADF Front", "ADF Back"], None, "ADF Front"),
        (["Document Table", "ADF(left aligned)"], "Document Table", "ADF(left aligned)"),
        (["Normal", "Transparency", "Negative"], "Normal", None),
        ([], None, None),
    ],
)
def test_sources_are_found_under_the_names_that_drivers_give_them(available, flatbed, feeder):
    assert source_named(available, "flatbed") == flatbed
    assert source_named(available, "feeder") == feeder


def test_a_feeder_that_only_scans_both_sides_is_not_taken_for_a_plain_one():
    assert source_named(["ADF Duplex"], "feeder") is None


@pytest.mark.parametrize(
    ("available", "color", "gray"),
    [
        (["Lineart", "Gray", "Color"], "Color", "Gray"),
        (["24bit Color", "True Gray", "Black & White"], "24bit Color", "True Gray"),
        (["Color Lineart", "Color", "Grayscale"], "Color", "Grayscale"),
        (["Gray"], None, "Gray"),
    ],
)
def test_modes_are_found_and_the_plainest_is_taken(available, color, gray):
    assert mode_named(available, "color") == color
    assert mode_named(available, "gray") == gray


def test_a_resolution_is_never_coarser_than_wanted_where_the_scanner_can_do_better():
    assert resolution_near(300, None, None, [75, 150, 200, 400, 600]) == 400
    assert resolution_near(300, None, None, [75, 150, 200]) == 200
    assert resolution_near(300, 50, 200, []) == 200
    assert resolution_near(300, 50, 1200, []) == 300
    assert resolution_near(300, None, None, []) == 300


def test_the_usual_resolutions_are_offered_of_a_range_and_the_scanners_own_of_a_list():
    assert resolutions_offered(100, 400, []) == (100, 150, 200, 300, 400)
    assert resolutions_offered(None, None, [0.0007, 600, 75]) == (75, 600)
    assert resolutions_offered(None, None, []) == ()
