// A small map of the flow where not all of it is in view. It gives way: it lies over no node unless a person asks for it.

import { MiniMap, type Node as DrawnNode, useStore } from "@xyflow/react";
import { useState } from "react";
import type { Covered } from "./dock/sizes";
import type { Scene } from "./hooks/scene";
import { Icon } from "./icons";
import type { NodeData } from "./node";
import { boxOf, sizeOf } from "./scene";
import { familyColor } from "./types";

/** Pixels of the map with its margins; style.css draws it so large. */
const ROOM = { w: 176, h: 128 };

export type Needed = "no" | "free" | "covers";

interface View {
  transform: [x: number, y: number, zoom: number];
  width: number;
  height: number;
}

/** Whether a map is needed, and whether it would lie over a node; `covered` lies under the docks. */
export function mapOver(
  nodes: DrawnNode[],
  { transform: [x, y, zoom], width, height }: View,
  covered: Covered,
): Needed {
  const shown = nodes.filter((node) => !node.hidden);
  const all = boxOf(shown);
  const right = width - covered.right;
  const whole =
    !all ||
    (all.x * zoom + x >= covered.left &&
      all.y * zoom + y >= 0 &&
      (all.x + all.w) * zoom + x <= right &&
      (all.y + all.h) * zoom + y <= height);
  if (whole) return "no";
  const under = shown.some((node) => {
    if (node.type === "group_") return false;
    const { w, h } = sizeOf(node);
    const [left, top] = [node.position.x * zoom + x, node.position.y * zoom + y];
    return left < right && left + w * zoom > right - ROOM.w && top < height && top + h * zoom > height - ROOM.h;
  });
  return under ? "covers" : "free";
}

const colorOf = (node: DrawnNode): string =>
  node.type === "box" ? familyColor((node.data as NodeData).kind?.family ?? "") : "var(--pb-line)";

export function Overview({ scene, covered }: { scene: Scene; covered: () => Covered }) {
  // From what React Flow has measured: this is asked for each frame of a drag, and must not have the page laid out.
  const needed = useStore((view) => mapOver(scene.nodesNow(), view, covered()));
  const [asked, setAsked] = useState(false);
  if (needed === "no") return null;
  const words = asked ? "Hide the overview" : "Show the overview";
  return (
    <>
      {(needed === "free" || asked) && (
        <MiniMap
          pannable
          zoomable
          ariaLabel="Overview"
          nodeBorderRadius={6}
          className="pb-minimap"
          nodeColor={colorOf}
        />
      )}
      {needed === "covers" && (
        <div className={`pb-bar map ${asked ? "above" : ""}`}>
          <button className="pb-tool" aria-label={words} title={words} onClick={() => setAsked(!asked)}>
            <Icon name={asked ? "close" : "map"} />
          </button>
        </div>
      )}
    </>
  );
}
