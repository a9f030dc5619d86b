// Airflow mounts an app twice on the page that loads its script: first inside a lazy component, and at its own next
// rendering, which any change of the address causes, as the plain global. React takes that for another component and
// throws the first one's state away: an open dialog, a half-written remark. So the address is replaced by itself at
// once, before there is anything to lose.
import { useLayoutEffect } from "react";
import { useLocation, useNavigate } from "react-router-dom";

let settled = false;

export function useSettledHost(): void {
  const here = useLocation();
  const navigate = useNavigate();
  useLayoutEffect(() => {
    if (settled) return;
    settled = true;
    navigate(here, { replace: true, state: here.state, preventScrollReset: true });
  }, [here, navigate]);
}
