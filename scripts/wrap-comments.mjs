// Wraps comments at 100 columns, which the formatter leaves alone. Part of `npm run fix`.

const columnsMax = 100;

/** A comment that has its lines to itself, in three parts: lead, text and end. */
const commentLine = /^(\s*(?:\/\/|\/\*\*|\*(?!\/)) )(.*?)(\s*\*\/)?$/;

/** Text that starts something new and must not be joined to the line before it. */
const startsAnew = /^(\s|[-*|@#`]|\d+[.)] |biome-ignore|$)/;

/** @param {string} line */
function parts(line) {
  const [, lead = "", text = "", end = ""] = line.match(commentLine) ?? [];
  return { lead, text, end };
}

/** @param {string} lead what the lines after the first one of a comment start with */
function continuation(lead) {
  return lead.replace("/** ", " * ");
}

/**
 * @param {string} source
 * @returns {string} the same source, no line of a prose comment longer than the limit
 */
export function wrapComments(source) {
  const lines = source.split("\n");
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    if ([...line].length <= columnsMax) continue;
    const { lead, text, end } = parts(line);
    if (lead === "" || text.startsWith("|") || text.startsWith("biome-ignore")) continue;
    if (lead.trim() === "/**" && end !== "") {
      const indent = lead.slice(0, lead.indexOf("/"));
      lines.splice(at, 1, `${indent}/**`, `${indent} * ${text}`, `${indent} */`);
      continue;
    }
    const room = columnsMax - lead.length;
    const cut = text.lastIndexOf(" ", room);
    if (cut <= 0) continue;
    lines[at] = lead + text.slice(0, cut).trimEnd();
    const rest = text.slice(cut + 1);
    const hang = /^(?:[-*]|\d+[.)]) /.exec(text) ? "  " : (/^\s+/.exec(text)?.[0] ?? "");
    const next = parts(lines[at + 1] ?? "");
    const joins = end === "" && next.lead === continuation(lead) && !startsAnew.test(next.text);
    if (joins) lines[at + 1] = `${next.lead}${rest} ${next.text}${next.end}`;
    else lines.splice(at + 1, 0, `${continuation(lead)}${hang}${rest}${end}`);
  }
  return lines.join("\n");
}
