// A form that a person is asked to fill in, from its JSON schema.

import { useState } from "react";
import type { Json } from "../model";
import type { Give } from "./questions";

export interface Schema {
  properties?: Record<string, Part>;
  required?: string[];
}
export interface Part {
  type?: string;
  description?: string;
  enum?: Json[];
  const?: Json;
  anyOf?: Part[];
  items?: { type?: string };
}

export function AskedForm({ schema, give }: { schema: Schema; give: Give }) {
  const parts = Object.entries(schema.properties ?? {});
  const [typed, setTyped] = useState<Record<string, string>>({});
  const send = () => void give(Object.fromEntries(parts.map(([name, part]) => [name, meant(typed[name] ?? "", part)])));
  return (
    <>
      {parts.map(([name, part]) => (
        <label key={name} className="pb-field">
          {name}
          {schema.required?.includes(name) ? " *" : ""}
          {inner(part).type === "array" ? " (one a line)" : ""}
          <FormField
            part={inner(part)}
            value={typed[name] ?? ""}
            type={(text) => setTyped({ ...typed, [name]: text })}
          />
          {part.description && <small>{part.description}</small>}
        </label>
      ))}
      <div className="pb-buttons">
        <button type="button" className="fix" onClick={send}>
          Answer
        </button>
      </div>
    </>
  );
}

/** The type of a field that may be left out. */
export function inner(part: Part): Part {
  const kind = part.anyOf?.find((one) => one.type !== "null");
  return kind ? { ...part, ...kind } : part;
}

export const optionsOf = (part: Part): Json[] | null =>
  part.enum ?? (part.const !== undefined ? [part.const] : part.type === "boolean" ? [true, false] : null);

const said = (option: Json): string => (typeof option === "boolean" ? (option ? "yes" : "no") : String(option));

function FormField({ part, value, type }: { part: Part; value: string; type: (text: string) => void }) {
  const options = optionsOf(part);
  const shared = { value, onChange: (event: { target: { value: string } }) => type(event.target.value) };
  if (options)
    return (
      <select {...shared}>
        <option value="" />
        {options.map((option, i) => (
          <option key={i} value={i}>
            {said(option)}
          </option>
        ))}
      </select>
    );
  if (part.type === "integer" || part.type === "number")
    return <input type="number" step={part.type === "integer" ? 1 : "any"} {...shared} />;
  if (part.type === "array") return <textarea rows={3} {...shared} />;
  return <input {...shared} />;
}

/** The value that stands in a field; null where nothing does. */
export function meant(text: string, outer: Part): Json {
  const part = inner(outer);
  const options = optionsOf(part);
  if (options) return text === "" ? null : (options[Number(text)] ?? null);
  if (part.type === "array") {
    const lines = text
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
    const item = part.items?.type;
    return item === undefined || item === "string" ? lines : lines.map(read);
  }
  if (text === "") return null;
  return part.type === "integer" || part.type === "number" ? Number(text) : text;
}

function read(line: string): Json {
  try {
    return JSON.parse(line) as Json;
  } catch {
    return line;
  }
}
