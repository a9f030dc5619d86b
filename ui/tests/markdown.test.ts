import assert from "node:assert/strict";
import { test } from "node:test";
import { inline, parse, safe } from "../src/shared/markdown";

const em = (...inside: unknown[]) => ({ kind: "em", inside });
const strong = (...inside: unknown[]) => ({ kind: "strong", inside });
const text = (...inside: unknown[]) => ({ kind: "text", inside });

test("words: strong, emphasis, code, links, pictures, ends of lines", () => {
  assert.deepEqual(inline("Look **here *now***, at `a*b`."), ["Look ", strong("here ", em("now")), ", at ", { kind: "code", text: "a*b" }, "."]);
  assert.deepEqual(inline("[the **docs**](/docs?a=(1) \"t\") <https://x.example/a>"), [
    { kind: "link", href: "/docs?a=(1)", inside: ["the ", strong("docs")] },
    " ",
    { kind: "link", href: "https://x.example/a", inside: ["https://x.example/a"] },
  ]);
  assert.deepEqual(inline("![plan](https://x.example/p.png)"), [{ kind: "image", src: "https://x.example/p.png", alt: "plan" }]);
  assert.deepEqual(inline("one  \ntwo\\\nthree"), ["one  ", { kind: "break" }, "two", { kind: "break" }, "three"]);
});

test("names of columns are no emphasis, and a lone mark is itself", () => {
  for (const plain of ["p_late and roc_auc_score", "3 * 4 * 5", "a ** b", "**open", "`open", "[no link] (x)", "5 < 6", "!"]) {
    assert.equal(inline(plain).join(""), plain);
  }
  assert.deepEqual(inline("_so_ and \\*not\\*").map((one) => (typeof one === "string" ? one : one.kind)).join("|"), "em| and |*|not|*");
});

test("HTML is text, and an address that could run something is none", () => {
  for (const evil of ["<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "[a](javascript:alert(1))", "[a](JaVaScRiPt:alert(1))", "![a](data:text/html,x)", "[a](vbscript:x)"]) {
    assert.equal(inline(evil).join(""), evil);
  }
  for (const address of ["javascript:x", "java\nscript:x", "\u0001javascript:x", " data:x", "x:y", "file:///etc/passwd"]) assert.equal(safe(address), null);
  for (const address of ["https://x.example", "mailto:a@x.example", "/p?q=a:b", "#here", "explore?q=project:flights", "../d/mornings"]) assert.equal(safe(address), address);
});

test("blocks: headings, rules, code, quotes", () => {
  assert.deepEqual(parse("# Read me #\n\nfirst\nline\n***\n```yaml\na: *b*\n\n```\n> said\n> so"), [
    { kind: "heading", level: 1, inside: ["Read me"] },
    text("first\nline"),
    { kind: "rule" },
    { kind: "code", text: "a: *b*\n" },
    { kind: "quote", inside: [text("said\nso")] },
  ]);
  assert.deepEqual(parse("```\nnever closed"), [{ kind: "code", text: "never closed" }]);
  assert.deepEqual(parse(" \n\t\n"), []);
});

test("lists, one in the other", () => {
  assert.deepEqual(parse("- one\n  goes on\n- two\n  1. first\n  2. second\n\nafter"), [
    {
      kind: "list",
      first: null,
      items: [[text("one\ngoes on")], [text("two"), { kind: "list", first: 1, items: [[text("first")], [text("second")]] }]],
    },
    text("after"),
  ]);
  assert.deepEqual(parse("3. three\n\n4. four"), [{ kind: "list", first: 3, items: [[text("three")], [text("four")]] }]);
});

test("nothing that fits into a widget takes long or goes deep", () => {
  for (const part of ["*", "**a", "_", "`", "[", "![", "<", "> ", "- ", "a_", "(", "\\", "# ", "`a", "[a](", "**a*"]) {
    const long = part.repeat(Math.ceil(20_000 / part.length)).slice(0, 20_000);
    assert.ok(JSON.stringify(parse(long)).length > 0);
    assert.ok(parse(`${part}\n`.repeat(4000)).length >= 0);
  }
});
