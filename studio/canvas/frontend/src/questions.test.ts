import { expect, test } from "vitest";
import script from "../../../assets/open_questions.js?raw";

test("the page asks in one loop, however often it is hidden and shown while an answer is under way", async () => {
  const answers: (() => void)[] = [];
  let timers: number[] = [];
  let count = 0;
  let toggled = () => {};
  const page = {
    hidden: false,
    scripts: [],
    baseURI: "http://studio/",
    documentElement: { style: { setProperty: () => {} } },
    addEventListener: (_: string, heard: () => void) => (toggled = heard),
  };
  const fetched = () => new Promise((done) => answers.push(() => done({ ok: true, json: async () => ({ open: 1 }) })));
  const later = () => (timers.push(++count), count);
  const clear = (id: number) => (timers = timers.filter((one) => one !== id));
  new Function("document", "fetch", "setTimeout", "clearTimeout", script)(page, fetched, later, clear);
  for (let turn = 0; turn < 3; turn++) {
    page.hidden = !page.hidden;
    toggled();
  }
  page.hidden = false;
  toggled();
  expect(answers).toHaveLength(1);
  answers.forEach((answer) => answer());
  await new Promise((done) => setTimeout(done));
  expect(timers).toHaveLength(1);
  toggled();
  expect(timers).toHaveLength(0);
  expect(answers).toHaveLength(2);
});
