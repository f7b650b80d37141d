import { expect, test } from "vitest";
import { citedIn, citing } from "./cited";
import { filledWith, variablesIn } from "./fill";
import { hitsIn } from "./json_tree";
import { csvOf, filtered, sorted } from "./rows";

test("columns sort as what they hold, and what is empty comes last either way", () => {
  const rows = [[10], [9], [null], [100]];
  expect(sorted(rows, { column: 0, down: false })).toEqual([[9], [10], [100], [null]]);
  expect(sorted(rows, { column: 0, down: true })).toEqual([[100], [10], [9], [null]]);
  expect(sorted([["b10"], ["b9"]], { column: 0, down: false })).toEqual([["b9"], ["b10"]]);
  expect(sorted(rows, null)).toBe(rows);
});

test("a hundred thousand rows are filtered and sorted in one go", () => {
  const rows = Array.from({ length: 100_000 }, (_, i) => [i, `name ${i % 977}`, i % 2 === 0]);
  expect(filtered(rows, "99999 true")).toEqual([]);
  expect(filtered(rows, "99999 FALSE")).toEqual([rows[99_999]]);
  expect(sorted(rows, { column: 0, down: true })[0][0]).toBe(99_999);
});

test("CSV keeps commas, quotes and lines, and no spreadsheet takes a text for a formula", () => {
  expect(
    csvOf(
      ["a", "b,c"],
      [
        ["x\ny", '"q"'],
        ["=1+1", -1],
        [null, { k: 1 } as never],
      ],
    ),
  ).toBe('a,"b,c"\r\n"x\ny","""q"""\r\n\'=1+1,-1\r\n,"{""k"":1}"\r\n');
});

test("a word is found in keys and in values, with all that it lies in", () => {
  const hits = hitsIn({ one: [{ deep: "Ember" }, 2], ember: 1, no: null }, "ember");
  expect(hits.found).toBe(2);
  expect([...hits.paths]).toEqual(["$", "$.one", "$.one[0]", "$.one[0].deep", "$.ember"]);
  expect(hitsIn(null, "null").found).toBe(1);
});

test("a citation leads to the sentence that shares most with what cites it", () => {
  const answer = "Bread is old. The embers rest for twenty minutes [1]. Done.";
  const sentence = citing(answer, answer.indexOf("[1]"));
  expect(sentence).toBe("The embers rest for twenty minutes");
  const source = "Seams go below. The embers are raked out and rest for twenty minutes; then wipe. Loaves follow.";
  const [from, to] = citedIn(source, sentence)!;
  expect(source.slice(from, to)).toBe("The embers are raked out and rest for twenty minutes; then wipe.");
  expect(citedIn("Nothing of it.", "zzz qqq")).toBeNull();
  expect(citedIn(source, "")).toBeNull();
});

test("templates are filled as in Python: doubled braces are braces, unknown names stay", () => {
  expect(variablesIn("{a} {{b}} {a} {c_1} {} {1x}")).toEqual(["a", "c_1"]);
  expect(filledWith("{a} {{b}} {c}", { a: "{b}" })).toBe("{b} {b} {c}");
});
