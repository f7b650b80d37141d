// What is drawn without React, as an element of it: the panels beside the page draw the same.

import { useLayoutEffect, useRef } from "react";

/** `draw` is called again where `of` is another. */
export function Drawn({ className, draw, of }: { className: string; draw: () => HTMLElement; of: unknown }) {
  const box = useRef<HTMLDivElement>(null);
  const now = useRef(draw);
  now.current = draw;
  useLayoutEffect(() => box.current?.replaceChildren(now.current()), [of]);
  return <div className={className} ref={box} />;
}
