// Files that an agent wrote: each with its size, to be opened where it stands and saved; all of them as one archive.

import { useState } from "react";
import { saveBlob } from "../files";
import { type Part, wordsElement } from "../live/words";
import { sizeInWords } from "../size";
import { Drawn } from "./drawn";

/** Files that are listed; all of them are in the archive. */
const MANY = 200;
/** Characters of a file that are shown. */
const LONG = 200_000;

interface Props {
  files: Record<string, string>;
  /** The Markdown of those that are some, as Python parsed it. */
  parts?: Record<string, Part[]>;
  zip: string;
}

export function Files({ files, parts, zip }: Props) {
  const all = Object.entries(files);
  return (
    <div className="pb-files" role="list" aria-label="Files">
      {all.slice(0, MANY).map(([path, text]) => (
        <OneFile key={path} path={path} text={text} parts={parts?.[path]} />
      ))}
      {all.length > MANY && (
        <p className="pb-note-line">
          The first {MANY} of {all.length} files.
        </p>
      )}
      {all.length > 1 && zip && (
        <a className="pb-link" href={zip} download="files.zip">
          All files (zip)
        </a>
      )}
    </div>
  );
}

function OneFile({ path, text, parts }: { path: string; text: string; parts?: Part[] }) {
  const [open, setOpen] = useState(false);
  const [drawn, setDrawn] = useState(false);
  const name = path.split("/").pop() || "file";
  const save = () => saveBlob(name, new Blob([text], { type: "text/plain;charset=utf-8" }));
  return (
    <div role="listitem" className="pb-file">
      <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary title={`Open ${path}`}>
          <span>{path}</span> <small>{sizeInWords(new Blob([text]).size)}</small>
        </summary>
        {open && (
          <>
            {parts && (
              <label className="pb-note-line">
                <input type="checkbox" checked={drawn} onChange={(event) => setDrawn(event.target.checked)} /> as
                Markdown
              </label>
            )}
            {drawn && parts ? (
              <Drawn className="pb-written" draw={() => wordsElement(parts)} of={parts} />
            ) : (
              <pre>{text.slice(0, LONG) || "The file is empty."}</pre>
            )}
            {text.length > LONG && (
              <p className="pb-note-line">
                The first {LONG.toLocaleString("en-US")} of {text.length.toLocaleString("en-US")} characters.
              </p>
            )}
          </>
        )}
      </details>
      <button
        type="button"
        className="pb-tool"
        title={`Download ${path}`}
        aria-label={`Download ${path}`}
        onClick={save}
      >
        ↓
      </button>
    </div>
  );
}
