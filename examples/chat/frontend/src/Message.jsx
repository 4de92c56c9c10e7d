// One message: its parts in their order. The server's tool `weather` has a card; a tool without one shows its JSON.
export function Message({ message, writing }) {
  return (
    <article
      className={`message ${message.role} ${writing ? 'writing' : ''}`}
      data-role={message.role}
      data-id={message.id}
    >
      {message.parts.map((part, index) => (
        <Part key={index} part={part} />
      ))}
    </article>
  );
}

function Part({ part }) {
  if (part.type === 'text') return <p>{part.text}</p>;
  if (part.type === 'reasoning') return <p className="reasoning">{part.text}</p>;
  if (part.type === 'tool-weather') return <Weather part={part} />;
  if (part.type.startsWith('tool-') || part.type === 'dynamic-tool') {
    return <pre className="tool">{JSON.stringify(part.output ?? part.input, null, 2)}</pre>;
  }
  return null;
}

function Weather({ part }) {
  const city = part.input?.city;
  const done = part.state === 'output-available';
  const state = done ? part.output.sky : part.state === 'output-error' ? part.errorText : `Asking for ${city ?? '…'}`;
  return (
    <section className={`tool weather ${done ? part.output.sky : 'waiting'}`} data-tool="weather" data-state={part.state}>
      <span className="sky" aria-hidden="true">
        {done ? <Sky name={part.output.sky} /> : <i className="spinner" />}
      </span>
      <span>
        <strong>{done ? part.output.city : 'Weather'}</strong>
        <small>{state}</small>
      </span>
      {done && <b>{part.output.degrees}°</b>}
    </section>
  );
}

const DROPS = {
  rainy: <path className="drops" d="M12 24v4M18 25v4M24 24v4" />,
  snowy: <path className="drops" d="M12 25.5v.1M18 28.5v.1M24 25.5v.1" />,
};

function Sky({ name }) {
  return (
    <svg viewBox="0 0 36 32">
      {name !== 'rainy' && name !== 'snowy' && (
        <circle className="sun" cx={name === 'sunny' ? 18 : 24} cy={name === 'sunny' ? 16 : 11} r="8" />
      )}
      {name !== 'sunny' && <path className="cloud" d="M10 22a6 6 0 1 1 1.2-11.9A7.5 7.5 0 0 1 25.6 12 5 5 0 0 1 26 22Z" />}
      {DROPS[name]}
    </svg>
  );
}
