// The Markdown that people write on dashboards, as a tree. Raw HTML is text, and an address that could run something is none.

export type Inline =
  | string
  | { kind: "break" }
  | { kind: "code"; text: string }
  | { kind: "image"; src: string; alt: string }
  | { kind: "strong" | "em"; inside: Inline[] }
  | { kind: "link"; href: string; inside: Inline[] };

export type Block =
  | { kind: "rule" }
  | { kind: "code"; text: string }
  | { kind: "text"; inside: Inline[] }
  | { kind: "heading"; level: number; inside: Inline[] }
  | { kind: "quote"; inside: Block[] }
  | { kind: "list"; first: number | null; items: Block[][] };

const DEEPEST = 6;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/;
const RULE = /^ {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$/;
const FENCE = /^ {0,3}(`{3,}|~{3,})[^`]*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3}(?:[-*+]|(\d{1,9})[.)]))(?:[ \t]+|$)/;

function begins(line: string): boolean {
  return [HEADING, RULE, FENCE, QUOTE, ITEM].some((form) => form.test(line));
}

/** The blocks of `text`. */
export function parse(text: string): Block[] {
  return blocks(text.replace(/\r\n?/g, "\n").split("\n"), 0);
}

function blocks(lines: readonly string[], depth: number): Block[] {
  const found: Block[] = [];
  let at = 0;
  /** The lines from here on that `belong`, without what `strip` takes away. */
  const take = (belong: (line: string, index: number) => boolean, strip: (line: string) => string = (line) => line) => {
    const taken: string[] = [];
    while (at < lines.length && belong(lines[at]!, taken.length)) taken.push(strip(lines[at++]!));
    return taken;
  };
  while (at < lines.length) {
    const line = lines[at]!;
    const heading = HEADING.exec(line);
    const fence = FENCE.exec(line);
    const item = depth < DEEPEST ? ITEM.exec(line) : null;
    if (line.trim() === "") {
      at += 1;
    } else if (heading) {
      at += 1;
      found.push({ kind: "heading", level: heading[1]!.length, inside: inline(heading[2] ?? "") });
    } else if (RULE.test(line)) {
      at += 1;
      found.push({ kind: "rule" });
    } else if (fence) {
      at += 1;
      const inside = take((one) => !(one.trim().startsWith(fence[1]!) && /^[`~]+$/.test(one.trim())));
      at += 1;
      found.push({ kind: "code", text: inside.join("\n") });
    } else if (QUOTE.test(line) && depth < DEEPEST) {
      found.push({ kind: "quote", inside: blocks(take((one) => QUOTE.test(one), (one) => one.replace(QUOTE, "")), depth + 1) });
    } else if (item) {
      const numbered = item[2] !== undefined;
      const items: Block[][] = [];
      for (;;) {
        const next = at < lines.length && !RULE.test(lines[at]!) ? ITEM.exec(lines[at]!) : null;
        if (!next || (next[2] !== undefined) !== numbered) break;
        const first = lines[at++]!.slice(next[0].length);
        // What is indented belongs to the item, and so does a line that goes on with its text.
        const rest = take((one, index) => /^( {2,}|\t)/.test(one) || (one.trim() === "" ? /^( {2,}|\t)/.test(lines[at + 1] ?? "") : index >= 0 && lines[at - 1]!.trim() !== "" && !begins(one)), (one) => one.replace(/^(\t| {1,4})/, ""));
        items.push(blocks([first, ...rest], depth + 1));
        if (lines[at]?.trim() === "" && ITEM.test(lines[at + 1] ?? "")) at += 1;
      }
      found.push({ kind: "list", first: numbered ? Number(item[2]) : null, items });
    } else {
      const inside = take((one, index) => index === 0 || (one.trim() !== "" && !begins(one)), (one) => one.replace(/^[ \t]+/, ""));
      found.push({ kind: "text", inside: inline(inside.join("\n")) });
    }
  }
  return found;
}

const SPECIAL = /[\\`*_[!<\n]/g;
const TARGET = /^\(\s*<?([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)>?(?:\s+"[^"]*")?\s*\)/;

/** An address that may be followed: of the web, of mail, or of this very site. */
export function safe(address: string): string | null {
  // Browsers drop tabs and line ends inside of an address, and control characters before it.
  const plain = address.replace(/[\u0000-\u0020]/g, "");
  return /^(?:https?:|mailto:)/i.test(plain) || !/^[^/?#]*:/.test(plain) ? plain : null;
}

export function inline(text: string): Inline[] {
  const found: Inline[] = [];
  let from = 0;
  let at = 0;
  const put = (one: Inline, begin: number, end: number) => {
    if (begin > from) found.push(text.slice(from, begin));
    found.push(one);
    from = at = end;
  };
  /** Marks that have no partner further on: each is looked for once. */
  const alone = new Set<string>();
  while (at < text.length) {
    SPECIAL.lastIndex = at;
    const next = SPECIAL.exec(text);
    if (!next) break;
    at = next.index;
    const rest = text[at]!;
    if (rest === "\\") {
      if (text[at + 1] === "\n") put({ kind: "break" }, at, at + 2);
      else if (/[!-/:-@[-`{-~]/.test(text[at + 1] ?? "")) put(text[at + 1]!, at, at + 2);
      else at += 1;
    } else if (rest === "\n") {
      if (text.slice(from, at).endsWith("  ")) put({ kind: "break" }, at, at + 1);
      else at += 1;
    } else if (rest === "`") {
      const mark = /^`+/.exec(text.slice(at, at + 20))![0];
      const close = alone.has(mark) ? -1 : text.indexOf(mark, at + mark.length);
      if (close < 0) {
        alone.add(mark);
        at += mark.length;
      } else put({ kind: "code", text: text.slice(at + mark.length, close).replace(/^ (.+) $/, "$1") }, at, close + mark.length);
    } else if (rest === "*" || rest === "_") {
      const mark = text[at + 1] === rest ? rest + rest : rest;
      const close = alone.has(mark) ? -1 : closing(text, at, mark);
      if (close < 0) {
        if (close === -1) alone.add(mark);
        at += mark.length;
      } else put({ kind: mark.length === 2 ? "strong" : "em", inside: inline(text.slice(at + mark.length, close)) }, at, close + mark.length);
    } else if (rest === "<") {
      const link = /^<((?:https?:\/\/|mailto:)[^\s<>]{1,2000})>/i.exec(text.slice(at, at + 2010));
      if (link) put({ kind: "link", href: link[1]!, inside: [link[1]!] }, at, at + link[0].length);
      else at += 1;
    } else {
      const image = rest === "!";
      const begin = image ? at + 2 : at + 1;
      const close = image && text[at + 1] !== "[" ? -1 : text.indexOf("]", begin);
      const target = close < 0 ? null : TARGET.exec(text.slice(close + 1, close + 2100));
      const address = target && safe(target[1]!);
      if (target && address !== null) {
        const said = text.slice(begin, close);
        const end = close + 1 + target[0].length;
        put(image ? { kind: "image", src: address, alt: said } : { kind: "link", href: address, inside: inline(said) }, at, end);
      } else at += 1;
    }
  }
  if (from < text.length) found.push(text.slice(from));
  return found;
}

/** Where `mark`, which stands at `at`, ends; -1 when it stands nowhere again, -2 when it begins nothing here. */
function closing(text: string, at: number, mark: string): number {
  const word = /[\p{L}\p{N}]/u;
  const after = text[at + mark.length] ?? " ";
  // A name like p_late is no emphasis.
  if (/\s/.test(after) || (mark[0] === "_" && word.test(text[at - 1] ?? ""))) return -2;
  let close = text.indexOf(mark, at + mark.length);
  if (close < 0) return -1;
  for (let tries = 0; close >= 0 && tries < 100; tries++) {
    const inner = text[close - 1] ?? " ";
    const doubled = mark.length === 1 && text[close + 1] === mark;
    if (!doubled && close > at + mark.length && !/\s/.test(inner) && !(mark[0] === "_" && word.test(text[close + mark.length] ?? ""))) {
      return mark.length === 2 && text[close + 2] === mark[0] ? close + 1 : close; // of three the last two
    }
    close = text.indexOf(mark, close + (doubled ? 2 : 1));
  }
  return -2;
}
