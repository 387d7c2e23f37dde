import { afterEach, test } from "node:test";

afterEach(() => {
  throw new Error("thrown by afterEach");
});

test("the hook after it throws", { timeout: 5_000 }, () => {});
