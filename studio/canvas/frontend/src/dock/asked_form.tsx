// A form that a person is asked to fill in, from its JSON schema.

import { useState } from "react";
import { type Field, type Schema, inner, meant, optionsOf, said } from "../asked";
import type { Give } from "./questions";

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

function FormField({ part, value, type }: { part: Field; value: string; type: (text: string) => void }) {
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
