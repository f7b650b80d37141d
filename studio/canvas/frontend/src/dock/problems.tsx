// Everything that is wrong, errors first, in the words of the canvas: titles, and a button for each.

import { useEffect, useState } from "react";
import { get } from "../ask";
import { useShared } from "../context";
import { KindIcon } from "../icons";
import type { Op, Problem } from "../model";
import { catalog, type Doc } from "../store";
import { familyColor, titleOf } from "../types";
import { spoken, toneOf, wordFor } from "./spoken";
import { Unanswered } from "./unanswered";

/** A button: an edit that it makes, or a flow that it opens. */
type Offer = { label: string; op: Op } | { label: string; opens: string };

interface Found extends Problem {
  node?: string;
  offers: Offer[];
}
interface Answer {
  problems: Found[];
  more: number;
}

const PAUSE_MS = 120;

/** What was found last, and how to ask again where that did not come. */
function useFound(doc: Doc): [Answer | null, (() => void) | null] {
  const [failed, setFailed] = useState(false);
  const [tries, setTries] = useState(0);
  const [found, setFound] = useState<Answer | null>(null);
  useEffect(() => {
    let gone = false;
    const timer = setTimeout(() => {
      void get<Answer>(doc.at("problems")).then((answer) => {
        if (gone) return;
        setFailed(!answer);
        if (answer) setFound(answer);
      });
    }, PAUSE_MS);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [doc, doc.revision, tries]);
  return [found, failed ? () => setTries(tries + 1) : null];
}

interface Props {
  /** Go to a node, or to a field of its settings. */
  show: (node: string, param?: string) => void;
}

export function ProblemsPanel({ show }: Props) {
  const { doc } = useShared();
  const [found, again] = useFound(doc);
  if (!doc.flow.nodes.length) return <p className="pb-note-line">There are no nodes yet.</p>;
  if (again) return <Unanswered again={again} />;
  if (!found) return <div className="pb-wait" aria-hidden="true" />;
  if (!found.problems.length) {
    return (
      <p className="pb-good" role="status">
        Nothing is wrong with this flow.
      </p>
    );
  }
  return (
    <div className="pb-problems" role="list" aria-label="Problems">
      {found.problems.map((problem, i) => (
        <Card key={`${problem.code} ${problem.node} ${i}`} problem={problem} show={show} />
      ))}
      {found.more > 0 && <p className="pb-note-line">And {found.more} more.</p>}
    </div>
  );
}

function Card({ problem, show }: Props & { problem: Found }) {
  const { doc, actions } = useShared();
  const node = doc.flow.nodes.find((one) => one.id === problem.node);
  const kind = node && catalog.byKind.get(node.kind);
  const field = kind?.fields?.find((one) => one.name === problem.param);
  const empty = field && ["", null, undefined].includes(node?.params?.[field.name] as string);
  const tone = toneOf(problem, doc.tried);
  return (
    <section className={`pb-found ${tone}`} role="listitem">
      <header>
        {node && (
          <span className="pb-icon" style={{ "--f": familyColor(kind?.family ?? "") } as React.CSSProperties}>
            <KindIcon icon={kind?.icon} />
          </span>
        )}
        <b>{node ? titleOf(node) : "The flow"}</b>
        <span className="pb-tone">{wordFor(problem, tone)}</span>
      </header>
      <p>{spoken(problem.message, doc.flow)}</p>
      {problem.fix && <p className="pb-note-line">{spoken(problem.fix, doc.flow)}</p>}
      <div className="pb-buttons">
        {problem.offers.map((offer) => (
          <button
            key={offer.label}
            type="button"
            className="fix"
            onClick={() => ("op" in offer ? doc.dispatch(offer.op) : actions.enter(offer.opens))}
          >
            {spoken(offer.label, doc.flow)}
          </button>
        ))}
        {node && (
          <button
            type="button"
            className={field && !problem.offers.length ? "fix" : ""}
            onClick={() => show(node.id, field?.name)}
          >
            {empty ? `Fill in “${field.label}”` : "Show"}
          </button>
        )}
      </div>
    </section>
  );
}
