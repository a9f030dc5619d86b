import assert from "node:assert/strict";
import { test } from "node:test";
import type { Catalog } from "../src/catalog/catalog";
import { search } from "../src/catalog/search";
import { catalogOf } from "./catalog";

/** 100 projects of 1,000 series. */
function large(): Catalog {
  const rows: Parameters<typeof catalogOf>[0] = Array.from({ length: 100_000 }, (_, index) => [
    `project-${index % 100}`,
    ["input", "prediction", "evaluation", "business"][index % 4]!,
    `table_${index % 7}`,
    `f_${(index * 7) % 300}`,
    `metric_${(index * 13) % 40}`,
    index % 3 ? `country=${index % 30}` : "",
    index < 500 ? 2 : 0,
    1 / (1 + index),
  ]);
  return catalogOf(rows);
}

test("a hundred thousand series: every search finds what a plain loop finds", (t) => {
  const catalog = large();
  for (const text of ["", "f_1", "project:project-7", "metric:metric_3 -seg:country=1", "sev:finding project-4 f_2", "nothing-at-all"]) {
    const started = performance.now();
    const found = search(catalog, text);
    t.diagnostic(`"${text}": ${found.rows.length} series in ${(performance.now() - started).toFixed(1)} ms`);
    // Each once; what was found wrong is in the order of the catalogue.
    assert.equal(new Set(found.rows).size, found.rows.length);
    const wrong = found.rows.subarray(0, found.anomalies);
    assert.ok(wrong.every((row, at) => catalog.status[row] === 2 && (at === 0 || row > wrong[at - 1]!)));
  }
  const names = catalog.projects;
  const expected = catalog.project.flatMap((code, row) => (names[code] === "project-7" ? [row] : []));
  assert.deepEqual([...search(catalog, "project:project-7").rows].sort((a, b) => a - b), expected);
});
