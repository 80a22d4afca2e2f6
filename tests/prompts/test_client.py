"""The openai client against a real server that misbehaves: every fault ends in an answer or in one clear line."""

import logging
import time

import pytest
from model_server import ModelServer

from muster_core.errors import MusterError, WorkFailed
from muster_prompts.conversation import NoRecording, Recorder, Recordings, Request
from muster_prompts.openai_client import ClientConfig, OpenAIModel

KEY = "sk-never-to-be-written-0123456789"
QUESTION = Request("How do thirty robots form an R?")


def client(server, **settings):
    waits = []
    usual = {"model": "test-model", "base_url": server.base_url, "api_key": KEY, "timeout": 0.5, "attempts": 3}
    model = OpenAIModel(ClientConfig(**{**usual, **settings}), sleep=waits.append, seed=0)
    return model, waits


@pytest.fixture
def server():
    with ModelServer(lambda prompt: f"An answer to: {prompt}" + " because" * 500) as running:
        yield running


def test_a_streamed_answer_arrives_whole_and_is_counted(server):
    heard = []
    model, waits = client(server)
    model._progress = heard.append
    reply = model.ask(QUESTION)
    assert reply.text == server.answer(QUESTION.prompt)
    assert "".join(heard) == reply.text
    assert len(heard) > 5
    assert (model.account.prompt_tokens, model.account.completion_tokens, model.account.requests) == (1000, 500, 1)
    assert waits == []


@pytest.mark.parametrize(
    "fault",
    [
        "busy", "broken", "overloaded", "silent", "stall", "cut", "ends_early", "hangs_up", "malformed", "no_object",
        "odd_types", "no_choice", "empty", "page", "plain_json", "busy_until_a_date",
    ],
)  # fmt: skip
def test_a_passing_fault_is_overcome_by_asking_again(server, fault):
    server.plan = [fault]
    model, waits = client(server)
    assert model.ask(QUESTION).text == server.answer(QUESTION.prompt)
    assert len(server.requests) == 2
    assert len(waits) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("busy", "status 429"),
        ("broken", "status 500"),
        ("silent", "no word for 0.5 s"),
        ("stall", "no word for 0.5 s"),
        ("cut", "connection failed"),
        ("ends_early", "broke off"),
        ("malformed", "cannot be read"),
        ("no_choice", "empty"),
        ("page", "no stream of answers"),
    ],
)
def test_a_lasting_fault_ends_in_one_line_that_says_what_came_last(server, fault, words):
    server.plan = [fault] * 9
    model, waits = client(server)
    with pytest.raises(WorkFailed, match="after 3 attempts") as error:
        model.ask(QUESTION)
    assert words in str(error.value)
    assert server.base_url in str(error.value)
    assert "\n" not in str(error.value)
    assert len(server.requests) == 3
    assert len(waits) == 2


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("refusal", WorkFailed, "refuses to answer: I cannot help with swarms."),
        ("filtered", WorkFailed, "content filter"),
        ("huge", WorkFailed, "more than 200000 characters"),
        ("endless", WorkFailed, "more than 200000 characters"),
        ("wrong_key", MusterError, "status 401"),
        ("unknown_model", MusterError, "test-model does not exist"),
        ("redirects", MusterError, "status 302"),
    ],
)
def test_what_will_not_get_better_is_not_asked_again(server, fault, kind, words):
    server.plan = [fault] * 9
    model, _ = client(server)
    begin = time.monotonic()
    with pytest.raises(kind) as error:
        model.ask(QUESTION)
    assert words in str(error.value)
    assert len(server.requests) == 1
    assert time.monotonic() - begin < 5.0


def test_retry_after_is_kept_to_but_not_for_a_day(server):
    server.plan = ["busy", "busy_for_a_day"]
    model, waits = client(server)
    model.ask(QUESTION)
    assert waits == [1.0, model.config.longest_wait]


def test_waits_double_and_are_jittered(server):
    server.plan = ["broken"] * 9
    model, waits = client(server, attempts=5, backoff=1.0)
    with pytest.raises(WorkFailed):
        model.ask(QUESTION)
    assert all(0.5 * 2**k <= wait <= 1.5 * 2**k for k, wait in enumerate(waits))
    other, others = client(server, attempts=5, backoff=1.0)
    other._random.seed(7)
    server.plan = ["broken"] * 9
    with pytest.raises(WorkFailed):
        other.ask(QUESTION)
    assert waits != others


