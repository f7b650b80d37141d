// What React Flow is given: nodes and wires as they are drawn, kept in step with the document.

import type { Edge as DrawnEdge, Node as DrawnNode } from "@xyflow/react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useDoc } from "../context";
import type { Chosen } from "../edits";
import type { Op } from "../model";
import { drawEdges, drawNodes, edgeData } from "../scene";
import type { Doc } from "../store";

export interface Scene {
  nodes: DrawnNode[];
  edges: DrawnEdge[];
  setNodes: React.Dispatch<React.SetStateAction<DrawnNode[]>>;
  setEdges: React.Dispatch<React.SetStateAction<DrawnEdge[]>>;
  /** As they are now, for callbacks that outlive a drawing. */
  nodesNow: () => DrawnNode[];
  edgesNow: () => DrawnEdge[];
  /** Make an edit, and select `choose` once it is drawn. False where there is nothing to do, or it was refused. */
  dispatch: (op: Op | null, choose?: string[]) => boolean;
  /** Select these, and nothing else. */
  choose: (ids: string[], wires?: string[]) => void;
  chosen: Chosen;
  /** A drag ended: the next drawing lets go of what was dragged; soon, where no edit brings one about. */
  letGo: (when: "with the next drawing" | "now") => void;
}

/** Lets go of what was dragged; what lay still keeps its object. */
const released = (nodes: DrawnNode[]): DrawnNode[] =>
  nodes.some((n) => n.dragging) ? nodes.map((n) => (n.dragging ? { ...n, dragging: false } : n)) : nodes;

export function useScene(doc: Doc, focus: () => void): Scene {
  const version = useDoc(doc);
  const [nodes, setNodes] = useState<DrawnNode[]>(() => drawNodes(doc, [], null));
  const [edges, setEdges] = useState<DrawnEdge[]>(() => drawEdges(doc, []));
  const now = useRef({ nodes, edges });
  now.current = { nodes, edges };
  const wanted = useRef<Set<string> | null>(null);
  const dropped = useRef(false);

  useEffect(() => {
    const select = wanted.current;
    wanted.current = null;
    const before = dropped.current ? released : (old: DrawnNode[]) => old;
    dropped.current = false;
    setNodes((old) => drawNodes(doc, before(old), select));
    setEdges((old) => drawEdges(doc, old));
  }, [doc, version]);

  const dispatch = useCallback(
    (op: Op | null, choose?: string[]): boolean => {
      if (!op) return false;
      if (choose) wanted.current = new Set(choose);
      const done = doc.dispatch(op);
      if (!done) wanted.current = null;
      focus();
      return done;
    },
    [doc, focus],
  );
  const choose = useCallback((ids: string[], wires: string[] = []) => {
    setNodes((old) => selected(old, new Set(ids)));
    setEdges((old) => selected(old, new Set(wires)));
  }, []);
  const letGo = useCallback((when: "with the next drawing" | "now") => {
    if (when === "now") return setNodes(released);
    dropped.current = true;
    setTimeout(() => {
      if (dropped.current) setNodes(released);
      dropped.current = false;
    }, 50);
  }, []);
  const chosen = useMemo((): Chosen => {
    const of = (type: string) => nodes.filter((n) => n.selected && n.type === type && !n.hidden).map((n) => n.id);
    const wires = edges.filter((e) => e.selected && !e.hidden).map(edgeData);
    return { nodes: of("box"), notes: of("note"), groups: of("group_"), edges: wires };
  }, [nodes, edges]);
  const nodesNow = useCallback(() => now.current.nodes, []);
  const edgesNow = useCallback(() => now.current.edges, []);
  return { nodes, edges, setNodes, setEdges, nodesNow, edgesNow, dispatch, choose, chosen, letGo };
}

function selected<T extends { id: string; selected?: boolean }>(items: T[], ids: Set<string>): T[] {
  return items.map((item) => (!!item.selected === ids.has(item.id) ? item : { ...item, selected: ids.has(item.id) }));
}

/** Tell the page what is selected, once it has come to rest. */
export function useSelectionReport(chosen: Chosen, onSelect: (value: unknown) => void): void {
  const text = JSON.stringify({ ...chosen, edges: chosen.edges.map((e) => [e.from, e.to]) });
  const reported = useRef('{"nodes":[],"notes":[],"groups":[],"edges":[]}');
  useEffect(() => {
    const timer = setTimeout(() => {
      if (text === reported.current) return;
      reported.current = text;
      onSelect(JSON.parse(text));
    }, 60);
    return () => clearTimeout(timer);
  }, [text]);
}
