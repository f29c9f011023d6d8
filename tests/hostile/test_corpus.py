"""Every case of the list of hostile inputs has its test; this is the way from its number to the test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
#: How many cases each section of the list has.
SECTIONS = {
    "A": 23, "B": 12, "C": 8, "D": 20, "E": 12, "F": 14, "G": 14, "H": 7,
    "I": 9, "J": 13, "K": 8, "L": 6, "M": 12, "N": 8, "O": 8, "P": 1,
}  # fmt: skip
#: Tests that do not bear the number in their name or among their parameters.
BY_NAME = {
    "C07": "border/test_memory.py::test_what_is_no_survey_is_refused_in_one_sentence",
    "C08": "border/test_memory.py::test_every_kind_of_image_in_memory_has_its_values_and_unit",
    "E06": "survey/test_wham.py::test_bands_agree_with_an_integration_row_by_row",
    "F02": "survey/test_hostile_fits.py::test_f01_to_f05_compressed_images_have_the_pixels_of_the_original",
    "F03": "survey/test_hostile_fits.py::test_f01_to_f05_compressed_images_have_the_pixels_of_the_original",
    "F04": "survey/test_hostile_fits.py::test_f01_to_f05_compressed_images_have_the_pixels_of_the_original",
    "F05": "survey/test_hostile_fits.py::test_f01_to_f05_compressed_images_have_the_pixels_of_the_original",
    "K05": "survey/test_download.py::test_a_wrong_hash_shows_both",
    "L01": "style/test_weights.py::test_pickled_arrays_are_refused",
    "L03": "style/test_weights.py::test_the_rebuilt_file_has_the_pinned_hash",
    "L05": "style/test_weights.py::test_the_rebuilt_file_has_the_pinned_hash",
    "L06": "style/test_weights.py::test_pickled_arrays_are_refused",
    "M01": "indexing/test_index_hostile.py::test_a_flipped_byte_in_any_shard_is_found_before_use",
    "M02": "indexing/test_index_hostile.py::test_shards_cut_short_swapped_or_missing_are_named",
    "M03": "indexing/test_index_hostile.py::test_shards_cut_short_swapped_or_missing_are_named",
    "M04": "indexing/test_index_hostile.py::test_shards_cut_short_swapped_or_missing_are_named",
    "M05": "indexing/test_index_hostile.py::test_what_a_killed_builder_left_is_removed_and_nothing_else",
    "M06": "indexing/test_index_hostile.py::test_what_a_killed_builder_left_is_removed_and_nothing_else",
    "M07": "indexing/test_index_hostile.py::test_other_versions_and_other_programs_are_refused",
    "M08": "indexing/test_index_hostile.py::test_another_recipe_survey_or_grid_is_refused_with_what_differs",
    "M09": "indexing/test_index.py::test_new_data_is_measured_where_it_changes_the_picture",
    "M10": "indexing/test_index.py::test_a_moved_index_finds_its_survey_by_name_or_hash",
    "M12": "indexing/test_index_hostile.py::test_a_second_builder_is_told_who_is_first",
    "N04": "style/test_references.py::test_a_reference_outside_the_survey_is_refused_whichever_it_is",
    "O07": "border/test_torture.py::test_nothing_goes_wrong_in_a_short",
    "P01": "core/test_settings.py::test_any_value_is_either_accepted_or_refused_in_our_words",
}
#: What Skykin has not, so that nothing can go wrong with it; cases that the list calls optional.
NOT_THERE = {
    "B12": "optional: periodic artefacts are not looked for",
    "D14": "optional: a wrong label of the frame cannot be seen in a header",
    "L02": "safetensors are not read",
    "L04": "the weights are 8-bit codes and tables of finite numbers, with a pinned hash",
    "M11": "versions of an index are rows of its manifest and know no clock",
}


def _numbered() -> set[str]:
    """Numbers that names of tests and of their parameters bear."""
    found = set()
    for path in TESTS.rglob("*.py"):
        if path != Path(__file__):
            text = path.read_text(encoding="utf-8")
            for names in re.findall(r"(?:def test_|[\"'])((?:[a-pA-P]\d\d[a-z]?[_ ](?:and_|to_)?)+)", text):
                found |= {each.upper() for each in re.findall(r"[a-pA-P]\d\d", names)}
    return found


_NUMBERED = _numbered()
CASES = [f"{name}{number:02d}" for name, most in SECTIONS.items() for number in range(1, most + 1)]


@pytest.mark.parametrize("case", [each for each in CASES if each not in NOT_THERE])
def test_each_case_of_the_list_has_a_test(case):
    if case in BY_NAME:
        file, name = BY_NAME[case].split("::")
        assert f"def {name}(" in (TESTS / file).read_text(encoding="utf-8")
    else:
        assert case in _NUMBERED