def test_the_cap_on_cost_holds_before_the_next_question(server):
    model, _ = client(server, price_in=100.0, price_out=200.0, max_cost=0.35)
    model.ask(QUESTION)  # 1000 and 500 tokens: 0.10 + 0.10
    assert model.account.cost == pytest.approx(0.20)
    model.ask(QUESTION)
    with pytest.raises(WorkFailed, match=r"cap on cost is reached: 0\.40 of 0\.35"):
        model.ask(QUESTION)
    assert len(server.requests) == 2


def test_failed_attempts_count_towards_the_cap_on_tokens(server):
    server.plan = ["cut"] * 99
    model, _ = client(server, attempts=99, max_tokens=60)
    with pytest.raises(WorkFailed, match="cap on tokens"):
        model.ask(QUESTION)
    assert model.account.estimated
    assert len(server.requests) < 20


def test_an_answer_is_recorded_once_and_replayed_by_the_hash_of_its_prompt(server, tmp_path):
    model, _ = client(server)
    first = Recorder(model, tmp_path).ask(QUESTION)
    again = Recorder(model, tmp_path).ask(QUESTION)
    replayed = Recordings(tmp_path).ask(QUESTION)
    assert len(server.requests) == 1
    assert first.text == again.text == replayed.text
    assert replayed.source == "recorded"
    with pytest.raises(NoRecording):
        Recordings(tmp_path).ask(Request(QUESTION.prompt, sample=1))
    with pytest.raises(NoRecording):
        Recordings(tmp_path).ask(Request(QUESTION.prompt + " "))


def test_a_recording_that_was_edited_or_is_none_is_refused(server, tmp_path):
    model, _ = client(server)
    Recorder(model, tmp_path).ask(QUESTION)
    path = tmp_path / f"{QUESTION.key}.json"
    whole = path.read_text()
    path.write_text(whole.replace("thirty", "forty", 1))
    with pytest.raises(MusterError, match="not the hash of its prompt"):
        Recordings(tmp_path).ask(QUESTION)
    for damaged in (whole[:50], "[]", '{"request": {"prompt": 1, "colour": 2}, "reply": {}}'):
        path.write_text(damaged)
        with pytest.raises(MusterError, match="no recording"):
            Recordings(tmp_path).ask(QUESTION)


def test_the_key_is_in_no_message_recording_or_log(server, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    server.plan = ["wrong_key", "echoes_the_key"]
    model, _ = client(server)
    with pytest.raises(MusterError) as error:
        model.ask(QUESTION)
    assert "status 401" in str(error.value)
    reply = Recorder(model, tmp_path).ask(QUESTION)
    assert "The request said" in reply.text
    assert server.requests[0][1]["authorization"] == f"Bearer {KEY}"
    for text in (str(error.value), reply.text, repr(model.config), caplog.text):
        assert KEY not in text
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_schema_is_sent_where_one_is_asked_for(server):
    model, _ = client(server, temperature=0.3)
    model.ask(Request("Say yes", schema={"type": "object"}))
    body = server.requests[0][2]
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert body["temperature"] == 0.3
    assert body["stream"] is True


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base_url": None, "api_key": None}, "OPENAI_API_KEY"),
        ({"base_url": "localhost:11434/v1"}, "http"),
        ({"attempts": 0}, "attempts"),
        ({"timeout": 0.0}, "timeout"),
        ({"max_cost": -1.0}, "max_cost"),
        ({"temperature": float("nan")}, "temperature"),
        ({"api_key": "two\nlines"}, "key"),
        ({"api_key": "ключ"}, "key"),
        ({"price_in": float("inf")}, "price_in"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(server, settings, words):
    with pytest.raises(MusterError, match=words) as error:
        client(server, **settings)
    assert KEY not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_server_that_is_not_there_is_named(server):
    model, waits = client(server, base_url="http://127.0.0.1:9/v1")
    with pytest.raises(WorkFailed, match=r"127\.0\.0\.1:9.*connection failed"):
        model.ask(QUESTION)
    assert len(waits) == 2


def test_the_server_also_answers_without_streaming(server):
    import openai

    answer = openai.OpenAI(api_key=KEY, base_url=server.base_url).chat.completions.create(
        model="m", messages=[{"role": "user", "content": "x"}]
    )
    assert answer.choices[0].message.content == server.answer("x")
