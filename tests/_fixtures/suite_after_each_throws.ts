import { afterEach, describe, test } from "node:test";

describe("a suite", () => {
  afterEach(() => {
    throw new Error("thrown by the suite's afterEach");
  });

  test("the hook after it throws", { timeout: 5_000 }, () => {});
});
