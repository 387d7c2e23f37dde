import { test } from "node:test";

test("a timer throws while the test runs", { timeout: 5_000 }, async () => {
  setTimeout(() => {
    throw new Error("thrown by a timer");
  }, 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
});
