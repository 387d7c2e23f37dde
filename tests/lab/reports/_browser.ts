/**
 * A real browser, Debian's `chromium`, for the tests that look at pages. Where there is none they are
 * skipped, and one line says so; in CI they fail.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { chromium, type Page } from "playwright-core";

const COMMAND = process.env.INTERLOCK_CHROMIUM ?? "/usr/bin/chromium";
const found = spawnSync(COMMAND, ["--version"]).status === 0;
const inCi = process.env.CI !== undefined && process.env.CI !== "";
if (!found && !inCi) {
  console.log(`  no ${COMMAND} on this machine: the tests that need it are skipped`);
}

/** What a test is handed. */
export interface Window {
  readonly page: Page;
  /** What went wrong in the page, and what it asked for that is not a file. */
  readonly complaints: string[];
}

/** How wide a window is, and how it is set up. */
export interface Setting {
  readonly width: number;
  readonly height: number;
  readonly dark?: boolean;
}

/** A test with a window of its own. */
export function browserTest(
  name: string,
  setting: Setting,
  fn: (window: Window) => Promise<void>,
): void {
  test(name, { timeout: 120_000, skip: !found && !inCi }, async () => {
    assert(found, `${COMMAND} is not on this machine, and in CI it must be`);
    const { width, height, dark = false } = setting;
    const browser = await chromium.launch({ executablePath: COMMAND, args: ["--no-sandbox"] });
    try {
      const page = await browser.newPage({
        viewport: { width, height },
        colorScheme: dark ? "dark" : "light",
      });
      const complaints: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(`console: ${message.text()}`);
      });
      page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
      page.on("request", (request) => {
        if (!/^(file|data):/.test(request.url())) complaints.push(`request: ${request.url()}`);
      });
      await fn({ page, complaints });
      assert.deepEqual(complaints, []);
    } finally {
      await browser.close();
    }
  });
}
