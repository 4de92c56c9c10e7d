// `npm run build` bundles src/main.jsx into ../public/assets: chat.js, chat.css and the licences of what is in them.
// The first line of chat.js names the sources that it was made of, so that a test can tell when it is out of date.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const here = new URL('./', import.meta.url);
const SOURCES = ['package-lock.json', 'vite.config.js', ...readdirSync(new URL('src/', here)).map((name) => `src/${name}`)];

function digest() {
  const hash = createHash('sha256');
  for (const name of SOURCES.toSorted()) {
    hash.update(`${name}\0`).update(readFileSync(new URL(name, here))).update('\0');
  }
  return hash.digest('hex');
}

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: '../public/assets',
    emptyOutDir: true,
    copyPublicDir: false,
    modulePreload: false,
    license: { fileName: 'licenses.md' },
    rolldownOptions: {
      input: 'src/main.jsx',
      output: {
        entryFileNames: 'chat.js',
        assetFileNames: 'chat.[ext]',
        postBanner: `/* built from ${digest()} */`,
      },
    },
  },
  // `npm run dev` shows the page with hot reload; the API is that of `waypost dev`.
  server: { proxy: { '/api': 'http://localhost:3000' } },
});
