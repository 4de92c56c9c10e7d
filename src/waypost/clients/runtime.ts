/** One mistake in what was sent: where, what, and a name for it. */
export interface ApiIssue {
  path: (string | number)[];
  message: string;
  code: string;
}

/** An event of a `text/event-stream`. */
export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

/** What stands for one part of a path. */
export type Segment = string | number | boolean | bigint | Date;

/** What every method takes besides its own arguments. */
export interface RequestOptions extends Omit<RequestInit, "method" | "body" | "headers"> {
  headers?: Record<string, unknown>;
}

export interface ClientOptions {
  /** Where the application is, as `https://api.example.com`; in a browser nothing means "where the page is from". */
  baseUrl?: string;
  /** Headers of every request, or a function that gives them. */
  headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>);
  /** `include` sends cookies to another origin. */
  credentials?: RequestCredentials;
  /** In place of the global fetch. */
  fetch?: (input: string, init: RequestInit) => Promise<Response>;
}

type Status<S> = S extends number ? S : number;

/** An answer whatever its status: `if (result.ok) … else if (result.status === 404) …`. */
export type Result<Good, Bad> =
  | { [S in keyof Good]: { ok: true; status: Status<S>; data: Good[S]; error?: undefined; response: Response } }[keyof Good]
  | { [S in keyof Bad]: { ok: false; status: Status<S>; data?: undefined; error: Bad[S]; response: Response } }[keyof Bad];

/** A request under way. Awaited it is the data, and an ApiError is thrown for a status of 400 or more. */
export interface Call<Good, Bad> extends Promise<Good[keyof Good]> {
  /** The answer with its status; throws only when there is none. */
  result(): Promise<Result<Good, Bad>>;
  /** The Response, unread: for streams and headers. */
  response(): Promise<Response>;
}

/** An answer with a status of 400 or more. */
export class ApiError extends Error {
  override name = "ApiError";

  constructor(
    readonly status: number,
    /** The body: JSON where it was JSON, else text. */
    readonly body: unknown,
    readonly response: Response,
  ) {
    super(messageOf(body) ?? `The answer has the status ${status}`);
  }

  /** What was wrong with the request, for a 400 that says it. */
  get issues(): ApiIssue[] {
    const issues = isRecord(this.body) ? this.body["issues"] : undefined;
    return Array.isArray(issues) ? (issues as ApiIssue[]) : [];
  }
}

/** The application at `options`, or at an address: `const { api } = createClient("http://localhost:3000")`. */
export function createClient(options: ClientOptions | string = {}): Client {
  const settings = typeof options === "string" ? { baseUrl: options } : options;
  return at([], settings) as unknown as Client;
}

type Any = Record<string, unknown>;

interface Options extends RequestOptions {
  query?: Record<string, unknown>;
  body?: unknown;
  form?: FormData | Record<string, unknown>;
  raw?: BodyInit;
}

const METHODS = new Set(["get", "post", "put", "patch", "delete"]);

/** A path that grows with each name, and becomes a request with a method's. */
function at(parts: readonly Segment[], settings: ClientOptions, verb?: string, owner: readonly Segment[] = []): unknown {
  const follow = (value: Segment | readonly Segment[] | Options | undefined) =>
    verb === undefined
      ? at([...parts, ...(Array.isArray(value) ? value : [value as Segment])], settings)
      : send(verb, owner, (value ?? {}) as Options, settings);
  return new Proxy(follow, {
    get(_, name) {
      // A promise would be asked for `then`; this is none.
      if (typeof name !== "string" || name === "then") return undefined;
      if (METHODS.has(name)) return at([...parts, name], settings, name, parts);
      return at([...parts, name.startsWith("$") ? name.slice(1) : name], settings);
    },
  });
}

