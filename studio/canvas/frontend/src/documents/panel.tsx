// What is seen while documents arrive: how far it is, what is asked, what was refused.

import { useState, useSyncExternalStore } from "react";
import { duration } from "../duration";
import { Icon } from "../icons";
import { sizeInWords } from "../size";
import type { Intake, Progress, WhenThere } from "./intake";

export function IntakePanel({ intake }: { intake: Intake }) {
  useSyncExternalStore(intake.subscribe, () => intake.version);
  const { progress, asks, refused } = intake;
  if (!progress && !refused.length) return null;
  return (
    <section className="pb-intake" aria-label="Documents" role="status" aria-live="polite">
      {progress && <Bar progress={progress} onStop={() => intake.stop()} />}
      {asks && (
        <Taken key={asks} name={asks} several={(progress?.of ?? 1) > 1} onDecide={(...how) => intake.decide(...how)} />
      )}
      {!progress && (
        <>
          <header>
            <b>{refused.length === 1 ? "A file was left out" : `${refused.length} files were left out`}</b>
            <button type="button" className="pb-tool" aria-label="Close" onClick={() => intake.forget()}>
              <Icon name="close" size={13} />
            </button>
          </header>
          <ul>
            {refused.slice(0, 8).map((one) => (
              <li key={one.name}>
                {one.message} {one.fix}
              </li>
            ))}
            {refused.length > 8 && <li>and {refused.length - 8} more</li>}
          </ul>
        </>
      )}
    </section>
  );
}

function Bar({
  progress: { name, number, of, bytes, whole, rate, left },
  onStop,
}: {
  progress: Progress;
  onStop: () => void;
}) {
  const share = whole ? Math.min(1, bytes / whole) : 0;
  return (
    <>
      <header>
        <b>{of === 1 ? `Receiving ${name}` : `Receiving ${number} of ${of}: ${name}`}</b>
        <button type="button" className="pb-text-button" onClick={onStop}>
          Stop
        </button>
      </header>
      <progress max={1} value={share} aria-label="Received" />
      <p>
        {sizeInWords(bytes)} of {sizeInWords(whole)}
        {rate !== null && ` · ${sizeInWords(rate)} a second`}
        {left !== null && ` · ${duration(left)} left`}
      </p>
    </>
  );
}

function Taken({
  name,
  several,
  onDecide,
}: {
  name: string;
  several: boolean;
  onDecide: (way: WhenThere, all: boolean) => void;
}) {
  const [all, setAll] = useState(false);
  const ways: [WhenThere, string][] = [
    ["replace", "Replace it"],
    ["keep", "Keep both"],
    ["leave", "Leave it as it is"],
  ];
  return (
    <div className="pb-intake-asks" role="group" aria-label={`${name} is there already`}>
      <p>
        <b>{name}</b> is there already, with other content.
      </p>
      <div>
        {ways.map(([way, label], index) => (
          <button
            key={way}
            type="button"
            className="pb-button"
            autoFocus={index === 1}
            onClick={() => onDecide(way, all)}
          >
            {label}
          </button>
        ))}
      </div>
      {several && (
        <label>
          <input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} /> The same for all
          that follow
        </label>
      )}
    </div>
  );
}
