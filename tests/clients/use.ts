import { strict as assert } from "node:assert";
import { openAsBlob } from "node:fs";
import { ApiError, createClient, type Post } from "./client.ts";

const url = process.argv[2]!;
const { api } = createClient({ baseUrl: url, headers: async () => ({ "x-client": "test" }) });

// Queries, repeated values, typed answers
const page = await api.posts.get({ query: { page: 3, tag: ["a", "b & c"] } });
const first: Post = page.data[0]!;
assert.deepEqual([page.page, page.asked, first.title], [3, ["a", "b & c"], "Hello"]);
assert.equal((await api.posts.get()).page, 1);

// Bodies and statuses
const made = await api.posts.post({ body: { title: "New" } }).result();
assert.equal(made.status, 201);
assert.ok(made.ok);
assert.equal(made.data.kind, "draft");

const twice = api.posts(1).get();
assert.deepEqual((await twice.result()).data, await twice);

// A segment, 204 and text
const one: { id: number; title: string } = await api.posts(1).get();
assert.equal(one.title, "Hello");
assert.equal(await api.posts(1).delete(), undefined);
assert.equal(await api.words.get(), "just text");
assert.equal(((await api.bytes.get()) as Blob).size, 2);

assert.deepEqual(await api.days("2026-02-03").get(), { day: "2026-02-03" });
assert.deepEqual(await api.moments(new Date("2026-02-03T04:05:06Z")).get(), { year: 2026 });

// Errors: thrown, or as a result that knows its statuses
try {
  await api.posts.post({ body: { title: "" } });
  assert.fail("it must not pass");
} catch (error) {
  assert.ok(error instanceof ApiError);
  assert.equal(error.status, 400);
  assert.equal(error.message, "Validation failed");
  assert.deepEqual(error.issues[0]!.path, ["title"]);
}
const missing = await api.posts(7).get().result();
if (missing.ok) assert.fail("there is no such post");
else if (missing.status === 404) assert.equal(missing.error.error, "Not found");
else assert.fail(`status ${missing.status}`);

// Names that are methods, names that are no identifiers, several segments
assert.deepEqual(await api["blog-posts"].$delete.get(), { deleted: false });
assert.deepEqual(await api.files(["a b", "c/d", 1]).get(), { path: ["a b", "c/d", "1"] });
await assert.rejects(api.files([".."]).get(), TypeError);

// Forms
const told = await api.files.post({ form: { file: new File(["abc"], "a.txt"), note: "n", more: [new Blob(["x"]), new Blob(["y"])] } });
assert.deepEqual(told, { name: "a.txt", size: 3, note: "n", more: 2 });
const form = new FormData();
form.set("file", await openAsBlob(process.argv[1]!), "use.ts");
assert.equal((await api.files.post({ form })).name, "use.ts");

// What a handler without annotations takes
const echo = await api.echo.put({ body: { deep: [1, null] }, headers: { "x-note": "hi" } });
assert.deepEqual(echo, { body: { deep: [1, null] }, note: "hi", agent: "test" });
const tags = await api.tags.get({ headers: { "x-tag": ["a", "b c"], "x-number": [1, 2], "x-flag": true } });
assert.deepEqual(tags, { x_tag: ["a", "b c"], x_number: [1, 2], x_flag: true });

const raw = await api.echo.patch({ raw: "plain", headers: { "content-type": "text/csv" } });
assert.deepEqual(raw, { text: "plain", type: "text/csv" });

// Streams
const numbers: unknown[] = [];
for await (const event of (await api.events.get()) as AsyncIterable<{ data: string }>) numbers.push(JSON.parse(event.data).number);
assert.deepEqual(numbers, [0, 1, 2]);
const response = await api.events.get().response();
assert.equal(response.headers.get("content-type")?.split(";")[0], "text/event-stream");
await response.body!.cancel();

// Cancelling, and a fetch of one's own
await assert.rejects(api.posts.get({ signal: AbortSignal.abort() }), { name: "AbortError" });
const asked: string[] = [];
const other = createClient({
  baseUrl: `${url}/`,
  credentials: "include",
  fetch: (input, init) => { asked.push(`${init.method} ${input} ${init.credentials}`); return fetch(input, init); },
});
await other.api.posts(1).get();
assert.deepEqual(asked, [`GET ${url}/api/posts/1 include`]);
console.log("done");
