import { test } from "node:test";

test("nothing goes wrong", { timeout: 5_000 }, () => {});
