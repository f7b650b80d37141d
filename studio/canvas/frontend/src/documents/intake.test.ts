import { expect, test } from "vitest";
import type { Brought } from "./dropped";
import { Intake, type Received, type Send } from "./intake";

const brought = (name: string, text = "x"): Brought => ({ name, file: new File([text], name) });
const load = (state: Received["state"], path: string) => ({
  done: { state, path, kind: "retrieval.load" } as Received,
});

/** A studio that has some files already. */
function studio(there: string[] = []) {
  const asked: [string, string][] = [];
  const send: Send = async (one, whenThere, sent) => {
    asked.push([one.name, whenThere]);
    sent(one.file.size);
    if (one.name.endsWith(".exe")) return { refused: { name: one.name, message: "Nothing reads it.", fix: "" } };
    if (whenThere === "ask" && there.includes(one.name)) return load("there", one.name);
    return load(whenThere === "ask" ? "new" : whenThere === "keep" ? "kept" : "replaced", one.name);
  };
  return { send, asked };
}

const later = () => new Promise((done) => setTimeout(done));

test("files go one after the other, and what was refused does not stop the others", async () => {
  const { send, asked } = studio();
  const intake = new Intake(send);
  const got = await intake.take([brought("a.md"), brought("b.exe"), brought("c.md")]);
  expect(got.map((one) => one.path)).toEqual(["a.md", "c.md"]);
  expect(asked.map(([name]) => name)).toEqual(["a.md", "b.exe", "c.md"]);
  expect(intake.refused.map((one) => one.name)).toEqual(["b.exe"]);
  expect(intake.busy).toBe(false);
});

test("the person is asked about a file that is there, once where the answer holds for all", async () => {
  const { send, asked } = studio(["a.md", "b.md"]);
  const intake = new Intake(send);
  const taking = intake.take([brought("a.md"), brought("b.md"), brought("c.md")]);
  await later();
  expect(intake.asks).toBe("a.md");
  intake.decide("keep", true);
  expect((await taking).map((one) => one.state)).toEqual(["kept", "kept", "new"]);
  expect(asked).toEqual([
    ["a.md", "ask"],
    ["a.md", "keep"],
    ["b.md", "ask"],
    ["b.md", "keep"],
    ["c.md", "ask"],
  ]);
});

test("what is left as it is counts as there, and is not sent again", async () => {
  const { send, asked } = studio(["a.md"]);
  const intake = new Intake(send);
  const taking = intake.take([brought("a.md")]);
  await later();
  intake.decide("leave", false);
  expect(await taking).toEqual([{ state: "same", path: "a.md", kind: "retrieval.load" }]);
  expect(asked).toHaveLength(1);
});

test("stopping keeps what has arrived, also while a question is open", async () => {
  const { send } = studio(["b.md"]);
  const intake = new Intake(send);
  const taking = intake.take([brought("a.md"), brought("b.md"), brought("c.md")]);
  await later();
  expect(intake.asks).toBe("b.md");
  intake.stop();
  expect((await taking).map((one) => one.path)).toEqual(["a.md"]);
  expect(intake.busy).toBe(false);
});

test("a second lot is refused while one is under way", async () => {
  const { send } = studio(["a.md"]);
  const intake = new Intake(send);
  const taking = intake.take([brought("a.md")]);
  await later();
  expect(await intake.take([brought("z.md")])).toEqual([]);
  expect(intake.asks).toBe("a.md");
  intake.decide("replace", false);
  expect((await taking)[0].state).toBe("replaced");
});

test("the rate and the time left follow what has gone so far", async () => {
  let clock = 0;
  const seen: [rate: number | null, left: number | null][] = [];
  const send: Send = async (one, _way, sent) => {
    clock += 1;
    sent(one.file.size);
    seen.push([intake.progress!.rate, intake.progress!.left]);
    return load("new", one.name);
  };
  const intake: Intake = new Intake(send, () => clock);
  await intake.take([brought("a.md", "1234"), brought("b.md", "1234"), brought("c.md", "1234")]);
  expect(seen).toEqual([
    [4, 2],
    [4, 1],
    [4, 0],
  ]);
});
