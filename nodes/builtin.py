"""The nodes that ship, in palette order: kind → where its class is. Loaded when first asked for."""

from __future__ import annotations

from collections.abc import Mapping

BUILTIN: Mapping[str, str] = {
    # Flow
    "io.input": "nodes.io.flow_input:FlowInput",
    "io.output": "nodes.io.flow_output:FlowOutput",
    "io.read_file": "nodes.io.read_file:ReadFile",
    "io.picture": "nodes.io.picture:ReadPicture",
    # Prompts
    "prompt.template": "nodes.prompts.template:PromptTemplate",
    "prompt.few_shot": "nodes.prompts.few_shot:FewShot",
    # Models
    "model.gguf": "nodes.models.gguf_node:QuantizedModel",
    "model.ask": "nodes.models.ask:AskModel",
    # Retrieval
    "embeddings.local": "nodes.retrieval.local_embeddings_node:LocalEmbeddingsNode",
    "embeddings.huggingface": (
        "nodes.retrieval.huggingface_embeddings_node:HuggingFaceEmbeddingsNode"
    ),
    # Text
    "text.join": "nodes.text.join:JoinTexts",
    "text.split": "nodes.text.split:SplitText",
    # Agents
    "agent.role": "nodes.agents.role:Role",
    "agent.task": "nodes.agents.task:Task",
    "agent.crew": "nodes.agents.crew:Crew",
    "agent.react": "nodes.agents.react:ReactAgent",
    # Tools
    "tool.calculator": "nodes.tools.calculator:Calculator",
    "tool.search": "nodes.tools.search:Search",
    "tool.files": "nodes.tools.files:ReadFiles",
    "tool.http_get": "nodes.tools.http_get:HttpGet",
    "tool.flow": "nodes.tools.flow:FlowAsTool",
    "tool.clock": "nodes.tools.clock:Clock",
    # Logic
    "logic.branch": "nodes.logic.branch:Branch",
    "logic.merge": "nodes.logic.merge:Merge",
    "logic.for_each": "nodes.logic.for_each:ForEach",
    "logic.run_flow": "nodes.logic.run_flow:RunFlow",
}
