// The virtual list: only the lines in sight are in the page, whatever the result's length.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import type { Range } from "../../api/queries";
import { useColumns } from "../../catalog/batches";
import { type Catalog, entry } from "../../catalog/catalog";
import { statusOf } from "../../shared/codes";
import { Failure } from "../../shared/states";
import { SeriesRow } from "./series-row";
import { useWidth } from "../../shared/width";

interface Props {
  catalog: Catalog;
  rows: Int32Array;
  at: number;
  range: Range;
  overlaid: readonly string[];
  onAt: (at: number) => void;
  address: (row: number) => string;
  onPin: (row: number) => void;
}

const ROW_HEIGHT = 54;

export function SeriesList({ catalog, rows, at, range, overlaid, onAt, address, onPin }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const width = useWidth(scroller);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 6,
  });
  const items = virtual.getVirtualItems();
  const batches = useColumns(catalog, rows, items[0]?.index ?? 0, items.at(-1)?.index ?? 0, range);
  useEffect(() => {
    if (at < rows.length) virtual.scrollToIndex(at, { align: "auto" });
  }, [at, rows, virtual]);
  const sparkWidth = width > 1050 ? 300 : width > 760 ? 200 : width > 520 ? 120 : 84;
  return (
    <>
      {batches.error !== null && <Failure error={batches.error} what="sparklines" retry={batches.retry} />}
      <div
        ref={scroller}
        className="l-list"
        role="grid"
        aria-label="Series, anomalies first"
        aria-rowcount={rows.length}
        aria-activedescendant={`lupus-series-${at}`}
        tabIndex={0}
      >
        <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {items.map((item) => {
            const row = rows[item.index]!;
            const one = entry(catalog, row);
            return (
              <div
                key={one.id}
                id={`lupus-series-${item.index}`}
                role="row"
                aria-rowindex={item.index + 1}
                aria-selected={item.index === at}
                className="l-series"
                style={{ height: ROW_HEIGHT, transform: `translateY(${item.start}px)` }}
                onClick={() => onAt(item.index)}
              >
                <SeriesRow
                  entry={one}
                  status={statusOf(catalog.status[row]!)}
                  score={catalog.score[row] ?? null}
                  value={catalog.value[row] ?? null}
                  columns={batches.find(one.id)}
                  to={address(row)}
                  sparkWidth={sparkWidth}
                  overlaid={overlaid.includes(one.id)}
                  onPin={() => onPin(row)}
                />
              </div>
            );
          })}
        </div>
      </div>
    </>
  );
}
