#!/usr/bin/env bash
# Guess: two sub-agents that work in one turn on two files both keep what they wrote.
# What happens: each hands back its whole copy of all files, so the later one puts back the old text of the file that the
# earlier one changed. Both say that they are done, and so they are told.
# Seen with deepagents 0.7.32 (its default file space) on 2026-11-28.
# Why it matters: work that was paid for is lost without a word, only when agents run side by side.
source "$(dirname "$0")/_env.sh"
packages 'deepagents==0.7.32'
"$PY" - <<'PY'
from importlib.metadata import version

from deepagents import create_deep_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage


class Script(GenericFakeChatModel):
    def bind_tools(self, tools, **options):
        return self


def script(*messages):
    return Script(messages=iter(messages))


def calls(*wanted):
    return AIMessage(
        "",
        tool_calls=[
            {"name": name, "args": arguments, "id": f"call{place}{name}", "type": "tool_call"}
            for place, (name, arguments) in enumerate(wanted)
        ],
    )


def worker(name, wanted):
    model = script(calls(wanted), AIMessage("done"))
    return {"name": name, "description": name, "system_prompt": name, "model": model}


write = ("write_file", {"file_path": "/other.txt", "content": "written"})
edit = (
    "edit_file",
    {"file_path": "/plan.txt", "old_string": "draft", "new_string": "final"},
)
agent = create_deep_agent(
    model=script(
        calls(("write_file", {"file_path": "/plan.txt", "content": "draft"})),
        calls(
            ("task", {"description": "edit", "subagent_type": "editor"}),
            ("task", {"description": "write", "subagent_type": "writer"}),
        ),
        AIMessage("end"),
    ),
    subagents=[worker("editor", edit), worker("writer", write)],
)
files = agent.invoke({"messages": [("user", "go")]})["files"]
texts = {name: file["content"] for name, file in files.items()}
print("deepagents", version("deepagents"), texts)
raise SystemExit(0 if texts == {"/plan.txt": "draft", "/other.txt": "written"} else 1)
PY
