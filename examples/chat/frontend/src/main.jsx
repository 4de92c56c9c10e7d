import './schemas.js';
import { createRoot } from 'react-dom/client';
import { Chat } from './Chat.jsx';
import './chat.css';

// The address names the chat, so that a reload, or a second tab, shows the same one.
const address = new URL(location.href);
let id = address.searchParams.get('id');
if (!id) {
  id = crypto.randomUUID();
  address.searchParams.set('id', id);
  history.replaceState(null, '', address);
}

const response = await fetch(`/api/chat/${encodeURIComponent(id)}`);
const messages = response.ok ? (await response.json()).messages : [];
createRoot(document.getElementById('root')).render(<Chat id={id} initial={messages} />);
