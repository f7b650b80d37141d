"""The nodes that ship, in palette order: kind → where its class is. Loaded when first asked for."""

from __future__ import annotations

from collections.abc import Mapping

BUILTIN: Mapping[str, str] = {
    # Flow
    "io.input": "patchbay.nodes.io.flow_input:FlowInput",
    "io.output": "patchbay.nodes.io.flow_output:FlowOutput",
    "io.read_file": "patchbay.nodes.io.read_file:ReadFile",
    "io.picture": "patchbay.nodes.io.read_picture:ReadPicture",
    # Prompts
    "prompt.template": "patchbay.nodes.prompts.template:PromptTemplate",
    "prompt.few_shot": "patchbay.nodes.prompts.few_shot:FewShot",
    "prompt.select_examples": "patchbay.nodes.prompts.select_examples:SelectExamples",
    # Models
    "model.gguf": "patchbay.nodes.models.llama.node:QuantizedModel",
    "model.ollama": "patchbay.nodes.models.servers.ollama.node:Ollama",
    "model.openai_compatible": "patchbay.nodes.models.servers.openai.node:OpenAiServer",
    "model.provider": "patchbay.nodes.models.servers.provider.node:Provider",
    "model.fallback": "patchbay.nodes.models.fallback.node:Fallback",
    "model.transformers": "patchbay.nodes.models.transformers.node:TransformersNode",
    "model.quantize": "patchbay.nodes.models.transformers.quantize_node:QuantizeNode",
    "model.lora": "patchbay.nodes.models.transformers.lora_node:LoraNode",
    "model.ask": "patchbay.nodes.models.ask:AskModel",
    "model.compare": "patchbay.nodes.models.compare:CompareModels",
    "model.quantization_report": (
        "patchbay.nodes.quantization.quantization_report:QuantizationReport"
    ),
    # Retrieval
    "retrieval.load": "patchbay.nodes.retrieval.load:LoadDocuments",
    "retrieval.split": "patchbay.nodes.retrieval.split:SplitDocuments",
    "embeddings.local": "patchbay.nodes.retrieval.local_embeddings_node:LocalEmbeddingsNode",
    "embeddings.huggingface": (
        "patchbay.nodes.retrieval.huggingface_embeddings_node:HuggingFaceEmbeddingsNode"
    ),
    "embeddings.ollama": "patchbay.nodes.models.servers.ollama.embeddings_node:OllamaEmbeddingsNode",
    "embeddings.openai": "patchbay.nodes.models.servers.openai.embeddings_node:OpenAiEmbeddingsNode",
    "retrieval.index": "patchbay.nodes.retrieval.index_node:Index",
    "retrieval.retriever": "patchbay.nodes.retrieval.retriever_node:Retriever",
    "retrieval.search": "patchbay.nodes.retrieval.search:Search",
    "retrieval.answer": "patchbay.nodes.retrieval.answer_node:AnswerWithSources",
    # Techniques
    "technique.chain_of_thought": "patchbay.nodes.techniques.chain_of_thought:ChainOfThought",
    "technique.self_consistency": "patchbay.nodes.techniques.self_consistency:SelfConsistency",
    "technique.generated_knowledge": "patchbay.nodes.techniques.generated_knowledge:GeneratedKnowledge",
    "technique.paraphrases": "patchbay.nodes.techniques.paraphrases:Paraphrases",
    "technique.structured_output": "patchbay.nodes.techniques.structured_output:StructuredOutput",
    # Evaluation
    "eval.data": "patchbay.nodes.evaluation.labelled_data:LabelledData",
    "eval.accuracy": "patchbay.nodes.evaluation.accuracy:Accuracy",
    # Text
    "text.join": "patchbay.nodes.text.join:JoinTexts",
    "text.split": "patchbay.nodes.text.split:SplitText",
    # Agents
    "agent.role": "patchbay.nodes.agents.role:Role",
    "agent.task": "patchbay.nodes.agents.task:Task",
    "agent.crew": "patchbay.nodes.agents.crew:Crew",
    "agent.react": "patchbay.nodes.agents.react:ReactAgent",
    # Tools
    "tool.calculator": "patchbay.nodes.tools.calculator:Calculator",
    "tool.search": "patchbay.nodes.tools.search:Search",
    "tool.files": "patchbay.nodes.tools.files:ReadFiles",
    "tool.http_get": "patchbay.nodes.tools.http_get:HttpGet",
    "tool.flow": "patchbay.nodes.tools.flow:FlowAsTool",
    "tool.clock": "patchbay.nodes.tools.clock:Clock",
    # Logic
    "logic.branch": "patchbay.nodes.logic.branch:Branch",
    "logic.merge": "patchbay.nodes.logic.merge:Merge",
    "logic.for_each": "patchbay.nodes.logic.for_each:ForEach",
    "logic.run_flow": "patchbay.nodes.logic.run_flow:RunFlow",
}
