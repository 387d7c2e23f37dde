import { after, test } from "node:test";

after(() => {
  throw new Error("thrown by after");
});

test("the hook after the file throws", { timeout: 5_000 }, () => {});
