"""The canvas: a Streamlit component that draws one open flow and sends edits back.

How a page uses it:

    from patchbay.studio.canvas import NodeStatus, canvas, selection
    from patchbay.studio.documents.opened import Documents

    # once per process
    documents = Documents(home, check=lambda flow, path: validate(flow, catalog, path.parent))
    document = documents.open(path)       # the same object for every session of the process

    @st.fragment(key="canvas")
    def editor() -> None:
        state = canvas(
            document,
            catalog=catalog,
            find=documents.by_id,             # whose edits a browser sends: by its document's id
            key="canvas",
            client=st.session_state.client,   # one per session: Document.new_client()
            height="640px",                   # a CSS length; else what the window leaves
            status={"answer": NodeStatus("running")},  # only where there is no event route
            events="patchbay/events?doc=…&token=…",    # relative to the app's base path
            reveal=("prompt", 3),             # go to a node; raise the number to go again
            dock=Dock(panels=("Run",)),       # the dock over the canvas; without it there is none
            readonly=False,
            timeline=None,                    # moments of a past run, to be gone through
            on_change=lambda: rerun_parts("canvas", "toolbar"),
            page=page,                        # a CanvasPage: what the canvas may ask for, see below
        )

`canvas()` returns a `CanvasState(nodes, edges, notes, groups)`: what is selected, by id (edges as
`("a.out", "b.in")`). `selection(key)` gives the same anywhere, also in callbacks. The callbacks run
as Streamlit callbacks; one that reruns by key must name the canvas's own fragment after a change.

What the canvas asks for beyond edits (run, save, open a dropped file, settle a conflict) stands in
`COMMANDS` of `studio/canvas/commands.py`. What concerns the document is done there; for the rest
the page gives a `CanvasPage`. Without one the canvas only edits.

Edits from anywhere else (inspector, fix buttons, toolbar) go through the document; the canvas
follows, because its next data holds the new operations:

    document.apply(SetParams(node="prompt", params={"template": "…"}), client=client)  # EditError
    document.undo(client); document.redo(client); document.can_undo(client)
    document.flow, .revision, .saved, .save_error, .conflict, .problems(), .subscribe(listener)

The event route streams server-sent events, each `data:` one JSON object:

    {"node": "answer", "status": "running", "seconds": 1.2, "tokens": 34, "text": "piece"}
    {"reset": true}      a new run starts: forget all statuses
    {"revision": 12}     the document changed: a canvas that lags behind asks for what it missed

`status` is one of queued, running, waiting, done, cached, skipped, failed, cancelled. `text` is
appended, `text_all` replaces it, `message` is a failure's words or why a node was skipped.
"""

from patchbay.studio.canvas.commands import CanvasPage
from patchbay.studio.canvas.component import CanvasState, Dock, NodeStatus, canvas, selection

__all__ = ["CanvasPage", "CanvasState", "Dock", "NodeStatus", "canvas", "selection"]
