// The API, typed by its OpenAPI document. Same origin, same cookie: Airflow's login is ours.
import createClient from "openapi-fetch";
import { ApiError, sentence } from "./errors";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** Where Airflow lives: the page's base, whatever proxy stands before it. Without a slash at the end. */
export const AIRFLOW = new URL(".", document.baseURI).href.replace(/\/$/, "");

/** The address of something that the browser itself fetches: CSV, PNG. */
export function apiHref(path: string): string {
  return `${AIRFLOW}/lupus${path}`;
}

function logIn(): void {
  const next = new URLSearchParams({ next: window.location.href });
  window.location.replace(`${AIRFLOW}/api/v2/auth/login?${next}`);
}

export const api = createClient<paths>({ baseUrl: `${AIRFLOW}/lupus`, credentials: "same-origin" });

api.use({
  onRequest({ request }) {
    // No form of another site can send this header: it is what makes a cookie safe for writing.
    request.headers.set("X-Lupus-Request", "1");
    return request;
  },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer, or an `ApiError` with a sentence. Someone who is logged out goes to Airflow's login and back. */
export async function unwrap<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "Is Airflow running, and are you still connected?", "");
  }
  const { response } = answer;
  if (response.status === 401) {
    logIn();
    throw new ApiError(401, "You are logged out.", "");
  }
  if (!response.ok) {
    const body = answer.error as { request_id?: string; current?: unknown } | undefined;
    const requestId = body?.request_id ?? response.headers.get("X-Request-ID") ?? "";
    throw new ApiError(response.status, sentence(body, response.status), requestId, body?.current ?? null);
  }
  return answer.data as T;
}
