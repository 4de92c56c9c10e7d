// Reads a chat stream as useChat does: DefaultChatTransport and readUIMessageStream of the AI SDK.
// Argument: the major version of `ai`. One JSON object on standard input asks, one on standard output answers:
//   {url | frames, messages, trigger?, message?, stopAfter?, resume?}
//   → {message, texts, error, status, ended, milliseconds}
// resume: the id of a chat whose answer is gone on with; `texts` stays empty and `ended` false when there is none.
// frames: what the server answered, for recorded streams. message: the answer that goes on. stopAfter: abort after so
// many states of the message. texts: its text at each state.
import { text } from 'node:stream/consumers';

const { DefaultChatTransport, readUIMessageStream } = await import(`ai-${process.argv[2]}`);
const ask = JSON.parse(await text(process.stdin));
const stop = new AbortController();
const recorded = async () => new Response(ask.frames, { headers: { 'content-type': 'text/event-stream' } });
const transport = new DefaultChatTransport({
  api: ask.url ?? 'http://recorded.invalid/api/chat',
  ...(ask.frames === undefined ? {} : { fetch: recorded }),
});

const answer = { message: null, texts: [], error: null, ended: false };
const began = performance.now();
try {
  const stream =
    ask.resume === undefined
      ? await transport.sendMessages({
          chatId: ask.chatId ?? 'chat-1',
          messageId: undefined,
          trigger: ask.trigger ?? 'submit-message',
          messages: ask.messages ?? [],
          abortSignal: stop.signal,
        })
      : await transport.reconnectToStream({ chatId: ask.resume });
  if (stream !== null) {
    const states = readUIMessageStream({ stream, message: ask.message, terminateOnError: true });
    for await (const message of states) {
      answer.message = message;
      answer.texts.push(message.parts.map((part) => part.text ?? '').join(''));
      if (answer.texts.length === ask.stopAfter) stop.abort();
    }
    answer.ended = true;
  }
} catch (error) {
  answer.error = `${error.name}: ${error.message}`;
}
answer.milliseconds = performance.now() - began;
process.stdout.write(JSON.stringify(answer));
process.exit(0);
