// The edge of a dock: drag it, or use the arrow keys.

interface Props {
  label: string;
  width: number;
  /** On which side of what it widens it lies. */
  side: "left" | "right";
  /** What a double click gives back. */
  usual: number;
  widen: (width: number) => void;
}

export function Splitter({ label, width, side, usual, widen }: Props) {
  const way = side === "left" ? -1 : 1;
  const drag = (event: React.PointerEvent) => {
    event.preventDefault();
    const start = event.clientX;
    const move = (e: PointerEvent) => widen(width + way * (e.clientX - start));
    const end = () => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", end);
      window.removeEventListener("pointercancel", end);
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end);
    window.addEventListener("pointercancel", end);
  };
  return (
    <div
      className={`pb-splitter ${side}`}
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={Math.round(width)}
      tabIndex={0}
      onPointerDown={drag}
      onDoubleClick={() => widen(usual)}
      onKeyDown={(event) => {
        const by = { ArrowLeft: -40, ArrowRight: 40 }[event.key];
        if (by) widen(width + way * by);
      }}
    />
  );
}
