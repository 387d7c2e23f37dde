import { test } from "node:test";

const thrown = Promise.withResolvers<void>();

test("a timer outlives its test", { timeout: 5_000 }, () => {
  setTimeout(() => {
    thrown.resolve();
    throw new Error("thrown by a timer of the test before");
  }, 1);
});

test("the next test is running when it throws", { timeout: 5_000 }, () => thrown.promise);
