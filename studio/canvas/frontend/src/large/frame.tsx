// The frame of what is open in large. What fills it is fetched when it is first opened.

import { useEffect, useRef, useSyncExternalStore } from "react";
import { useShared } from "../context";
import { Icon } from "../icons";
import { titleOf } from "../types";
import { partOf } from "./part";

const ValueView = partOf(() => import("./value").then((part) => part.ValueView));
const Curves = partOf(() => import("./curves").then((part) => part.Curves));
const PinEditor = partOf(() => import("./pin").then((part) => part.PinEditor));
const PromptEditor = partOf(() => import("./prompt").then((part) => part.PromptEditor));

export function LargeFrame({ onClose }: { onClose: () => void }) {
  const { doc, large } = useShared();
  const open = useSyncExternalStore(large.subscribe, () => large.open);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (open) box.current?.focus();
  }, [open]);
  if (!open) return null;
  const close = () => (large.show(null), onClose());
  const node = doc.flow.nodes.find((one) => one.id === open.node);
  const title = node ? titleOf(node) : open.node;
  return (
    <div className="pb-veil dim" onPointerDown={(event) => event.target === event.currentTarget && close()}>
      <div
        className="pb-large"
        role="dialog"
        aria-modal="true"
        aria-label={
          open.is === "prompt"
            ? `${title}: ${open.param}`
            : open.is === "pin"
              ? `Value of ${title}`
              : open.is === "curves"
                ? `Curves of ${title}`
                : `Values of ${title}`
        }
        tabIndex={-1}
        ref={box}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === "Escape" && !event.defaultPrevented) close();
        }}
      >
        <button type="button" className="pb-tool pb-close" aria-label="Close" title="Close (Esc)" onClick={close}>
          <Icon name="close" />
        </button>

        {open.is === "value" ? (
          <ValueView key={open.node} node={open.node} title={title} side={open.side} port={open.port} />
        ) : open.is === "curves" ? (
          <Curves key={open.node} node={open.node} title={title} />
        ) : open.is === "pin" ? (
          <PinEditor key={open.node} node={open.node} title={title} done={close} />
        ) : (
          <PromptEditor key={`${open.node} ${open.param}`} node={open.node} param={open.param} title={title} />
        )}
      </div>
    </div>
  );
}
