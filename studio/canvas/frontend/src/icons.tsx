// Line icons, drawn here: nothing is fetched. 24 × 24, stroke follows the text color.

const PATHS = {
  pen: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  undo: "M9 14 4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3",
  redo: "m15 14 5-5-5-5M20 9H10a6 6 0 0 0 0 12h3",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  map: "M3 5h18v14H3zM7 9h4v3H7zM13 13h4v3h-4z",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  layout: "M4 4h6v6H4zM14 14h6v6h-6zM14 4h6v6h-6M10 7h4M17 10v4",
  note: "M5 4h14v10l-6 6H5zM13 20v-6h6",
  search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16 16l5 5",
  help: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.5-1.1 1-1.1 1.8M12 17v.01",
  group: "M4 4h4M4 4v4M20 4h-4M20 4v4M4 20h4M4 20v-4M20 20h-4M20 20v-4M8 8h8v8H8z",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  power: "M12 3v9M6.5 7a8 8 0 1 0 11 0",
  left: "M4 3v18M8 6h11v4H8zM8 14h7v4H8z",
  top: "M3 4h18M6 8h4v11H6zM14 8h4v7h-4z",
  spread: "M4 3v18M20 3v18M9 7h6v10H9z",
  stack: "M3 4h18M3 20h18M7 9h10v6H7z",
  chevron: "m9 6 6 6-6 6",
  close: "M6 6l12 12M18 6 6 18",
  check: "m5 12.5 4.5 4.5L19 7.5",
  alert: "M12 4 2.8 20h18.4zM12 10v4.5M12 17.4v.01",
  clock: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM12 7v5l3 2",
  skip: "M5 5l9 7-9 7zM18 5v14",
  play: "M7 4.5v15l12-7.5z",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  foldAll: "M7 4l5 5 5-5M7 20l5-5 5 5M4 12h16",
  unfoldAll: "M7 9l5-5 5 5M7 15l5 5 5-5M4 12h16",
  stop: "M6 6h12v12H6z",
  bolt: "M13 3 5 14h6l-1 7 8-11h-6z",
  fold: "M6 9l6 6 6-6",
  panel: "M4 5h16v14H4zM10 5v14",
  wire: "M4 18c8 0 8-12 16-12M3 16h2v4H3zM19 4h2v4h-2z",
  text: "M5 6h14M12 6v13M9 19h6",
  input: "M4 12h10M10 8l4 4-4 4M14 4h6v16h-6",
  output: "M10 12h10M16 8l4 4-4 4M10 4H4v16h6",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  quote: "M5 5h14v11H9l-4 4zM9 9h6M9 12h4",
  list: "M9 6h11M9 12h11M9 18h11M4 6h.01M4 12h.01M4 18h.01",
  chip: "M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4",
  spark: "M12 3l2 7 7 2-7 2-2 7-2-7-7-2 7-2z",
  branch: "M6 4v16M6 13c0-5 12-3 12-9M18 4v3M15 5l3-3 3 3",
  merge: "M6 4c0 8 6 6 6 12M18 4c0 8-6 6-6 12M12 16v5M9 18l3 3 3-3",
  loop: "M17 3l3 3-3 3M4 12V9a3 3 0 0 1 3-3h13M7 21l-3-3 3-3M20 12v3a3 3 0 0 1-3 3H4",
  nest: "M4 4h10v10H4zM10 17v3h10V10h-3",
  cut: "M8 8 20 19M8 16 20 5M6 4a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM6 14a3 3 0 1 1 0 6 3 3 0 0 1 0-6z",
  join: "M4 6h6l4 6h6M4 18h6l4-6M17 9l3 3-3 3",
  book: "M5 4h13v16H5a2 2 0 0 1 0-4h13M5 4a2 2 0 0 0-2 2v12",
  person: "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM4 21c0-5 4-7 8-7s8 2 8 7",
  tool: "M14 6a4 4 0 0 0 5 5l-9 9-4-4 9-9M14 6l3-3 4 4-3 3",
  layers: "M12 3 3 8l9 5 9-5zM3 13l9 5 9-5",
  gauge: "M4 18a9 9 0 1 1 16 0M12 15l4-6",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9.5v.01",
  chart: "M4 4v16h16M8 16v-4M12 16V8M16 16v-6",
  table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9",
  server: "M4 5h16v6H4zM4 13h16v6H4zM7.5 8v.01M7.5 16v.01",
  shield: "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6z",
  calculator: "M6 3h12v18H6zM9 7h6M9 12v.01M12 12v.01M15 12v.01M9 16v.01M12 16v.01M15 16v.01",
  globe: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM3.5 9h17M3.5 15h17M12 3c-5 5-5 13 0 18M12 3c5 5 5 13 0 18",
  people:
    "M9 4a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM2.5 20c0-4.5 3-6.5 6.5-6.5s6.5 2 6.5 6.5M16 4.5a3.3 3.3 0 0 1 0 6.4M18 14c2.3.8 3.5 2.8 3.5 6",
  task: "M6 4h12v17H6zM9 4V3h6v1M9 11l2 2 4-4M9 17h6",
  steps: "M4 20h4v-4h4v-4h4V8h4V4",
  vote: "M5 10h14v10H5zM8 10l4-6 4 3-2 3M9 15h6",
  compare: "M12 3v18M4 6h5v12H4zM15 6h5v12h-5z",
  dots: "M5 14.9a1.1 1.1 0 1 1-.01 0zM9.5 5.9a1.1 1.1 0 1 1-.01 0zM13.5 12.4a1.1 1.1 0 1 1-.01 0zM18.5 4.9a1.1 1.1 0 1 1-.01 0zM18.5 17.4a1.1 1.1 0 1 1-.01 0zM8 19.4a1.1 1.1 0 1 1-.01 0z",
  squeeze: "M4 4l6 6M10 5v5H5M20 20l-6-6M14 19v-5h5M20 4l-6 6M14 5v5h5M4 20l6-6M10 19v-5H5",
  bulb: "M9 17c0-2-3-3.5-3-7a6 6 0 0 1 12 0c0 3.5-3 5-3 7zM9.5 20h5",
  braces: "M9 4c-4 0-1 8-5 8 4 0 1 8 5 8M15 4c4 0 1 8 5 8-4 0-1 8-5 8",
  folder: "M3 6h7l2 3h9v10H3z",
  funnel: "M4 5h16l-6 8v6l-4-2v-4z",
  cloud: "M7 18a4.5 4.5 0 0 1-.5-9A6 6 0 0 1 18 9.5a4.3 4.3 0 0 1-.5 8.5z",
  network:
    "M4 12a2.2 2.2 0 1 1 4.4 0 2.2 2.2 0 0 1-4.4 0zM15.6 5.5a2.2 2.2 0 1 1 4.4 0 2.2 2.2 0 0 1-4.4 0zM15.6 18.5a2.2 2.2 0 1 1 4.4 0 2.2 2.2 0 0 1-4.4 0zM8.2 10.9l7.5-4.3M8.2 13.1l7.5 4.3",
  fork: "M3 12h6M9 12l7-6M9 12h9M9 12l7 6M14 5.5l3-.5-.5 3M16 10l2 2-2 2M14 18.5l3 .5-.5-3",
  cycle: "M12 4a8 8 0 1 1-7 4M4 4v4h4M12 9v3l2 2",
  chat: "M4 5h12v8H9l-3 3v-3H4zM18 9h2v8h-2v3l-3-3h-5",
  pick: "M5 19l8-8M14 4l1.5 3.5L19 9l-3.5 1.5L14 14l-1.5-3.5L9 9l3.5-1.5z",
  database:
    "M12 4c4 0 7 1.3 7 3s-3 3-7 3-7-1.3-7-3 3-3 7-3zM5 7v10c0 1.7 3 3 7 3s7-1.3 7-3V7M5 12c0 1.7 3 3 7 3s7-1.3 7-3",
  plug: "M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4",
  mic: "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21",
  speaker: "M4 9h4l5-4v14l-5-4H4zM16 9a4 4 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11",
  code: "M8 7l-5 5 5 5M16 7l5 5-5 5M14 5l-4 14",
  save: "M12 15V4M7 8l5-5 5 5M5 14v6h14v-6",
  sliders: "M4 7h10M18 7h2M14 5v4h4V5zM4 17h2M10 17h10M6 15v4h4v-4z",
  waves: "M3 9c3-4 6 4 9 0s6 4 9 0M3 16c3-4 6 4 9 0s6 4 9 0",
};
export type IconName = keyof typeof PATHS;
const isDrawn = (name: string): name is IconName => Object.hasOwn(PATHS, name);

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.9"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The icon that a kind declares: one of the drawings, or a character or two. */
export function KindIcon({ icon, size = 15 }: { icon: string | undefined; size?: number }) {
  if (icon !== undefined && isDrawn(icon)) return <Icon name={icon} size={size} />;
  return <span aria-hidden="true">{[...(icon ?? "◇")].slice(0, 2).join("")}</span>;
}
