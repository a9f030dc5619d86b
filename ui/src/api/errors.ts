// What went wrong with a request, in words for the person who waits for it.

/** A refused or failed request. `status` is 0 when no answer came. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly requestId: string,
    readonly detail: unknown = null,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** Forbidden and absent look alike: nobody learns what exists from the difference. */
  get isAbsent(): boolean {
    return this.status === 403 || this.status === 404;
  }

  get title(): string {
    if (this.status === 0) return "The server did not answer.";
    if (this.status === 409) return "Somebody else changed this in the meantime.";
    if (this.status === 503) return "The metric store cannot be read.";
    if (this.status >= 500) return "The server failed.";
    return "The server refused this.";
  }
}

/** The sentence in an answer's body: FastAPI's `detail` in any of its forms. */
export function sentence(body: unknown, status: number): string {
  const detail = body && typeof body === "object" && "detail" in body ? body.detail : body;
  if (typeof detail === "string" && detail) return detail.slice(0, 600);
  if (Array.isArray(detail)) {
    return detail
      .map((one: { loc?: unknown[]; msg?: string }) => `${(one.loc ?? []).slice(1).join(".")}: ${one.msg ?? ""}`)
      .join("; ")
      .slice(0, 600);
  }
  if (detail && typeof detail === "object" && "message" in detail) return String(detail.message).slice(0, 600);
  return `Status ${status}.`;
}
