// What is open in large over the editor: a value of a run, or a long text of a node. At most one thing.

import { Emitter } from "../store";
import type { Side } from "../types";

export type Large =
  | { is: "value"; node: string; side: Side; port: string }
  | { is: "curves"; node: string }
  | { is: "prompt"; node: string; param: string }
  | { is: "pin"; node: string };

export class LargeState extends Emitter {
  open: Large | null = null;

  show = (what: Large | null): void => {
    this.open = what;
    this.emit();
  };
}
