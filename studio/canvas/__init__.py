"""The canvas: a Streamlit component that draws one open flow and sends edits back.

How a page uses it:

    from studio.canvas import NodeStatus, canvas
    from studio.document import Document, Documents

    documents = Documents(home=home_folder, catalog=catalog, check=lambda flow: validate(flow, catalog))
    document = documents.open(path)          # the same object for every session of the process

    @st.fragment(key="canvas")
    def editor() -> None:
        state = canvas(
            document,
            key="canvas",
            client=st.session_state.client,       # any id of this browser session, `Document.new_client()`
            height="calc(100vh - 11rem)",         # a CSS length
            status={"answer": NodeStatus("running")},   # fallback where no event route exists
            events="patchbay/events?doc=…&token=…",     # SSE route, relative to the app's base path
            reveal=("prompt", 3),                 # scroll to and select a node; raise the number to repeat
            readonly=False,
            on_change=lambda: st.rerun(["toolbar", "inspector"]),   # after edits reached the document
            on_select=lambda: st.rerun(["inspector"]),
            on_command=handle,                    # handle(name, argument), see below
        )

`canvas()` returns a `CanvasState(nodes, edges, notes, groups)`: what is selected, by id (edges as
`("a.out", "b.in")`). The same is at `selection(key)` anywhere in the script, also in callbacks.

Commands that the canvas only passes on: `run` (argument ""), `run_to` (node id), `rerun_from` (node id),
`open` (node id: double-click or Enter; show it in the inspector), `validate`, `save` (Ctrl+S), `export`, `stop`.

Edits from anywhere else (inspector, fix buttons, toolbar) go through the document; the canvas
follows because its next data holds the new operations:

    document.apply(SetParams(node="prompt", params={"template": "…"}), client=client)
    document.undo(client); document.redo(client); document.can_undo(client)
    document.flow, document.revision, document.saved, document.problems(), document.conflict

The event route (`GET <base>/patchbay/events?doc=…&token=…`) streams server-sent events, each `data:` one JSON:

    {"node": "answer", "status": "running", "seconds": 1.2, "tokens": 34, "text": "piece", "cached": false}
    {"reset": true}                        a new run starts: forget all statuses
    {"revision": 12}                       somebody else changed the document: the canvas asks for it

`status` is one of queued, running, waiting, done, cached, skipped, failed, cancelled. `text` is appended;
`"text_all"` replaces. `"message"` is the words of a failure or the reason of a skip.
"""
