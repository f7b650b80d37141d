// The chat in the canvas's dock. One for each flow, kept while its tab is away: what streams goes on.

import { useEffect, useRef } from "react";
import { createRoot } from "react-dom/client";
import { type Shared, SharedContext, useShared } from "../context";
import { spoken } from "../dock/spoken";
import { useStable } from "../hooks/stable";
import { partOf } from "../large/part";
import { archiveAt } from "../large/values";
import type { Doc } from "../store";
import { titleOf } from "../types";
import type { Around } from "./caller";
import { Chat } from "./chat";
import css from "./chat.css?inline";
import questionCss from "./question.css?inline";
import { kept } from "./kept";

const WholeHere = partOf(() => import("../large/here").then((part) => part.WholeHere));
const chats = new Map<string, Chat>();
/** What the editor shares, as it is now, for what is drawn outside of its tree. */
const newest = new Map<string, Shared>();

export function ChatPanel({ show }: { show: (node: string) => void }) {
  const shared = useShared();
  const { doc, statuses } = shared;
  newest.set(doc.id, shared);
  const box = useRef<HTMLDivElement>(null);
  const go = useStable(show);
  useEffect(() => {
    const chat = chatOf(doc, go);
    box.current?.append(chat.root);
    chat.shown();
    void chat.again();
    const leave = statuses.onRun.subscribe(() => void chat.again());
    return () => {
      leave();
      chat.root.remove();
    };
  }, [doc, statuses, go]);
  return (
    <>
      <style>{css + questionCss}</style>
      <div className="pb-chat-box" ref={box} />
    </>
  );
}

function chatOf(doc: Doc, show: (node: string) => void): Chat {
  let chat = chats.get(doc.id);
  if (!chat) chats.set(doc.id, (chat = new Chat(aroundOf(doc, show))));
  return chat;
}

function aroundOf(doc: Doc, show: (node: string) => void): Around {
  return {
    flow: doc.id,
    ask: (path, init) => {
      const address = new URL(doc.at("chat"));
      const [place, query = ""] = path.split("?");
      address.pathname += place;
      for (const [name, value] of new URLSearchParams(query)) address.searchParams.set(name, value);
      return fetch(address, init);
    },
    keep: (name, value) => kept(`patchbay-chat-${doc.id}-${name}`, value),
    // What is asked in the chat is run: a try.
    settled: () => (doc.try(), doc.settled()),
    refused: () => doc.command("tried"), // the page counts what is wrong, as after Run
    show,
    spoken: (message) => spoken(message, doc.flow),
    titleOf: (id) => {
      const node = doc.flow.nodes.find((one) => one.id === id);
      return node && titleOf(node);
    },
    draw: drawer(doc),
  };
}

/** What is drawn as everywhere in the dock, with what React there is. */
const DRAWN = ["table", "chart", "files"];

function drawer(doc: Doc): Around["draw"] {
  return (shape, value, name, run) => {
    const shared = newest.get(doc.id);
    if (!DRAWN.includes(shape) || !shared) return null;
    const place = document.createElement("div");
    place.className = "pb-here";
    const here = shared.statuses.run?.id === run; // the archive is of the last run
    const zip = here ? archiveAt(doc, "", "run", name) : "";
    createRoot(place).render(
      <SharedContext.Provider value={shared}>
        <WholeHere whole={{ shape, value }} zip={zip} />
      </SharedContext.Provider>,
    );
    return place;
  };
}
