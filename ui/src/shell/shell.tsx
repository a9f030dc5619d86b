// What surrounds every screen: navigation, help, toasts, and the notice that this tab is older than the server.
import { type ReactNode, useState } from "react";
import { NavLink, useSearchParams } from "react-router-dom";
import { useLatest, useRelease } from "../api/queries";
import { Toasts, undoLast } from "../shared/toast";
import { activeKeys, useKeys } from "../state/keys";
import { paths } from "../state/paths";
import { Help } from "./help";

const DESTINATIONS: { label: string; to: string; end: boolean }[] = [
  { label: "Overview", to: paths.overview(), end: true },
  { label: "Explorer", to: paths.explore(), end: false },
  { label: "Incidents", to: paths.incidents(), end: false },
  { label: "Dashboards", to: paths.dashboards(), end: false },
];

function Release() {
  const stale = useRelease();
  if (!stale) return null;
  return (
    <div className="l-notice" role="status">
      Lupus was upgraded while this tab was open.{" "}
      <button type="button" className="l-button" onClick={() => window.location.reload()}>
        Reload
      </button>
    </div>
  );
}

function Navigation({ onHelp }: { onHelp: () => void }) {
  const latest = useLatest();
  const open = latest.data?.open_incidents ?? 0;
  return (
    <header className="l-header">
      <nav aria-label="Lupus" className="l-nav">
        <span className="l-brand">Lupus</span>
        {DESTINATIONS.map(({ label, to, end }) => (
          <NavLink key={to} to={to} end={end}>
            {label}
            {label === "Incidents" && open > 0 && (
              <span className="l-count" aria-label={`, ${open} open`}>
                {open}
              </span>
            )}
          </NavLink>
        ))}
      </nav>
      <div className="l-header-side" id="lupus-header-side" />
      <button type="button" className="l-button l-quiet" onClick={onHelp} aria-label="Keyboard help" title="Keyboard help (?)">
        ?
      </button>
    </header>
  );
}

/** The frame. `?kiosk=1` leaves the screen alone on the page, for a wall or an embedding. */
export function Shell({ children }: { children: ReactNode }) {
  const [search] = useSearchParams();
  const kiosk = search.get("kiosk") === "1";
  const [help, setHelp] = useState(false);
  useKeys([
    { key: "?", label: "this help", run: () => setHelp((shown) => !shown) },
    { key: "z", label: "undo the last change", run: undoLast },
  ]);
  return (
    <div className={kiosk ? "lupus l-kiosk" : "lupus"}>
      {!kiosk && <Navigation onHelp={() => setHelp(true)} />}
      <Release />
      <main className="l-main">{children}</main>
      <Toasts />
      {help && <Help keys={activeKeys()} onClose={() => setHelp(false)} />}
    </div>
  );
}
