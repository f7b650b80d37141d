"""The node `haystack.pipeline`, over the real Haystack."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.haystack.pipeline import HaystackPipeline
from patchbay.nodes.testing import RecordingContext, ScriptedModel, run_node
from patchbay.nodes.values import Document, Message
from tests.nodes.haystack.pipelines import RAG, ROUTER
from tests.nodes.retrieval.scripted import Letters

DOCUMENTS = [
    Document(text="Jean lives in Paris.", metadata={"source": "a.txt"}),
    Document(text="Mark lives in Berlin."),
    Document(text="The moon is far away."),
]


def piped(text: str, inputs: dict[str, Any], ctx: RecordingContext | None = None) -> dict[str, Any]:
    return run_node(HaystackPipeline, {"pipeline": text}, inputs, ctx)


def one(kind: str, **settings: Any) -> str:
    """A pipeline of one component."""
    import json

    paths = {
        "PromptBuilder": "builders.prompt_builder", "OutputAdapter": "converters.output_adapter",
        "StringJoiner": "joiners.string_joiner", "TextCleaner": "preprocessors.text_cleaner",
        "DocumentSplitter": "preprocessors.document_splitter",
    }  # fmt: skip
    path = f"haystack.components.{paths[kind]}.{kind}"
    return json.dumps({"components": {"it": {"type": path, "init_parameters": settings}}})


def test_its_open_sockets_are_its_ports() -> None:
    params = HaystackPipeline.Params(pipeline=RAG)
    inputs = HaystackPipeline.input_ports(params).declared
    assert [name for name, port in inputs.items() if port.required] == [
        "query", "model", "documents",
    ]  # fmt: skip
    assert str(inputs["query"].type) == "text"
    assert inputs["find_top_k"].hidden
    assert list(HaystackPipeline.output_ports(params).declared) == ["answers"]
    assert HaystackPipeline.summary(params) == "find, prompt, llm, answers"


def test_one_query_goes_to_all_that_take_one_and_the_model_is_asked_exactly_this() -> None:
    ScriptedModel.asked.clear()
    model = ScriptedModel(lines=(("Paris", "Jean does."),))
    ctx = RecordingContext()
    given = {"query": "Who lives in Paris?", "documents": DOCUMENTS, "model": model}
    out = piped(RAG, given, ctx)
    assert ScriptedModel.asked == [
        (
            "Jean lives in Paris. Mark lives in Berlin. Q: Who lives in Paris?",
            {"temperature": 0, "max_tokens": 30},
        )
    ]
    (answer,) = out["answers"]
    assert answer["answer"] == "Jean does."
    assert answer["documents"][0]["metadata"]["source"] == "a.txt"
    assert [who for _, _, who in ctx.steps] == ["find", "prompt", "llm", "answers"]


def test_a_second_run_does_not_find_what_the_first_one_stored() -> None:
    """Haystack keeps an index for the life of the process; a run of ours has its own."""
    model = ScriptedModel(lines=(("", "No."),))
    few = [Document(text="The sun is hot."), Document(text="Snow is cold.")]

    def texts(documents: list[Document]) -> list[str]:
        out = piped(RAG, {"query": "is the moon far?", "documents": documents, "model": model})
        return [document["text"] for document in out["answers"][0]["documents"]]

    assert "The moon is far away." in texts(DOCUMENTS)
    assert set(texts(few)) <= {"The sun is hot.", "Snow is cold."}


@pytest.mark.parametrize(("shared", "found"), [(True, [1, 2]), (False, [1, 1])])
def test_haystack_itself_finds_what_an_earlier_run_stored(shared: bool, found: list[int]) -> None:
    """What docs/systems.md says of it: the file that it writes names the index."""
    from haystack import Document, Pipeline
    from haystack.components.writers import DocumentWriter
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    made = Pipeline()
    made.add_component("writer", DocumentWriter(InMemoryDocumentStore(shared=shared)))
    text, counted = made.dumps(), []
    for words in ("one", "two"):
        loaded = Pipeline.loads(text)
        loaded.run({"writer": {"documents": [Document(content=words)]}})
        counted.append(loaded.get_component("writer").document_store.count_documents())
    assert counted == found


def test_the_answer_of_the_only_generator_is_streamed_as_text() -> None:
    ctx = RecordingContext()
    model = ScriptedModel(lines=(("capital", "It is Paris."),))
    out = run_node(HaystackPipeline, {}, {"question": "The capital?", "model": model}, ctx)
    assert out["answer"] == "It is Paris."
    assert out["replies"] == [Message(role="assistant", content="It is Paris.")]
    assert "".join(piece for port, piece in ctx.streamed if port == "answer") == "It is Paris."


def test_a_way_that_was_not_taken_gives_nothing() -> None:
    assert piped(ROUTER, {"text": "a long one"})["long"] == "a long one"
    out = piped(ROUTER, {"text": "no"})
    assert out == {"short": "no"}


def test_two_generators_have_a_model_each() -> None:
    text = """
