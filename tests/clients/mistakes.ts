import { createClient } from "./client.ts";

const { api } = createClient("http://localhost:3000");

export async function mistakes(): Promise<void> {
  // @ts-expect-error: there is no such path
  await api.users.get();
  // @ts-expect-error: there is no such method
  await api.posts.put();
  // @ts-expect-error: page is a number
  await api.posts.get({ query: { page: "3" } });
  // @ts-expect-error: there is no such parameter
  await api.posts.get({ query: { pages: 3 } });
  // @ts-expect-error: a title is needed
  await api.posts.post({ body: { tags: [] } });
  // @ts-expect-error: a body is needed
  await api.posts.post();
  // @ts-expect-error: an id is a number
  await api.posts("one").get();
  // @ts-expect-error: a Date is a moment, and a day is a text
  await api.days(new Date()).get();
  // @ts-expect-error: the path has several segments
  await api.files("a").get();
  // @ts-expect-error: a file is a Blob
  await api.files.post({ form: { file: "text" } });
  // @ts-expect-error: a post has no such field
  (await api.posts(1).get()).name;
  // @ts-expect-error: a route that is left out
  await api.internal.get();
  const result = await api.posts(1).get().result();
  // @ts-expect-error: there is data only where the answer is good
  result.data.title;
  if (result.ok) result.data.title;
  // @ts-expect-error: a status that it never has
  if (result.status === 418) return;
}
