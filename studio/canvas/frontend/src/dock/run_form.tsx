// What the flow asks for, as fields. What was typed stays, whatever else is looked at meanwhile.

import { type DragEvent, useState } from "react";
import { useShared } from "../context";
import { Icon } from "../icons";
import { type FieldTold, type FormTold, type Typed } from "./typed";

/** Kinds of input that are typed as JSON. */
const WRITTEN = ["json", "messages"];

export function RunForm({ typed, told }: { typed: Typed; told: FormTold }) {
  const { doc } = useShared();
  const { environment } = told;
  return (
    <>
      {environment && (
        <div className="pb-field choice">
          <label
            htmlFor="pb-environment"
            title="Whose values the variables have in runs from here. Elsewhere: --env NAME, or PATCHBAY_ENV."
          >
            Run for the environment
          </label>
          <select
            id="pb-environment"
            value={environment.chosen}
            onChange={(event) => void typed.choose(event.target.value)}
          >
            {environment.options.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
          {environment.said && <p className="pb-note-line">{environment.said}</p>}
        </div>
      )}
      {told.fields.map((field) => (
        <Field key={`${field.name} ${field.kind}`} field={field} typed={typed} />
      ))}
      {!told.fields.length && doc.flow.nodes.length > 0 && <p className="pb-note-line">This flow asks for nothing.</p>}
    </>
  );
}

function Field({ field, typed }: { field: FieldTold; typed: Typed }) {
  const { doc } = useShared();
  const id = `pb-in-${field.name}`;
  const lacks = doc.tried && typed.lacks(field);
  return (
    <div className={`pb-field ${lacks ? "bad" : ""}`}>
      <label htmlFor={id}>
        {field.name}
        {field.required && <i title="Needed"> *</i>}
      </label>
      {field.files ? (
        <FilesField id={id} field={field} typed={typed} />
      ) : (
        <Typing id={id} field={field} typed={typed} />
      )}
      {field.doc && <p className="pb-note-line">{field.doc}</p>}
      {lacks && <p className="pb-problem">The flow needs this. Fill it in, then run it.</p>}
    </div>
  );
}

interface WidgetProps {
  id: string;
  field: FieldTold;
  typed: Typed;
}

function Typing({ id, field, typed }: WidgetProps) {
  const text = typed.textOf(field);
  const shared = {
    id,
    value: text,
    "aria-required": field.required,
    onChange: (event: { target: { value: string } }) => typed.type(field.name, event.target.value),
    onBlur: () => void typed.leave(field.name),
  };
  if (field.kind === "number") return <input type="number" step="any" {...shared} />;
  if (field.kind === "choice")
    return (
      <select {...shared}>
        <option value="" />
        {field.choices.map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </select>
    );
  const written = WRITTEN.includes(field.kind);
  return <textarea rows={written ? 5 : 3} className={written ? "code" : ""} spellCheck={!written} {...shared} />;
}

/** Files: chosen, or dropped on the field. They are kept, so that the run can be repeated. */
function FilesField({ id, field, typed }: WidgetProps) {
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const many = field.kind === "documents";
  const give = async (files: File[]) => {
    if (!files.length) return;
    setBusy(true);
    await typed.give(field.name, many ? files : files.slice(0, 1));
    setBusy(false);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void give([...event.dataTransfer.files]);
  };
  return (
    <div
      className={`pb-upload pb-keeps-files ${over ? "over" : ""}`}
      onDragOver={(event) => (event.preventDefault(), setOver(true))}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <input
        id={id}
        type="file"
        multiple={many}
        aria-required={field.required}
        onChange={(event) => {
          void give([...(event.target.files ?? [])]);
          event.target.value = ""; // the same file can be given again
        }}
      />
      {busy && <div className="pb-wait" role="status" aria-label="Taking the file" />}
      {field.files?.map((name) => (
        <span key={name} className="pb-given">
          <Icon name="file" size={13} /> {name}
        </span>
      ))}
      {field.files?.length ? (
        <button type="button" className="pb-link" onClick={() => void typed.clear(field.name)}>
          Take {field.files.length === 1 ? "it" : "them"} away
        </button>
      ) : (
        <p className="pb-note-line">
          {field.without ? `Without one: ${field.without}` : `Choose ${many ? "files" : "a file"}, or drop it here.`}
        </p>
      )}
    </div>
  );
}
