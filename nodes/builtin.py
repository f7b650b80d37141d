"""The nodes that ship, in palette order: kind → where its class is. Loaded when first asked for."""

from __future__ import annotations

from collections.abc import Mapping

_WHERE = {
    # Flow
    "io.input": "io.flow_input:FlowInput",
    "io.output": "io.flow_output:FlowOutput",
    "io.value": "io.value:GivenValue",
    "io.read_file": "io.read_file:ReadFile",
    "io.write_file": "io.write_file:WriteFile",
    "io.picture": "io.read_picture:ReadPicture",
    # Prompts
    "prompt.template": "prompts.template:PromptTemplate",
    "prompt.chat": "prompts.chat:BuildMessages",
    "chat.turn": "prompts.last_turn:LastTurn",
    "prompt.few_shot": "prompts.few_shot:FewShot",
    "prompt.select_examples": "prompts.select_examples:SelectExamples",
    # Models
    "model.gguf": "models.llama.node:QuantizedModel",
    "model.ollama": "models.servers.ollama.node:Ollama",
    "model.openai_compatible": "models.servers.openai.node:OpenAiServer",
    "model.provider": "models.servers.provider.node:Provider",
    "model.fallback": "models.fallback.node:Fallback",
    "model.transformers": "models.transformers.node:TransformersNode",
    "model.quantize": "models.transformers.quantize_node:QuantizeNode",
    "model.lora": "models.transformers.lora_node:LoraNode",
    "model.ask": "models.ask:AskModel",
    "model.compare": "models.compare:CompareModels",
    "model.quantization_report": "quantization.quantization_report:QuantizationReport",
    # Sound and pictures
    "media.transcribe": "media.transcribe:Transcribe",
    "media.speak": "media.speak:Speak",
    "media.make_picture": "media.make_picture:MakePicture",
    "media.image_service": "media.image_service:ImageService",
    # Memory
    "memory.conversation": "memory.conversation:ConversationMemory",
    "memory.remember": "memory.remember:Remember",
    "memory.recall": "memory.recall:Recall",
    "memory.tools": "memory.tools:LongTermMemory",
    # Retrieval
    "retrieval.load": "retrieval.load:LoadDocuments",
    "retrieval.split": "retrieval.split:SplitDocuments",
    "embeddings.local": "retrieval.local_embeddings_node:LocalEmbeddingsNode",
    "embeddings.huggingface": "retrieval.huggingface_embeddings_node:HuggingFaceEmbeddingsNode",
    "embeddings.ollama": "models.servers.ollama.embeddings_node:OllamaEmbeddingsNode",
    "embeddings.openai": "models.servers.openai.embeddings_node:OpenAiEmbeddingsNode",
    "embeddings.clip": "encoders.clip_node:ClipNode",
    "retrieval.index": "retrieval.index_node:Index",
    "retrieval.picture_index": "encoders.picture_index:PictureIndex",
    "retrieval.retriever": "retrieval.retriever_node:Retriever",
    "retrieval.store": "retrieval.store_node:FilledStore",
    "retrieval.search": "retrieval.search:Search",
    "retrieval.found_picture": "encoders.found_picture:FoundPicture",
    "retrieval.answer": "retrieval.answer_node:AnswerWithSources",
    # Techniques
    "technique.chain_of_thought": "techniques.chain_of_thought:ChainOfThought",
    "technique.self_consistency": "techniques.self_consistency:SelfConsistency",
    "technique.generated_knowledge": "techniques.generated_knowledge:GeneratedKnowledge",
    "technique.paraphrases": "techniques.paraphrases:Paraphrases",
    "technique.structured_output": "techniques.structured_output:StructuredOutput",
    # Encoders
    "text.zero_shot": "encoders.zero_shot:ZeroShot",
    "text.fill_mask": "encoders.fill_mask:FillMask",
    "embeddings.similarity": "encoders.similarity:SimilarityMatrix",
    "embeddings.plot": "encoders.plot:EmbeddingPlot",
    # Systems
    "haystack.pipeline": "haystack.pipeline:HaystackPipeline",
    "haystack.retriever": "haystack.retriever:HaystackRetriever",
    # Evaluation
    "eval.data": "evaluation.labelled_data:LabelledData",
    "eval.accuracy": "evaluation.accuracy:Accuracy",
    # Text
    "text.join": "text.join:JoinTexts",
    "text.split": "text.split:SplitText",
    # Data
    "data.pick": "records.pick:Pick",
    "data.format": "records.format:FormatRecords",
    "data.sql": "records.sql:SqlQuery",
    "data.transform": "records.transform:Transform",
    # Safety
    "guard.deny": "guards.deny:DenyList",
    "guard.moderation": "techniques.moderation:Moderation",
    # Agents
    "agent.role": "agents.role:Role",
    "agent.task": "agents.task:Task",
    "agent.crew": "agents.crew:Crew",
    "agent.crew_agent": "agents.crew_agent:CrewAsAgent",
    "agent.react": "agents.react:ReactAgent",
    "agent.deep": "agents.deep:DeepAgent",
    # Tools
    "tool.calculator": "tools.calculator:Calculator",
    "tool.search": "tools.search:SearchAsTool",
    "tool.files": "tools.files:ReadFiles",
    "tool.call": "agents.call_tool:CallTool",
    "tool.http_request": "web.http_request:HttpRequest",
    "tool.http": "web.http_tool:HttpAsTool",
    "tool.web_search": "web.search_tool:WebSearchTool",
    "tool.search_web": "web.search_step:SearchWeb",
    "tool.sql": "records.sql_tool:SqlAsTool",
    "tool.python_function": "tools.python_function:PythonFunction",
    "tool.openapi": "web.openapi:OpenApiNode",
    "tool.mcp": "mcp.tools_node:McpToolsNode",
    "tool.mcp_resource": "mcp.resource:McpResource",
    "prompt.mcp": "mcp.prompt:McpPrompt",
    "tool.http_get": "tools.http_get:HttpGet",
    "tool.flow": "tools.flow:FlowAsTool",
    "tool.ask_first": "tools.ask_first:AskFirst",
    "tool.clock": "tools.clock:Clock",
    # People
    "people.approve": "people.approve:Approve",
    "people.choose": "people.choose:Choose",
    "people.edit": "people.edit:Edit",
    "people.form": "people.form:FillForm",
    # Logic
    "logic.branch": "logic.branch:Branch",
    "logic.switch": "techniques.switch:Switch",
    "logic.merge": "logic.merge:Merge",
    "logic.for_each": "logic.for_each:ForEach",
    "logic.loop": "logic.loop:Loop",
    "logic.run_flow": "logic.run_flow:RunFlow",
}

BUILTIN: Mapping[str, str] = {kind: f"patchbay.nodes.{where}" for kind, where in _WHERE.items()}
"""Kind → "module:class"."""
