// The explorer's search text: tokens `field:value`, bare words, `-` in front of either. All must hold.

export const FIELDS = ["project", "group", "role", "table", "column", "metric", "seg", "tag", "sev", "verdict", "incident"] as const;
export type Field = (typeof FIELDS)[number];

export interface Token {
  /** Null for a bare word, which is looked for in the whole name. */
  field: Field | null;
  value: string;
  negated: boolean;
  /** Where it stands in the text. */
  start: number;
  end: number;
}

const TOKEN = /(-?)(?:([a-z_]+):)?(?:"((?:[^"\\]|\\.)*)"?|(\S*))/gy;

/** The tokens of `text`; what is no field is a bare word with its colon. */
export function parse(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at]!)) {
      at += 1;
      continue;
    }
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (!found || found[0] === "") break;
    const [whole, minus = "", name, quoted, bare = ""] = found;
    const end = at + whole.length;
    const value = quoted === undefined ? bare : quoted.replace(/\\(.)/g, "$1");
    const field = FIELDS.find((one) => one === name) ?? null;
    const written = name !== undefined && field === null ? `${name}:${value}` : value;
    // A lone minus, or a field whose value is still being typed, restricts nothing yet.
    if (written !== "") tokens.push({ field, value: written.toLowerCase(), negated: minus === "-", start: at, end });
    at = end;
  }
  return tokens;
}

/** `value` as it must be written behind its field. */
export function write(field: Field, value: string, negated = false): string {
  const plain = value !== "" && /^[^\s"]+$/.test(value);
  const text = plain ? value : `"${value.replace(/[\\"]/g, "\\$&")}"`;
  return `${negated ? "-" : ""}${field}:${text}`;
}

/** `text` with a token added, or without it when it is there already. */
export function toggle(text: string, field: Field, value: string, negated = false): string {
  const same = parse(text).find((one) => one.field === field && one.value === value.toLowerCase() && one.negated === negated);
  if (same) return `${text.slice(0, same.start)}${text.slice(same.end)}`.replace(/\s+/g, " ").trim();
  return `${text.trim()} ${write(field, value, negated)}`.trim();
}
