import { expect, test } from "vitest";
import { ago, date } from "./ago";

test("how long ago something was, in words", () => {
  const now = 1_800_000_000;
  expect(ago(now - 5, now)).toBe("just now");
  expect(ago(now + 5, now)).toBe("just now");
  expect(ago(now - 300, now)).toBe("5 min ago");
  expect(ago(now - 7300, now)).toBe("2 h ago");
  expect(ago(now - 400_000, now)).toMatch(/^\d{1,2} [A-Z][a-z]{2} 20\d\d$/);
});

test("dates are written as Python writes them", () => {
  const third = new Date(2026, 10, 3, 9, 5, 7).getTime() / 1000;
  expect(date(third)).toBe("3 Nov 2026");
  expect(date(third, true)).toBe("3 Nov 2026, 09:05:07");
});
