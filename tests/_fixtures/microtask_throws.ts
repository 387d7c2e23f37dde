import { test } from "node:test";

test("a microtask throws while the test runs", { timeout: 5_000 }, async () => {
  queueMicrotask(() => {
    throw new Error("thrown by a microtask");
  });
  await new Promise((resolve) => setTimeout(resolve, 1));
});
