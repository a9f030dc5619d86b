// What a screen shows instead of data: still loading, nothing there, refused, broken. Each says what to do next.
import { type ReactNode, useEffect, useState } from "react";
import { ApiError } from "../api/errors";

/** Grey bars, only when the wait is long enough to be noticed (150 ms). */
export function Skeleton({ lines = 6, height }: { lines?: number; height?: number }) {
  const [shown, show] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => show(true), 150);
    return () => clearTimeout(timer);
  }, []);
  if (!shown) return <div className="l-skeleton" style={{ height }} />;
  return (
    <div className="l-skeleton" role="status" aria-label="Loading" style={{ height }}>
      {Array.from({ length: lines }, (_, index) => (
        <div key={index} style={{ width: `${90 - ((index * 37) % 50)}%` }} />
      ))}
    </div>
  );
}

/** Nothing is there, and that is no error: what it would be, and how it comes to be. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="l-empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** An error in the place of what failed; the rest of the page goes on. */
export function Failure({ error, retry, what }: { error: unknown; retry?: () => void; what: string }) {
  if (error instanceof ApiError && error.isAbsent) {
    return (
      <Empty title={`There is no such ${what}, or you may not see it.`}>
        <p>If a colleague sent you here, ask for the right to read the project's Dag in Airflow.</p>
      </Empty>
    );
  }
  const known = error instanceof ApiError;
  // A question that has no answer is no failure of anything.
  if (known && error.status === 422) return <p className="l-muted">{error.message}</p>;
  return (
    <div className="l-failure" role="alert">
      <p>
        <strong>{known ? error.title : `The ${what} could not be shown.`}</strong> {known ? error.message : String(error)}
      </p>
      <p className="l-muted">
        {retry && (
          <button type="button" className="l-button" onClick={retry}>
            Try again
          </button>
        )}
        {known && error.requestId && <span> Request {error.requestId}</span>}
      </p>
    </div>
  );
}

interface Loaded<T> {
  data: T | undefined;
  error: unknown;
  isPlaceholderData?: boolean;
  isFetching?: boolean;
  refetch: () => unknown;
}

/** The three states of a query. Old data stays, dimmed, while new data is on its way. */
export function Show<T>({ query, what, lines, children }: {
  query: Loaded<T>;
  what: string;
  lines?: number;
  children: (data: T) => ReactNode;
}) {
  const retry = () => void query.refetch();
  if (query.data === undefined) {
    return query.error ? <Failure error={query.error} retry={retry} what={what} /> : <Skeleton lines={lines} />;
  }
  return (
    <div className={query.isPlaceholderData && query.isFetching ? "l-stale" : undefined} aria-busy={query.isPlaceholderData || undefined}>
      {query.error !== null && query.error !== undefined && <Failure error={query.error} retry={retry} what={what} />}
      {children(query.data)}
    </div>
  );
}
