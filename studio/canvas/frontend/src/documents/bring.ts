// Documents that have arrived become nodes where they were let go, or in the middle of what is in view.

import { useCallback } from "react";
import type { Spot } from "../files";
import { under } from "../hooks/adding";
import type { Places } from "../hooks/places";
import type { Scene } from "../hooks/scene";
import { around, freeShift } from "../scene";
import type { Doc } from "../store";
import type { Received } from "./intake";
import { bringing } from "./nodes";

export function useBringing(doc: Doc, scene: Scene, places: Places): (received: Received[], spot: Spot) => void {
  const { dispatch, choose, nodesNow } = scene;
  const { centre, nodeUnder, onCanvas, show: look, toFlow } = places;
  return useCallback(
    (received, spot) => {
      const on = spot && onCanvas(spot.x, spot.y) ? spot : null;
      const onto = on ? nodeUnder(on.x, on.y) : undefined;
      const node = doc.flow.layout[onto ?? ""];
      const at = node ? { x: node.x - 304, y: node.y } : on ? under(toFlow(on.x, on.y)) : centre();
      const wished = bringing(doc, received, at, onto);
      const by = freeShift(nodesNow(), wished.boxes);
      const { op, show, say, boxes } = bringing(doc, received, { x: at.x + by.x, y: at.y + by.y }, onto);
      if (!dispatch(op, show)) choose(show);
      const all = around(boxes);
      if (all) look(all);
      if (say) doc.say(say);
    },
    [centre, choose, dispatch, doc, look, nodesNow, nodeUnder, onCanvas, toFlow],
  );
}
