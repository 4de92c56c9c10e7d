// The guide's page without React: what `useChat` of the AI SDK does, in the forty lines that this page needs of it.
const [login, chat, problem] = ["login", "chat", "problem"].map((id) => document.getElementById(id));
const messages = [];

function show(message) {
  const line = document.createElement("div");
  const role = document.createElement("strong");
  const text = document.createTextNode("");
  role.textContent = `${message.role}: `;
  line.append(role, text);
  document.getElementById("messages").append(line);
  const update = () => (text.data = message.parts.map((part) => part.text).join("")); // text, never HTML
  update();
  return update;
}

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  problem.textContent = response.ok ? "" : (await response.json()).error;
  return response;
}

async function* chunks(response) {
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const events = (rest + text).split("\n\n");
    rest = events.pop();
    for (const event of events) if (event !== "data: [DONE]") yield JSON.parse(event.slice("data: ".length));
  }
}

async function send(text) {
  messages.push({ id: crypto.randomUUID(), role: "user", parts: [{ type: "text", text }] });
  show(messages.at(-1));
  const response = await post("/api/chat", { messages });
  if (!response.ok) return void messages.pop();
  const answer = { id: crypto.randomUUID(), role: "assistant", parts: [{ type: "text", text: "" }] };
  const update = show(answer);
  messages.push(answer);
  for await (const chunk of chunks(response)) {
    if (chunk.type === "text-delta") answer.parts[0].text += chunk.delta;
    if (chunk.type === "error") problem.textContent = chunk.errorText;
    update();
  }
}

function enter() {
  login.hidden = true;
  chat.hidden = false;
}

login.addEventListener("submit", async (event) => {
  event.preventDefault();
  if ((await post("/api/login", Object.fromEntries(new FormData(login)))).ok) enter();
});

chat.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = chat.elements.text.value;
  chat.reset();
  await send(text);
});

if ((await fetch("/api/profile")).ok) enter();
