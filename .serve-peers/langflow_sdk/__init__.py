"""langflow-sdk -- Python SDK for the Langflow REST API."""

from langflow_sdk._async_client import AsyncClient, AsyncLangflowClient
from langflow_sdk.background_job import BackgroundJob
from langflow_sdk.client import Client, LangflowClient
from langflow_sdk.environments import (
    EnvironmentConfig,
    get_async_client,
    get_client,
    get_environment,
    load_environments,
)
from langflow_sdk.exceptions import (
    EnvironmentConfigError,
    EnvironmentNotFoundError,
    LangflowAuthError,
    LangflowConnectionError,
    LangflowError,
    LangflowHTTPError,
    LangflowNotFoundError,
    LangflowTimeoutError,
    LangflowValidationError,
)
from langflow_sdk.models import (
    Flow,
    FlowCreate,
    FlowUpdate,
    Project,
    ProjectCreate,
    ProjectUpdate,
    ProjectWithFlows,
    RunOutput,
    RunRequest,
    RunResponse,
    StreamChunk,
)
from langflow_sdk.serialization import flow_to_json, normalize_flow, normalize_flow_file

__all__ = [
    "AsyncClient",  # short alias for AsyncLangflowClient (preferred)
    "AsyncLangflowClient",
    "BackgroundJob",
    "Client",  # short alias for LangflowClient (preferred)
    "EnvironmentConfig",
    "EnvironmentConfigError",
    "EnvironmentNotFoundError",
    "Flow",
    "FlowCreate",
    "FlowUpdate",
    "LangflowAuthError",
    "LangflowClient",
    "LangflowConnectionError",
    "LangflowError",
    "LangflowHTTPError",
    "LangflowNotFoundError",
    "LangflowTimeoutError",
    "LangflowValidationError",
    "Project",
    "ProjectCreate",
    "ProjectUpdate",
    "ProjectWithFlows",
    "RunOutput",
    "RunRequest",
    "RunResponse",
    "StreamChunk",
    "flow_to_json",
    "get_async_client",
    "get_client",
    "get_environment",
    "load_environments",
    "normalize_flow",
    "normalize_flow_file",
]
