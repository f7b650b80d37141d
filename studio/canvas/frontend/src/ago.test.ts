import { expect, test } from "vitest";
import { ago } from "./ago";

test("how long ago something was, in words", () => {
  const now = 1_800_000_000;
  expect(ago(now - 5, now)).toBe("just now");
  expect(ago(now + 5, now)).toBe("just now");
  expect(ago(now - 300, now)).toBe("5 min ago");
  expect(ago(now - 7300, now)).toBe("2 h ago");
  expect(ago(now - 400_000, now)).toMatch(/^\d{1,2} [A-Z][a-z]{2} 20\d\d$/);
});
