import { useEffect } from "react";

/** Airflow leaves the page's title alone, so a screen sets its own. */
export function useTitle(title: string): void {
  useEffect(() => {
    const before = document.title;
    document.title = title ? `${title} · Lupus` : "Lupus";
    return () => {
      document.title = before;
    };
  }, [title]);
}
