"""Every code that a file or a run may fail with, and what it means. Rules have their own.

`python -m patchbay.flows.codes --write` makes `docs/failures.md` anew.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from patchbay.nodes.codes import NODE_CODES
from patchbay.nodes.generated import main

PAGE = Path(__file__).parents[1] / "docs" / "failures.md"

FILE_CODES: Mapping[str, str] = {
    "file/missing": "There is no such file.",
    "file/not-a-file": "The path names a folder, a device or a pipe.",
    "file/unreadable": "The system refuses to read the file.",
    "file/unwritable": "The system refuses to write the file, or the disk is full. The old file "
    "stays as it was.",
    "file/too-large": "The file is larger than 16.8 MB. Data belongs in files that a flow reads.",
    "file/not-utf8": "The file is not UTF-8 text, or a text in it holds half a character.",
    "file/not-json": "The file is not JSON; line and column are named. Or a flow made in Python "
    "holds what JSON cannot say.",
    "file/not-yaml": "The file is not YAML, or holds tags that build objects; line and column are "
    "named.",
    "file/too-deep": "Values are nested more than 100 levels deep.",
    "file/duplicate-key": "A JSON object holds a key twice, so one of the two would be lost.",
    "file/number": "A number is not finite (NaN, Infinity, 1e999) or has thousands of digits.",
    "file/no-format": 'The file has no `"format"` number, so it is not a Patchbay flow.',
    "file/format": "The format number is no format, or the file cannot be upgraded from it.",
    "file/future-format": "A newer Patchbay wrote the file. Nothing is guessed; upgrade.",
    "file/shape": "Something is missing, unknown, or of another type than the format says. The "
    "place is named, as in `nodes[3].run.retries`. The format is in `flows/flow.schema.json`.",
    "file/no-flow": "A picture that was dropped carries no flow.",
    "received/name": "A document that was given has a name that leads elsewhere, or that not every "
    "system takes.",
    "received/type": "Nothing here reads documents of that kind.",
    "received/size": "A document, or those of a flow together, are larger than is taken.",
    "received/count": "A flow has as many documents as are taken.",
    "received/disk": "A document that was given could not be written.",
    "experiment/axis": "An axis of an experiment names what is not there, or no values.",
    "experiment/cases": "A table of cases cannot be read, or holds nothing for the flow.",
    "experiment/check": "There is no such check, or its schema cannot be read.",
    "experiment/last": "A file that an experiment is compared with holds no result.",
    "experiment/no-judge": "Preferences are asked of an experiment that has no judge.",
    "experiment/output": "A flow has no output that an experiment could check.",
    "experiment/scipy": "Intervals need SciPy, which is not installed.",
    "experiment/use": "The best variant cannot be written into the flow.",
    "experiment/unwritable": "The disk refuses to keep an experiment or its report.",
    "export/node": "A node cannot be said in the form that a flow is exported to.",
    "import/unknown": "The file is of no builder that Patchbay knows.",
    "import/too-large": "The file holds more nodes than are imported.",
}
"""What can be wrong with a file before there is a flow to look at."""

RUN_CODES: Mapping[str, str] = {
    "input/invalid": "An input is not of the kind that the flow asks for.",
    "input/missing": "An input that the flow needs was not given.",
    "input/environment": "What is given as the environment of a run is none.",
    "input/history": "What is given as the history of a run is none.",
    "input/record": "What is given as the record of a run is no yes or no, or could be an input.",
    "input/thread": "What is given as the thread of a run is none, or could be an input.",
    "input/unknown": "The flow asks for no input of that name.",
    "input/variables": "The flow's variables have no values for the environment that is named.",
    "input/unreadable": "A file with an input cannot be read.",
    "catalog/unknown-kind": "No kind of node has that name.",
    "secret/missing": "A secret that the flow names is set nowhere.",
    "resource/failed": "Opening a model, an index or another resource failed unexpectedly.",
    "resource/memory": "The memory does not suffice to open a model beside those in use.",
    "node/wrong-input": "A value is not what the port takes.",
    "node/wrong-output": "A node gave what its port does not promise: a fault of the node.",
    "node/timeout": "A node took longer than it may.",
    "node/memory": "A node ran out of memory.",
    "node/file": "The system refuses a file that a node reads or writes.",
    "node/half-character": "A text holds half a character, which no file or page can hold.",
    "node/too-deep": "A value is nested deeper than a wire carries.",
    "node/disk-full": "The disk was full when a node wrote.",
    "node/raised": "A node raised an exception that it has no words for: a fault of the node.",
    "subflow/depth": "Flows that run flows reached the limit of depth.",
    "run/cancelled": "The run was stopped.",
    "run/defect": "A mistake in Patchbay ended the run.",
    "run/unknown-node": "The run was asked for a node that the flow does not have.",
    "history/damaged": "The file of the history is damaged, and cannot be moved aside, as it else "
    "is.",
    "history/unwritable": "The file of the history cannot be made, read or written.",
    "history/other-host": "Another machine writes the file of the history, which two may not.",
    "history/newer": "A newer Patchbay wrote the history.",
    "history/address": "The address of the history is none that can be used.",
    "question/value": "An answer is not what the question asks for.",
    "system/file": "The system refuses a file: a full disk, a read-only folder, too many of them.",
    "files/there": "A file of that name is in the folder that files of a run were to go into.",
    "files/write": "A file of a run cannot be written into the folder.",
    "node/pinned": "What a node was pinned to is not of the types that it gives now.",
    "pins/disk": "A pinned value could not be kept.",
    "pins/too-large": "The pinned values of a flow are larger than is kept.",
    "pins/value": "What should be pinned is not of the types that the node gives.",
    "history/none": "There is no earlier run to go on from.",
    "history/inputs": "The earlier run had other inputs.",
    "history/unknown-run": "No run with that id is recorded.",
    "history/running": "The run is still going on.",
    "history/ended": "The run has ended, so that there is nothing to stop.",
    "history/finished": "The run has finished; there is nothing to resume.",
    "journal/value": "A step of a recorded run gave, or was given, what cannot be recorded.",
    "thread/busy": "Another run is at work in the thread; one at a time may be.",
    "thread/exists": "There is a thread of that id already.",
    "thread/gone-on": "A stopped run cannot go on: its thread has got more turns since.",
    "thread/id": "The text cannot be the id of a thread.",
    "thread/no-input": "The flow cannot be talked to: no input, or more than one, takes a message.",
    "thread/person": "Nothing is kept of that person.",
    "thread/place": "A flow's file was not moved, or nothing is kept of it.",
    "thread/title": "The title of a thread is empty or too long.",
    "thread/turn": "The thread has no such turn, or it is damaged.",
    "thread/unknown": "There is no thread of that id, or it has been deleted.",
    "thread/unwritable": "A conversation cannot be written to the file that was named.",
    "question/nobody": "A node asks a person, and nobody can be asked: the run is not recorded.",
    "question/expired": "Nobody answered in time, and the question has no default.",
    "question/answered": "Somebody has answered already; it is said who, and when.",
    "question/wrong-answer": "The answer is not what the question wants; the question stays open.",
    "question/unknown": "The run has asked no such question.",
    "question/which": "The run asks several questions, and it is not said which is answered.",
    "question/none": "No question of the run is open.",
    "question/withdrawn": "The question has been asked otherwise since.",
    "question/ended": "The run has ended, so that nobody waits for an answer.",
    "question/file": "The file with the answer cannot be read.",
    "settings/prices": "What the settings say under [prices] is no table of prices.",
    "trace/address": "Where traces go is no address, or not said.",
    "trace/missing": "What sends traces is not installed.",
    "trigger/file": "The file of triggers cannot be read, or something in it is wrong.",
    "trigger/schedule": "A schedule is no cron words, never comes, or names no time zone.",
    "trigger/unknown": "There is no trigger of that name.",
    "studio/missing": "The studio, or Streamlit, is not installed.",
}
"""What can end a run besides what a node says itself."""

SERVE_CODES: Mapping[str, str] = {
    "serve/address": "The server has no such address, or it takes other methods.",
    "serve/budget": "The key is good for so many requests, tokens or seconds, and they are used.",
    "serve/busy": "All slots and places in the queue are taken. Retry-After says when to come.",
    "serve/content-type": "A body is of a type that is not read.",
    "serve/ending": "The server is ending, and takes no more runs.",
    "serve/worker-ended": "The process that has a run ended before it answered.",
    "serve/form": "A form with files cannot be read.",
    "serve/headers": "The headers of a request are too large.",
    "serve/host": "The server was called by a name that is none of its own.",
    "serve/key": "A request brings no key, or one that is not of this server.",
    "serve/keys": "The file with the keys of callers cannot be read, or is not as it should be.",
    "serve/place": "A server is asked to run where jobs end, such as on Slurm.",
    "serve/missing": "What serving needs is not installed.",
    "serve/no-flow": "There is no flow to serve.",
    "serve/not-json": "A body is not JSON, or no JSON object.",
    "serve/origin": "A web page asks whose origin was not declared.",
    "serve/override": "A caller wants to change a param that the server does not let it change.",
    "serve/port": "The server cannot listen on the address or port.",
    "serve/slow": "A request took too long to arrive.",
    "serve/timeout": "A run took longer than the server lets it, and was stopped.",
    "serve/too-large": "A request is larger than the server takes.",
    "serve/two-flows": "Two files would be served under the same name.",
    "serve/unknown-flow": "The server has no flow of that name, or not for this key.",
    "trigger/owner": "The triggers of a server are its owner's.",
    "trigger/signature": "A message for a webhook is not signed as it should be, or too old.",
    "serve/upload-name": "A file was sent under a name that is no plain name.",
}
"""What a server says when it does not do what it is asked."""

BATCH_CODES: Mapping[str, str] = {
    "batch/rows": "The rows cannot be read: no such file, of no known form, or damaged.",
    "batch/row": "One row cannot be read or written. The others go on.",
    "batch/no-rows": "There are no rows.",
    "batch/query": "Which rows of a database are meant is not said; or a query is given for a "
    "file.",
    "batch/database": "The database refuses, or the address names none.",
    "batch/password": "The password of a database is missing, or would be written down.",
    "batch/no-column": "A column that is mapped or kept is not there, in the table or in a row.",
    "batch/no-input": "The flow has no input of the name that is mapped.",
    "batch/unmapped": "An input gets neither a column nor a value.",
    "batch/same-name": "A column that is kept and an output have one name.",
    "batch/no-outputs": "The flow gives nothing that could be written.",
    "batch/output": "The output cannot be written: its form, its folder, or a number that does "
    "not fit.",
    "batch/there": "The output is there already. Nothing is written over.",
    "batch/busy": "Another process is at work on a batch into the same output.",
    "batch/begun": "A batch into this output was begun and has not ended.",
    "batch/not-begun": "There is no batch to go on with.",
    "batch/changed": "The flow, the rows, the weights, the versions or the settings are not those "
    "that the batch was begun or made with. Everything that differs is named.",
    "batch/damaged": "What was kept of a batch that was begun is not whole any more.",
    "batch/timeout": "A row took longer than a row may.",
    "batch/budget": "The tokens or the money that a batch may use are used up.",
    "batch/prices": "A budget of money needs prices in one currency, of every model that is asked.",
    "batch/slots": "A number of rows at once that is none.",
    "batch/parts": "Parts of a batch that several machines did are missing, or are of others.",
    "batch/place": "The place where rows shall run is none that is known.",
    "settings/clusters": "What the settings say under [clusters] is no cluster.",
    "slurm/profile": "There is no profile of that name, or it says what none says.",
    "slurm/missing": "Slurm is not on this machine.",
    "slurm/refused": "Slurm refuses the job; its own words are in the message.",
    "slurm/sent": "What was sent with a job cannot be read where the job runs.",
    "slurm/changed": "A file that a job reads is not as it was when the job was sent.",
    "slurm/failed": "The jobs ended without the result; the last lines of their logs are named.",
    "batch/ray": "Ray is not installed, or cannot be reached.",
    "batch/no-room": "Ray has fewer cores than workers are asked for.",
    "cluster/no-node": "No machine of the cluster holds a model, or has the GPUs for it.",
    "cluster/no-room": "The models of a flow do not fit into the memory of a cluster together.",
    "cluster/weights": "Weights of a person's own cannot be sent to a machine of the cluster.",
    "cluster/secret": "A flow of a server on a cluster names a secret that no flow named when the "
    "workers began.",
    "cluster/work-died": "The process of a training on the cluster died again and again.",
    "cluster/model-died": "The process of a model on the cluster died again and again.",
    "batch/worker": "Workers died on a row again and again, or could not begin it.",
    "batch/disk": "The disk is full or refuses. What is done is kept.",
    "offline/weights": "Weights are not on this machine.",
    "offline/file": "A file that a node names is not on this machine.",
    "offline/package": "A package that a node needs is not installed.",
    "offline/server": "The flow asks a server on another machine.",
    "bundle/wheels": "Wheels for the other machine's Python cannot be had.",
    "bundle/there": "The archive is there already.",
    "bundle/outside": "What a node names lies outside the flow's folder, or is only here.",
    "batch/manifest": "The file is no manifest of a batch that has ended.",
}
"""What a batch says, of all of it or of one row."""

HEAD = """# Failures

What can go wrong with a file or while a flow runs, by code. The command line, the studio, `--json`
and Python (`RunError.problem.code`) name the code; the message beside it names node, port and what
would help. What can be wrong with a flow before it runs is on the page of [problems](problems.md).

This page is generated from `nodes/codes.py` and `flows/codes.py`
(`python -m patchbay.flows.codes --write`).
"""


def page_text() -> str:
    """The page as it is committed."""
    parts = [HEAD]
    for title, codes in (
        ("Files", FILE_CODES),
        ("Runs", RUN_CODES),
        ("Batches", BATCH_CODES),
        ("Servers", SERVE_CODES),
        ("Nodes", NODE_CODES),
    ):
        rows = "".join(f"| `{code}` | {text} |\n" for code, text in codes.items())
        parts.append(f"## {title}\n\n| code | meaning |\n|---|---|\n{rows}")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main(PAGE, page_text, "patchbay.flows.codes"))