function send(verb: string, parts: readonly Segment[], options: Options, settings: ClientOptions): Call<Any, Any> {
  const response = request(verb, parts, options, settings);
  let reading: Promise<unknown> | undefined;
  // A body can be read once, however often it is asked for.
  const body = () => (reading ??= response.then(read));
  const data = async () => {
    const answer = await response;
    if (answer.status >= 400) throw new ApiError(answer.status, await body(), answer);
    return body();
  };
  return {
    then: (resolve, reject) => data().then(resolve, reject),
    catch: (reject) => data().catch(reject),
    finally: (done) => data().finally(done),
    [Symbol.toStringTag]: "Call",
    response: () => response,
    result: async () => {
      const answer = await response;
      const { status } = answer;
      const result = status < 400 ? { ok: true, status, data: await body() } : { ok: false, status, error: await body() };
      return { ...result, response: answer } as Result<Any, Any>;
    },
  };
}

async function request(
  verb: string, parts: readonly Segment[], options: Options, settings: ClientOptions,
): Promise<Response> {
  const { query, body, form, raw, headers: given, ...init } = options;
  const common = typeof settings.headers === "function" ? await settings.headers() : settings.headers;
  const headers = new Headers(common);
  if (!headers.has("accept")) headers.set("accept", "application/json, */*;q=0.8");
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value !== undefined && value !== null) headers.set(name, text(value));
  }
  let payload: BodyInit | undefined = raw;
  if (form !== undefined) payload = form instanceof FormData ? form : formOf(form);
  if (body !== undefined) {
    payload = JSON.stringify(body);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
  }
  const search = searchOf(query ?? {});
  const url = (settings.baseUrl ?? BASE_URL).replace(/\/+$/, "") + pathOf(parts) + (search && `?${search}`);
  const sent: RequestInit = { ...init, method: verb.toUpperCase(), headers };
  if (payload !== undefined) sent.body = payload;
  if (settings.credentials !== undefined && sent.credentials === undefined) sent.credentials = settings.credentials;
  return (settings.fetch ?? fetch)(url, sent);
}

function pathOf(parts: readonly Segment[]): string {
  const path = parts.map((part) => {
    const value = text(part);
    if (value === "" || value === "." || value === "..") throw new TypeError(`${JSON.stringify(value)} is no part of a path`);
    return `/${encodeURIComponent(value)}`;
  }).join("");
  return path === "" || TRAILING_SLASH ? `${path}/` : path;
}

function searchOf(query: Record<string, unknown>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== undefined && item !== null) search.append(name, text(item));
    }
  }
  return search.toString();
}

function formOf(fields: Record<string, unknown>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item === undefined || item === null) continue;
      if (item instanceof Blob) form.append(name, item);
      else form.append(name, text(item));
    }
  }
  return form;
}

function text(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value);
}

async function read(response: Response): Promise<unknown> {
  const kind = (response.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (response.status === 204 || response.status === 205 || response.status === 304 || response.body === null) return undefined;
  if (kind === "text/event-stream" && response.ok) return eventsOf(response.body);
  if (kind === "application/json" || kind.endsWith("+json")) return response.json();
  if (kind === "" || kind.startsWith("text/")) return (await response.text()) || undefined;
  return response.blob();
}

/** The events of a stream. Source: HTML standard, "Interpreting an event stream". */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let buffer = "";
  let event: ServerEvent = { id: "", event: "message", data: "" };
  let seen = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      buffer += decoder.decode(value, { stream: true });
      const lines = buffer.split(/\r\n|\n|\r(?=[^])/);
      buffer = lines.pop()!;
      for (const line of lines) {
        if (line === "") {
          if (seen) yield { ...event, data: event.data.slice(0, -1) };
          event = { id: event.id, event: "message", data: "" };
          seen = false;
        }
        const colon = line.indexOf(":");
        const field = colon < 0 ? line : line.slice(0, colon);
        const content = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "data") { event.data += `${content}\n`; seen = true; }
        else if (field === "event") event.event = content;
        else if (field === "id") event.id = content;
      }
    }
  } finally {
    // Who stops listening ends the request.
    await reader.cancel().catch(() => undefined);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function messageOf(body: unknown): string | undefined {
  return isRecord(body) && typeof body["error"] === "string" ? body["error"] : undefined;
}
