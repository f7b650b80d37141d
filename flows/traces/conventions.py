"""Names of OpenTelemetry's GenAI conventions, as far as runs have something to say for them.

They follow version 0.1.0 of `open-telemetry/semantic-conventions-genai`, where the conventions
live since they left `semantic-conventions` after 1.41.0 (the Python package marks its copy as
moved). There a workflow is named by `gen_ai.agent.name`; who reads the version before looks for
`gen_ai.workflow.name`, so that a run says both. Phoenix shows kinds of spans by OpenInference's
name for them, and Phoenix and Langfuse take what went in and came out by two more of its names.
"""

from __future__ import annotations

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
AGENT = "gen_ai.agent.name"
WORKFLOW = "gen_ai.workflow.name"
CONVERSATION = "gen_ai.conversation.id"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
STREAM = "gen_ai.request.stream"
OUTPUT_TYPE = "gen_ai.output.type"
FINISH_REASONS = "gen_ai.response.finish_reasons"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHED_TOKENS = "gen_ai.usage.cache_read.input_tokens"
THOUGHT_TOKENS = "gen_ai.usage.reasoning.output_tokens"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
TOOL_DEFINITIONS = "gen_ai.tool.definitions"
TOOL = "gen_ai.tool.name"
TOOL_TYPE = "gen_ai.tool.type"
TOOL_DESCRIPTION = "gen_ai.tool.description"
TOOL_ARGUMENTS = "gen_ai.tool.call.arguments"
TOOL_RESULT = "gen_ai.tool.call.result"
ERROR = "error.type"
ADDRESS, PORT = "server.address", "server.port"
SESSION, USER = "session.id", "user.id"

REQUEST = {
    "temperature": ("gen_ai.request.temperature", float),
    "top_p": ("gen_ai.request.top_p", float),
    "top_k": ("gen_ai.request.top_k", int),
    "max_tokens": ("gen_ai.request.max_tokens", int),
    "seed": ("gen_ai.request.seed", int),
}
"""Options of a call, and how a span says them."""
STOP = "gen_ai.request.stop_sequences"

KIND = "openinference.span.kind"
INPUT, OUTPUT = "input.value", "output.value"
