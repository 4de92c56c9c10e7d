// Imported before the AI SDK, whose schemas would else try eval(), which the page's Content-Security-Policy refuses.
import { config } from 'zod';

config({ jitless: true });
