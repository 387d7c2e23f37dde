/** The script of the pages: steps through the pictures. Plain, so that it runs from a file. */
export const PLAYER: string = String.raw`
"use strict";
for (const run of document.querySelectorAll(".run")) {
  const { steps, states } = JSON.parse(run.querySelector("script").textContent);
  const rows = [...run.querySelectorAll("tr[data-step]")];
  const cells = [...run.querySelectorAll(".state tr td")];
  const where = run.querySelector(".where");
  const controls = run.querySelector(".controls");
  const buttons = Object.fromEntries(
    [...controls.querySelectorAll("button")].map((button) => [button.dataset.go, button]),
  );
  let at = steps.length;
  const show = (step, moved) => {
    at = Math.max(0, Math.min(steps.length, step));
    rows.forEach((row, i) => {
      row.classList.toggle("ahead", i >= at);
      row.classList.toggle("now", i === at - 1);
      if (i === at - 1) row.setAttribute("aria-current", "step");
      else row.removeAttribute("aria-current");
    });
    states[at].forEach(([holds, changed], i) => {
      cells[i].textContent = holds;
      cells[i].classList.toggle("changed", changed);
    });
    where.textContent = at === 0
      ? "before the first of " + steps.length + " steps"
      : "step " + at + " of " + steps.length + ": " + steps[at - 1];
    for (const name of ["first", "back"]) buttons[name].setAttribute("aria-disabled", at === 0);
    for (const name of ["on", "last"]) {
      buttons[name].setAttribute("aria-disabled", at === steps.length);
    }
    if (moved && at > 0) rows[at - 1].scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const go = {
    first: () => show(0, true),
    back: () => show(at - 1, true),
    on: () => show(at + 1, true),
    last: () => show(steps.length, true),
  };
  const keys = { ArrowRight: "on", ArrowLeft: "back", Home: "first", End: "last" };
  for (const [name, button] of Object.entries(buttons)) button.addEventListener("click", go[name]);
  run.addEventListener("keydown", (event) => {
    const name = keys[event.key];
    if (name === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    go[name]();
  });
  controls.hidden = false;
  show(steps.length, false);
}
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "copied";
  });
}
`;
