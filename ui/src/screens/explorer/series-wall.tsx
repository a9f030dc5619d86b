// The same result as a wall of small charts.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import { Link } from "react-router-dom";
import type { Range } from "../../api/queries";
import { useColumns } from "../../catalog/batches";
import { type Catalog, entry } from "../../catalog/catalog";
import { statusOf } from "../../shared/codes";
import { Failure } from "../../shared/states";
import { SmallChart } from "../../shared/small-chart";
import { useWidth } from "../../shared/width";
import { SeriesName } from "./series-row";

interface Props {
  catalog: Catalog;
  rows: Int32Array;
  at: number;
  range: Range;
  onAt: (at: number) => void;
  address: (row: number) => string;
}

const TALL = 176;
const NARROWEST = 300;

export function SeriesWall({ catalog, rows, at, range, onAt, address }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const width = useWidth(scroller);
  const across = Math.max(1, Math.floor((width - 16) / NARROWEST));
  const virtual = useVirtualizer({
    count: Math.ceil(rows.length / across),
    getScrollElement: () => scroller.current,
    estimateSize: () => TALL + 10,
    overscan: 1,
  });
  const items = virtual.getVirtualItems();
  const first = (items[0]?.index ?? 0) * across;
  const last = Math.min(rows.length - 1, ((items.at(-1)?.index ?? 0) + 1) * across - 1);
  const batches = useColumns(catalog, rows, first, last, range);
  useEffect(() => {
    if (at < rows.length) virtual.scrollToIndex(Math.floor(at / across), { align: "auto" });
  }, [at, across, rows, virtual]);
  return (
    <>
      {batches.error !== null && <Failure error={batches.error} what="charts" retry={batches.retry} />}
      <div ref={scroller} className="l-list" role="region" aria-label="Charts, anomalies first" tabIndex={0}>
        <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {items.map((item) => (
            <div
              key={item.index}
              className="l-wall-row"
              style={{ transform: `translateY(${item.start}px)`, gridTemplateColumns: `repeat(${across}, minmax(0, 1fr))` }}
            >
              {Array.from(rows.subarray(item.index * across, (item.index + 1) * across), (row, offset) => {
                const one = entry(catalog, row);
                const place = item.index * across + offset;
                return (
                  <div key={one.id} className={place === at ? "l-panel l-card l-card-at" : "l-panel l-card"} onClick={() => onAt(place)}>
                    <SmallChart
                      title={
                        <Link to={address(row)}>
                          <SeriesName entry={one} />
                        </Link>
                      }
                      side={one.project}
                      name={[one.metric, one.column, one.segment].filter(Boolean).join(" ")}
                      status={statusOf(catalog.status[row]!)}
                      unit={one.unit}
                      columns={batches.find(one.id)}
                      height={TALL - 46}
                    />
                  </div>
                );
              })}
            </div>
          ))}
        </div>
      </div>
    </>
  );
}