components:
  first: {type: x.OpenAIChatGenerator}
  second: {type: x.AnthropicChatGenerator}
connections:
  - {sender: first.replies, receiver: second.messages}
"""
    one_model = ScriptedModel(lines=(("hi", "first said"),))
    other = ScriptedModel(lines=(("first said", "second said"),))
    given = {"messages": "hi", "first_model": one_model, "second_model": other}
    assert piped(text, given)["answer"] == "second said"


def test_rankers_and_expanders_ask_our_model() -> None:
    text = """
components:
  rank:
    type: haystack.components.rankers.llm_ranker.LLMRanker
    init_parameters:
      chat_generator:
        type: haystack.components.generators.chat.openai.OpenAIChatGenerator
        init_parameters: {generation_kwargs: {temperature: 0}}
"""
    model = ScriptedModel(lines=(("ranking", '{"documents": [{"index": 2}, {"index": 1}]}'),))
    out = piped(text, {"query": "Berlin", "documents": DOCUMENTS, "model": model})
    assert [d.text for d in out["documents"]] == ["Mark lives in Berlin.", "Jean lives in Paris."]


def test_vectors_come_from_our_embeddings() -> None:
    text = """
components:
  embed: {type: haystack.components.embedders.openai_text_embedder.OpenAITextEmbedder}
  find:
    type: a.InMemoryEmbeddingRetriever
    init_parameters:
      top_k: 1
      document_store: {type: b.InMemoryDocumentStore, init_parameters: {embedding_similarity_function: cosine}}
connections:
  - {sender: embed.embedding, receiver: find.query_embedding}
"""  # noqa: E501
    given = {"text": "bbb", "documents": [Document(text=t) for t in ("aaa", "bbb", "ccc")]}
    out = piped(text, {**given, "embeddings": Letters()})
    assert [d.text for d in out["documents"]] == ["bbb"]
    assert out["documents"][0].score == pytest.approx(1)


def test_the_names_of_hayhooks_name_the_ports() -> None:
    text = RAG + "inputs:\n  question: [find.query, prompt.query, answers.query]\n"
    text += "outputs:\n  found: find.documents\n"
    params = HaystackPipeline.Params(pipeline=text)
    assert "question" in HaystackPipeline.input_ports(params).declared
    assert "query" not in HaystackPipeline.input_ports(params).declared
    model = ScriptedModel(lines=(("", "Yes."),))
    out = piped(text, {"question": "Paris", "documents": DOCUMENTS, "model": model})
    assert out["found"][0].text == "Jean lives in Paris."


def test_the_real_model_answers_inside_a_pipeline() -> None:
    from patchbay.nodes.models.llama.spec import GgufModel

    model = GgufModel(context=1024, temperature=0, max_tokens=24)
    out = run_node(
        HaystackPipeline, {}, {"question": "What is the capital of France?", "model": model}
    )
    assert "Paris" in out["answer"]


# --- what is refused, and when --------------------------------------------------------------------


def joined(sender: str, receiver: str) -> str:
    return f"""
components:
  texts: {{type: haystack.components.joiners.string_joiner.StringJoiner}}
  find: {{type: a.InMemoryBM25Retriever, init_parameters: {{document_store: {{type: b.InMemoryDocumentStore}}}}}}
  prompt: {{type: a.PromptBuilder, init_parameters: {{template: "{{{{ x }}}}"}}}}
  llm: {{type: a.OpenAIChatGenerator}}
connections:
  - {{sender: {sender}, receiver: {receiver}}}
