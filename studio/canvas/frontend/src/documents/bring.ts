// Documents that have arrived become nodes where they were let go, or in the middle of what is in view.

import { useCallback } from "react";
import type { Spot } from "../files";
import { under } from "../hooks/adding";
import type { Places } from "../hooks/places";
import type { Scene } from "../hooks/scene";
import type { Doc } from "../store";
import type { Received } from "./intake";
import { bringing } from "./nodes";

export function useBringing(doc: Doc, scene: Scene, places: Places): (received: Received[], spot: Spot) => void {
  const { dispatch, choose } = scene;
  const { centre, nodeUnder, onCanvas, toFlow } = places;
  return useCallback(
    (received, spot) => {
      const on = spot && onCanvas(spot.x, spot.y) ? spot : null;
      const onto = on ? nodeUnder(on.x, on.y) : undefined;
      const node = doc.flow.layout[onto ?? ""];
      const at = node ? { x: node.x - 304, y: node.y } : on ? under(toFlow(on.x, on.y)) : centre();
      const { op, show, say } = bringing(doc, received, at, onto);
      if (!dispatch(op, show)) choose(show);
      if (say) doc.say(say);
    },
    [centre, choose, dispatch, doc, nodeUnder, onCanvas, toFlow],
  );
}
