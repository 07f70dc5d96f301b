// The text of sources.toml: the same that fastpix.sources.verdict_writing writes.

function quoted(text) {
  const whole = text.replace(
    /[\uD800-\uDBFF][\uDC00-\uDFFF]|[\uD800-\uDFFF]/g,
    (found) => (found.length === 2 ? found : "?"), // half of a surrogate pair is no character
  );
  return JSON.stringify(whole).replaceAll("\u007f", "\\u007f");
}

function table(entry) {
  const lines = [`\n[sources.${entry.id}]`];
  if (entry.what) lines.push(`what = ${quoted(entry.what)}`);
  lines.push(`status = ${quoted(entry.status)}`, `by = ${quoted(entry.by)}`);
  if (entry.when) lines.push(`when = ${entry.when}`);
  lines.push(`note = ${quoted(entry.note)}`);
  return lines.join("\n") + "\n";
}

function tomlOf(head, entries) {
  return head + entries.map(table).join("");
}

function today() {
  const now = new Date();
  const two = (number) => String(number).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}
