const { data } = await (await fetch("/api/posts")).json();

for (const post of data) {
  const article = document.createElement("article");
  // textContent, never innerHTML: a post is text that somebody else wrote.
  article.appendChild(document.createElement("h2")).textContent = post.title;
  article.appendChild(document.createElement("p")).textContent = post.content;
  document.getElementById("posts").append(article);
}
