// The command palette: actions, the nodes of this flow, kinds to add, other flows and templates, by one key.

import { get } from "../ask";
import type { Choice } from "../chooser";
import { usableKinds } from "../edits";
import { Icon, KindIcon } from "../icons";
import { firstSentence } from "../palette";
import { catalog } from "../store";
import { familyColor, titleOf } from "../types";
import type { Bench } from "./tools";

/** What can be done, as it stands in the palette. */
export interface Action {
  title: string;
  keys?: string;
  words?: string[];
  run: () => void;
}
interface Openable {
  name: string;
  title: string;
  about: string;
}

/** Open it at once; other flows come in a moment later. */
export function openPalette(bench: Bench, actions: Action[]): void {
  const { doc } = bench;
  const found = [...actions.map(ofAction), ...nodesOf(bench), ...(doc.readonly ? [] : kindsOf(bench))];
  bench.setQuestion({
    title: "Commands",
    placeholder: "Do, find, add or open …",
    empty: "There is nothing to do.",
    choices: found.map(({ choice }) => choice),
    pick: (key) => found.find(({ choice }) => choice.key === key)?.run(),
    later: async () => {
      const others = await flowsOf(bench);
      found.push(...others);
      return others.map(({ choice }) => choice);
    },
  });
}

async function flowsOf({ doc }: Bench): Promise<Found[]> {
  const others = await get<{ own: Openable[]; templates: Openable[] }>(doc.at("flows"));
  const open = (flow: Openable): Found => ({
    choice: { key: `flow ${flow.name}`, title: flow.title, detail: `Open · ${flow.about || flow.name}`, icon: FLOW },
    run: () => doc.command("open", flow.name),
  });
  const use = (flow: Openable): Found => ({
    choice: { key: `template ${flow.name}`, title: flow.title, detail: `Template · ${flow.about}`, icon: FLOW },
    run: () => doc.command("template", flow.name),
  });
  return others ? [...others.own.map(open), ...others.templates.map(use)] : [];
}

interface Found {
  choice: Choice;
  run: () => void;
}
const FLOW = <Icon name="layout" size={14} />;

const ofAction = ({ title, keys, words, run }: Action): Found => ({
  choice: {
    key: `do ${title}`,
    title,
    detail: keys ? `Do · ${keys}` : "Do",
    words,
    icon: <Icon name="bolt" size={14} />,
  },
  run,
});

const nodesOf = ({ doc, places }: Bench): Found[] =>
  doc.flow.nodes.map((node) => {
    const kind = catalog.byKind.get(node.kind);
    const icon = <KindIcon icon={kind?.icon} />;
    const detail = `Go to · ${kind?.title ?? node.kind} · ${node.id}`;
    return {
      choice: { key: `node ${node.id}`, title: titleOf(node), detail, icon, color: familyColor(kind?.family ?? "") },
      run: () => places.go(node.id),
    };
  });

const kindsOf = ({ addAtCentre }: Bench): Found[] =>
  usableKinds().map((kind) => ({
    choice: {
      key: `kind ${kind.kind}`,
      title: kind.title,
      detail: `Add · ${firstSentence(kind.doc)}`,
      words: kind.synonyms,
      icon: <KindIcon icon={kind.icon} />,
      color: familyColor(kind.family),
    },
    run: () => addAtCentre(kind),
  }));
