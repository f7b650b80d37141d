"""Rows for training: forms, faults, the split, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.training.datasets import InstructionData, kept
from patchbay.nodes.training.instruction_data import InstructionDataNode


def made(params: dict[str, Any] | None = None, **inputs: Any) -> tuple[Any, RecordingContext]:
    ctx = RecordingContext()
    return run_node(InstructionDataNode, params, inputs, ctx), ctx


def messages(data: InstructionData) -> list[list[str]]:
    return [[m["content"] for m in row["messages"]] for row in data.read()]


def test_a_ready_set_is_split_by_seed() -> None:
    out, _ = made()
    assert (out["data"].rows, out["held_out"].rows) == (58, 14)
    assert len(out["prompts"]) == len(out["answers"]) == 14
    assert set(out["answers"]) <= {"positive", "negative", "neutral"}
    again, _ = made()
    assert again == out
    other, _ = made({"seed": 1})
    assert other["prompts"] != out["prompts"]
    trained = {asked for asked, _ in messages(out["data"])}
    assert trained.isdisjoint(out["prompts"])


def test_what_a_set_is_called_changes_no_content() -> None:
    rows = [{"messages": [], "learn": "answers"}]
    one, other = kept(InstructionData, rows, "one"), kept(InstructionData, rows, "other")
    assert one != other
    assert one.content_key() == other.content_key()


def test_one_task_in_several_wordings() -> None:
    table = "text,label\nA fine film.,1\nA dull film.,0\n"
    wordings = [
        {"ask": "{text} Good or bad?", "answer": "{label}", "choices": "1=good, 0=bad"},
        {"ask": "Is this praise? {text}", "answer": "{label}", "choices": "1=yes, 0=no"},
    ]
    params = {"form": "templates", "wordings": wordings, "held_out": 0, "all_wordings": True}
    out, _ = made(params, source=table)
    assert messages(out["data"]) == [
        ["A fine film. Good or bad?", "good"], ["Is this praise? A fine film.", "yes"],
        ["A dull film. Good or bad?", "bad"], ["Is this praise? A dull film.", "no"],
    ]  # fmt: skip
    drawn, _ = made(params | {"all_wordings": False}, source=table)
    assert drawn["data"].rows == 2


WORDINGS = [
    {"ask": "{text} Good or bad?", "answer": "{label}"},
    {"ask": "Is this praise? {text}", "answer": "{label}"},
    {"ask": "Your verdict on {text}?", "answer": "It is {label}."},
]


def films(count: int) -> list[dict[str, str]]:
    return [{"text": f"film {n},", "label": str(n % 2)} for n in range(count)]


def said_films(data: InstructionData) -> set[str]:
    return {re.findall(r"film \d+,", asked)[0] for asked, _ in messages(data)}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize(
    "again",
    [
        [],
        films(12),  # drawn in another wording, it is no row that stands there twice
        [{"text": f"film {n},", "label": "2"} for n in range(12)],
        [{"id": str(n), **film} for n, film in enumerate(films(12))],
    ],
    ids=["once", "twice", "other answers", "another field"],
)
def test_no_record_is_on_both_sides(seed: int, every: bool, again: list[Any]) -> None:
    params = {"form": "templates", "wordings": WORDINGS, "all_wordings": every, "seed": seed}
    out, _ = made(params | {"held_out": 0.25}, source=[*films(12), *again])
    trained, held = said_films(out["data"]), said_films(out["held_out"])
    assert (len(trained), len(held)) == (9, 3)
    assert trained.isdisjoint(held)


def test_rows_of_one_prompt_are_on_one_side() -> None:
    rows = [{"prompt": f"p{n % 8}", "answer": f"a{n}"} for n in range(40)]
    for params in ({}, {"form": "conversations"}):
        given: list[Any] = rows
        if params:
            given = [
                {"messages": [{"role": "user", "content": row["prompt"]},
                              {"role": "assistant", "content": row["answer"]}]}
                for row in rows
            ]  # fmt: skip
        out, _ = made({**params, "held_out": 0.25}, source=given)
        trained = {asked for asked, _ in messages(out["data"])}
        held = {asked for asked, _ in messages(out["held_out"])}
        assert (out["data"].rows, out["held_out"].rows) == (30, 10)
        assert trained.isdisjoint(held)
        assert set(out["prompts"]) == held


def test_one_prompt_for_all_records_tells_none_apart() -> None:
    rows = [{"prompt": "Tell me a story.", "answer": f"Once {n}"} for n in range(10)]
    out, ctx = made({"held_out": 0.2}, source=rows)
    assert (out["data"].rows, out["held_out"].rows) == (8, 2)
    assert not any("held out" in one for one in ctx.warnings)


def test_where_nothing_can_be_held_out_it_is_said() -> None:
    params = {"form": "templates", "wordings": WORDINGS, "all_wordings": True, "held_out": 0.5}
    out, ctx = made(params, source=films(1))
    assert (out["data"].rows, out["held_out"].rows) == (3, 0)
    assert ctx.warnings[-1].startswith("Nothing is held out")


def test_conversations_keep_their_tool_calls() -> None:
    call = {"type": "function", "function": {"name": "add", "arguments": {"a": 1}}}
    said = [
        {"from": "human", "value": "1 + 1?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "name": "add", "content": "2"},
        {"role": "assistant", "content": "It is 2."},
    ]
    line = json.dumps({"messages": said, "tools": [{"type": "function"}]})
    out, ctx = made({"form": "conversations", "held_out": 0, "system": "Be brief."}, source=line)
    (row,) = out["data"].read()
    assert [m["role"] for m in row["messages"]] == ["system", "user", "assistant", "tool",
                                                    "assistant"]  # fmt: skip
    assert row["messages"][2]["tool_calls"] == [call]
    assert row["tools"] == [{"type": "function"}]
    assert ctx.warnings == []


CALL = {"type": "function", "function": {"name": "add", "arguments": {"a": 1}}}


@pytest.mark.parametrize(
    "said",
    [
        {"role": "assistant", "tool_calls": [CALL]},
        # As servers write them, with arguments as text, which a template would quote once more.
        {"role": "assistant", "tool_calls": [
            {"type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}]},
        {"role": "assistant", "tool_calls": json.dumps([CALL])},
        {"role": "assistant", "function_call": {"name": "add", "arguments": '{"a": 1}'}},
    ],
    ids=["object", "arguments as text", "calls as text", "the older spelling"],
)  # fmt: skip
def test_tool_calls_in_all_their_spellings(said: dict[str, Any]) -> None:
    said = {"messages": [{"role": "developer", "content": "Add."},
                         {"role": "user", "content": [{"type": "text", "text": "1 +"},
                                                      {"type": "text", "text": "1?"}]},
                         said, {"role": "function", "name": "add", "content": "2"}]}  # fmt: skip
    out, _ = made({"form": "conversations", "held_out": 0}, source=[said])
    assert out["data"].read()[0]["messages"] == [
        {"role": "system", "content": "Add."}, {"role": "user", "content": "1 +\n1?"},
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "2", "name": "add"},
    ]  # fmt: skip
    assert '"name": "add"' in str(out["preview"].rows[2][3])


def test_prompts_and_answers_may_be_messages() -> None:
    record = {
        "prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
                   {"role": "user", "content": "c"}],
        "answer": [{"role": "assistant", "content": "d"}],
    }  # fmt: skip
    out, _ = made({"held_out": 0, "system": "Be brief."}, source=[record])
    assert messages(out["data"]) == [["Be brief.", "a", "b", "c", "d"]]
    # What is no message stays what it is: an answer may be JSON, and a prompt speak of one.
    for text in (
        '[{"role": "king"}]',
        '[{"role": "user"}]',
        '["a"]',
        "[",
        "[]",
        '[{"content": 1}]',
    ):
        out, _ = made({"held_out": 0}, source=[{"prompt": text, "answer": text}])
        assert messages(out["data"]) == [[text, text]]
    out, _ = made({"held_out": 0}, source=[{"prompt": "a", "answer": [{"name": "Ada"}]}])
    assert json.loads(messages(out["data"])[0][1]) == [{"name": "Ada"}]


def test_the_answers_held_out_are_what_the_model_says() -> None:
    end = {"role": "user", "content": "Thanks!"}
    talks = [
        {
            "messages": [
                {"role": "user", "content": f"q{n}"},
                {"role": "assistant", "content": f"a{n}"},
                end,
            ]
        }
        for n in range(4)
    ]
    out, _ = made({"form": "conversations", "held_out": 0.5}, source=talks)
    assert [f"a{asked[1]}" for asked in out["prompts"]] == out["answers"]


@pytest.mark.parametrize(
    ("said", "tools", "meant", "kept_rows"),
    [
        ({"content": "", "tool_calls": [CALL]}, [], "a tool call that is lost whole", 1),
        ({"content": "Let me see.", "tool_calls": [CALL]}, [], "a tool call that is lost", 2),
        ({"content": "Two."}, [CALL], "tools that are lost", 2),
        ({"content": "<think>Hm.</think>Two."}, [], "words that are lost", 2),
    ],
    ids=["call", "call with words", "tools", "thoughts"],
)
def test_what_the_template_does_not_write_is_named(
    base: TransformersModel, said: dict[str, Any], tools: list[Any], meant: str, kept_rows: int
) -> None:
    """As ChatML without tools: a call would be learned as an answer of nothing."""
    template = str(base.chat_template).replace(
        "m['content']", "m['content'].split('</think>')[-1]"
    )  # fmt: skip
    rows = [
        {"messages": [{"role": "user", "content": "One?"}, {"role": "assistant", **said}],
         "tools": tools},
        {"messages": [{"role": "user", "content": "Three?"},
                      {"role": "assistant", "content": "Four."}]},
    ]  # fmt: skip
    model = base.model_copy(update={"chat_template": template})
    out, ctx = made({"form": "conversations", "held_out": 0}, source=rows, model=model)
    assert [row[:3] for row in out["report"].rows[1:-1]] == [(meant, 1, "1")]
    assert ctx.warnings[0].startswith(f"Row 1 has {meant}: the model's chat template")
    assert out["data"].rows == kept_rows


def test_a_template_that_writes_tools_loses_nothing(base: TransformersModel) -> None:
    template = (
        "{% for t in tools or [] %}{{ t | tojson }}{% endfor %}{% for m in messages %}<|im_start|>"
        "{{ m.role }}\n{{ m.content | tojson if m.role == 'tool' else m.content }}"
        "{% for c in m.tool_calls or [] %}{{ c.function | tojson }}{% endfor %}<|im_end|>\n"
        "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    said = [
        {"role": "user", "content": "1 + 1?"},
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": 'It is "2"\n'},
        {"role": "assistant", "content": "2"},
    ]
    model = base.model_copy(update={"chat_template": template})
    source = [{"messages": said, "tools": json.dumps([CALL])}]
    out, ctx = made({"form": "conversations", "held_out": 0}, source=source, model=model)
    assert ctx.warnings == []
    assert '{"name": "add", "arguments": {"a": 1}}' in str(out["preview"].rows[1][3])


def test_labels_without_a_name_and_rows_without_a_prompt_are_named() -> None:
    wordings = [{"ask": "{text}", "answer": "{label}", "choices": "1=good, 0=bad"}]
    rows = [{"text": "x", "label": 1}, {"text": "y", "label": -1}, {"text": "", "label": "good"}]
    out, ctx = made({"form": "templates", "wordings": wordings, "held_out": 0}, source=rows)
    assert [row[:3] for row in out["report"].rows[1:-1]] == [
        ("an answer without another name", 1, "2"), ("without a prompt", 1, "3"),
    ]  # fmt: skip
    assert len(ctx.warnings) == 2


def test_faults_are_named_with_their_rows(base: TransformersModel) -> None:
    lines = [
        {"prompt": "a", "answer": "b"},
        {"prompt": "a", "answer": "b"},
        {"prompt": "a", "answer": "c"},
        {"prompt": "d", "answer": " "},
        {"prompt": "e", "answer": None},
        {"prompt": "f " * 60, "answer": "g"},
        {"prompt": "h", "answer": "i " * 60},
    ]
    out, ctx = made({"held_out": 0, "limit": 48}, source=lines, model=base)
    assert [(what, which) for what, _, which, _ in out["report"].rows] == [
        ("given", ""), ("twice", "2"), ("asked before", "3"), ("without an answer", "4, 5"),
        ("answer cut off whole", "6"), ("cut off", "7"), ("kept", ""),
    ]  # fmt: skip
    assert out["data"].rows == 3
    assert ctx.warnings[2].startswith("Rows 4, 5 are without an answer: nothing could be learned")


def test_the_preview_shows_what_the_template_adds_and_what_is_learned() -> None:
    model = TransformersModel()
    out, _ = made({"shown": 1}, model=model)
    (_, read, tokens, shown), (_, learned, count, said) = out["preview"].rows
    assert (read, learned) == ("read", "learned")
    assert "You are a helpful AI assistant named SmolLM" in shown
    assert (tokens, count) == (40, 3)
    assert said == "positive<|im_end|>\n"


@pytest.mark.parametrize(
    ("params", "source", "message"),
    [
        ({}, [{"question": "a", "answer": "b"}], "has no 'prompt'; it has: question, answer"),
        ({}, [{"prompt": "a", "reply": "b"}], "has no 'answer'; it has: prompt, reply"),
        ({}, [{"prompt": "a", "answer": ""}], "none is left to train on"),
        ({}, "[1, 2]", "not a list of records"),
        ({"form": "conversations"}, [{"chat": []}], "no list of messages in 'messages'"),
        (
            {"form": "conversations"},
            [{"messages": [{"role": "narrator", "content": "x"}]}],
            "has the role 'narrator'",
        ),
        ({"form": "templates", "wordings": [{"ask": "{txt}"}]}, [{"text": "a"}], "{txt}, which"),
        (
            {"form": "conversations"},
            [{"messages": [{"role": "user", "content": [{"type": "image", "url": "x"}]}]}],
            "holds 'image' beside text",
        ),
        (
            {"form": "conversations"},
            [{"messages": [{"role": "assistant", "tool_calls": ["add"]}]}],
            "no list of calls",
        ),
        ({"form": "conversations"}, [{"messages": [], "tools": "add"}], "no list of tools"),
        (
            {},
            [{"prompt": "a", "answer": [{"role": "user", "content": "b"}]}],
            "ends with the words of a user",
        ),
    ],
)  # fmt: skip
def test_what_is_no_data_is_refused(params: dict[str, Any], source: Any, message: str) -> None:
    with pytest.raises(NodeError) as caught:
        made(params, source=source)
    assert message in caught.value.message
    assert caught.value.fix


def test_a_model_without_a_tokenizer_of_its_own() -> None:
    with pytest.raises(NodeError, match="Training needs a Transformers model"):
        made(model=GgufModel())


def test_a_template_that_refuses_a_row(base: TransformersModel) -> None:
    strict = "{{ raise_exception('roles must alternate') }}"
    model = base.model_copy(update={"chat_template": strict})
    with pytest.raises(NodeError, match="refuses row 1: roles must alternate"):
        made(model=model)


def test_a_disk_that_is_full(own_home: Path) -> None:
    own_home.parent.mkdir(exist_ok=True)
    own_home.write_text("no folder")
    with pytest.raises(NodeError, match="cannot be kept") as caught:
        made()
    assert "PATCHBAY_HOME" in caught.value.fix


def test_the_cases_of_the_flow_that_compares_methods_are_the_rows_held_out() -> None:
    """Else an experiment over methods would ask what was trained on."""
    import csv
    import json

    saved = Path(__file__).parents[3] / "flows" / "saved"
    flow = json.loads((saved / "one_task.json").read_text("utf-8"))
    (params,) = (node["params"] for node in flow["nodes"] if node["id"] == "rows")
    out = run_node(InstructionDataNode, params, {})
    with (saved / "cases" / "moods.csv").open(encoding="utf-8", newline="") as file:
        cases = list(csv.DictReader(file))
    assert [case["remark"] for case in cases] == out["prompts"]
    assert [case["expected"] for case in cases] == out["answers"]
    assert (len(cases), out["data"].rows) == (24, 48)
