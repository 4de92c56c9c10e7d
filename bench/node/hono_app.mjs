// Hono on its Node server, as its documentation writes it.
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import fs from 'node:fs'
import { Readable } from 'node:stream'
import { GUARDED, TOKEN, ORIGIN, FILE, FILE_SIZE, SMALL, SMALL_TEXT, rows, Order, created, sseStream } from './meaning.mjs'

const app = new Hono()
if (GUARDED) {
  app.use('*', cors({ origin: ORIGIN }))
  app.use('*', async (c, next) => {
    if (c.req.header('authorization') !== TOKEN) return c.json({ error: 'unauthorized' }, 401)
    await next()
  })
}
const sse = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }
const binary = { 'content-type': 'application/octet-stream', 'content-length': String(FILE_SIZE) }
app.get('/json', (c) => c.json(SMALL))
app.get('/cached', (c) => c.body(SMALL_TEXT, 200, { 'content-type': 'application/json' }))
app.get('/users/:id', (c) => c.json({ id: Number(c.req.param('id')), q: c.req.query('q'), limit: Number(c.req.query('limit')) }))
app.post('/items', async (c) => c.json(created(Order.parse(await c.req.json())), 201))
app.get('/rows', (c) => c.json(rows()))
app.get('/sse', () => new Response(sseStream(), { headers: sse }))
app.get('/file', () => new Response(Readable.toWeb(fs.createReadStream(FILE)), { headers: binary }))
serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' })
