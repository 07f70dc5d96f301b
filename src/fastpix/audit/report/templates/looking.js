// Looking: filters, links to details that are closed, and print.

const fields = ["text", "status", "modality", "polarity", "burned"].map((name) => [
  name,
  document.getElementById(`filter-${name}`),
]);
const textOf = new Map(sections.map((section) => [section, section.textContent.toLowerCase()]));

function fits(section, name, value) {
  return name === "text" ? textOf.get(section).includes(value.toLowerCase()) : section.dataset[name] === value;
}

function filter() {
  let count = 0;
  for (const section of sections) {
    section.hidden = !fields.every(([name, { value }]) => !value.trim() || fits(section, name, value.trim()));
    document.querySelector(`[data-card="${section.dataset.source}"]`).hidden = section.hidden;
    count += section.hidden ? 0 : 1;
  }
  const all = `${sections.length} ${sections.length === 1 ? "source" : "sources"}`;
  document.getElementById("filter-shown").textContent = count === sections.length ? all : `${count} of ${all}`;
  document.getElementById("none-shown").hidden = count > 0;
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.matches("[data-source]")) goTo(target);
  for (let each = target; each; each = each.parentElement) {
    if (each.tagName === "DETAILS") each.open = true;
  }
}

for (const [, field] of fields) if (field) field.addEventListener("input", filter);
const form = document.querySelector(".filters");
if (form) form.addEventListener("submit", (event) => event.preventDefault());

window.addEventListener("hashchange", openTarget);
openTarget();

let closed = [];
window.addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("main details:not([open])")];
  for (const each of closed) each.open = true;
});
window.addEventListener("afterprint", () => {
  for (const each of closed) each.open = false;
});
