// What a screen shows is in its address: every choice is a query parameter, so that a link, a reload and "back" keep it.
import { useCallback } from "react";
import { useSearchParams } from "react-router-dom";

/** Changes several parameters at once; an empty value takes one away. A new entry of the history unless `replace`. */
export function useSetParams(): (changes: Record<string, string | null>, replace?: boolean) => void {
  const [, setSearch] = useSearchParams();
  return useCallback(
    (changes, replace = false) =>
      setSearch(
        (before) => {
          const after = new URLSearchParams(before);
          for (const [name, value] of Object.entries(changes)) {
            if (value) after.set(name, value);
            else after.delete(name);
          }
          return after;
        },
        { replace, preventScrollReset: true },
      ),
    [setSearch],
  );
}

/** One parameter with its default, which is left out of the address. */
export function useParam(name: string, fallback = ""): [string, (value: string, replace?: boolean) => void] {
  const [search] = useSearchParams();
  const change = useSetParams();
  const set = useCallback(
    (value: string, replace = false) => change({ [name]: value === fallback ? null : value }, replace),
    [change, name, fallback],
  );
  return [search.get(name) ?? fallback, set];
}
