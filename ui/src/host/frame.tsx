// What Lupus needs around it on a page of Airflow's.
import { QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { client } from "../api/queries";
import { Toasts } from "../shared/toast";
import { Boundary } from "../shell/boundary";
import { addStyle } from "../shared/styles";
import style from "./host.css?inline";

addStyle(style);

export function Frame({ children }: { children: ReactNode }) {
  return (
    <QueryClientProvider client={client}>
      <div className="lupus l-tab">
        <Boundary what="part">{children}</Boundary>
        <Toasts />
      </div>
    </QueryClientProvider>
  );
}
