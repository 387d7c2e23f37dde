import { test } from "node:test";

test("an event listener throws while the test runs", { timeout: 5_000 }, () => {
  const target = new EventTarget();
  target.addEventListener("event", () => {
    throw new Error("thrown by a listener");
  });
  target.dispatchEvent(new Event("event"));
});
