/** How the pages look: light and dark, on a phone and on a wall. */
export const STYLE: string = `
:root {
  color-scheme: light dark;
  --text: #1c1b22; --back: #ffffff; --faint: #5d5b68; --line: #d9d7e0; --panel: #f5f4f8;
  --good: #14683a; --bad: #b3141d; --read: #dbe9ff; --write: #ffe6cc; --lock: #e5dcff; --other: #e9e9ee; --shade: #00000030;
  --lane0: #1f6fd6; --lane1: #b8500b; --lane2: #1b7f4b; --lane3: #8a3ffc; --lane4: #a3155f; --lane5: #4d5a66;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #f0eff4; --back: #17161c; --faint: #aaa7b6; --line: #3b3945; --panel: #211f28;
    --good: #6fdc9c; --bad: #ff8f94; --read: #14345f; --write: #5a3305; --lock: #3c2a6e; --other: #33323b; --shade: #ffffff40;
    --lane0: #78b4ff; --lane1: #ffb067; --lane2: #6fdc9c; --lane3: #c6a4ff; --lane4: #ff94c8; --lane5: #b4bec8;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem clamp(1rem, 4vw, 4rem) 4rem; max-width: 90rem;
  font: clamp(1rem, 0.85rem + 0.45vw, 1.5rem)/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
}
h1 { line-height: 1.15; margin: 1rem 0; } h2 { margin-top: 2.5rem; } h3 { margin: 1.5rem 0 0.5rem; }
p, li { max-width: 70ch; }
a { color: inherit; }
a:focus-visible, button:focus-visible, [tabindex]:focus-visible, summary:focus-visible {
  outline: 3px solid var(--lane0); outline-offset: 2px;
}
code, pre, .step, .code, .where { font-family: ui-monospace, "DejaVu Sans Mono", monospace; }
pre { background: var(--panel); padding: 0.8rem; overflow-x: auto; font-size: 0.85em; border-radius: 0.3rem; }
table { border-collapse: collapse; } th { text-align: left; }
caption { text-align: left; color: var(--faint); }
/* A shadow at an edge says that there is more behind it; what has the colour of the page covers it at the end. */
.scroll {
  overflow-x: auto; position: relative;
  background:
    linear-gradient(to right, var(--back) 60%, transparent) 0 0 / 2rem 100% no-repeat local,
    linear-gradient(to left, var(--back) 60%, transparent) 100% 0 / 2rem 100% no-repeat local,
    linear-gradient(to right, var(--shade), transparent) 0 0 / 0.8rem 100% no-repeat scroll,
    linear-gradient(to left, var(--shade), transparent) 100% 0 / 0.8rem 100% no-repeat scroll;
}
.run .scroll { padding-bottom: 0.4rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.list td, .list th { padding: 0.35rem 0.8rem 0.35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.good { color: var(--good); font-weight: 600; white-space: nowrap; }
.bad { color: var(--bad); font-weight: 600; white-space: nowrap; }
.faint, .count, .keys { color: var(--faint); }
.stage { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
.stage .scroll { flex: 0 1 auto; max-width: 100%; }
.run table { font-size: 0.9em; }
.run thead th { padding: 0.2rem 0.6rem; border-bottom: 3px solid var(--line); }
.run tbody th { color: var(--faint); font-weight: 400; padding-right: 0.6rem; text-align: right; }
.run td { padding: 0.15rem 0.6rem; } .run .scroll td { white-space: nowrap; }
.run td.lane { background: linear-gradient(var(--line), var(--line)) 0.6rem 0 / 2px 100% no-repeat; }
${
  [0, 1, 2, 3, 4, 5].map((lane) =>
    `.run th.lane${lane} { border-color: var(--lane${lane}); color: var(--lane${lane}); }
.lane${lane} .step { border-left: 4px solid var(--lane${lane}); }`
  ).join("\n")
}
.step { display: inline-block; padding: 0.05rem 0.5rem; border-radius: 0.25rem; white-space: nowrap; }
.step.read { background: var(--read); } .step.write { background: var(--write); }
.step.lock { background: var(--lock); } .step.other { background: var(--other); }
tr.ahead .step, tr.ahead .note, tr.ahead .mark { opacity: 0.25; }
tr.now .step { outline: 3px solid currentColor; outline-offset: 1px; }
.breaks .step { box-shadow: 0 0 0 2px var(--bad); } .mark { color: var(--bad); font-weight: 700; margin-left: 0.4rem; }
.note { color: var(--bad); white-space: nowrap; }
.state { background: var(--panel); border-radius: 0.3rem; } .state caption { padding: 0.3rem 0; }
.state th, .state td { padding: 0.3rem 0.8rem; font-family: ui-monospace, "DejaVu Sans Mono", monospace; color: inherit; text-align: left; }
.state td { min-width: 6ch; } .state .changed { background: var(--write); }
.controls { display: flex; flex-wrap: wrap; gap: 0.4rem; align-items: center; margin: 0.4rem 0; }
.controls[hidden] { display: none; }
button { font: inherit; min-width: 2.75rem; min-height: 2.75rem; border: 1px solid var(--line); border-radius: 0.3rem; background: var(--panel); color: inherit; cursor: pointer; }
button[aria-disabled="true"] { opacity: 0.4; }
.code { overflow-wrap: anywhere; background: var(--panel); padding: 0.1rem 0.4rem; border-radius: 0.2rem; }
.variants { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 32rem), 1fr)); gap: 1.5rem; }
.variants > * { min-width: 0; }
.numbers td, .numbers th { padding: 0.35rem 0.8rem 0.35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.numbers td { min-width: 5.5rem; }
.curve { margin: 1rem 0; }
.chart { width: 52em; max-width: 100%; min-width: 38rem; } .cycle { width: 44em; max-width: 100%; min-width: 32rem; }
figure { margin: 1rem 0; }
.halo { paint-order: stroke; stroke: var(--back); stroke-width: 5px; }
.contents { columns: 20rem auto; padding-left: 1.2rem; } .contents li { break-inside: avoid; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 0 1.5rem; margin: 0.3rem 0; }
svg { max-width: 100%; height: auto; } svg text { fill: currentColor; font: 14px system-ui, sans-serif; }
@media (max-width: 40rem) {
  .list thead { display: none; }
  .list tr { display: flex; flex-wrap: wrap; gap: 0 0.6rem; padding: 0.5rem 0; border-bottom: 1px solid var(--line); }
  .list td, .list th { border: 0; padding: 0; } .list td:last-child { flex-basis: 100%; color: var(--faint); }
  .keys { display: none; } .run table { font-size: 0.75em; } .run td { padding: 0.15rem 0.3rem; }
}
@media (prefers-reduced-motion: no-preference) { tr .step, .note { transition: opacity 0.15s; } }
@media print { .controls { display: none; } }
`;
