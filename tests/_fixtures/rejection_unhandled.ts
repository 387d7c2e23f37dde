import { test } from "node:test";

test("a rejection is left behind", { timeout: 5_000 }, () => {
  Promise.reject(new Error("rejected and left"));
});
