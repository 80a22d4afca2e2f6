"""Counting recorded generations: Wilson's interval by known values, conditions kept apart, damage refused."""

import pytest

from muster_core.errors import MusterError
from muster_prompts.ablation import prompt_ablation, wilson
from muster_prompts.generations import PLACES, Generation, Step, read_generations
from muster_prompts.ingest import Desk, read_index, write_prompts


def generation(place, complaints, accepted, covered=0.7):
    flight = {"coverage": covered, "coverage_best": 0.9, "entering": 1.0, "contacts": 0, "failure": ""}
    figures = {"flight": flight, "reward_correlation": 0.8} if accepted else {}
    step = Step("write", "p", "a", "key", "hash", complaints)
    return Generation(place, None, "a model", accepted, (step,), figures)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (15, 30, 0.3315, 0.6685), (1, 1, 0.2065, 1.0)],
)
def test_wilsons_interval(successes, trials, low, high):
    assert wilson(successes, trials) == pytest.approx((low, high), abs=1e-4)


def test_wilson_refuses_what_is_no_share():
    for successes, trials in ((1, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="no share"):
            wilson(successes, trials)


def test_success_is_counted_by_condition():
    places = [place for place in PLACES if place.task == "letter-r"]  # two of each condition
    made = [
        generation(place, [] if place.condition == "full" else ["wrong"], place.condition == "full", covered)
        for place, covered in zip(places, (0.8, 0.1, 0.8, 0.8, 0.8, 0.8), strict=True)
    ]
    report = prompt_ablation(made)
    assert report["success"]["accepted_at_once"]["full"]["successes"] == 2
    assert report["success"]["works_at_once"]["full"]["successes"] == 1  # the other one covered a tenth
    assert report["success"]["accepted"]["no-cot"]["share"] == 0.0
    assert report["points"]["accepted"]["no-api"]["points"] == 100.0


def test_damaged_generations_are_refused(tmp_path):
    with pytest.raises(MusterError, match="no recorded generations"):
        list(read_generations(tmp_path))
    (tmp_path / "letter-r-full-0").mkdir()
    for text in (
        "{",
        "[]",
        '{"format": 9}',
        '{"format": 1, "task": "x", "condition": "full", "sample": 0, "steps": []}',
    ):
        (tmp_path / "letter-r-full-0" / "generation.json").write_text(text)
        with pytest.raises(MusterError, match="no recorded generation"):
            list(read_generations(tmp_path))


def test_prompts_go_out_and_answers_that_are_none_are_refused(tmp_path):
    assert len(write_prompts(tmp_path)) == len(PLACES) >= 24
    assert list(read_index(tmp_path).values()) == list(PLACES)
    assert not Desk(tmp_path, "01", "somebody").has_first_answer()
    (tmp_path / "index.json").write_text('{"01": {"task": "fly", "condition": "full", "sample": 0}}')
    with pytest.raises(MusterError, match="Unknown generation 'fly-full-0'"):
        read_index(tmp_path)
    with pytest.raises(MusterError, match="muster-write prompts"):
        read_index(tmp_path / "nowhere")
