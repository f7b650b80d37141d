"""The nodes that ship, in palette order: kind → where its class is. Loaded when first asked for."""

from __future__ import annotations

from collections.abc import Mapping

BUILTIN: Mapping[str, str] = {
    # Flow
    "io.input": "nodes.io.flow_input:FlowInput",
    "io.output": "nodes.io.flow_output:FlowOutput",
    "io.read_file": "nodes.io.read_file:ReadFile",
    "io.picture": "nodes.io.read_picture:ReadPicture",
    # Prompts
    "prompt.template": "nodes.prompts.template:PromptTemplate",
    "prompt.few_shot": "nodes.prompts.few_shot:FewShot",
    "prompt.select_examples": "nodes.prompts.select_examples:SelectExamples",
    # Models
    "model.gguf": "nodes.models.gguf_node:QuantizedModel",
    "model.ollama": "nodes.models.ollama_node:Ollama",
    "model.openai_compatible": "nodes.models.openai_node:OpenAiServer",
    "model.provider": "nodes.models.provider_node:Provider",
    "model.fallback": "nodes.models.fallback_node:Fallback",
    "model.transformers": "nodes.models.transformers_node:TransformersNode",
    "model.quantize": "nodes.models.quantize_node:QuantizeNode",
    "model.lora": "nodes.models.lora_node:LoraNode",
    "model.ask": "nodes.models.ask:AskModel",
    "model.compare": "nodes.models.compare:CompareModels",
    "model.quantization_report": ("nodes.quantization.quantization_report:QuantizationReport"),
    # Retrieval
    "retrieval.load": "nodes.retrieval.load:LoadDocuments",
    "retrieval.split": "nodes.retrieval.split:SplitDocuments",
    "embeddings.local": "nodes.retrieval.local_embeddings_node:LocalEmbeddingsNode",
    "embeddings.huggingface": (
        "nodes.retrieval.huggingface_embeddings_node:HuggingFaceEmbeddingsNode"
    ),
    "embeddings.ollama": "nodes.models.ollama_embeddings_node:OllamaEmbeddingsNode",
    "embeddings.openai": "nodes.models.openai_embeddings_node:OpenAiEmbeddingsNode",
    "retrieval.index": "nodes.retrieval.index_node:Index",
    "retrieval.retriever": "nodes.retrieval.retriever_node:Retriever",
    "retrieval.search": "nodes.retrieval.search:Search",
    "retrieval.answer": "nodes.retrieval.answer_node:AnswerWithSources",
    # Techniques
    "technique.chain_of_thought": "nodes.techniques.chain_of_thought:ChainOfThought",
    "technique.self_consistency": "nodes.techniques.self_consistency:SelfConsistency",
    "technique.generated_knowledge": "nodes.techniques.generated_knowledge:GeneratedKnowledge",
    "technique.paraphrases": "nodes.techniques.paraphrases:Paraphrases",
    "technique.structured_output": "nodes.techniques.structured_output:StructuredOutput",
    # Evaluation
    "eval.data": "nodes.evaluation.labelled_data:LabelledData",
    "eval.accuracy": "nodes.evaluation.accuracy:Accuracy",
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
