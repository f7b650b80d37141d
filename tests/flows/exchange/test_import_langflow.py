"""Langflow: the messages that reach the model are those that Langflow sends; no source is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from patchbay.flows.checks.validate import validate
from patchbay.flows.document.writing import save_flow
from patchbay.flows.problems import errors
from patchbay.flows.runs.api import run
from patchbay.flows.runs.running import LoadedFlow
from tests.flows.exchange.importing import CATALOG, Listening, imported, langflow, listening
from tests.flows.exchange.test_import_flowise import heard, statuses
from tests.flows.runs.harness import environment

MODEL = [{"provider": "OpenAI", "name": "gpt-4o-mini"}]


def test_a_language_model_hears_system_and_question():
    one = imported(
        langflow(
            {
                "in": ("ChatInput", {"input_value": "Hello"}),
                "prompt": ("Prompt", {"template": "Answer as a pirate."}),
                "llm": ("LanguageModelComponent", {"model": MODEL, "temperature": 0.1}),
                "out": ("ChatOutput", {}),
            },
            [
                "in.message > llm.input_value",
                "prompt.prompt > llm.system_message",
                "llm.text_output > out.input_value",
            ],
        )
    )
    assert heard(one, "Who are you?") == [
        [("system", "Answer as a pirate."), ("human", "Who are you?")]
    ]
    model = next(node for node in one.flow.nodes if node.kind == "model.provider")
    assert model.params["model"] == "openai:gpt-4o-mini"


def prompt(template: str, **fields: object) -> tuple[str, dict[str, object]]:
    return "Prompt", {"template": template, **fields}


def test_variables_of_a_prompt_take_wires_stored_values_or_nothing():
    data = langflow(
        {
            "in": ("ChatInput", {}),
            "prompt": prompt("{who} asks {what}{open}, {{literally}}", who="Ann", open=""),
            "agent": ("Agent", {"model": MODEL, "system_prompt": "Be {brief}."}),
            "out": ("ChatOutput", {}),
        },
        [
            "in.message > prompt.what",
            "prompt.prompt > agent.input_value",
            "agent.response > out.input_value",
        ],
    )
    data["data"]["nodes"][1]["data"]["node"]["custom_fields"] = {
        "template": ["who", "what", "open"]
    }
    # A system prompt that is typed in has no variables: braces in it stay.
    assert heard(imported(data), "why") == [
        [("system", "Be {brief}."), ("human", "Ann asks why, {literally}")]
    ]


def test_double_braces_where_the_prompt_says_so():
    data = langflow(
        {
            "in": ("ChatInput", {}),
            "prompt": prompt("{{what}} and {what}", use_double_brackets=True),
            "agent": ("Agent", {"model": MODEL}),
        },
        ["in.message > prompt.what", "prompt.prompt > agent.input_value"],
    )
    assert heard(imported(data), "x") == [[("human", "x and {what}")]]


def test_agents_follow_one_another():
    one = imported(
        langflow(
            {
                "in": ("ChatInput", {}),
                "a": ("Agent", {"model": MODEL, "system_prompt": "First."}),
                "b": ("Agent", {"model": MODEL, "system_prompt": "Second."}),
                "out": ("ChatOutput", {}),
            },
            [
                "in.message > a.input_value",
                "a.response > b.input_value",
                "b.response > out.input_value",
            ],
        )
    )
    assert heard(one, "Go") == [
        [("system", "First."), ("human", "Go")],
        [("system", "Second."), ("human", "<Go>")],
    ]


def test_an_agent_that_is_asked_nothing_goes_on():
    one = imported(langflow({"a": ("Agent", {"model": MODEL})}))
    assert heard_without_input(one) == [[("human", "Continue the conversation.")]]


def heard_without_input(one):
    from patchbay.flows.runs.api import run
    from patchbay.flows.runs.running import LoadedFlow
    from tests.flows.exchange.importing import CATALOG, listening
    from tests.flows.runs.harness import environment

    run(LoadedFlow(listening(one.flow)), {}, environment=environment(catalog=CATALOG))
    return Listening.heard


def test_a_field_that_names_a_secret_stays_a_name():
    field = {"value": "MY_OPENAI", "load_from_db": True, "password": True}
    literal = {"value": "plain-words-as-a-key", "password": True}
    one = imported(
        langflow(
            {
                "a": ("LanguageModelComponent", {"model": MODEL, "api_key": field}),
                "b": ("LanguageModelComponent", {"model": MODEL, "api_key": literal}),
            }
        )
    )
    keys = [n.params["api_key"] for n in one.flow.nodes if n.kind == "model.provider"]
    assert keys == [{"secret": "MY_OPENAI"}, {"secret": "API_KEY"}]
    assert "plain-words-as-a-key" not in one.flow.model_dump_json()


def test_a_model_that_is_not_chosen_is_asked_for():
    one = imported(langflow({"a": ("Agent", {"model": ""})}))
    assert any("a model" in line for line in statuses(one)["name"])


def test_source_text_is_nowhere():
    one = imported(langflow({"a": ("PythonREPLComponent", {"x": "1"}), "b": ("Odd", {"y": "2"})}))
    assert "SystemExit" not in one.flow.model_dump_json()
    assert [node.disabled for node in one.flow.nodes] == [True, True]


def test_the_body_of_a_loop_is_a_flow_of_its_own(tmp_path: Path):
    data = langflow(
        {
            "search": ("ArXivComponent", {}),
            "loop": ("LoopComponent", {}),
            "parser": ("ParserComponent", {"pattern": "Title: {title}"}),
            "llm": ("LanguageModelComponent", {"model": MODEL}),
            "out": ("ChatOutput", {}),
        },
        [
            "search.dataframe > loop.data",
            "loop.item > parser.input_data",
            "parser.parsed_text > llm.input_value",
            "loop.done > out.input_value",
        ],
    )
    back = {"sourceHandle": {"name": "text_output"}, "targetHandle": {"name": "item"}}
    data["data"]["edges"].append({"source": "llm", "target": "loop", "data": back})
    one = imported(data)
    assert {node.kind for node in one.flow.nodes} >= {"logic.for_each", "tool.search_web"}
    ((name, body),) = one.parts.items()
    assert [n.params["flow"] for n in one.flow.nodes if n.kind == "logic.for_each"] == [name[:-5]]
    assert {node.kind for node in body.nodes} >= {
        "data.format",
        "model.ask",
        "io.input",
        "io.output",
    }
    save_flow(body, tmp_path / name)
    assert list(errors(validate(one.flow, CATALOG, tmp_path))) == []


def test_a_loop_over_documents_runs_its_body_for_each(tmp_path: Path):
    Listening.heard.clear()
    (tmp_path / "notes").mkdir()
    for name in "ab":
        (tmp_path / "notes" / f"{name}.txt").write_text(f"About {name}.")
    data = langflow(
        {
            "file": ("File", {}),
            "loop": ("LoopComponent", {}),
            "parser": ("ParserComponent", {"pattern": "Sum up: {text}"}),
            "llm": ("LanguageModelComponent", {"model": MODEL}),
            "out": ("ChatOutput", {}),
        },
        [
            "file.dataframe > loop.data",
            "loop.item > parser.input_data",
            "parser.parsed_text > llm.input_value",
            "loop.done > out.input_value",
        ],
    )
    back = {"sourceHandle": {"name": "text_output"}, "targetHandle": {"name": "item"}}
    data["data"]["edges"].append({"source": "llm", "target": "loop", "data": back})
    one = imported(data)
    with_folder = [
        node.model_copy(update={"params": {"path": "notes"}})
        if node.kind == "retrieval.load"
        else node
        for node in one.flow.nodes
        if node.kind != "io.input"
    ]
    edges = tuple(
        e for e in one.flow.edges if e.source.partition(".")[0] in {n.id for n in with_folder}
    )
    flow = one.flow.model_copy(update={"nodes": tuple(with_folder), "edges": edges})
    for name, part in one.parts.items():
        save_flow(listening(part), tmp_path / name)
    run(LoadedFlow(flow, tmp_path), {}, environment=environment(catalog=CATALOG))
    assert sorted(Listening.heard) == [
        [("human", "Sum up: About a.")],
        [("human", "Sum up: About b.")],
    ]


def test_a_batch_run_asks_about_each_row_and_adds_the_answer(tmp_path: Path):
    """Langflow: the cell of the chosen column is the question; the answer is a new column."""
    Listening.heard.clear()
    (tmp_path / "a.txt").write_text("Cats sleep.")
    one = imported(
        langflow(
            {
                "file": ("File", {}),
                "batch": (
                    "BatchRunComponent",
                    {
                        "model": MODEL,
                        "column_name": "text",
                        "output_column_name": "brief",
                        "system_message": "One word.",
                    },
                ),
                "parser": ("parser", {"pattern": "{brief}|{text}", "sep": ";"}),
                "out": ("ChatOutput", {}),
            },
            [
                "file.dataframe > batch.df",
                "batch.batch_results > parser.input_data",
                "parser.parsed_text > out.input_value",
            ],
        )
    )
    for name, part in one.parts.items():
        save_flow(listening(part), tmp_path / name)
    assert list(errors(validate(one.flow, CATALOG, tmp_path))) == []
    done = run(
        LoadedFlow(one.flow, tmp_path),
        {"file": str(tmp_path / "a.txt")},
        environment=environment(catalog=CATALOG),
    )
    assert Listening.heard == [[("system", "One word."), ("human", "Cats sleep.")]]
    assert done.outputs["answer"] == "<Cats sleep.>|Cats sleep."


def test_what_fills_a_collection_and_what_searches_it_are_one_index():
    one = imported(
        langflow(
            {
                "file": ("File", {}),
                "split": ("SplitText", {}),
                "fill": ("AstraDB", {"collection_name": "c"}),
                "find": ("AstraDB", {"collection_name": "c"}),
                "in": ("ChatInput", {}),
                "parser": ("parser", {"pattern": "{text}"}),
                "out": ("ChatOutput", {}),
            },
            [
                "file.message > split.data_inputs",
                "split.dataframe > fill.ingest_data",
                "in.message > find.search_query",
                "find.dataframe > parser.input_data",
                "parser.parsed_text > out.input_value",
            ],
        )
    )
    kinds = [node.kind for node in one.flow.nodes]
    assert kinds.count("retrieval.index") == kinds.count("retrieval.search") == 1
    assert "retrieval.store" not in kinds
    assert any("one index" in line for line in statuses(one)["approximated"])


def test_what_is_narrowed_is_told():
    one = imported(
        langflow(
            {"in": ("ChatInput", {}), "a": ("Agent", {"model": MODEL, "n_messages": 100})},
            ["in.message > a.input_value"],
        )
    )
    told = statuses(one)["approximated"]
    assert any("pictures" in line for line in told)
    assert any("hears the whole conversation" in line for line in told)


SAID_BEFORE = [
    {"role": "user", "content": "My name is Ada."},
    {"role": "assistant", "content": "Hello Ada."},
    {"role": "user", "content": "What is my name?"},
]


def test_an_agent_hears_what_was_said_before_in_the_session():
    Listening.heard.clear()
    one = imported(
        langflow(
            {
                "in": ("ChatInput", {"input_value": "Hi"}),
                "a": ("Agent", {"model": MODEL, "n_messages": 100, "system_prompt": "Be brief."}),
                "out": ("ChatOutput", {}),
            },
            ["in.message > a.input_value", "a.response > out.input_value"],
        )
    )
    (question,) = (node for node in one.flow.nodes if node.kind == "io.input")
    assert question.params["kind"] == "messages"
    ((*_, (role, asked)),) = heard(one, "What is my name?")
    assert (role, asked) == ("human", "What is my name?")
    Listening.heard.clear()
    (found,) = heard(one, SAID_BEFORE)
    assert [text for _, text in found][-3:] == [said["content"] for said in SAID_BEFORE]


def test_what_takes_the_question_alone_gets_the_last_turn_beside_such_an_agent():
    Listening.heard.clear()
    one = imported(
        langflow(
            {
                "in": ("ChatInput", {}),
                "a": ("Agent", {"model": MODEL, "n_messages": 100}),
                "l": ("LanguageModelComponent", {"model": MODEL}),
                "out": ("ChatOutput", {}),
                "out2": ("ChatOutput", {}),
            },
            [
                "in.message > a.input_value", "in.message > l.input_value",
                "a.response > out.input_value", "l.text_output > out2.input_value",
            ],
        )
    )  # fmt: skip
    asked = sorted(
        len([role for role, _ in one_ if role != "system"]) for one_ in heard(one, SAID_BEFORE)
    )
    assert asked == [1, 3]


@pytest.mark.parametrize("count", [0, None])
def test_an_agent_that_remembers_nothing_hears_the_question_alone(count: int | None):
    about = {"model": MODEL} | ({} if count is None else {"n_messages": count})
    one = imported(
        langflow({"in": ("ChatInput", {}), "a": ("Agent", about)}, ["in.message > a.input_value"])
    )
    (question,) = (node for node in one.flow.nodes if node.kind == "io.input")
    assert question.params.get("kind", "text") == "text"


def test_an_agent_behind_another_node_is_told_to_answer_each_question_for_itself():
    one = imported(
        langflow(
            {
                "in": ("ChatInput", {}),
                "p": ("Prompt Template", {"template": "Q: {q}"}),
                "a": ("Agent", {"model": MODEL, "n_messages": 100}),
            },
            ["in.message > p.q", "p.prompt > a.input_value"],
        )
    )
    assert any("answered for itself" in line for line in statuses(one)["approximated"])


def test_the_placeholders_of_an_agents_instructions_are_filled():
    """As `lfx` fills them: the date, the name of the model, and nothing about the person."""
    Listening.heard.clear()
    told = "Be {kind}.\nToday: {current_date}\nModel: {model_name}\n{optional_user_context}"
    one = imported(
        langflow(
            {"in": ("ChatInput", {}), "a": ("Agent", {"model": MODEL, "system_prompt": told})},
            ["in.message > a.input_value"],
        )
    )
    (((_, system), (_, asked)),) = heard(one, "Hi")
    assert re.fullmatch(
        r"Be \{kind\}\.\nToday: \w+, \d{4}-\d\d-\d\d [\d:]+ UTC\nModel: \S+", system
    )
    assert asked == "Hi"


def test_a_recording_is_written_down_and_no_address_is_opened():
    one = imported(
        langflow(
            {
                "audio": (
                    "AssemblyAITranscriber",
                    {"audio_url": "https://example.org/secret.mp3"},
                ),
                "llm": ("LanguageModelComponent", {"model": MODEL}),
                "out": ("ChatOutput", {}),
            },
            ["audio.transcript > llm.input_value", "llm.text_output > out.input_value"],
        )
    )
    assert list(errors(validate(one.flow, CATALOG))) == []
    kinds = {node.kind for node in one.flow.nodes}
    assert {"media.transcribe", "io.input", "model.ask"} <= kinds
    assert "example.org" not in one.flow.model_dump_json()
    assert any("recording" in line for line in statuses(one)["name"])


@pytest.mark.parametrize(
    ("operator", "text", "said", "way"),
    [
        ("less than", "3", "Hello", "false"),
        ("greater than or equal", "x", "Hello", "false"),
        ("contains", "ell", "Hello", "true"),
        ("not equals", "Hello", "Hello", "false"),
        ("starts with", "hel", "Hello", "false"),
    ],
)
def test_a_router_takes_the_way_that_langflow_takes(operator: str, text: str, said: str, way: str):
    """As `lfx` runs it: what is no number fits no comparison of numbers."""
    settings = {"operator": operator, "match_text": text, "case_sensitive": True}
    one = imported(
        langflow(
            {
                "in": ("ChatInput", {}),
                "r": ("ConditionalRouter", settings),
                "yes": ("ChatOutput", {}),
                "no": ("ChatOutput", {}),
            },
            [
                "in.message > r.input_text",
                "r.true_result > yes.input_value",
                "r.false_result > no.input_value",
            ],
        )
    )
    assert list(errors(validate(one.flow, CATALOG))) == []
    names = {n.params["name"]: n.id for n in one.flow.nodes if n.kind == "io.output"}
    given = {n.params["name"]: said for n in one.flow.nodes if n.kind == "io.input"}
    outputs = run(LoadedFlow(one.flow), given, environment=environment(catalog=CATALOG)).outputs
    assert len(names) == 2
    assert list(outputs.values()) == [said]
    (taken,) = outputs
    wire = next(e for e in one.flow.edges if e.target_node == names[taken])
    assert wire.source.partition(".")[2] in (("then", "fits") if way == "true" else ("otherwise",))
    told = any("numbers are compared" in line for line in statuses(one)["approximated"])
    assert told == ("than" in operator)


def test_what_a_knowledge_base_finds_reaches_the_prompt(tmp_path: Path):
    """There it is rows with a column "content"; a template that names it would stay empty here."""
    one = imported(
        langflow(
            {
                "ask": ("ChatInput", {"input_value": "Hello there"}),
                "base": ("Knowledge", {"top_k": 2, "mode": "Retrieve"}),
                "rows": ("parser", {"pattern": "{_score}: {content} {{content}}", "sep": "\n"}),
                "say": ("ChatOutput", {}),
            },
            ["ask.message > base.search_query", "base.retrieve_data > rows.input_data",
             "rows.parsed_text > say.input_value"],
        )
    )  # fmt: skip
    (rows,) = (node for node in one.flow.nodes if node.kind == "data.format")
    assert rows.params["template"] == "{score}: {text} {{content}}"
    other = imported(langflow({"rows": ("parser", {"pattern": "{content}"})}))
    (rows,) = (node for node in other.flow.nodes if node.kind == "data.format")
    assert rows.params["template"] == "{content}", "what another source gives has its own fields"
