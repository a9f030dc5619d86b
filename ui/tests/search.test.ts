import assert from "node:assert/strict";
import { test } from "node:test";
import { search, suggestions } from "../src/catalog/search";
import { parse, toggle, write } from "../src/catalog/tokens";
import { catalogOf, ROWS } from "./catalog";

const catalog = catalogOf(ROWS);
const rows = (text: string) => [...search(catalog, text).rows];

test("tokens: fields, bare words, quotes and minus", () => {
  const found = parse('project:flights -seg:"carrier=EV" delay -x:y');
  assert.deepEqual(
    found.map(({ field, value, negated }) => [field, value, negated]),
    [
      ["project", "flights", false],
      ["seg", "carrier=ev", true],
      [null, "delay", false],
      [null, "x:y", true],
    ],
  );
});

test("tokens: what is still being typed restricts nothing", () => {
  assert.deepEqual(parse("project: - "), []);
  assert.equal(parse('column:"air ti')[0]?.value, "air ti");
});

test("tokens: what is written is read back, whatever it holds", () => {
  for (const value of ["a", "a b", 'say "hi"', "back\\slash", "<img src=x>", "-minus", "a:b"]) {
    const [token] = parse(write("column", value));
    assert.equal(token?.value, value.toLowerCase());
    assert.equal(token?.field, "column");
  }
});

test("toggling a token twice changes nothing", () => {
  const once = toggle("mean", "column", "air time");
  assert.equal(once, 'mean column:"air time"');
  assert.equal(toggle(once, "column", "air time"), "mean");
});

test("every token must hold", () => {
  assert.deepEqual(rows(""), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(rows("project:flights"), [0, 1, 2, 3]);
  assert.deepEqual(rows("project:flights metric:mean"), [2, 3]);
  assert.deepEqual(rows("mean -seg:carrier=EV"), [3, 4]);
  assert.deepEqual(rows('column:"air time"'), [2]);
  assert.deepEqual(rows("column:dep_*"), [0, 3, 4]);
});

test("an exact word wins over words that hold it; else those are meant", () => {
  assert.deepEqual(rows("metric:mean"), [2, 3, 4, 5]);
  assert.deepEqual(rows("metric:roc"), [1]);
});

test("findings by score; of what is fine, what is called so first, and whole tables before their segments", () => {
  const found = catalogOf([
    ["flights", "evaluation", "predictions", "p_late", "log_loss", "carrier=EV", 2, 9],
    ["flights", "evaluation", "predictions", "p_late", "roc_auc", "carrier=EV", 2, 6],
    ["flights", "evaluation", "predictions", "p_late", "roc_auc", "carrier=UA", 0, 0.8],
    ["flights", "evaluation", "predictions", "p_late", "estimated_roc_auc", "", 0, 0.7],
    ["flights", "evaluation", "predictions", "p_late", "roc_auc", "", 0, 0.2],
    ["flights", "evaluation", "predictions", "p_late", "log_loss", "", 5, null],
  ]);
  assert.deepEqual([...search(found, "roc_auc").rows], [1, 4, 2, 3]);
  assert.deepEqual([...search(found, "").rows], [0, 1, 3, 4, 5, 2]);
});

test("the whole has a name", () => {
  assert.deepEqual(rows('seg:"(all)"'), [0, 1, 3, 4]);
});

test("sev:finding, sev:warn and verdict:", () => {
  assert.deepEqual(rows("sev:finding"), [0, 1, 2]);
  assert.deepEqual(rows("sev:warn"), [0, 1, 2, 3]);
  assert.deepEqual(rows("verdict:warn"), [3]);
  assert.deepEqual(rows("sev:high"), [0, 1, 2]);
});

test("sums and facets count what was found", () => {
  const found = search(catalog, "project:flights");
  assert.deepEqual([found.anomalies, found.warnings, found.missing], [2, 1, 1]);
  const facet = found.facets.find((one) => one.field === "group")!;
  assert.deepEqual(
    facet.values.map(({ shown, total, anomalies }) => [shown, total, anomalies]),
    [
      ["input", 3, 2],
      ["evaluation", 1, 1],
    ],
  );
  assert.equal(found.facets.find((one) => one.field === "project")?.values[0]?.chosen, true);
});

test("no hit names the token that empties the result", () => {
  assert.equal(search(catalog, "project:flights metric:nonsense").culprit?.value, "nonsense");
  assert.equal(search(catalog, "project:shop verdict:warn").culprit?.field, "project");
  assert.equal(search(catalog, "").culprit, null);
});

test("sorting by name and by value", () => {
  assert.deepEqual([...search(catalog, "project:flights", "value").rows], [3, 2, 1, 0]);
  assert.deepEqual([...search(catalog, "metric:mean", "name").rows], [2, 3, 4, 5]);
});

test("completion: fields, then their values", () => {
  assert.deepEqual(suggestions(catalog, "pro"), ["project:"]);
  assert.deepEqual(suggestions(catalog, "mean project:f"), ["project:flights"]);
  assert.deepEqual(suggestions(catalog, "column:air"), ['column:"air time"']);
  assert.deepEqual(suggestions(catalog, ""), []);
});

test("an empty catalogue", () => {
  const found = search(catalogOf([]), "anything");
  assert.equal(found.rows.length, 0);
  assert.equal(found.culprit, null);
});
