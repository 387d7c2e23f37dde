/** The pages of a report in a real browser. */
import assert from "node:assert/strict";
import { after } from "node:test";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { writeReport } from "../../../lab/runners/report.ts";
import { findScenario } from "../../../lab/scenarios/mod.ts";
import { Folder } from "../../lib/_folder.ts";
import oppositeLocks from "../_scenarios/opposite_locks.ts";
import { browserTest } from "./_browser.ts";

const folder = new Folder();
after(() => folder[Symbol.dispose]());

let written: Promise<unknown> | undefined;

/** Opens a page of one report, which is made once. */
async function open(page: Page, name: string): Promise<void> {
  await (written ??= writeReport([findScenario("lost-update"), oppositeLocks], {
    out: folder.path,
    worlds: ["tasks"],
    time: 20,
    figures: "curve-tasks",
    command: "deno task lab report",
  }));
  await page.goto(pathToFileURL(folder.at(name)).href);
}

const DESKTOP = { width: 1280, height: 900 };

browserTest(
  "stepping changes the picture and what the shared objects hold",
  DESKTOP,
  async ({ page }) => {
    await open(page, "lost-update.html");
    const run = page.locator("#unguarded-run");
    const holds = run.locator('tr[data-object="counter"] td');
    const now = run.locator("tr[aria-current=step] th");
    const where = run.locator("[role=status]");
    assert.equal(await now.textContent(), "4");
    assert.equal(await holds.textContent(), "1");
    await run.getByLabel("Before the first step").click();
    assert.match((await where.textContent())!, /^before the first of 4 steps/);
    assert.equal(await now.count(), 0);
    assert.equal(await holds.textContent(), "0");
    const seen: (string | null)[] = [];
    for (let step = 1; step <= 4; step++) {
      await run.getByLabel("One step on").click();
      assert.equal(await now.textContent(), String(step));
      assert.match(
        (await where.textContent())!,
        new RegExp(`^step ${step} of 4: [AB]: (read|write) counter`),
      );
      assert.equal(await run.locator("tr.ahead").count(), 4 - step);
      seen.push(await holds.textContent());
    }
    assert.deepEqual(
      seen,
      ["0", "0", "1", "1"],
      "one of the two increments is lost before our eyes",
    );
  },
);

browserTest(
  "the keys step through the picture that has the focus, and no other",
  DESKTOP,
  async ({ page }) => {
    await open(page, "lost-update.html");
    const run = page.locator("#unguarded-run");
    const contrast = page.locator("#unguarded-contrast");
    await run.getByLabel("One step back").focus();
    for (
      const [key, at] of [["Home", 0], ["ArrowRight", 1], ["ArrowRight", 2], ["ArrowLeft", 1], [
        "End",
        4,
      ]] as const
    ) {
      await page.keyboard.press(key);
      assert.equal(await run.locator("tr[data-step]:not(.ahead)").count(), at, key);
    }
    assert.equal(await contrast.locator("tr.ahead").count(), 0);
    await page.keyboard.press("ArrowRight");
    assert.equal(await run.locator("tr.ahead").count(), 0, "past the end it stays there");
  },
);

browserTest("every control can be reached by Tab and has a name", DESKTOP, async ({ page }) => {
  await open(page, "lost-update.html");
  const names = await page.evaluate(() =>
    [...document.querySelectorAll("button")].map((button) =>
      button.getAttribute("aria-label") ?? button.textContent
    )
  );
  assert(names.length > 8 && names.every((name) => name !== null && name !== ""));
  const reached = new Set<string>();
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press("Tab");
    reached.add(
      await page.evaluate(() => {
        const { activeElement: element } = document;
        return element?.getAttribute("aria-label") ?? element?.textContent ?? "";
      }),
    );
  }
  assert(reached.has("One step on"), [...reached].join("; "));
});

