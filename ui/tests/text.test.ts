import assert from "node:assert/strict";
import { test } from "node:test";
import { dayToX, daysBetween, formatDay, formatInstant, isDay, rangeDays, shiftDay, shortDay, xToDay } from "../src/shared/days";
import { formatBand, formatScore, formatTick, formatValue, scoreShare, significant } from "../src/shared/units";

test("three significant digits", () => {
  const cases: [number, string, string][] = [
    [0.04321, "ratio", "4.32 %"],
    [0.5, "ratio", "50 %"],
    [1, "ratio", "100 %"],
    [0.99996, "ratio", "99.996 %"],
    [1, "rows", "1 row"],
    [12345, "rows", "12,345 rows"],
    [12_234_567, "rows", "12.2M rows"],
    [0.5712, "", "0.571"],
    [12.3456, "", "12.3"],
    [4321.5, "", "4,322"],
    [-0.000012345, "", "-1.23e-5"],
    [250, "ms", "250 ms"],
    [0, "", "0"],
    [Number.POSITIVE_INFINITY, "", "infinity"],
    [Number.NaN, "", "not a number"],
  ];
  for (const [value, unit, text] of cases) assert.equal(formatValue(value, unit), text);
  assert.equal(formatValue(null), "–");
  assert.equal(significant(1e18), "1.00e+18");
  assert.equal(formatTick(0.05, "ratio"), "5 %");
});

test("a band says its unit once, and may be open", () => {
  assert.equal(formatBand(0.041, 0.0523, "ratio"), "4.1 … 5.23 %");
  assert.equal(formatBand(null, 3, "ms"), "at most 3 ms");
  assert.equal(formatBand(900, null, "rows"), "at least 900 rows");
  assert.equal(formatBand(null, null), "");
});

test("score bars are logarithmic", () => {
  assert.equal(scoreShare(0), 0);
  assert.ok(scoreShare(3) < scoreShare(30) && scoreShare(30) < scoreShare(300));
  assert.equal(scoreShare(1e9), 1);
  assert.equal(formatScore(12.84), "12.8");
});

test("a business date is the same in every zone of the visitor", () => {
  for (const zone of ["Pacific/Kiritimati", "UTC", "Pacific/Pago_Pago", "America/New_York"]) {
    process.env.TZ = zone;
    for (const key of ["2013-03-10", "2013-11-03", "2024-02-29", "2013-12-31T23Z"]) {
      assert.equal(xToDay(dayToX(key)), key.slice(0, 10));
      assert.ok(isDay(key));
    }
    assert.equal(formatDay("2013-03-08"), "Fri 8 Mar 2013");
    assert.equal(shortDay("2013-03-08"), "8 Mar");
  }
  delete process.env.TZ;
});

test("arithmetic of days", () => {
  assert.equal(shiftDay("2013-03-01", -1), "2013-02-28");
  assert.equal(shiftDay("2013-12-31", 1), "2014-01-01");
  assert.equal(daysBetween("2013-03-08", "2013-03-08"), 1);
  assert.equal(daysBetween("2013-03-08", "2013-04-08"), 32);
  assert.deepEqual(["90d", "8w", "1y", "nonsense", "99999d", "0d"].map((one) => rangeDays(one, 7)), [90, 56, 365, 7, 7, 1]);
});

test("what is no day is none", () => {
  for (const key of ["", "2013-02-30", "yesterday", "2013-13-01", "<b>"]) assert.equal(isDay(key), false);
  assert.equal(formatDay("yesterday"), "yesterday");
});

test("an instant is in the visitor's zone", () => {
  const now = new Date("2026-11-29T12:00:00Z");
  assert.match(formatInstant("2026-11-29T07:42:11+00:00", now), /^\d\d:\d\d$/);
  assert.match(formatInstant("2025-01-02T07:42:11+00:00", now), /2 Jan 2025/);
  assert.equal(formatInstant(null), "–");
  assert.equal(formatInstant("nonsense"), "–");
});
