// Keys: through the sources, and to mark them. None of them works while somebody types.

const markOfKey = { a: "accept", i: "invert", x: "exclude", u: "unseen" };
const help = document.querySelector(".help");
let current = null;

function goTo(section) {
  if (!section) return;
  if (current) current.removeAttribute("aria-current");
  current = section;
  current.setAttribute("aria-current", "true");
  current.querySelector("h3").focus({ preventScroll: true });
  current.scrollIntoView({ block: "start" });
}

function neighbour(step) {
  const shown = sections.filter((section) => !section.hidden);
  if (!shown.length) return null;
  const at = shown.indexOf(current);
  if (at < 0) return step > 0 ? shown[0] : shown[shown.length - 1];
  return shown[Math.min(Math.max(at + step, 0), shown.length - 1)];
}

function enlarge(section) {
  const button = section.querySelector("[data-larger]");
  if (!button) return;
  const large = section.dataset.large !== "true";
  section.dataset.large = String(large);
  button.setAttribute("aria-pressed", String(large));
}

function isTyping(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

document.addEventListener("keydown", (event) => {
  const { key } = event;
  const target = event.target instanceof Element ? event.target : document.body;
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (isTyping(target)) {
    if (key === "Escape") target.blur();
    return;
  }
  const scrolls = target.closest(".scroll") !== null; // arrows move wide tables
  if (key === "j" || (key === "ArrowRight" && !scrolls)) goTo(neighbour(1));
  else if (key === "k" || (key === "ArrowLeft" && !scrolls)) goTo(neighbour(-1));
  else if (key === "?") help.open = !help.open;
  else if (current && !current.hidden && key === "l") enlarge(current);
  else if (current && !current.hidden && key === "n") current.querySelector("[data-note]").focus();
  else if (current && !current.hidden && Object.hasOwn(markOfKey, key) && !event.repeat) {
    setMark(current.dataset.source, { status: markOfKey[key] });
    say(`No. ${sections.indexOf(current) + 1}: ${markOfKey[key]}`);
  } else return;
  event.preventDefault();
});

// Who works in a source with the mouse goes on with the keys from there.
for (const section of sections) {
  const button = section.querySelector("[data-larger]");
  if (button) button.addEventListener("click", () => enlarge(section));
  section.addEventListener("focusin", () => {
    if (section === current) return;
    if (current) current.removeAttribute("aria-current");
    current = section;
    current.setAttribute("aria-current", "true");
  });
}
