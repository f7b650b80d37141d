import { expect, it } from "vitest";
import { widthsOf } from "./table";

it("gives a column what it needs, and a long text what is left over", () => {
  const found = widthsOf(["row", "text"], [[1, "word ".repeat(400)]]);
  expect(found).toEqual({ width: 244, gridTemplateColumns: "minmax(64px, 64fr) minmax(180px, 960fr)" });
});

it("knows the widest of the first rows and the name", () => {
  expect(widthsOf(["a name", "b"], [["", "x".repeat(10)]]).gridTemplateColumns).toBe(
    "minmax(88px, 88fr) minmax(104px, 104fr)",
  );
});
