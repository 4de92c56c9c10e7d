import { useChat } from '@ai-sdk/react';
import { useEffect, useRef, useState } from 'react';
import { Message } from './Message.jsx';

const IDEAS = ['What is the weather in Oslo?', 'Tell me a long story', 'What can you do?', 'Fail, please'];

export function Chat({ id, initial }) {
  const [input, setInput] = useState('');
  const { messages, sendMessage, regenerate, stop, status, error } = useChat({
    id,
    messages: initial,
    // Asks GET /api/chat/{id}/stream for the answer that is being made to the last question.
    resume: initial.at(-1)?.role === 'user',
  });
  const busy = status === 'submitted' || status === 'streaming';
  const last = messages.at(-1);

  function send(text) {
    if (!text.trim() || busy) return;
    sendMessage({ text });
    setInput('');
  }

  // stop() alone leaves the stream, as a reload does, and the model would go on.
  function stopAnswer() {
    fetch(`/api/chat/${encodeURIComponent(id)}/stream`, { method: 'DELETE' });
    stop();
  }

  return (
    <div className="chat">
      <header>
        <h1>
          <span className="mark" aria-hidden="true" /> Chat
        </h1>
        <a className="button" href="/chat">
          New chat
        </a>
      </header>
      <Scroller follow={messages}>
        {messages.length === 0 && <Welcome onPick={send} />}
        {messages.map((message) => (
          <Message key={message.id} message={message} writing={status === 'streaming' && message === last} />
        ))}
        {status === 'submitted' && (
          <div className="message assistant" aria-label="The assistant is thinking">
            <div className="thinking">
              <i />
              <i />
              <i />
            </div>
          </div>
        )}
        {error && (
          <div className="error" role="alert">
            <span>{textOf(error)}</span>
            <button type="button" onClick={() => regenerate()}>
              Try again
            </button>
          </div>
        )}
        {!busy && !error && last?.role === 'assistant' && (
          <button type="button" className="quiet" data-action="regenerate" onClick={() => regenerate()}>
            ↻ Regenerate
          </button>
        )}
      </Scroller>
      <form
        className="composer"
        onSubmit={(event) => {
          event.preventDefault();
          send(input);
        }}
      >
        <textarea
          aria-label="Message"
          autoFocus
          placeholder="Write a message"
          rows={1}
          value={input}
          onChange={(event) => setInput(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
              event.preventDefault();
              send(input);
            }
          }}
        />
        {busy ? (
          <button type="button" data-action="stop" aria-label="Stop" onClick={stopAnswer}>
            <svg viewBox="0 0 16 16" aria-hidden="true">
              <rect x="4" y="4" width="8" height="8" rx="1.5" />
            </svg>
          </button>
        ) : (
          <button type="submit" aria-label="Send" disabled={!input.trim()}>
            <svg viewBox="0 0 16 16" aria-hidden="true">
              <path d="M8 13V3.5M3.8 7.5 8 3.3l4.2 4.2" />
            </svg>
          </button>
        )}
      </form>
    </div>
  );
}

function Welcome({ onPick }) {
  return (
    <section className="welcome">
      <h2>How can I help?</h2>
      <div className="ideas">
        {IDEAS.map((idea) => (
          <button key={idea} type="button" onClick={() => onPick(idea)}>
            {idea}
          </button>
        ))}
      </div>
    </section>
  );
}

// Keeps the end in view, unless the reader has scrolled away from it.
function Scroller({ follow, children }) {
  const element = useRef(null);
  const atEnd = useRef(true);
  useEffect(() => {
    if (atEnd.current) element.current.scrollTop = element.current.scrollHeight;
  }, [follow]);
  return (
    <main
      ref={element}
      aria-live="polite"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < 48;
      }}
    >
      <div className="messages">{children}</div>
    </main>
  );
}

// An error of the stream is a sentence for the reader; one of the request, as too many of them, is JSON.
function textOf(error) {
  try {
    return JSON.parse(error.message).error;
  } catch {
    return error.message;
  }
}
