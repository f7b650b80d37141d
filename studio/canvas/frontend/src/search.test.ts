import { expect, test } from "vitest";
import { Findable, found } from "./search";

const things: Findable[] = [
  { title: "Ask a model", words: ["llm", "gpt"], about: "Ask a chat model, if one is wired." },
  { title: "Branch", words: ["if", "else", "router"], about: "One of two ways." },
  { title: "Gifts", about: "" },
  { title: "Iffy", about: "" },
];
const titles = (query: string) => found(things, query, (thing) => thing).map((thing) => thing.title);

test("titles come first, then synonyms, then what else mentions the word", () => {
  expect(titles("if")).toEqual(["Iffy", "Branch", "Gifts", "Ask a model"]);
});

test("a synonym finds a thing, in capitals too, and several words must all be there", () => {
  expect(titles("GPT ")).toEqual(["Ask a model"]);
  expect(titles("router ways")).toEqual(["Branch"]);
  expect(titles("router gpt")).toEqual([]);
});

test("two words of a synonym are found when they are typed as one", () => {
  const web = [{ title: "Search the net", words: ["web search"], about: "" }];
  expect(found(web, "websearch", (thing) => thing)).toHaveLength(1);
});

test("nothing typed shows all", () => expect(titles("  ")).toHaveLength(4));
