// A screen's own words at the right end of the header.
import { type ReactNode, useEffect, useState } from "react";
import { createPortal } from "react-dom";

export function HeaderSide({ children }: { children: ReactNode }) {
  const [place, setPlace] = useState<HTMLElement | null>(null);
  useEffect(() => setPlace(document.getElementById("lupus-header-side")), []);
  return place && createPortal(children, place);
}
