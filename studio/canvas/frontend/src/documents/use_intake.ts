// The one way in for documents of an open flow, whoever brings them: a drop, a dialog.

import { type RefObject, useCallback, useEffect } from "react";
import type { CanvasHandle } from "../canvas";
import { type Spot, openFlow } from "../files";
import type { Doc } from "../store";
import { arrived, arrivingFor } from "./arriving";
import { type Brought, namedFiles } from "./dropped";
import type { Intake } from "./intake";

interface Intaking {
  intake: Intake;
  take: (files: Brought[], spot: Spot) => void;
  /** Let the person choose files. */
  choose: (spot: Spot) => void;
}

export function useIntake(doc: Doc, canvas: RefObject<CanvasHandle | null>): Intaking {
  const { intake } = arrivingFor(doc);
  useEffect(() => void (arrivingFor(doc).canvas = canvas), [doc, canvas]);
  const take = useCallback(
    (files: Brought[], spot: Spot) => {
      if (!doc.at("documents") || !files.length) return;
      if (intake.busy) return doc.say("Other documents are still arriving. Drop these when they are there.");
      void intake.take(files).then((received) => {
        const flow = received.findIndex((one) => one.state === "flow");
        if (flow >= 0 && files.length === 1) return openFlow(doc, files[0].file);
        arrived(doc, received, spot);
      });
    },
    [doc, intake],
  );
  const choose = useCallback(
    (spot: Spot) => {
      const field = document.createElement("input");
      field.type = "file";
      field.multiple = true;
      field.hidden = true;
      field.onchange = () => take(namedFiles(field.files ?? []), spot);
      field.addEventListener("change", () => field.remove());
      field.addEventListener("cancel", () => field.remove());
      document.body.append(field);
      field.click();
    },
    [take],
  );
  return { intake, take, choose };
}