browserTest("a deadlock is shown as a circle, in words too", DESKTOP, async ({ page }) => {
  await open(page, "opposite-locks.html");
  const circle = page.locator("figure svg").first();
  const label = await circle.getAttribute("aria-label");
  assert.match(label!, /A waits to enter write \w+, held by B \(write, since step \d+\)/);
  assert.match(label!, /B waits to enter write \w+, held by A/);
  assert.equal(await circle.locator("line").count(), 4);
  // Each arrow ends at the border of what it points to, where its tip is seen.
  const hidden = await circle.evaluate((svg) => {
    const boxes = [...svg.querySelectorAll("rect, ellipse")] as SVGGeometryElement[];
    return [...svg.querySelectorAll("line")].filter((line) =>
      boxes.some((box) => box.isPointInFill({ x: line.x2.baseVal.value, y: line.y2.baseVal.value }))
    ).length;
  });
  assert.equal(hidden, 0);
  // And what is said of it is not cut off.
  const cut = await circle.locator("text").evaluateAll((texts) =>
    (texts as SVGTextElement[]).filter((text) => {
      const { x, width } = text.getBBox();
      return x < 0 || x + width > text.ownerSVGElement!.viewBox.baseVal.width;
    }).length
  );
  assert.equal(cut, 0);
});

browserTest(
  "a curve is a chart, in words too, with its numbers below it",
  DESKTOP,
  async ({ page }) => {
    await open(page, "index.html");
    await page.getByRole("link", { name: "What it costs, and how it grows" }).click();
    const section = page.locator("section", { has: page.locator("#curve-tasks") });
    const label = await section.getByRole("img").getAttribute("aria-label");
    assert.match(
      label!,
      /^RwLock: \S+ [µn]s at 1, .*at 64; a chain of promises: \S+ [µn]s at 1, /,
    );
    const texts = async (selector: string) =>
      (await section.locator(selector).allTextContents()).map((text) => text.trim());
    assert.deepEqual(await texts(".legend li"), ["RwLock", "a chain of promises"]);
    assert.deepEqual(await texts("tbody th"), ["1", "4", "16", "64"]);
    // Higher is slower: the points of a line stand as its numbers say.
    const points = await section.locator("circle").evaluateAll((circles) =>
      circles.slice(0, 4).map((circle) => [
        Number(circle.getAttribute("cx")),
        Number(circle.getAttribute("cy")),
      ])
    );
    const xs = points.map(([x]) => x);
    assert.deepEqual(xs, xs.toSorted((a, b) => a - b));
    const times = [...label!.split(";")[0].matchAll(/([\d.]+) ([µn])s/g)].map(([, number, unit]) =>
      Number(number) * (unit === "µ" ? 1_000 : 1)
    );
    const slowest = times.indexOf(Math.max(...times));
    assert.equal(Math.min(...points.map(([, y]) => y)), points[slowest][1]);
  },
);

browserTest("the index leads to every page and back", DESKTOP, async ({ page }) => {
  await open(page, "index.html");
  for (const title of ["The lost update"]) {
    await page.locator("h2").getByRole("link", { name: title }).click();
    assert.equal(await page.locator("h1").textContent(), title);
    assert(await page.locator("pre code").count() >= 6);
    assert(await page.locator("figure svg").count() >= 1, "the chart");
    await page.getByRole("link", { name: "all scenarios" }).click();
  }
});

for (const setting of [{ width: 390, height: 800 }, { width: 1920, height: 1080, dark: true }]) {
  browserTest(`pages fit a window ${setting.width} pixels wide`, setting, async ({ page }) => {
    for (
      const name of ["index.html", "figures.html", "lost-update.html", "opposite-locks.html"]
    ) {
      await open(page, name);
      const wide = await page.evaluate(() =>
        document.documentElement.scrollWidth - document.documentElement.clientWidth
      );
      assert.equal(wide, 0, `${name} must be scrolled sideways`);
      const texts = await page.locator("svg text").evaluateAll((all) =>
        all.map((text) => ({
          text: text.textContent,
          // As it is shown: what a picture was drawn for is scaled to the room it has.
          size: parseFloat(getComputedStyle(text).fontSize) *
            (text as SVGTextElement).getScreenCTM()!.a,
        }))
      );
      for (const { text, size } of texts) {
        assert(size >= 10, `${text} is ${size} px high in ${name}`);
      }
      const contrast = await page.evaluate(() => {
        const { color, backgroundColor } = getComputedStyle(document.body);
        return [color, backgroundColor];
      });
      assert.notEqual(contrast[0], contrast[1]);
    }
  });
}
