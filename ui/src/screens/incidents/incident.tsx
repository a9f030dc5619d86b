// The page of one incident: where a link in Slack leads.
import { useNavigate, useParams } from "react-router-dom";
import { CopyLink } from "../../shared/copy";
import { Show } from "../../shared/states";
import { useKeys } from "../../state/keys";
import { paths } from "../../state/paths";
import { useTitle } from "../../state/title";
import { ActionBar, useActions } from "./actions";
import { IncidentView } from "./incident-view";
import { useIncident } from "./queries";

export function Incident() {
  const { id = "" } = useParams();
  const query = useIncident(id);
  const navigate = useNavigate();
  const { actions, dialog } = useActions(query.data?.summary);
  useTitle(query.data ? query.data.summary.title : "Incident");
  useKeys([{ key: "u", label: "up to all incidents", run: () => navigate(paths.incidents()) }]);
  return (
    <Show query={query} what="incident" lines={10}>
      {(incident) => (
        <>
          <IncidentView incident={incident}>
            <div className="l-row l-between l-screen-only">
              <ActionBar incident={incident.summary} actions={actions} />
              <CopyLink />
            </div>
          </IncidentView>
          {dialog}
        </>
      )}
    </Show>
  );
}
