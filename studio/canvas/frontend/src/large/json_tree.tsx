// JSON as a tree: folds, search over keys and values, and the path of what is pointed at.

import { useMemo, useState } from "react";
import type { Json } from "../model";

const AT_ONCE = 200;
const OPEN_DEPTH = 2;

export function JsonTree({ value }: { value: Json }) {
  const [query, setQuery] = useState("");
  const wanted = query.trim().toLowerCase();
  const hits = useMemo(() => (wanted ? hitsIn(value, wanted) : null), [value, wanted]);
  return (
    <div className="pb-tree">
      <div className="pb-tree-head">
        <input
          type="search"
          placeholder="Search keys and values"
          aria-label="Search keys and values"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
        {hits && <span role="status">{hits.found} found</span>}
      </div>
      <Branch name="" path="$" value={value} depth={0} hits={hits} wanted={wanted} />
    </div>
  );
}

export interface Hits {
  found: number;
  /** Paths of what is found, and of all that it lies in. */
  paths: Set<string>;
}

/** Where a word stands, in keys or in values. */
export function hitsIn(value: Json, wanted: string): Hits {
  const paths = new Set<string>();
  let found = 0;
  const look = (item: Json, path: string, name: string, above: string[]): void => {
    const deep = typeof item === "object" && item !== null;
    const text = deep ? name : `${name}\n${String(item)}`;
    if (text.toLowerCase().includes(wanted)) {
      found++;
      for (const one of [...above, path]) paths.add(one);
    }
    if (!deep) return;
    for (const [key, inner] of entriesOf(item)) look(inner, pathOf(path, item, key), key, [...above, path]);
  };
  look(value, "$", "", []);
  return { found, paths };
}

const entriesOf = (value: object): [string, Json][] =>
  Array.isArray(value) ? value.map((item, i): [string, Json] => [String(i), item as Json]) : Object.entries(value);
const pathOf = (path: string, value: object, key: string): string =>
  Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`;

interface BranchProps {
  name: string;
  path: string;
  value: Json;
  depth: number;
  hits: Hits | null;
  wanted: string;
}

function Branch({ name, path, value, depth, hits, wanted }: BranchProps) {
  const [many, setMany] = useState(AT_ONCE);
  const [open, setOpen] = useState(depth < OPEN_DEPTH);
  if (hits && !hits.paths.has(path)) return null;
  if (typeof value !== "object" || value === null) {
    return (
      <div className="pb-leaf" title={path}>
        {name && <span className="key">{name}: </span>}
        <Marked text={JSON.stringify(value)} wanted={wanted} kind={value === null ? "null" : typeof value} />
      </div>
    );
  }
  const entries = entriesOf(value);
  const words = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  const shown = hits ? entries : entries.slice(0, many);
  return (
    <details
      className="pb-branch"
      open={hits ? true : open}
      onToggle={(event) => !hits && setOpen(event.currentTarget.open)}
    >
      <summary title={path}>
        {name && <span className="key">{name} </span>}
        <span className="count">{words}</span>
      </summary>
      {(open || hits) &&
        shown.map(([key, inner]) => (
          <Branch
            key={key}
            name={key}
            path={pathOf(path, value, key)}
            value={inner}
            depth={depth + 1}
            hits={hits}
            wanted={wanted}
          />
        ))}
      {!hits && entries.length > many && (
        <button type="button" className="pb-link" onClick={() => setMany(many + AT_ONCE)}>
          {entries.length - many} more
        </button>
      )}
    </details>
  );
}

function Marked({ text, wanted, kind }: { text: string; wanted: string; kind: string }) {
  const at = wanted ? text.toLowerCase().indexOf(wanted) : -1;
  if (at < 0) return <span className={kind}>{text}</span>;
  return (
    <span className={kind}>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + wanted.length)}</mark>
      {text.slice(at + wanted.length)}
    </span>
  );
}
