"""Each of the 25 faults that a newcomer's hour showed has tests that would find it again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FRONTEND = TESTS.parent / "studio" / "canvas" / "frontend" / "src"

FAULTS: dict[int, tuple[str, tuple[str, ...]]] = {
    1: ("A narrow canvas, unreadable titles, a panel that cannot be folded.", (
        "test_the_dock_folds_widens_and_remembers",
        "test_a_title_is_in_letters_one_can_read_at_every_zoom",
    )),
    2: ("No way to give documents.", (
        "test_a_folder_of_documents_becomes_a_node_that_reads_it",
        "test_a_file_or_a_folder_is_looked_for_beside_the_flow",
    )),
    3: ("The empty canvas advises what cannot run; no button for the missing model.", (
        "test_the_five_to_start_with_run_by_two_clicks",
        "test_plus_adds_what_fits_and_wires_it_and_nothing_is_red_before_a_try",
    )),
    4: ("Run with errors asks for inputs; what was typed is lost.", (
        "test_problems_come_first_and_what_was_typed_is_kept",
    )),
    5: ("Fields of the old node stay live.", (
        "test_a_field_belongs_to_the_node_it_was_drawn_for",
    )),
    6: ("A template brings flows that its params only resemble.", (
        "test_what_a_param_only_resembles_is_not_brought",
    )),
    7: ("Wires run behind nodes.", (
        "test_a_wire_that_skips_a_column_does_not_run_behind_a_node",
        "test_below_each_node_of_a_template_is_room_for_what_it_writes",
    )),
    8: ("A flow without positions is a tangle.", (
        "test_a_flow_without_places_is_laid_out_once_and_can_be_read",
    )),
    9: ("Nothing opens large.", (
        "test_values_are_shown_in_large_and_compared",
        "test_a_prompt_is_written_in_large_with_what_it_was_filled_with",
    )),
    10: ("The palette knows no synonyms.", (
        "titles come first, then synonyms, then what else mentions the word",
        "two words of a synonym are found when they are typed as one",
        "test_templates_are_found_by_synonyms_of_their_nodes",
    )),
    11: ("No way out: serve, snippets, embed, export.", (
        "test_a_flow_is_used_elsewhere",
    )),
    12: ("Templates answer their own questions wrongly.", (
        "test_the_examples_of_the_readme_are_right",
        "test_a_folder_is_answered_from_the_right_text",
        "test_a_crew_names_the_wood",
        "test_a_react_agent_really_calculates",
        "test_what_the_model_is_too_small_for_is_said_beside_the_answer",
    )),
    13: ("One chat model, and free text for others.", (
        "test_models_are_chosen_searched_fetched_and_tried",
        "test_the_catalogue_is_large_enough_in_order_and_names_everything_once",
    )),
    14: ("Citations are a JSON tree.", (
        "test_documents_come_with_their_scores_and_sources",
        "test_sources_are_cards_and_text_is_text",
        "test_a_number_in_an_answer_leads_to_its_place_in_the_run_and_in_large",
    )),
    15: ("Nodes pile up unwired.", (
        "a node that is added beside another is wired where one wire can be meant",
        "a new node lies free beside another, in its column",
    )),
    16: ("Errors shout at the first drop, in ids.", (
        "a field is red only after a try, and speaks of nodes by their titles",
        "nothing is red before the first try; then errors are",
    )),
    17: ("One file of weights three times in memory.", (
        "test_who_needs_less_room_uses_what_is_open_as_he_asks",
        "test_the_plan_of_a_flow_counts_shared_weights_once",
        "test_others_are_let_go_when_a_run_begins_and_what_it_needs_stays",
    )),
    18: ("A click on a node while Run is open shows nothing.", (
        "test_the_dock_folds_widens_and_remembers",
        "test_values_of_the_last_run_follow_the_selection",
    )),
    19: ("Types by colour alone.", (
        "the check would have found the colors of before",
        "test_nothing_serious_is_found",
    )),
    20: ("Small windows.", (
        "test_in_a_small_window_the_tabs_stand_in_one_row_and_nothing_lies_over_the_nodes",
        "test_palette_and_dock_come_one_at_a_time_and_are_remembered",
        "test_no_page_sticks_out_sideways",
    )),
    21: ("Two things called Stop; progress without an end.", (
        "test_streamlits_own_stop_is_out_of_sight",
        "test_a_fetch_tells_its_rate_and_the_time_left_once_both_are_sure",
        "test_what_takes_long_tells_how_far_it_is_and_the_time_left",
        "test_a_loop_keeps_its_finished_items",
        "test_a_loop_that_is_stopped_keeps_its_finished_items_and_says_so",
    )),
    22: ("The server survives its command.", (
        "test_however_it_is_ended_nothing_is_left",
    )),
    23: ("Dead ends at broken and foreign files.", (
        "test_a_torn_file_is_mended_as_text_or_brought_back",
        "test_another_builders_file_in_the_folder_is_imported",
    )),
    24: ("The Runs page shows no values.", (
        "test_past_runs_are_listed_and_stepped_through",
        "test_a_past_run_is_gone_through_and_edited_from",
        "test_two_runs_side_by_side",
    )),
    25: ("No --version; Role agent, Role agent; versions in a select box of ids.", (
        "test_a_crews_roles_and_tasks_are_told_apart_by_name",
        "test_versions_are_listed_with_times_and_can_be_named",
        "test_the_wheel_knows_its_version",
        "test_what_can_be_pressed_does_not_look_like_text",
    )),
}  # fmt: skip
"""Number of a fault → what it was, and the names of tests, in Python or of the canvas."""


def names() -> set[str]:
    """The names of all tests that there are."""
    found: set[str] = set()
    for file in TESTS.rglob("test_*.py"):
        found.update(re.findall(r"def (test_\w+)", file.read_text("utf-8")))
    for file in FRONTEND.rglob("*.test.ts"):
        found.update(re.findall(r'^test\("([^"]+)"', file.read_text("utf-8"), re.MULTILINE))
    return found


@pytest.fixture(scope="module")
def known() -> set[str]:
    return names()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_first_hour_has_its_tests(fault: int, known: set[str]) -> None:
    _, tests = FAULTS[fault]
    assert [name for name in tests if name not in known] == []


def test_every_fault_is_listed() -> None:
    assert list(FAULTS) == list(range(1, 26))
