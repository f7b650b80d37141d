import type { Node } from "@xyflow/react";
import { expect, test } from "vitest";
import { mapOver } from "./overview";

const at = (x: number, y: number): Node => ({
  id: `${x}`,
  type: "box",
  position: { x, y },
  data: {},
  width: 240,
  height: 100,
});
const view = { transform: [0, 0, 1] as [number, number, number], width: 1000, height: 600 };

const OPEN = { left: 0, right: 0 };

test("the map is there where not all is in view, and lies over no node", () => {
  expect(mapOver([], view, OPEN)).toBe("no");
  expect(mapOver([at(0, 0), at(700, 450)], view, OPEN)).toBe("no");
  expect(mapOver([at(0, 0), at(1200, 100)], view, OPEN)).toBe("free");
  expect(mapOver([at(-100, 0), at(700, 450)], view, OPEN)).toBe("covers");
  expect(mapOver([{ ...at(700, 450), hidden: true }, at(-100, 0)], view, OPEN)).toBe("free");
});

test("it stands beside the dock, and what is beneath the dock is not in view", () => {
  expect(mapOver([at(0, 0), at(700, 100)], view, { left: 0, right: 400 })).toBe("free");
  expect(mapOver([at(-10, 0), at(400, 500)], view, { left: 0, right: 400 })).toBe("covers");
});
