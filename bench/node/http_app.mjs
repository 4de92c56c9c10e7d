// node:http with no framework.
import http from 'node:http'
import fs from 'node:fs'
import { GUARDED, TOKEN, ORIGIN, FILE, FILE_SIZE, SMALL, SMALL_TEXT, rows, Order, created } from './meaning.mjs'

function json(res, status, text, extra) {
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...extra })
  res.end(text)
}

const cors = { 'access-control-allow-origin': ORIGIN, vary: 'Origin' }

http.createServer(async (req, res) => {
  const at = req.url.indexOf('?'), path = at < 0 ? req.url : req.url.slice(0, at)
  if (path === '/json') {
    if (!GUARDED) return json(res, 200, JSON.stringify(SMALL))
    if (req.headers.authorization !== TOKEN) return json(res, 401, '{}')
    return json(res, 200, JSON.stringify(SMALL), req.headers.origin === ORIGIN ? cors : undefined)
  }
  if (path === '/cached') return json(res, 200, SMALL_TEXT)
  if (path.startsWith('/users/')) {
    const query = new URLSearchParams(req.url.slice(at + 1))
    return json(res, 200, JSON.stringify({ id: Number(path.slice(7)), q: query.get('q'), limit: Number(query.get('limit')) }))
  }
  if (path === '/items') {
    const chunks = []
    for await (const chunk of req) chunks.push(chunk)
    return json(res, 201, JSON.stringify(created(Order.parse(JSON.parse(Buffer.concat(chunks).toString())))))
  }
  if (path === '/rows') return json(res, 200, JSON.stringify(rows()))
  if (path === '/sse') {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    for (let i = 0; i < 100; i++) res.write(`data: {"i":${i}}\n\n`)
    return res.end()
  }
  if (path === '/file') {
    res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': FILE_SIZE })
    return fs.createReadStream(FILE).pipe(res)
  }
  res.writeHead(404)
  res.end()
}).listen(Number(process.env.PORT), '127.0.0.1')