"""  # noqa: E501


@pytest.mark.parametrize(
    ("sender", "receiver", "message"),
    [
        ("texts.strings", "find.query", "unless the list holds exactly one"),
        ("find.documents", "llm.messages", "they cannot be connected"),
        ("find.nothing", "llm.messages", "find gives no 'nothing'; it gives: documents"),
        ("find.documents", "llm.nothing", "llm takes no 'nothing'; it takes: messages"),
        ("nobody.x", "llm.messages", "'nobody', which is no component"),
    ],
)
def test_what_cannot_be_connected_is_said_before_it_runs(
    sender: str, receiver: str, message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        HaystackPipeline.Params(pipeline=joined(sender, receiver))


def test_haystack_itself_connects_a_list_to_a_text_and_fails_when_it_runs() -> None:
    """The reason for the check above: should this one fail one day, that one can go."""
    from patchbay.nodes.haystack.setup import prepare

    prepare()
    from haystack import Pipeline
    from haystack.components.builders import PromptBuilder
    from haystack.components.joiners import StringJoiner
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    pipeline = Pipeline()
    pipeline.add_component("one", PromptBuilder("a"))
    pipeline.add_component("two", PromptBuilder("b"))
    pipeline.add_component("texts", StringJoiner())
    pipeline.add_component("find", InMemoryBM25Retriever(InMemoryDocumentStore()))
    pipeline.connect("one.prompt", "texts.strings")
    pipeline.connect("two.prompt", "texts.strings")
    pipeline.connect("texts.strings", "find.query")
    with pytest.raises(Exception, match="Cannot unwrap a list of 2 items"):
        pipeline.run({})


@pytest.mark.parametrize(
    "text",
    [
        "components: {x: {type: os.system}}",
        "components: {x: {type: subprocess.Popen, init_parameters: {args: [touch, here]}}}",
        "components: {x: {type: haystack.components.fetchers.link_content.LinkContentFetcher}}",
        "components: {x: {type: haystack.components.agents.agent.Agent}}",
    ],
)
def test_other_components_are_refused_by_name(text: str) -> None:
    with pytest.raises(ValidationError, match="not among the components that are built here"):
        HaystackPipeline.Params(pipeline=text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no Haystack pipeline"),
        ("[1, 2]", "no Haystack pipeline"),
        ("components: {}", "it has no components"),
        ("components: {x: 3}", "it names no type"),
        (one("PromptBuilder", template="{{ x"), "no Jinja"),
        ("a: !!python/object/apply:os.system [ls]", "Not YAML"),
        ("a: [", "Not YAML at line"),
        (one("OutputAdapter", template="{{ x }}", output_type="str", unsafe=True), "run code"),
        (one("OutputAdapter", template="{{ x }}", output_type="os.PathLike"), "names no type"),
        (one("DocumentSplitter", splitting_function="os.system"), "would run code"),
        ("components: {x: {type: a.FilterRetriever, init_parameters: {document_store: "
         "{type: evil.Store}}}}", "its document store evil.Store is not built here"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_built_are_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        HaystackPipeline.Params(pipeline=text)


def test_nothing_is_imported_to_check_a_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even Haystack: the check is data against a table."""
    before = set(sys.modules)
    HaystackPipeline.Params(pipeline=ROUTER + "# another text, so that no cache helps\n")
    assert not {m for m in set(sys.modules) - before if m.startswith("haystack")}


@pytest.mark.parametrize(
    "template",
    ["{{ x.__class__.__mro__ }}", "{{ ''.__class__.__base__.__subclasses__() }}"],
)
def test_templates_reach_nothing_of_python(template: str) -> None:
    with pytest.raises(NodeError, match="Haystack refuses"):
        piped(one("PromptBuilder", template=template + "{{ x }}"), {"x": "a"})


def test_a_setting_that_haystack_refuses_is_said_with_its_component() -> None:
    text = one("TextCleaner", no_such_setting=1)
    with pytest.raises(NodeError, match=r"Haystack refuses it: .*no_such_setting"):
        piped(text, {"texts": ["a"]})


def test_a_model_that_fails_is_told_as_it_is() -> None:
    class Failing(ScriptedModel):
        backend = "failing"

        def open(self, opening: Any) -> Any:
            raise NodeError("The key is not taken.", code="model/key")

    with pytest.raises(NodeError, match="The key is not taken"):
        run_node(HaystackPipeline, {}, {"question": "x", "model": Failing(lines=())})


def test_the_order_of_a_joiner_is_said() -> None:
    text = """
components:
  b: {type: a.PromptBuilder, init_parameters: {template: second}}
  a: {type: a.PromptBuilder, init_parameters: {template: first}}
  texts: {type: a.StringJoiner}
connections:
  - {sender: b.prompt, receiver: texts.strings}
  - {sender: a.prompt, receiver: texts.strings}
"""
    params = HaystackPipeline.Params(pipeline=text)
    (doubt,) = HaystackPipeline.doubts(params, HaystackPipeline.input_ports(params)())
    assert doubt == "texts joins in the order of the names of components, as text: a, b."
    assert piped(text, {})["strings"] == ["first", "second"]


def test_haystack_writes_nothing_into_the_persons_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    script = "from patchbay.nodes.haystack.setup import prepare; prepare()"
    subprocess.run(
        [sys.executable, "-c", script], check=True,
        env={"HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert list(tmp_path.iterdir()) == []
