// Marks: what a person decides here, kept over a reload, and saved as sources.toml.

const given = JSON.parse(document.getElementById("audit-sources").textContent);
const sections = [...document.querySelectorAll("[data-source]")];
const sectionOf = new Map(sections.map((section) => [section.dataset.source, section]));
const entryOf = new Map(given.sources.map((entry) => [entry.id, entry]));
const nameField = document.getElementById("decided-by");
const storedAs = `fastpix-audit:${given.key}:${given.made}`;

let marks = {}; // id -> {status, note}: what differs from the file that the page began with
let saved = {}; // the same, when it was saved last

function asGiven(id) {
  return entryOf.get(id) || { id, what: "", status: "unseen", by: "", when: "", note: "" };
}

function markOf(id) {
  return marks[id] || { status: asGiven(id).status, note: asGiven(id).note };
}

function isSaved() {
  return JSON.stringify(marks) === JSON.stringify(saved);
}

function say(text) {
  document.getElementById("said").textContent = text;
}

function keep() {
  try {
    localStorage.setItem(storedAs, JSON.stringify({ marks, saved }));
  } catch {
    // A browser that stores nothing: marks last until the page is closed, and closing it warns.
  }
}

function remember() {
  let kept = null;
  try {
    kept = JSON.parse(localStorage.getItem(storedAs));
  } catch {
    return;
  }
  const known = (found) =>
    Object.fromEntries(
      Object.entries(found || {}).filter(
        ([id, mark]) => sectionOf.has(id) && mark && typeof mark.status === "string" && typeof mark.note === "string",
      ),
    );
  if (kept) [marks, saved] = [known(kept.marks), known(kept.saved)];
}

function setMark(id, change) {
  const mark = { ...markOf(id), ...change };
  const before = asGiven(id);
  const rest = Object.entries(marks).filter(([each]) => each !== id);
  if (mark.status !== before.status || mark.note !== before.note) rest.push([id, mark]);
  marks = Object.fromEntries(rest.sort(([one], [other]) => (one < other ? -1 : 1)));
  keep();
  show(id);
  showProgress();
}

function show(id) {
  const mark = markOf(id);
  const section = sectionOf.get(id);
  section.dataset.status = mark.status;
  for (const button of section.querySelectorAll("[data-mark]")) {
    button.setAttribute("aria-pressed", String(button.dataset.mark === mark.status));
  }
  const note = section.querySelector("[data-note]");
  if (note.value !== mark.note) note.value = mark.note;
  const word = document.querySelector(`[data-card="${id}"] [data-status-word]`);
  word.dataset.statusWord = mark.status;
  word.textContent = mark.status;
}

function showProgress() {
  const decided = sections.filter((section) => section.dataset.status !== "unseen").length;
  const unsaved = isSaved() ? "" : ", not saved yet";
  document.getElementById("decided-bar").value = decided;
  document.getElementById("decided-count").textContent = `${decided} of ${sections.length} decided${unsaved}`;
}

// All entries of the file, in its order; those that were marked are by who marks, of today.
function entries() {
  const by = nameField.value.trim();
  const ids = [...entryOf.keys(), ...given.shown.filter((id) => !entryOf.has(id))];
  return ids.map((id) => (marks[id] ? { ...asGiven(id), ...marks[id], by, when: today() } : asGiven(id)));
}

function textToSave() {
  if (Object.keys(marks).length && !nameField.value.trim()) {
    nameField.focus();
    say("A verdict is somebody’s: write your name first.");
    return null;
  }
  return tomlOf(given.head, entries());
}

function wasSaved(how) {
  saved = marks;
  keep();
  showProgress();
  say(`${how} Put it in the place of sources.toml beside this page; then: fastpix convert SRC DST --sources sources.toml`);
}

function download(text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/toml" }));
  link.download = "sources.toml";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

async function save() {
  const text = textToSave();
  if (text === null) return;
  if (window.showSaveFilePicker) {
    try {
      const types = [{ description: "TOML", accept: { "application/toml": [".toml"] } }];
      const handle = await window.showSaveFilePicker({ suggestedName: "sources.toml", types });
      const file = await handle.createWritable();
      await file.write(text);
      await file.close();
      wasSaved("Saved.");
      return;
    } catch (error) {
      if (error.name === "AbortError") {
        say("Not saved.");
        return;
      }
    }
  }
  download(text);
  wasSaved("sources.toml is among your downloads.");
}

async function copy() {
  const text = textToSave();
  if (text === null) return;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  wasSaved("Copied.");
}

for (const section of sections) {
  const id = section.dataset.source;
  for (const button of section.querySelectorAll("[data-mark]")) {
    button.addEventListener("click", () => setMark(id, { status: button.dataset.mark }));
  }
  section.querySelector("[data-note]").addEventListener("input", (event) => setMark(id, { note: event.target.value }));
}
document.getElementById("save-sources").addEventListener("click", save);
document.getElementById("copy-sources").addEventListener("click", copy);
window.addEventListener("beforeunload", (event) => {
  if (isSaved()) return;
  event.preventDefault();
  event.returnValue = true;
});

remember();
for (const id of sectionOf.keys()) show(id);
showProgress();
